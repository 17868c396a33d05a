"""The trade stream against the paper exchange, and against one that hangs up and counts on meanwhile."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import pytest
from websockets.asyncio.server import ServerConnection, serve

from orderkit.config import Settings
from orderkit.domain.enums import Environment
from orderkit.domain.events import Input, QuantityTraded, TradesMissed
from orderkit.domain.market import MarketTrade
from orderkit.exchange import trade_stream
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.trade_stream import TradeStream
from tests.support import Desk
from tests.waiting import eventually

T0 = 1_800_000_000_000


class Heard(list[Input]):
    """What a stream has told."""

    @property
    def total(self) -> Decimal:
        return sum((e.quantity for e in self if isinstance(e, QuantityTraded)), Decimal(0))

    @property
    def missed(self) -> list[str]:
        return [e.message for e in self if isinstance(e, TradesMissed)]


async def listen(stream: TradeStream, meanwhile: Callable[[Heard], Awaitable[None]]) -> Heard:
    heard = Heard()
    task = asyncio.create_task(stream.run(heard.append))
    try:
        await meanwhile(heard)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return heard


def frame(trade_id: int, quantity: str, time_ms: int = T0, **more: str) -> str:
    body = {"e": "aggTrade", "s": "BTCUSDT", "a": trade_id, "p": "60000", "q": quantity, "T": time_ms}
    return json.dumps(body | {"m": False, "st": 1} | more)


class Past:
    """Trades of one base unit each, up to the id ``newest``, as the exchange would tell on being asked."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.asked: list[int] = []

    def prints(self, symbol: str, from_id: int) -> Sequence[MarketTrade]:
        self.asked.append(from_id)
        ids = range(from_id, min(from_id + trade_stream.PAGE, self.newest + 1))
        return [MarketTrade(symbol, i, Decimal(60000), Decimal(1), False, T0) for i in ids]


def heard_of(connections: Sequence[Sequence[str]], past: Past, enough: Callable[[Heard], bool]) -> Heard:
    """Let a server send each connection's frames and hang up, and the last one stay."""
    waiting = list(connections)

    async def handle(connection: ServerConnection) -> None:
        frames = waiting.pop(0) if waiting else ()
        for each in frames:
            await connection.send(each)
        if waiting:
            connection.transport.abort()
        else:
            await connection.wait_closed()

    async def run() -> Heard:
        async with serve(handle, "127.0.0.1", 0) as server:
            base = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await listen(
                TradeStream(past, lambda: base, ["BTCUSDT"]), lambda h: eventually(lambda: enough(h))
            )

    return asyncio.run(run())


def test_what_prints_on_the_exchange_is_told_in_sums(opened: Desk) -> None:
    opened.market("60000", "60000.1")
    gateway = BinanceGateway(Settings(environment=Environment.PAPER, home=opened.home))

    def print_some() -> None:
        opened.trade("60000.1", "0.5")
        opened.trade("60000", "0.25", seller_began=True)

    async def trade(heard: Heard) -> None:
        while not heard:  # until it listens
            await asyncio.to_thread(opened.trade, "60000.1", "0.001")
            await asyncio.sleep(0.15)
        await asyncio.to_thread(print_some)
        await eventually(lambda: heard.total > Decimal("0.75"))

    stream = TradeStream(gateway.inquiry, lambda: gateway.endpoints.stream, ["BTCUSDT"])
    try:
        asyncio.run(listen(stream, trade))
        first = gateway.inquiry.prints("BTCUSDT", 1)
    finally:
        gateway.close()
    assert [trade.quantity for trade in first][-2:] == [Decimal("0.5"), Decimal("0.25")]


@pytest.mark.parametrize(
    ("connections", "past", "total", "asked"),
    [
        pytest.param([["garbage", frame(7, "2"), frame(8, "0.5")]], Past(0), "2.5", [], id="one connection"),
        pytest.param([[frame(7, "9", nq="2"), frame(8, "3", nq="0")]], Past(0), "2", [], id="retail orders"),
        pytest.param([[frame(7, "2")], [frame(12, "5")]], Past(11), "11", [8], id="a loss made up for"),
        pytest.param([[frame(7, "2")], [frame(10, "1"), frame(11, "1"), frame(12, "5")]], Past(11), "11", [8],
                     id="what was asked for comes again"),
        pytest.param([[frame(7, "2")], [frame(1, "3", T0 + 9)]], Past(0), "5", [8], id="begun anew"),
    ],
)  # fmt: skip
def test_each_trade_counts_once_whatever_happens_to_the_connection(
    connections: list[list[str]], past: Past, total: str, asked: list[int]
) -> None:
    heard = heard_of(connections, past, lambda h: h.total >= Decimal(total) and len(past.asked) >= len(asked))
    assert (heard.total, past.asked, heard.missed) == (Decimal(total), asked, [])


def test_a_gap_too_long_to_ask_for_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_stream, "PAGE", 3)
    monkeypatch.setattr(trade_stream, "MOST_PAGES", 2)
    past = Past(1_000)
    heard = heard_of([[frame(7, "2")], [frame(1_001, "5", T0 + 1)]], past, lambda h: h.total >= 13)
    assert past.asked == [8, 11]
    assert heard.total == 2 + 6 + 5
    assert len(heard.missed) == 1
    assert "the rest is not counted" in heard.missed[0]


def test_many_trades_wake_nobody_more_than_ten_times_a_second() -> None:
    frames = [frame(number, "0.001") for number in range(1, 501)]
    heard = heard_of([frames], Past(0), lambda h: h.total == Decimal("0.5"))
    assert len(heard) < 100
