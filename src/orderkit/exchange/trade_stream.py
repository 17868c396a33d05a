"""The public trade stream: how much prints on the market, told in sums, with what a loss hid asked for."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import msgspec

from orderkit.domain.events import Input, QuantityTraded, TradesMissed
from orderkit.domain.market import MarketTrade
from orderkit.exchange.connection import frames, keep_reading

logger = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
PAGE = 1000
MOST_PAGES = 10  # of weight 20 each, out of 2,400 a minute


class Prints(Protocol):
    """The part of an inquiry that a stream needs: what printed while it was down."""

    def prints(self, symbol: str, from_id: int) -> Sequence[MarketTrade]: ...


class _AggregateTrade(msgspec.Struct):
    """``<symbol>@aggTrade``; fields it does not name are ignored: Binance adds some without notice.

    ``q`` counts what retail price improvement (RPI) orders filled, which no ordinary order could have had;
    ``nq`` leaves it out. Insurance fund and ADL trades do not come here (Binance, "Aggregate Trade Streams").
    """

    symbol: str = msgspec.field(name="s")
    id: int = msgspec.field(name="a")
    quantity: Decimal = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    ordinary_quantity: Decimal | None = msgspec.field(name="nq", default=None)


_DECODER = msgspec.json.Decoder(_AggregateTrade)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a symbol's trades have been counted."""

    trade_id: int
    time_ms: int


class TradeStream:
    """Reads ``/market/ws/<symbol>@aggTrade`` and tells how much traded, ten times a second at most.

    Trades have consecutive ids, so that each connection but the first begins with a question for those since
    the last one counted. What that would take too many requests for is reported as missed.
    """

    def __init__(self, inquiry: Prints, stream_base: Callable[[], str], symbols: Sequence[str]) -> None:
        """``stream_base`` gives ``wss://host`` without a path, anew for each connection."""
        self._inquiry = inquiry
        self._base = stream_base
        self._symbols = tuple(symbols)
        self._counted: dict[str, _Place] = {}
        self._untold: dict[str, Decimal] = {}
        self._emit: Callable[[Input], None] = lambda _: None

    async def run(self, emit: Callable[[Input], None]) -> None:
        """Deliver until cancelled. No failure of the exchange ends this."""
        self._emit = emit
        await keep_reading(self._read, "trade stream")

    async def _read(self) -> None:
        base = await asyncio.to_thread(self._base)
        names = "/".join(f"{symbol.lower()}@aggTrade" for symbol in self._symbols)
        async with frames(base, f"/market/ws/{names}") as arriving:
            for symbol in self._counted:
                await self._make_up(symbol)
            async for data in arriving:
                try:
                    trade = _DECODER.decode(data)
                except ValueError as error:
                    logger.warning("trade stream frame skipped (%s): %.200r", error, data)
                    continue
                quantity = trade.quantity if trade.ordinary_quantity is None else trade.ordinary_quantity
                self._count(trade.symbol, trade.id, trade.time_ms, quantity)

    def _count(self, symbol: str, trade_id: int, time_ms: int, quantity: Decimal) -> None:
        """Add a trade once; a lower id at a later time is an exchange that counts from 1 again."""
        known = self._counted.get(symbol)
        if known is not None and trade_id <= known.trade_id and time_ms <= known.time_ms:
            return
        self._counted[symbol] = _Place(trade_id, time_ms)
        if not self._untold:
            asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)
        self._untold[symbol] = self._untold.get(symbol, Decimal(0)) + quantity

    def _tell(self) -> None:
        untold, self._untold = self._untold, {}
        for symbol, quantity in untold.items():
            self._emit(QuantityTraded(symbol, quantity))

    async def _make_up(self, symbol: str) -> None:
        """Ask for what printed since the last trade counted; frames wait in the socket meanwhile."""
        for _ in range(MOST_PAGES):
            from_id = self._counted[symbol].trade_id + 1
            page = await asyncio.to_thread(self._inquiry.prints, symbol, from_id)
            for trade in page:
                self._count(symbol, trade.trade_id, trade.time_ms, trade.quantity)
            if len(page) < PAGE:
                return
        missed = (
            f"more than {MOST_PAGES * PAGE} trades printed while the stream was down; the rest is not counted"
        )
        logger.warning("trade stream: %s: %s", symbol, missed)
        self._emit(TradesMissed(symbol, missed))
