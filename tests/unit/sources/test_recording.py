"""Raw stream recordings play as the book that they describe, in the exchange's order, gaps named."""

from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.errors import ConfigurationError
from orderkit.paper.contracts import instruments
from orderkit.paper.sources.recording import RawRecording, open_raw_file
from orderkit.paper.sources.replay import ReplayMarket
from tests.unit.sources.frames import (
    FIRST_MS,
    Frame,
    aggregate_trade,
    diff,
    mark,
    record,
    snapshot,
    ticker,
    trade,
    wrapped,
)

START_MS = 1_790_000_000_000
BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")
BIDS = {"100.0": "2", "99.9": "5"}
ASKS = {"100.1": "3", "100.2": "6"}

# diffs up to 11 and 20 came before the snapshot of update 15, which lies in the second of them
OPENING: list[Frame | str] = [
    diff(10, 11, 9, 0, {"100.0": "1"}, {}),
    snapshot(15, 50, BIDS, ASKS),
    diff(12, 20, 11, 60, {"99.9": "4"}, {}),
]


def play(directory: Path, *, loop: bool = False) -> list[MarketEvent]:
    return list(islice(ReplayMarket([BTC], directory, loop=loop).events(START_MS), 200))


def played(tmp_path: Path, *frames: Frame | str) -> list[MarketEvent]:
    """What a recording makes after its opening snapshot, mark and first diff."""
    record(tmp_path / "usdm_btcusdt.gz", [*OPENING, *frames])
    return play(tmp_path)[3:]


def level(price: str, quantity: str) -> tuple[Decimal, Decimal]:
    return Decimal(price), Decimal(quantity)


@pytest.mark.parametrize("name", ["usdm_btcusdt_20240718.gz", "recorded.log", "recorded"])
def test_a_recording_begins_with_its_snapshot_and_a_mark(tmp_path: Path, name: str) -> None:
    record(tmp_path / name, OPENING)
    book, first_mark, change = play(tmp_path)
    assert isinstance(book, DepthUpdate)
    assert isinstance(first_mark, MarkPrice)
    assert (book.snapshot, book.time_ms, first_mark.time_ms) == (True, START_MS, START_MS)
    assert set(book.bids) == {level("100.0", "2"), level("99.9", "5")}
    assert set(book.asks) == {level("100.1", "3"), level("100.2", "6")}
    assert first_mark.mark_price == Decimal("100.05")
    assert change == DepthUpdate("BTCUSDT", (level("99.9", "4"),), (), START_MS + 10)


def test_the_touch_moves_between_diffs(tmp_path: Path) -> None:
    events = played(tmp_path, ticker(25, 70, "100.0", "1", "100.1", "3"), diff(21, 30, 20, 90, {}, {}))
    assert events == [
        Quote("BTCUSDT", *level("100.0", "1"), *level("100.1", "3"), START_MS + 20),
        DepthUpdate("BTCUSDT", (), (), START_MS + 40),
    ]


def test_frames_that_overtook_each_other_play_in_the_order_of_the_exchange(tmp_path: Path) -> None:
    """Recorded: the diff, then a best price and a trade from before it."""
    events = played(
        tmp_path,
        diff(21, 30, 20, 90, {"100.0": "7"}, {}),
        ticker(25, 70, "100.0", "1", "100.1", "3"),
        trade(5, 70, "100.0", "1", sold=True),
        ticker(30, 90, "100.0", "7", "100.1", "3"),
    )
    assert [(type(event), event.time_ms - START_MS) for event in events] == [
        (MarketTrade, 20),
        (Quote, 20),
        (Quote, 40),
        (DepthUpdate, 40),
    ]


def test_a_print_that_is_no_market_trade_fills_nobody(tmp_path: Path) -> None:
    kinds = ["INSURANCE_FUND", "ADL", "NA", "MARKET"]
    frames = [trade(number, 70, "100.0", "1", kind=kind) for number, kind in enumerate(kinds)]
    trades = played(tmp_path, *frames)
    assert trades == [MarketTrade("BTCUSDT", 3, *level("100.0", "1"), False, START_MS + 20)]


def test_each_trade_plays_once_where_both_kinds_were_recorded(tmp_path: Path) -> None:
    trades = played(
        tmp_path, trade(1, 70, "100.0", "1"), aggregate_trade(9, 71, "100.0", "1"), trade(2, 72, "100.0", "1")
    )
    assert [event.trade_id for event in trades if isinstance(event, MarketTrade)] == [1, 2]


def test_aggregate_trades_alone_play_too(tmp_path: Path) -> None:
    assert played(tmp_path, aggregate_trade(9, 71, "100.1", "1")) == [
        MarketTrade("BTCUSDT", 9, *level("100.1", "1"), False, START_MS + 21)
    ]


def test_recorded_marks_replace_the_mid_but_not_the_funding_times_of_the_clock(tmp_path: Path) -> None:
    events = played(tmp_path, mark(70, "100.04"), diff(21, 30, 20, 5000, {}, {}))
    expected = MarkPrice(
        "BTCUSDT", *level("100.04", "99.50"), Decimal("-0.00004435"), 1_790_006_400_000, START_MS + 20
    )
    assert events == [expected, DepthUpdate("BTCUSDT", (), (), START_MS + 4950)]


def test_without_recorded_marks_the_mid_of_the_book_marks_every_second(tmp_path: Path) -> None:
    later = [diff(21, 30, 20, 1500, {}, {"100.1": "0"}), diff(31, 40, 30, 3100, {}, {})]
    marks = [event for event in played(tmp_path, *later) if isinstance(event, MarkPrice)]
    assert [(event.time_ms - START_MS, event.mark_price) for event in marks] == [
        (1000, Decimal("100.05")),
        (3000, Decimal("100.1")),
    ]


def test_other_streams_are_left_out(tmp_path: Path) -> None:
    book = {"e": "depthUpdate", "T": FIRST_MS + 70, "U": 1, "u": 99, "pu": 0, "b": [["100.0", "9"]], "a": []}
    others = [
        wrapped("depth20@100ms", book),
        wrapped("rpiDepth@500ms", book),
        wrapped("kline_1m", {"e": "kline", "E": 1, "k": {}}),
        {"result": None, "id": 1},
    ]
    assert played(tmp_path, *others) == []


def test_frames_without_the_wrapper_of_combined_streams_play_too(tmp_path: Path) -> None:
    assert len(played(tmp_path, diff(21, 30, 20, 90, {}, {})["data"])) == 1


def test_prices_between_todays_ticks_meet_at_the_passive_one(tmp_path: Path) -> None:
    book = snapshot(15, 50, {"100.04": "1", "100.01": "2.0005"}, {"100.11": "1", "100.20": "4"})
    changes = [
        diff(12, 20, 11, 60, {"100.04": "0"}, {"100.13": "2"}),
        diff(21, 22, 20, 70, {"100.01": "0"}, {"100.11": "0"}),
        diff(23, 24, 22, 80, {"0.05": "7"}, {}),
    ]
    record(tmp_path / "recorded", [book, *changes])
    opening, first, second, third = (event for event in play(tmp_path) if isinstance(event, DepthUpdate))
    assert set(opening.bids) == {level("100.0", "3.000")}
    assert set(opening.asks) == {level("100.2", "5")}
    assert (first.bids, first.asks) == ((level("100.0", "2.000"),), (level("100.2", "7"),))
    assert (second.bids, second.asks) == ((level("100.0", "0"),), (level("100.2", "6"),))
    assert third.bids == (level("0", "0"),)


def test_files_of_a_symbol_are_one_recording_whatever_their_names(tmp_path: Path) -> None:
    record(tmp_path / "b.gz", OPENING)
    record(tmp_path / "a.gz", [diff(21, 30, 20, 90, {"100.0": "7"}, {})])
    assert play(tmp_path)[3:] == [DepthUpdate("BTCUSDT", (level("100.0", "7"),), (), START_MS + 40)]


def test_depth_is_preferred_over_best_prices_and_trades_of_other_files(tmp_path: Path) -> None:
    record(tmp_path / "recorded.gz", OPENING)
    (tmp_path / "BTCUSDT-bookTicker-x.csv").write_text(f"1,90,2,91,3,{FIRST_MS},0\n")
    (tmp_path / "BTCUSDT-trades-x.csv").write_text(f"10,90,0.5,45,{FIRST_MS},true\n")
    assert [type(event) for event in play(tmp_path)] == [DepthUpdate, MarkPrice, DepthUpdate]


def test_a_loop_goes_round_without_time_going_back_and_begins_with_the_whole_book(tmp_path: Path) -> None:
    record(tmp_path / "recorded.gz", [*OPENING, trade(7, 90, "100.1", "1")])
    events = play(tmp_path, loop=True)
    rounds, times = events[:12], [event.time_ms for event in events]
    assert times == sorted(times)
    assert [event.time_ms - START_MS for event in rounds] == [0, 0, 10, 40, 41, 41, 51, 81, 82, 82, 92, 122]
    assert [event.trade_id for event in rounds if isinstance(event, MarketTrade)] == [7, 14, 21]
    assert rounds[4] == replace(rounds[0], time_ms=START_MS + 41)


GAP = diff(31, 40, 29, 90, {"100.0": "7"}, {})


def test_a_gap_is_left_out_up_to_the_next_snapshot(tmp_path: Path) -> None:
    events = played(
        tmp_path,
        GAP,
        ticker(40, 91, "100.0", "7", "100.1", "3"),
        trade(5, 92, "100.0", "1"),
        snapshot(45, 100, {"100.0": "8"}, {"100.1": "1"}),
        diff(41, 50, 40, 110, {"100.0": "9"}, {}),
    )
    assert events == [
        DepthUpdate("BTCUSDT", (level("100.0", "8"),), (level("100.1", "1"),), START_MS + 50, snapshot=True),
        DepthUpdate("BTCUSDT", (level("100.0", "9"),), (), START_MS + 60),
    ]


def test_a_snapshot_without_need_changes_nothing(tmp_path: Path) -> None:
    again = snapshot(20, 65, {"100.0": "1"}, {"100.1": "1"})
    assert played(tmp_path, again, diff(21, 30, 20, 90, {}, {})) == [
        DepthUpdate("BTCUSDT", (), (), START_MS + 40)
    ]


BROKEN: list[tuple[str, list[Frame | str], list[str]]] = [
    ("a gap to the end", [*OPENING, GAP], ["line 4", "pu 29", "u 20", "no depth snapshot follows"]),
    ("no snapshot at all", [OPENING[0]], ["no depth snapshot in the recording"]),
    ("a snapshot too old", [snapshot(5, 0, BIDS, ASKS), *OPENING[2:]], ["line 2", "u 5"]),
    ("half a line", [*OPENING, "1721347022004000000 {"], ["line 4", "no local time"]),
    ("half a frame", [*OPENING, '1721347022004000000 {"e":}'], ["line 4"]),
    ("another line", [*OPENING, "restarted"], ["line 4", "no local time"]),
    ("a field missing", [*OPENING, wrapped("trade", {"e": "trade"})], ["line 4", "missing required field"]),
    ("a price that is none", [*OPENING, trade(1, 70, "NaN", "1")], ["line 4", "out of range"]),
    ("no end", [*OPENING, diff(21, 22, 20, 70, {"100": "Infinity"}, {})], ["line 4", "out of range"]),
    ("below 0", [*OPENING, diff(21, 22, 20, 70, {"100": "-1"}, {})], ["line 4", "out of range"]),
    ("crossed", [*OPENING, ticker(25, 70, "100.2", "1", "100.1", "1")], ["line 4", "out of range"]),
    ("another symbol", [*OPENING, diff(21, 22, 20, 70, {}, {}, "ETHUSDT")], ["line 4", "ETHUSDT", "BTCUSDT"]),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "said"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_recording_is_refused_by_file_and_line(
    tmp_path: Path, frames: list[Frame | str], said: list[str]
) -> None:
    record(tmp_path / "recorded.gz", frames)
    with pytest.raises(ConfigurationError) as refusal:
        play(tmp_path)
    for words in ["recorded.gz", *said]:
        assert words in refusal.value.message


def test_a_truncated_recording_is_refused_by_name(tmp_path: Path) -> None:
    frames = [diff(n, n, n - 1, n, {"100.0": str(n)}, {}) for n in range(21, 3000)]
    record(tmp_path / "recorded.gz", [*OPENING, *frames])
    path = tmp_path / "recorded.gz"
    path.write_bytes(path.read_bytes()[:-20])
    market = ReplayMarket([BTC], tmp_path)
    with pytest.raises(ConfigurationError, match=r"recorded\.gz"):
        list(market.events(START_MS))


@pytest.mark.parametrize("text", ["", "notes\n", "https://fapi.binance.com -> 1: {}\n", "1721347022 {}\n"])
def test_other_files_are_no_recordings(tmp_path: Path, text: str) -> None:
    (tmp_path / "file.log").write_text(text)
    assert open_raw_file(tmp_path / "file.log") is None


def test_a_recording_says_when_its_book_begins(tmp_path: Path) -> None:
    record(tmp_path / "recorded.gz", OPENING)
    file = open_raw_file(tmp_path / "recorded.gz")
    assert file is not None
    assert (file.symbol, file.first_ms, RawRecording(BTC, [file]).first_ms) == (
        "BTCUSDT",
        FIRST_MS,
        FIRST_MS + 50,
    )
