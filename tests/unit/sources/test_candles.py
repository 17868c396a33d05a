"""Candles play as a path that stays inside them, touches all four prices and trades the whole volume."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderkit.domain.market import MarketTrade, Quote
from orderkit.paper.contracts import instruments
from orderkit.paper.sources.candles import candle_trades
from orderkit.paper.sources.columns import Candle
from orderkit.paper.sources.replay import ReplayMarket

MINUTE_MS = 60_000
BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")  # tick 0.1, step 0.001


def candle(*prices: str, volume: str = "6") -> Candle:
    """Open, high, low, close."""
    opened, high, low, close = map(Decimal, prices)
    return Candle("BTCUSDT", MINUTE_MS, opened, high, low, close, Decimal(volume))


def prices_of(trades: list[MarketTrade]) -> list[Decimal]:
    return [trade.price for trade in trades]


def test_a_rising_candle_goes_to_its_low_first_and_a_falling_one_to_its_high() -> None:
    rising = prices_of(candle_trades(candle("100", "103", "99", "102"), MINUTE_MS, BTC))
    falling = prices_of(candle_trades(candle("102", "103", "99", "100"), MINUTE_MS, BTC))
    assert [rising[0], rising[-1]] == [100, 102]
    assert [falling[0], falling[-1]] == [102, 100]
    assert rising.index(Decimal(99)) < rising.index(Decimal(103))
    assert falling.index(Decimal(103)) < falling.index(Decimal(99))


def test_a_minute_makes_a_trade_a_second_from_its_first_to_its_last_millisecond() -> None:
    trades = candle_trades(candle("100", "103", "99", "102"), MINUTE_MS, BTC)
    assert len(trades) == 60
    assert (trades[0].time_ms, trades[-1].time_ms) == (MINUTE_MS, 2 * MINUTE_MS - 1)
    assert {trade.quantity for trade in trades} == {Decimal("0.1")}


def test_the_way_down_is_sold_and_the_way_up_bought() -> None:
    trades = candle_trades(candle("100", "103", "99", "102"), MINUTE_MS, BTC)
    for before, after in pairwise(trades):
        if after.price not in (before.price, 99, 103):
            assert after.buyer_is_maker == (after.price < before.price)


@pytest.mark.parametrize(
    ("prices", "volume", "expected"),
    [
        (("100", "100", "100", "100"), "0.001", ["100.0"]),
        (("100", "103", "99", "102"), "0.002", ["100.0", "99.0", "103.0", "102.0"]),
        (("100", "100", "99", "99"), "0.001", ["100.0", "99.0"]),
        (("100.05", "100.07", "100.02", "100.03"), "0.001", ["100.1"]),
        (("100", "101", "99", "100"), "0", []),
    ],
)
def test_few_lots_make_few_trades_but_all_corners(
    prices: tuple[str, ...], volume: str, expected: list[str]
) -> None:
    trades = candle_trades(candle(*prices, volume=volume), MINUTE_MS, BTC)
    assert prices_of(trades) == [Decimal(price) for price in expected]


ticks = st.integers(min_value=1, max_value=2000)


@given(st.lists(ticks, min_size=4, max_size=4), st.integers(min_value=0, max_value=10**7), st.booleans())
def test_every_path_stays_in_its_candle_touches_both_extremes_and_trades_the_volume(
    drawn: list[int], lots: int, rising: bool
) -> None:
    low, a, b, high = (tick * BTC.price_filter.tick_size for tick in sorted(drawn))
    first, last = (a, b) if rising else (b, a)
    one = Candle("BTCUSDT", MINUTE_MS, first, high, low, last, lots * BTC.lot_size.step_size)
    trades = candle_trades(one, MINUTE_MS, BTC)
    if not lots:
        assert trades == []
        return
    prices = prices_of(trades)
    assert (prices[0], prices[-1], min(prices), max(prices)) == (first, last, low, high)
    assert all(trade.price % BTC.price_filter.tick_size == 0 for trade in trades)
    assert all(MINUTE_MS <= trade.time_ms < 2 * MINUTE_MS for trade in trades)
    assert [t.time_ms for t in trades] == sorted(t.time_ms for t in trades)
    traded = sum(trade.quantity for trade in trades)
    assert traded == one.volume or (lots < 4 and traded <= 4 * BTC.lot_size.step_size)


HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)
FULL = "60000,100,103,99,102,6,119999,600,10,3,300,0\n120000,102,102,98,98,6,179999,600,10,3,300,0\n"
SHORT = "60000,100,103,99,102,6\n120000,102,102,98,98,6\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BTCUSDT-1m-2024-03-30.csv", HEADER + FULL),
        ("BTCUSDT-1m-2024-03-30.csv", FULL),
        ("BTCUSDT_um_1m_2025.csv", "open_time,open,high,low,close,volume\n" + SHORT),
        ("BTCUSDT-klines.csv", SHORT),
        ("BTCUSDT-a.csv", SHORT),
    ],
)
def test_kline_files_of_every_form_play(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    events = list(ReplayMarket(instruments(), tmp_path).events(0))
    trades = [event for event in events if isinstance(event, MarketTrade)]
    assert len(trades) == 120
    assert [trade.trade_id for trade in trades] == list(range(1, 121))
    assert (trades[0].time_ms, trades[-1].time_ms) == (0, 2 * MINUTE_MS - 1)


INSIDE = [
    ("100", "103", "99", "102"),
    ("102", "104", "102", "104"),
    ("104", "104", "98", "98"),
    ("98", "99", "97", "97"),
]


@pytest.mark.parametrize("prices", INSIDE)
def test_a_candle_is_quoted_inside_itself(tmp_path: Path, prices: tuple[str, ...]) -> None:
    (tmp_path / "BTCUSDT-1m-x.csv").write_text(f"60000,{','.join(prices)},6\n")
    quotes = [e for e in ReplayMarket(instruments(), tmp_path).events(0) if isinstance(e, Quote)]
    assert len(quotes) == 60
    assert all(q.ask - q.bid == BTC.price_filter.tick_size for q in quotes)
    assert min(q.bid for q in quotes) == Decimal(prices[2])
    assert max(q.ask for q in quotes) == Decimal(prices[1])


def test_the_interval_comes_from_the_candles(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-klines.csv").write_text("300000,100,103,99,102,6\n600000,102,102,98,98,6\n")
    trades = [e for e in ReplayMarket(instruments(), tmp_path).events(0) if isinstance(e, MarketTrade)]
    assert (len(trades), trades[-1].time_ms) == (600, 599_999)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_real_candles_play_inside_themselves(recordings: Path, tmp_path: Path, symbol: str) -> None:
    source = next((recordings / "klines").glob(f"{symbol}_um_1m_*.csv.gz"))
    (tmp_path / source.name).symlink_to(source)
    market = ReplayMarket(instruments(), tmp_path)
    assert market.symbols == (symbol,)
    seen = 0
    for event in market.events(0):
        if event.time_ms > 3_600_000:
            break
        seen += isinstance(event, MarketTrade)
    assert seen > 3000
