"""The local book begins, continues and breaks exactly where Binance's rule says."""

from decimal import Decimal

import pytest

from orderkit.paper.contracts import instruments
from orderkit.paper.sources.depth_book import DepthBook, SequenceGap
from orderkit.paper.sources.frames import DepthDiff, DepthSnapshot

BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")


def diff(first: int, last: int, previous: int) -> DepthDiff:
    """A diff that leaves its last id as the quantity of the one bid."""
    return DepthDiff("BTCUSDT", first, last, previous, last, [(Decimal(100), Decimal(last))], [])


def snapshot(last: int) -> DepthSnapshot:
    return DepthSnapshot(last, last, [(Decimal(100), Decimal(last))], [(Decimal(101), Decimal(1))])


def shown(book: DepthBook) -> Decimal:
    touch = book.touch()
    assert touch is not None
    return touch[0][1]


FIRST_DIFFS = [
    ("ends before the snapshot", (5, 9, 4), 10),
    ("ends at the snapshot", (5, 10, 4), 10),
    ("reaches over the snapshot", (5, 12, 4), 12),
    ("begins at the snapshot", (10, 12, 9), 12),
    ("begins right behind it", (11, 12, 10), 12),
    ("begins later, with nothing of this book in between", (14, 15, 10), 15),
    ("begins later, and one before it is missing", (14, 15, 12), None),
]


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(
    ("ids", "quantity"), [row[1:] for row in FIRST_DIFFS], ids=[row[0] for row in FIRST_DIFFS]
)
def test_the_first_diff_has_to_meet_the_snapshot(
    ids: tuple[int, int, int], quantity: int | None, waits: bool
) -> None:
    """Whether it came before the snapshot (and waits) or after it."""
    book = DepthBook(BTC)
    if waits:
        assert book.diff(diff(*ids)) is None
        begun = book.snapshot(snapshot(10))
        assert (begun is not None) == book.is_synced == (quantity is not None)
    else:
        book.snapshot(snapshot(10))
        if quantity is None:
            with pytest.raises(SequenceGap):
                book.diff(diff(*ids))
        else:
            book.diff(diff(*ids))
    if quantity is not None:
        assert shown(book) == quantity


def test_a_diff_follows_the_one_before_it_by_pu_alone() -> None:
    book = DepthBook(BTC)
    book.snapshot(snapshot(10))
    book.diff(diff(8, 12, 7))
    book.diff(diff(20, 25, 12))
    with pytest.raises(SequenceGap, match="pu 26 does not follow u 25"):
        book.diff(diff(27, 30, 26))
    assert not book.is_synced


def test_the_first_diff_alone_may_reach_back() -> None:
    book = DepthBook(BTC)
    book.snapshot(snapshot(10))
    book.diff(diff(8, 12, 7))
    with pytest.raises(SequenceGap):
        book.diff(diff(8, 14, 7))


def test_the_diff_after_a_gap_waits_for_the_snapshot_that_mends_it() -> None:
    book = DepthBook(BTC)
    book.snapshot(snapshot(10))
    with pytest.raises(SequenceGap):
        book.diff(diff(15, 20, 14))
    assert book.diff(diff(21, 22, 20)) is None
    assert book.snapshot(snapshot(13)) is None
    begun = book.snapshot(snapshot(17))
    assert begun is not None
    assert begun.snapshot
    assert begun.bids == ((Decimal(100), Decimal(22)),)
    assert begun.time_ms == 22


def test_a_gap_among_the_waiting_diffs_cannot_be_bridged_by_a_snapshot_before_it() -> None:
    book = DepthBook(BTC)
    book.diff(diff(8, 12, 7))
    book.diff(diff(15, 20, 14))
    assert book.snapshot(snapshot(10)) is None
    assert book.snapshot(snapshot(18)) is not None
    assert shown(book) == 20


def test_a_cut_stream_leaves_nothing_waiting() -> None:
    book = DepthBook(BTC)
    book.diff(diff(15, 20, 14))
    book.lose()
    begun = book.snapshot(snapshot(10))
    assert begun is not None
    assert shown(book) == 10


def test_an_empty_side_has_no_touch() -> None:
    book = DepthBook(BTC)
    assert book.touch() is None
    book.snapshot(DepthSnapshot(1, 1, [], [(Decimal(101), Decimal(1))]))
    assert book.touch() is None
