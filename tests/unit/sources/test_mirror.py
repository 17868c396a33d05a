"""A mirrored symbol shows the newest best price at every moment, and the true book once all has arrived."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderkit.domain.market import DepthUpdate, MarkPrice, Quote
from orderkit.paper.contracts import brackets, instruments
from orderkit.paper.sources.frames import DepthSnapshot, StreamFrame, decode
from orderkit.paper.sources.mirror import SymbolMirror
from orderkit.simulator.exchange import SimulatedExchange
from tests.unit.sources.frames import Frame, Sides, aggregate_trade, diff, mark, snapshot, ticker, trade

BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")
BIDS = {"100.0": "2", "99.9": "5"}
ASKS = {"100.1": "3", "100.2": "6"}


def stream(frame: Frame) -> StreamFrame:
    decoded = decode(msgspec.json.encode(frame))
    assert decoded is not None
    assert not isinstance(decoded, DepthSnapshot)
    return decoded


def rest(last: int, bids: Sides, asks: Sides) -> DepthSnapshot:
    decoded = decode(msgspec.json.encode(snapshot(last, 0, bids, asks)))
    assert isinstance(decoded, DepthSnapshot)
    return decoded


def synced(*before: Frame) -> SymbolMirror:
    mirror = SymbolMirror(BTC)
    for frame in before:
        assert mirror.take(stream(frame)) is None
    assert mirror.begin(rest(10, BIDS, ASKS)) is not None
    return mirror


def levels(*pairs: tuple[str, str]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def test_a_late_diff_does_not_bring_back_prices_that_are_gone() -> None:
    """The ask 100.1 is taken and the bid rises to 100.1; the diff of just before still has both."""
    mirror = synced()
    mirror.take(stream(ticker(20, 20, "100.1", "1", "100.2", "6")))
    late = mirror.take(
        stream(diff(11, 15, 10, 15, {"100.0": "7", "99.9": "0"}, {"100.1": "4", "100.3": "2"}))
    )
    assert isinstance(late, DepthUpdate)
    assert set(late.bids) == set(levels(("100.0", "7"), ("99.9", "0"), ("100.1", "1")))
    assert set(late.asks) == set(levels(("100.3", "2"), ("100.2", "6")))


def test_the_snapshot_too_is_older_than_a_best_price_from_after_it() -> None:
    mirror = SymbolMirror(BTC)
    mirror.take(stream(ticker(20, 20, "99.9", "1", "100.0", "6")))
    [book] = mirror.begin(rest(10, BIDS, ASKS)) or []
    assert isinstance(book, DepthUpdate)
    assert set(book.bids) == set(levels(("99.9", "1")))
    assert set(book.asks) == set(levels(("100.1", "3"), ("100.2", "6"), ("100.0", "6")))


@pytest.mark.parametrize("update_id", [14, 9])
def test_a_best_price_older_than_the_book_changes_nothing(update_id: int) -> None:
    mirror = synced()
    mirror.take(stream(diff(11, 15, 10, 15, {"100.0": "7"}, {})))
    assert mirror.take(stream(ticker(update_id, 14, "100.0", "1", "100.1", "3"))) is None


def test_best_prices_that_overtook_each_other_do_not_go_back() -> None:
    mirror = synced()
    assert isinstance(mirror.take(stream(ticker(20, 20, "100.0", "1", "100.1", "3"))), Quote)
    assert mirror.take(stream(ticker(19, 19, "100.0", "9", "100.1", "3"))) is None


def test_before_the_book_nothing_goes_out_and_with_it_the_newest_mark() -> None:
    mirror = SymbolMirror(BTC)
    for frame in (
        mark(0, "100.01"),
        mark(1, "100.02"),
        ticker(5, 1, "100.0", "1", "100.1", "3"),
        aggregate_trade(1, 2, "100.0", "1"),
    ):
        assert mirror.take(stream(frame)) is None
    book, marked = mirror.begin(rest(10, BIDS, ASKS)) or []
    assert isinstance(book, DepthUpdate)
    assert isinstance(marked, MarkPrice)
    assert (marked.mark_price, marked.next_funding_ms) == (Decimal("100.02"), 1_721_376_000_000)


def test_out_of_step_only_marks_go_out_and_an_old_best_price_is_forgotten() -> None:
    mirror = synced()
    mirror.take(stream(ticker(90, 20, "100.0", "1", "100.1", "3")))
    mirror.lose()
    assert mirror.take(stream(aggregate_trade(1, 2, "100.0", "1"))) is None
    assert mirror.take(stream(ticker(30, 30, "99.0", "1", "99.1", "3"))) is None
    assert isinstance(mirror.take(stream(mark(31, "99.05"))), MarkPrice)
    [book] = mirror.begin(rest(40, BIDS, ASKS)) or []
    assert isinstance(book, DepthUpdate)
    assert set(book.bids) == set(levels(*BIDS.items()))


def test_trades_come_from_aggregates_alone() -> None:
    mirror = synced()
    assert mirror.take(stream(trade(1, 2, "100.0", "1"))) is None
    assert mirror.take(stream(aggregate_trade(1, 2, "100.0", "1"))) is not None


class Truth:
    """A book that changes one level at a time, with the frames that tell of it."""

    def __init__(self) -> None:
        self.update_id = 10
        self.told_id = 10
        self.bids, self.asks = dict(BIDS), dict(ASKS)
        self._changed: dict[bool, dict[str, str]] = {True: {}, False: {}}

    def change(self, tick: int, quantity: int) -> Frame | None:
        """Set a level (0 removes it), on the side it is on; the bookTicker if the best prices change."""
        before = self.best()
        price = f"{99 + tick / 10:.1f}"
        is_bid = float(price) <= float(before[0])
        side = self.bids if is_bid else self.asks
        if not quantity and (price not in side or len(side) == 1):
            return None
        side[price] = str(quantity)
        if not quantity:
            del side[price]
        self._changed[is_bid][price] = str(quantity)
        self.update_id += 1
        return ticker(self.update_id, self.update_id, *self.best()) if self.best() != before else None

    def best(self) -> tuple[str, str, str, str]:
        bid, ask = max(self.bids, key=float), min(self.asks, key=float)
        return bid, self.bids[bid], ask, self.asks[ask]

    def diff(self) -> Frame:
        frame = diff(
            self.told_id + 1, self.update_id, self.told_id, self.update_id,
            self._changed[True], self._changed[False],
        )  # fmt: skip
        self.told_id = self.update_id
        self._changed = {True: {}, False: {}}
        return frame


def numbers(side: Iterable[tuple[object, object]]) -> dict[Decimal, Decimal]:
    return {Decimal(str(price)): Decimal(str(quantity)) for price, quantity in side}


steps = st.tuples(
    st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=9), st.integers(0, 5)
)


@given(st.lists(steps, max_size=60), st.integers(min_value=0, max_value=20))
def test_the_touch_is_the_newest_best_price_and_the_depth_is_true_once_all_diffs_came(
    moves: list[tuple[int, int, int]], begins_at: int
) -> None:
    """Best prices arrive at once, a diff now and then and a change late, the snapshot somewhere between."""
    truth, mirror = Truth(), SymbolMirror(BTC)
    simulated = SimulatedExchange([BTC], brackets(), now_ms=0, public_events=False)
    late: Frame | None = None
    told: tuple[str, str, str, str] | None = None

    def take(frame: Frame) -> None:
        if (event := mirror.take(stream(frame))) is not None:
            simulated.apply(event)

    for number, (tick, quantity, chance) in enumerate(moves):
        best = truth.change(tick, quantity)
        if best is not None:
            told = truth.best()
            take(best)
        if late is not None:
            take(late)
            late = None
        if chance == 0 and truth.update_id > truth.told_id:
            late = truth.diff()
        if number == begins_at:
            for event in mirror.begin(rest(truth.update_id, truth.bids, truth.asks)) or []:
                simulated.apply(event)
        if mirror.is_synced and told is not None:
            quote = simulated.quote("BTCUSDT")
            assert [quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity] == [
                Decimal(x) for x in told
            ]
    if not mirror.is_synced:
        return
    for frame in (late, truth.diff() if truth.update_id > truth.told_id else None):
        if frame is not None:
            take(frame)
    depth = simulated.depth("BTCUSDT", 1000)
    assert numbers(depth.bids) == numbers(truth.bids.items())
    assert numbers(depth.asks) == numbers(truth.asks.items())
