"""The public quote stream: best bid and ask as they change, kept up across losses."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from orderkit.domain.events import Input, QuoteUpdated
from orderkit.domain.market import Quote
from orderkit.exchange.connection import frames, keep_reading

logger = logging.getLogger(__name__)


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
        await keep_reading(lambda: self._read(emit), "market stream")

    async def _read(self, emit: Callable[[Input], None]) -> None:
        base = await asyncio.to_thread(self._base)
        names = "/".join(f"{symbol.lower()}@bookTicker" for symbol in self._symbols)
        async with frames(base, f"/public/ws/{names}") as arriving:
            for symbol in self._symbols:
                emit(QuoteUpdated(await asyncio.to_thread(self._gateway.quote, symbol)))
            async for data in arriving:
                try:
                    quote = decode(data)
                except ValueError as error:
                    logger.warning("market stream frame skipped (%s): %.200r", error, data)
                    continue
                emit(QuoteUpdated(quote))
