"""The exchange's parts that need no socket: candles, names, buffers, listen keys, the order of writing."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.market import MarketEvent, MarketTrade, Quote
from orderkit.paper.candles import CandleSeries, span
from orderkit.paper.host import PaperExchange
from orderkit.paper.markets import open_market
from orderkit.paper.parameters import merge
from orderkit.paper.pump import MarketPump
from orderkit.paper.store import Store
from orderkit.paper.streams.hub import MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES, Hub, Subscriber
from orderkit.paper.streams.listen_keys import LIFETIME_MS, ListenKeys
from orderkit.paper.streams.names import Category, parse
from orderkit.paper.streams.publisher import MarketPublisher
from orderkit.paper.wire.numbers import fixed, plain, trimmed
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import ExchangeError, NewOrder, OrderUpdate, TradePrinted

D = Decimal


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("interval", "time", "start", "end"),
    [
        ("1m", "2026-11-20T10:07:31", "2026-11-20T10:07:00", "2026-11-20T10:08:00"),
        ("5m", "2026-11-20T10:07:31", "2026-11-20T10:05:00", "2026-11-20T10:10:00"),
        ("8h", "2026-11-20T10:07:31", "2026-11-20T08:00:00", "2026-11-20T16:00:00"),
        ("1d", "2026-11-20T10:07:31", "2026-11-20", "2026-11-21"),
        ("1w", "2026-11-20T10:07:31", "2026-11-16", "2026-11-23"),  # Monday to Monday
        ("1M", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("1M", "2028-02-29T00:00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_candle_spans_its_interval(interval: str, time: str, start: str, end: str) -> None:
    assert span(interval, at(time)) == (at(start), at(end) - 1)


def test_candles_sum_up_their_trades() -> None:
    series = CandleSeries()
    start = at("2026-11-20T10:00:00")
    prints = [(0, "10", "1", False), (30, "12", "2", True), (59, "9", "1", False), (60, "11", "4", False)]
    for number, (second, price, quantity, buyer_is_maker) in enumerate(prints):
        series.add(MarketTrade("X", number, D(price), D(quantity), buyer_is_maker, start + second * 1000))
    first, second_ = series.candles("1m")
    assert (first.open, first.high, first.low, first.close) == (D(10), D(12), D(9), D(9))
    assert (first.volume, first.quote_volume, first.trades) == (D(4), D(43), 3)
    assert (first.taker_buy_volume, first.taker_buy_quote_volume) == (D(2), D(19))
    assert (first.first_trade_id, first.last_trade_id, second_.first_trade_id) == (0, 2, 3)
    (hour,) = series.candles("1h")
    assert (hour.open, hour.high, hour.low, hour.close, hour.volume) == (D(10), D(12), D(9), D(11), D(8))
    assert [c.close for c in series.candles("1m", limit=1)] == [D(11)]
    assert [c.close for c in series.candles("1m", start_ms=start, limit=1)] == [D(9)]
    day = series.day(start + 61_000)
    assert day is not None
    assert (day.open, day.trades) == (D(10), 4)
    assert series.day(start + 2 * 86_400_000) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("btcusdt@bookTicker", ("public", "bookTicker", "BTCUSDT", 0)),
        ("btcusdt@depth", ("public", "depth", "BTCUSDT", 250)),
        ("btcusdt@depth@500ms", ("public", "depth", "BTCUSDT", 500)),
        ("btcusdt@depth20", ("public", "partialDepth", "BTCUSDT", 250)),
        ("btcusdt@aggTrade", ("market", "aggTrade", "BTCUSDT", 0)),
        ("btcusdt@markPrice", ("market", "markPrice", "BTCUSDT", 3000)),
        ("!markPrice@arr@1s", ("market", "markPrice", None, 1000)),
        ("btcusdt@kline_1M", ("market", "kline", "BTCUSDT", 250)),
        ("币安人生usdt@trade", ("public", "trade", "币安人生USDT", 0)),
        ("BTCUSDT@trade", None),
        ("btcusdt@kline_7m", None),
        ("btcusdt@depth7", None),
        ("btcusdt@continuousKline_1m", None),
        ("btcusdt", None),
        ("a" * 64, None),
    ],
)
def test_stream_names_are_read(name: str, expected: tuple[str, str, str | None, int] | None) -> None:
    stream = parse(name)
    found = (stream.category, stream.kind, stream.symbol, stream.interval_ms) if stream else None
    assert found == expected


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("0", 2, "0.00"),
        ("-0.001", 2, "0.00"),
        ("1E-8", 8, "0.00000001"),
        ("1E+3", 1, "1000.0"),
        ("-2.5", 1, "-2.5"),
    ],
)
def test_numbers_have_a_fixed_number_of_decimals(value: str, decimals: int, text: str) -> None:
    assert fixed(D(value), decimals) == text


def test_numbers_can_be_written_without_trailing_zeros() -> None:
    assert [plain(D(v)) for v in ("0.00", "1E+3", "0.10", "100")] == ["0", "1000", "0.1", "100"]
    assert trimmed(D("1.23456"), 3) == "1.235"


@pytest.mark.parametrize(
    ("frame", "fitting"), [(b"x", MAX_QUEUED_FRAMES), (b"x" * (MAX_QUEUED_BYTES // 4), 4)]
)
def test_a_subscriber_that_does_not_read_is_cut_off(frame: bytes, fitting: int) -> None:
    cuts: list[bool] = []
    subscriber = Subscriber(Category.PUBLIC, wrapped=False, events=None, cut_off=lambda: cuts.append(True))
    for _ in range(fitting):
        subscriber.offer(frame)
    assert not cuts
    subscriber.offer(frame)
    assert cuts
    assert not subscriber.frames


def test_a_slow_subscriber_harms_no_other() -> None:
    hub, cuts = Hub(), []
    slow, quick = (
        Subscriber(Category.PUBLIC, wrapped=False, events=None, cut_off=lambda n=n: cuts.append(n))  # type: ignore[misc]
        for n in ("slow", "quick")
    )
    for subscriber in (slow, quick):
        hub.subscribe(subscriber, ["btcusdt@trade"])
    received = 0
    for number in range(MAX_QUEUED_FRAMES + 5):
        hub.publish("btcusdt@trade", number)
        while quick.frames:
            received += quick.take() == str(number).encode()
    assert received == MAX_QUEUED_FRAMES + 5
    assert set(cuts) == {"slow"}


def test_a_listen_key_lives_an_hour_from_its_last_extension() -> None:
    keys = ListenKeys()
    token = keys.open("api", "account", 0)
    assert keys.expire(LIFETIME_MS - 1) == []
    keys.extend("api", LIFETIME_MS - 1)
    assert keys.expire(LIFETIME_MS) == []
    assert keys.expire(2 * LIFETIME_MS) == [token]
    assert keys.of_account("account") == []
    with pytest.raises(ExchangeError):
        keys.extend("api", 0)


@given(st.text(alphabet="ab=&%+;2", max_size=30))
def test_a_query_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert merge(text, "") == dict(parse_qsl(text, keep_blank_values=True))


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        merge("&".join("a" * 3_000), "")


def test_a_record_that_is_gone_is_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path / "account.sqlite3")
    store.save({"orders": {"1": {"a": 1}, "2": {"a": 2}}})
    store.save({"orders": {"1": None, "3": {"a": 3}, "4": None}})
    assert store.load_state()["orders"] == {"2": {"a": 2}, "3": {"a": 3}}
    store.close()


class FailingStore(Store):
    """A disk that is full for a while."""

    full = False

    def save(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        super().save(changes)


def test_nothing_is_acknowledged_or_told_before_it_is_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        contracts, _ = open_market("manual")
        store = FailingStore(tmp_path / "account.sqlite3")
        exchange = PaperExchange(contracts, store, market="manual")
        account = exchange.default_key.account_id
        exchange.apply(Quote("BTCUSDT", D(60000), D(1), D(60001), D(1), exchange.now_ms()))
        token = exchange.listen_keys.open("k", account, exchange.now_ms())
        listener = Subscriber(Category.PRIVATE, wrapped=False, events=None, cut_off=lambda: None)
        exchange.hub.subscribe(listener, [token])
        store.full = True
        exchange.simulator.place(account, NewOrder("BTCUSDT", Side.BUY, OrderType.MARKET, "id-1", D("0.01")))
        exchange.touch()
        with pytest.raises(sqlite3.OperationalError):
            await exchange.settled()
        assert not listener.frames
        store.full = False
        exchange.touch()
        await exchange.settled()
        assert len(listener.frames) == 4
        kept = store.load_state()
        assert len(kept["orders"]) == 1
        assert len(kept["trades"]) == 1
        exchange.close()

    asyncio.run(scenario())


def published(
    streams: list[str], now_ms: Callable[[], int]
) -> tuple[SimulatedExchange, MarketPublisher, Subscriber]:
    """An exchange, what publishes its market, and one who listens to these streams."""
    contracts, _ = open_market("manual")
    hub = Hub()
    simulator = SimulatedExchange(contracts.instruments, contracts.brackets, now_ms=now_ms())
    publisher = MarketPublisher(simulator, {i.symbol: i for i in contracts.instruments}, hub, now_ms)
    listener = Subscriber(Category.MARKET, wrapped=True, events=None, cut_off=lambda: None)
    hub.subscribe(listener, streams)
    return simulator, publisher, listener


def test_a_candle_is_sent_as_it_grows_and_once_when_it_is_closed() -> None:
    async def scenario() -> None:
        now = at("2026-11-20T10:00:10")
        _, publisher, listener = published(["btcusdt@kline_1m"], lambda: now)

        def sent() -> list[tuple[str, bool]]:
            publisher.send_due(250)
            frames = [json.loads(listener.take()) for _ in tuple(listener.frames)]
            return [(f["data"]["k"]["c"], f["data"]["k"]["x"]) for f in frames]

        def print_(price: str, number: int) -> None:
            trade = MarketTrade("BTCUSDT", number, D(price), D(1), False, now)
            publisher.publish([TradePrinted(now, trade)])

        assert sent() == []
        print_("60000", 1)
        assert sent() == [("60000.00", False)]
        assert sent() == []
        print_("60001", 2)
        assert sent() == [("60001.00", False)]
        now = at("2026-11-20T10:01:00")
        print_("60002", 3)
        assert sent() == [("60001.00", True), ("60002.00", False)]

    asyncio.run(scenario())


def test_of_the_liquidations_of_one_second_the_largest_of_each_symbol_is_told_once() -> None:
    async def scenario() -> None:
        now = at("2026-11-20T10:00:10")
        simulator, publisher, listener = published(["btcusdt@forceOrder", "!forceOrder@arr"], lambda: now)
        simulator.apply(Quote("BTCUSDT", D(60000), D(50), D(60001), D(50), now))
        for number, quantity in enumerate(("0.1", "0.3", "0.2")):
            simulator.open_account(str(number), {"USDT": D(1000)})
            simulator.set_leverage(str(number), "BTCUSDT", 100)
            simulator.set_margin_type(str(number), "BTCUSDT", isolated=True)
            simulator.place(
                str(number), NewOrder("BTCUSDT", Side.BUY, OrderType.MARKET, "entry", D(quantity))
            )
        simulator.apply(Quote("BTCUSDT", D(59000), D(50), D(59001), D(50), now))
        for event in simulator.drain():
            if isinstance(event, OrderUpdate):
                publisher.note_liquidation(event)
        publisher.send_due(1_000)
        publisher.send_due(1_000)
        told = [json.loads(listener.take()) for _ in tuple(listener.frames)]
        assert [(m["stream"], m["data"]["o"]["q"]) for m in told] == [
            ("btcusdt@forceOrder", "0.300"),
            ("!forceOrder@arr", "0.300"),
        ]

    asyncio.run(scenario())


class Recording:
    """A market source of three quotes, so many seconds apart."""

    name = "replay"
    symbols = ("BTCUSDT",)

    def __init__(self, pause_s: int) -> None:
        self._pause_ms = pause_s * 1000

    def events(self, start_ms: int) -> Iterator[MarketEvent]:
        for number in range(3):
            bid = D(60_000 + number)
            yield Quote("BTCUSDT", bid, D(1), bid + 1, D(1), start_ms + number * self._pause_ms)


@pytest.mark.parametrize(("pause_s", "speed", "least_s"), [(3_600, 20_000.0, 0.36), (1, 4.0, 0.5)])
def test_a_market_is_ready_at_once_and_keeps_the_pace_it_is_given(
    tmp_path: Path, pause_s: int, speed: float, least_s: float
) -> None:
    async def scenario() -> None:
        contracts, _ = open_market("manual")
        exchange = PaperExchange(contracts, Store(tmp_path / "a.sqlite3"), market="replay")
        pump = MarketPump(exchange, Recording(pause_s), speed=speed)
        await pump.prime()
        assert exchange.simulator.quote("BTCUSDT").bid == 60_000
        started = time.monotonic()
        await pump.run()
        assert least_s * 0.95 <= time.monotonic() - started < 60
        quote = exchange.simulator.quote("BTCUSDT")
        assert quote.bid == 60_002
        assert abs(quote.time_ms - exchange.now_ms()) < 30_000  # stamped with the exchange's own clock
        exchange.close()

    asyncio.run(scenario())
