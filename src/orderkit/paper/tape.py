"""What printed on each symbol: candles, 24 h figures, aggregate trades, and the course of the mark."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.market import MarketTrade, MarkPrice
from orderkit.paper.candles import CandleSeries

KEPT_AGGREGATES = 1_000


@dataclass(slots=True)
class AggregateTrade:
    """Trades of one taker at one price and millisecond, as aggTrades shows them."""

    aggregate_id: int
    price: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool

    def continues(self, trade: MarketTrade) -> bool:
        return (
            trade.price == self.price
            and trade.buyer_is_maker == self.buyer_is_maker
            and trade.time_ms == self.time_ms
        )


class Tape:
    """One symbol's prints, and the course of its mark and index prices and of the premium between them."""

    def __init__(self) -> None:
        self.candles = CandleSeries()
        self.marks = CandleSeries()
        self.indexes = CandleSeries()
        self.premiums = CandleSeries()
        self.last_trade: MarketTrade | None = None
        self._aggregates: deque[AggregateTrade] = deque(maxlen=KEPT_AGGREGATES)
        self._next_aggregate_id = 1

    def add(self, trades: Iterable[MarketTrade]) -> list[AggregateTrade]:
        """Record the prints of one batch and return the aggregate trades they form."""
        formed: list[AggregateTrade] = []
        for trade in trades:
            self.candles.add(trade)
            self.last_trade = trade
            if formed and formed[-1].continues(trade):
                formed[-1].quantity += trade.quantity
                formed[-1].last_id = trade.trade_id
                continue
            formed.append(
                AggregateTrade(
                    self._next_aggregate_id,
                    trade.price,
                    trade.quantity,
                    trade.trade_id,
                    trade.trade_id,
                    trade.time_ms,
                    trade.buyer_is_maker,
                )
            )
            self._next_aggregate_id += 1
        self._aggregates.extend(formed)
        return formed

    def add_mark(self, mark: MarkPrice) -> None:
        """Record a mark price. The premium is taken as mark over index - 1.

        Binance takes it from impact prices of the book, which is not published with a mark price.
        """
        self.marks.touch(mark.time_ms, mark.mark_price)
        if mark.index_price > 0:
            self.indexes.touch(mark.time_ms, mark.index_price)
            self.premiums.touch(mark.time_ms, mark.mark_price / mark.index_price - 1)

    def aggregates(
        self, *, from_id: int | None, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[AggregateTrade]:
        """Aggregate trades ascending: from an id or a time on, else the newest ``limit``."""
        chosen = [
            a
            for a in self._aggregates
            if (from_id is None or a.aggregate_id >= from_id)
            and (start_ms is None or a.time_ms >= start_ms)
            and (end_ms is None or a.time_ms <= end_ms)
        ]
        return chosen[-limit:] if from_id is None and start_ms is None else chosen[:limit]
