"""The public quote stream: best bid and ask as they change, kept up across losses."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from orderkit.domain.events import Input, QuoteUpdated
from orderkit.domain.market import Quote
from orderkit.errors import OrderKitError

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
STABLE_AFTER_S = 10.0
PING_S = 10.0
OPEN_TIMEOUT_S = 10.0


class Quotes(Protocol):
    """The part of a gateway that a stream needs: where the market stands before the first change."""

    def quote(self, symbol: str) -> Quote: ...


class _BookTicker(msgspec.Struct):
    """``<symbol>@bookTicker``; fields it does not name are ignored: Binance adds some without notice."""

    symbol: str = msgspec.field(name="s")
    bid: Decimal = msgspec.field(name="b")
    bid_quantity: Decimal = msgspec.field(name="B")
    ask: Decimal = msgspec.field(name="a")
    ask_quantity: Decimal = msgspec.field(name="A")
    time_ms: int = msgspec.field(name="T")


_DECODER = msgspec.json.Decoder(_BookTicker)


def decode(frame: bytes) -> Quote:
    """The quote in one frame.

    Raises:
        ValueError: not a book ticker.
    """
    ticker = _DECODER.decode(frame)
    return Quote(
        ticker.symbol, ticker.bid, ticker.bid_quantity, ticker.ask, ticker.ask_quantity, ticker.time_ms
    )


class MarketStream:
    """Reads ``/public/ws/<symbol>@bookTicker`` and turns its frames into QuoteUpdated.

    The stream tells changes only, so each connection begins with a question for the present quote. Nobody
    is told that it is down: whoever needs a fresh quote looks at its time.
    """

    def __init__(self, gateway: Quotes, stream_base: Callable[[], str], symbols: Sequence[str]) -> None:
        """``stream_base`` gives ``wss://host`` without a path, anew for each connection."""
        self._gateway = gateway
        self._base = stream_base
        self._symbols = tuple(symbols)

    async def run(self, emit: Callable[[Input], None]) -> None:
        """Deliver until cancelled. No failure of the exchange ends this."""
        from websockets.exceptions import WebSocketException

        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await self._read(emit)
            except (OSError, EOFError, OrderKitError, WebSocketException) as error:
                logger.warning("market stream lost: %s", error or type(error).__name__)
            failures = 0 if loop.time() - began_s > STABLE_AFTER_S else failures + 1
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))

    async def _read(self, emit: Callable[[Input], None]) -> None:
        from websockets.asyncio.client import connect

        base = await asyncio.to_thread(self._base)
        loopback = base.startswith(("ws://127.0.0.1:", "ws://localhost:"))
        names = "/".join(f"{symbol.lower()}@bookTicker" for symbol in self._symbols)
        async with connect(
            f"{base}/public/ws/{names}",
            proxy=None if loopback else True,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=1.0,
            compression=None,  # Binance does not compress
        ) as socket:
            for symbol in self._symbols:
                emit(QuoteUpdated(await asyncio.to_thread(self._gateway.quote, symbol)))
            async for frame in socket:
                data = frame if isinstance(frame, bytes) else frame.encode()
                try:
                    quote = decode(data)
                except ValueError as error:
                    logger.warning("market stream frame skipped (%s): %.200r", error, data)
                    continue
                emit(QuoteUpdated(quote))
