"""Recorded markets play again as they were, and broken recordings are named."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

import pytest

from orderkit.domain.market import MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.errors import ConfigurationError
from orderkit.paper.contracts import instruments
from orderkit.paper.sources.replay import ReplayMarket

START_MS = 1_790_000_000_000
QUOTES_HEADER = (
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
)
QUOTES = "1,100.0,2.000,100.1,3.000,1000,1001\n2,100.0,1.500,100.1,3.000,1500,1501\n"
TRADES_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker\n"
TRADES = "10,100.0,0.500,50.00,1500,true\n11,100.1,0.200,20.02,1700,false\n"


def replay(directory: Path, *, loop: bool = False) -> list[MarketEvent]:
    return list(islice(ReplayMarket(instruments(), directory, loop=loop).events(START_MS), 1000))


def plain(path: Path, text: str) -> None:
    path.write_text(text)


def gzipped(path: Path, text: str) -> None:
    with gzip.open(path.with_name(path.name + ".gz"), "wt") as file:
        file.write(text)


def zipped(path: Path, text: str) -> None:
    with ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr(path.name, text)


@pytest.mark.parametrize("write", [plain, gzipped, zipped])
@pytest.mark.parametrize("header", [True, False])
def test_trades_and_quotes_merge_in_time_order_with_marks(
    tmp_path: Path, write: Callable[[Path, str], None], header: bool
) -> None:
    write(tmp_path / "BTCUSDT-bookTicker-2024-07-18.csv", QUOTES_HEADER * header + QUOTES)
    write(tmp_path / "BTCUSDT_2024-07-18T2357.trades.csv", TRADES_HEADER * header + TRADES)
    d = Decimal
    mark = MarkPrice("BTCUSDT", d("100.05"), d("100.05"), d("0.0001"), 1_790_006_400_000, START_MS)
    assert replay(tmp_path) == [
        Quote("BTCUSDT", d("100.0"), d(2), d("100.1"), d(3), START_MS),
        mark,
        MarketTrade("BTCUSDT", 10, d("100.0"), d("0.5"), True, START_MS + 500),
        Quote("BTCUSDT", d("100.0"), d("1.5"), d("100.1"), d(3), START_MS + 500),
        MarketTrade("BTCUSDT", 11, d("100.1"), d("0.2"), False, START_MS + 700),
    ]


def test_kind_is_told_by_the_columns_where_the_name_is_silent(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-a.csv", QUOTES)
    plain(tmp_path / "BTCUSDT-b.csv", TRADES_HEADER + TRADES)
    assert [type(e) for e in replay(tmp_path)] == [Quote, MarkPrice, MarketTrade, Quote, MarketTrade]


def test_other_files_and_other_symbols_are_left_out(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-2024-07-18.csv", TRADES)
    plain(tmp_path / "NOSUCHUSDT-trades-2024-07-18.csv", TRADES)
    plain(tmp_path / "BTCUSDT-bookDepth-2024-07-18.csv", "2024-07-18 00:00:10,-5,1,2\n")
    plain(tmp_path / "BTCUSDT-metrics-2024-07-18.csv", "2024-07-18 00:05:00,BTCUSDT,1,2,3,4,5,6\n")
    plain(tmp_path / "ETHUSDT-trades-2024-07-18.csv", "")
    plain(tmp_path / "README.md", "notes")
    assert ReplayMarket(instruments(), tmp_path).symbols == ("BTCUSDT",)


def test_days_of_a_symbol_follow_each_other_whatever_their_names(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-a.csv", "12,100.0,1,100,2000,true\n")
    plain(tmp_path / "BTCUSDT-trades-b.csv", TRADES)
    trades = [e.trade_id for e in replay(tmp_path) if isinstance(e, MarketTrade)]
    assert trades == [10, 11, 12]


def test_symbols_keep_their_times_relative_to_the_first_record_of_all(tmp_path: Path) -> None:
    plain(tmp_path / "ETHUSDT-bookTicker-x.csv", "1,50.00,2,50.01,3,12000,1200\n")
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", QUOTES)
    times = [(e.symbol, e.time_ms - START_MS) for e in replay(tmp_path) if isinstance(e, Quote)]
    assert times == [("BTCUSDT", 0), ("BTCUSDT", 500), ("ETHUSDT", 11_000)]


def test_a_symbol_that_begins_long_after_the_first_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain(tmp_path / "ETHUSDT-bookTicker-x.csv", "1,50.00,2,50.01,3,91000,0\n")
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", QUOTES)
    replay(tmp_path)
    assert [r.message for r in caplog.records] == [
        "ETHUSDT has no market before 90 s of the recording have passed"
    ]


def test_a_symbol_that_begins_soon_after_the_first_has_its_opening_book_from_the_start(
    tmp_path: Path,
) -> None:
    plain(tmp_path / "ETHUSDT-bookTicker-x.csv", "1,50.00,2,50.01,3,1200,0\n2,50.00,2,50.01,4,1300,0\n")
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", QUOTES)
    events = [(e.symbol, type(e), e.time_ms - START_MS) for e in replay(tmp_path)]
    assert events == [
        ("BTCUSDT", Quote, 0),
        ("BTCUSDT", MarkPrice, 0),
        ("ETHUSDT", Quote, 0),
        ("ETHUSDT", MarkPrice, 0),
        ("ETHUSDT", Quote, 300),
        ("BTCUSDT", Quote, 500),
    ]


AGGREGATE = "7,100.0,0.500,10,14,1500,true\n8,100.1,0.200,15,15,1700,false\n"
AGGREGATE_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BTCUSDT-aggTrades-2024-07-18.csv", AGGREGATE),
        ("BTCUSDT-aggTrades-2024-07-18.csv", AGGREGATE_HEADER + AGGREGATE),
        ("BTCUSDT-x.csv", AGGREGATE),
        ("BTCUSDT-x.csv", AGGREGATE_HEADER + AGGREGATE),
    ],
)
def test_aggregate_trades_are_trades(tmp_path: Path, name: str, text: str) -> None:
    plain(tmp_path / name, text)
    assert [e for e in replay(tmp_path) if isinstance(e, MarketTrade)] == [
        MarketTrade("BTCUSDT", 7, Decimal("100.0"), Decimal("0.5"), True, START_MS),
        MarketTrade("BTCUSDT", 8, Decimal("100.1"), Decimal("0.2"), False, START_MS + 200),
    ]


def test_the_richest_recording_of_a_symbol_is_played(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-1m-x.csv", "60000,1,1,1,1,1\n")
    plain(tmp_path / "BTCUSDT-aggTrades-x.csv", AGGREGATE)
    assert [e.trade_id for e in replay(tmp_path) if isinstance(e, MarketTrade)] == [7, 8]
    plain(tmp_path / "BTCUSDT-trades-x.csv", TRADES)
    assert [e.trade_id for e in replay(tmp_path) if isinstance(e, MarketTrade)] == [10, 11]
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", QUOTES)
    assert [e.bid_quantity for e in replay(tmp_path) if isinstance(e, Quote)] == [2, Decimal("1.5")]


def test_trades_alone_are_quoted_one_tick_around_the_last_one(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-x.csv", TRADES)
    first, mark, trade, second, last = replay(tmp_path)
    assert isinstance(first, Quote)
    assert isinstance(second, Quote)
    assert [type(e) for e in (mark, trade, last)] == [MarkPrice, MarketTrade, MarketTrade]
    assert (first.bid, first.ask) == (Decimal("100.0"), Decimal("100.1"))
    assert (second.bid, second.ask) == (Decimal("100.0"), Decimal("100.1"))
    assert (second.bid_quantity, second.ask_quantity) == (Decimal("0.5"), Decimal("0.2"))


def test_what_traded_longer_than_five_seconds_ago_is_no_longer_shown(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-x.csv", "1,100.0,4,0,1000,true\n2,100.0,1,0,7000,true\n")
    quotes = [e for e in replay(tmp_path) if isinstance(e, Quote)]
    assert [q.bid_quantity for q in quotes] == [4, 1]


def test_a_trade_before_the_first_quote_has_no_book_to_meet_and_is_left_out(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", QUOTES)
    plain(tmp_path / "BTCUSDT-trades-x.csv", "9,99.0,1,99,900,true\n" + TRADES)
    assert isinstance(replay(tmp_path)[0], Quote)
    assert [e.trade_id for e in replay(tmp_path) if isinstance(e, MarketTrade)] == [10, 11]


def test_prices_between_ticks_go_to_the_passive_side_and_quantities_down_to_the_step(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", "1,100.07,2.0009,100.12,0.0001,1000,1000\n")
    quote = replay(tmp_path)[0]
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask) == (Decimal("100.0"), Decimal("100.2"))
    assert (quote.bid_quantity, quote.ask_quantity) == (Decimal("2.000"), Decimal("0.001"))


def test_marks_come_at_most_once_a_second_at_the_mid(tmp_path: Path) -> None:
    rows = [f"{i},{100 + i}.0,1,{100 + i}.1,1,{1000 + 400 * i},0\n" for i in range(10)]
    plain(tmp_path / "BTCUSDT-bookTicker-x.csv", "".join(rows))
    marks = [(e.time_ms - START_MS, e.mark_price) for e in replay(tmp_path) if isinstance(e, MarkPrice)]
    assert marks == [
        (0, Decimal("100.05")),
        (1000, Decimal("102.05")),
        (2000, Decimal("104.05")),
        (3000, Decimal("107.05")),
    ]


def test_a_loop_goes_on_in_time_and_in_trade_ids(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-x.csv", TRADES)
    trades = [e for e in replay(tmp_path, loop=True) if isinstance(e, MarketTrade)][:4]
    assert [t.time_ms - START_MS for t in trades] == [0, 200, 201, 401]
    assert [t.trade_id for t in trades] == [10, 11, 21, 22]


def test_a_loop_over_a_recording_without_any_book_ends(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-1m-x.csv", "60000,100,100,100,100,0\n")
    assert replay(tmp_path, loop=True) == []


BROKEN = [
    ("BTCUSDT-trades-x.csv", "id,price,quantity\n1,2,3\n", ["BTCUSDT-trades-x.csv", "line 1", "qty"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,100.0,1\n", ["line 3", "3 columns"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,NaN,1,1,1800,true\n", ["line 3", "NaN"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,-5,1,1,1800,true\n", ["line 3", "-5"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,cheap,1,1,1800,true\n", ["line 3"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,100.0,1,1,1800,maybe\n", ["line 3", "maybe"]),
    ("BTCUSDT-trades-x.csv", TRADES + "12,100.0,1,1,1699,true\n", ["line 3", "1699", "1700"]),
    ("BTCUSDT-trades-x.csv", "1,100.0,1,1,1721347022956000,true\n", ["line 1", "milliseconds"]),
    ("BTCUSDT-bookTicker-x.csv", "1,100.1,2,100.1,3,1000,1001\n", ["line 1", "not below"]),
    ("BTCUSDT-1m-x.csv", "60000,100,101,100.5,101,1\n", ["line 1", "not between"]),
    ("BTCUSDT-klines-x.csv", "60000,100,101,99,101,-1\n", ["line 1", "-1 is no volume"]),
    ("BTCUSDT-aggTrades-x.csv", "7,100.0,0.500,10,14,1500\n", ["line 1", "6 columns"]),
    ("BTCUSDT-trades-x.csv.gz", "no gzip at all", ["BTCUSDT-trades-x.csv.gz"]),
    ("BTCUSDT-trades-x.zip", "no zip at all", ["BTCUSDT-trades-x.zip"]),
    ("ETHBTC-trades-x.csv", TRADES, ["no usable recordings", "ETHBTC"]),
    (
        "notes.txt",
        "nothing here",
        ["no usable recordings", "no trades, aggTrades, bookTicker, klines or raw streams"],
    ),
]


@pytest.mark.parametrize(("name", "text", "said"), BROKEN)
def test_a_broken_recording_is_refused_by_file_and_line(
    tmp_path: Path, name: str, text: str, said: list[str]
) -> None:
    plain(tmp_path / name, text)
    with pytest.raises(ConfigurationError) as refusal:
        replay(tmp_path)
    for words in said:
        assert words in refusal.value.message


def test_a_truncated_archive_is_refused_by_name(tmp_path: Path) -> None:
    gzipped(tmp_path / "BTCUSDT-trades-x.csv", TRADES * 1000)
    path = tmp_path / "BTCUSDT-trades-x.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConfigurationError, match=r"BTCUSDT-trades-x\.csv\.gz"):
        replay(tmp_path)


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    plain(tmp_path / "BTCUSDT-trades-a.csv", TRADES)
    plain(tmp_path / "BTCUSDT-trades-b.csv", TRADES)
    with pytest.raises(ConfigurationError, match="before the file before it ends"):
        replay(tmp_path)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no directory"):
        ReplayMarket(instruments(), tmp_path / "nowhere")


RECORDINGS = Path(__file__).parents[4] / "shared" / "data" / "tick_csv"


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of July 2024 are not on this machine")
@pytest.mark.parametrize(
    ("symbol", "quotes", "trades"), [("BTCUSDT", 52_260, 10_701), ("ETHUSDT", 47_328, 13_655)]
)
def test_the_recordings_of_july_2024_replay_whole(symbol: str, quotes: int, trades: int) -> None:
    now_ms, counts = START_MS, {Quote: 0, MarketTrade: 0}
    best: Quote | None = None
    at_best = 0
    for event in ReplayMarket(instruments(), RECORDINGS).events(START_MS):
        assert event.time_ms >= now_ms
        now_ms = event.time_ms
        if event.symbol != symbol:
            continue
        if isinstance(event, Quote):
            best = event
            counts[Quote] += 1
        elif isinstance(event, MarketTrade) and best is not None:
            counts[MarketTrade] += 1
            at_best += event.price == (best.bid if event.buyer_is_maker else best.ask)
    assert counts == {Quote: quotes, MarketTrade: trades}
    assert 470_000 < now_ms - START_MS < 490_000
    assert at_best / trades > 0.5
