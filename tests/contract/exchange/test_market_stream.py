"""The quote stream against the paper exchange, and against one that garbles frames and hangs up."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from websockets.asyncio.server import ServerConnection, serve

from orderkit.config import Settings
from orderkit.domain.enums import Environment
from orderkit.domain.events import Input, QuoteUpdated
from orderkit.domain.market import Quote
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.market_stream import MarketStream, decode
from tests.support import Desk
from tests.waiting import eventually

FRAME = (
    '{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"60000.10","B":"1.5","a":"60000.20","A":"2","T":7,"ps":"x"}'
)


async def read(stream: MarketStream, meanwhile: Callable[[list[Quote]], Awaitable[None]]) -> list[Quote]:
    quotes: list[Quote] = []

    def emit(event: Input) -> None:
        assert isinstance(event, QuoteUpdated)
        quotes.append(event.quote)

    task = asyncio.create_task(stream.run(emit))
    try:
        await meanwhile(quotes)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return quotes


def test_a_frame_becomes_a_quote_and_fields_not_known_are_let_be() -> None:
    quote = decode(FRAME.encode())
    assert (quote.symbol, quote.time_ms) == ("BTCUSDT", 7)
    assert (quote.bid, quote.ask_quantity) == (Decimal("60000.10"), Decimal(2))


def test_it_begins_with_the_present_quote_and_tells_each_change(opened: Desk) -> None:
    opened.market("60000", "60000.1")
    gateway = BinanceGateway(Settings(environment=Environment.PAPER, home=opened.home))

    async def move(quotes: list[Quote]) -> None:
        await eventually(lambda: len(quotes) >= 1)
        await asyncio.to_thread(opened.market, "61000", "61000.1")
        await eventually(lambda: quotes[-1].bid == 61000)

    try:
        quotes = asyncio.run(read(MarketStream(gateway, lambda: gateway.endpoints.stream, ["BTCUSDT"]), move))
    finally:
        gateway.close()
    assert quotes[0].bid == 60000
    assert quotes[-1].ask == Decimal("61000.1")


class Fixed:
    """A gateway that knows one quote."""

    asked = 0

    def quote(self, symbol: str) -> Quote:
        self.asked += 1
        return Quote(symbol, Decimal(1), Decimal(1), Decimal(2), Decimal(1), 0)


@pytest.mark.parametrize("ending", ["close", "abort"])
def test_after_a_loss_it_comes_back_and_asks_anew_what_it_missed(ending: str) -> None:
    gateway = Fixed()

    async def handle(connection: ServerConnection) -> None:
        await connection.send("garbage")
        await connection.send(FRAME)
        if ending == "abort":
            await asyncio.sleep(0.05)
            connection.transport.abort()

    async def run() -> list[Quote]:
        async with serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            stream = MarketStream(gateway, lambda: f"ws://127.0.0.1:{port}", ["BTCUSDT"])

            async def twice(quotes: list[Quote]) -> None:
                await eventually(lambda: [q.time_ms for q in quotes].count(7) >= 2)

            return await read(stream, twice)

    quotes = asyncio.run(run())
    assert [quote.time_ms for quote in quotes[:4]] == [0, 7, 0, 7]
    assert gateway.asked >= 2
