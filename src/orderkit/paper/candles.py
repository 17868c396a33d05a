"""One-minute candles of trades or of prices, and every longer interval and the 24 h figures from them."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from orderkit.domain.market import MarketTrade

MINUTE_MS = 60_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
# Two days: what the 24 h figures need, and room for the longer intervals.
KEPT_MINUTES = 2_880
# The week starts on Monday; 1970-01-01 was a Thursday.
_MONDAY_MS = 4 * DAY_MS
ZERO = Decimal(0)

INTERVALS_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
    "1M": 0,  # calendar months have no fixed length
}


@dataclass(slots=True)
class Candle:
    """Prices, base and quote volume; ``taker_buy_*`` is the part where the buyer was the taker."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    taker_buy_volume: Decimal = ZERO
    taker_buy_quote_volume: Decimal = ZERO
    first_trade_id: int = -1
    last_trade_id: int = -1
    trades: int = 0

    def touch(self, price: Decimal) -> None:
        """Take a price that nothing traded at, as a mark price."""
        if price > self.high:
            self.high = price
        if price < self.low:
            self.low = price
        self.close = price
        self.trades += 1

    def add(self, trade: MarketTrade) -> None:
        price, quantity = trade.price, trade.quantity
        self.touch(price)
        quote = price * quantity
        self.volume += quantity
        self.quote_volume += quote
        if not trade.buyer_is_maker:
            self.taker_buy_volume += quantity
            self.taker_buy_quote_volume += quote
        if self.first_trade_id < 0:
            self.first_trade_id = trade.trade_id
        self.last_trade_id = trade.trade_id


def span(interval: str, time_ms: int) -> tuple[int, int]:
    """First and last millisecond of the candle of ``interval`` that holds ``time_ms``."""
    if interval == "1M":
        start = datetime.fromtimestamp(time_ms / 1000, UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        following = (start + timedelta(days=32)).replace(day=1)
        return int(start.timestamp() * 1000), int(following.timestamp() * 1000) - 1
    length = INTERVALS_MS[interval]
    origin = _MONDAY_MS if interval == "1w" else 0
    start_ms = time_ms - (time_ms - origin) % length
    return start_ms, start_ms + length - 1


def merge(candles: Iterable[Candle], interval: str) -> list[Candle]:
    """Ascending one-minute candles as candles of ``interval``; without a trade there is no candle."""
    merged: list[Candle] = []
    for minute in candles:
        open_ms, close_ms = span(interval, minute.open_ms)
        if not merged or merged[-1].open_ms != open_ms:
            merged.append(Candle(open_ms, close_ms, minute.open, minute.high, minute.low, minute.close))
            merged[-1].first_trade_id = minute.first_trade_id
        target = merged[-1]
        target.high = max(target.high, minute.high)
        target.low = min(target.low, minute.low)
        target.close = minute.close
        target.volume += minute.volume
        target.quote_volume += minute.quote_volume
        target.taker_buy_volume += minute.taker_buy_volume
        target.taker_buy_quote_volume += minute.taker_buy_quote_volume
        target.last_trade_id = max(target.last_trade_id, minute.last_trade_id)
        target.trades += minute.trades
    return merged


class CandleSeries:
    """The last minutes of one symbol."""

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=KEPT_MINUTES)

    def add(self, trade: MarketTrade) -> None:
        self._minute(trade.time_ms, trade.price).add(trade)

    def touch(self, time_ms: int, price: Decimal) -> None:
        """Take a price that nothing traded at; ``trades`` counts these."""
        self._minute(time_ms, price).touch(price)

    def _minute(self, time_ms: int, price: Decimal) -> Candle:
        open_ms = time_ms - time_ms % MINUTE_MS
        minutes = self._minutes
        # A price older than the open minute belongs to the open one: closed candles stay as published.
        if not minutes or open_ms > minutes[-1].open_ms:
            minutes.append(Candle(open_ms, open_ms + MINUTE_MS - 1, price, price, price, price))
        return minutes[-1]

    def candles(
        self, interval: str, *, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[Candle]:
        """Candles whose open time lies in the window: from ``start_ms`` on if given, else the newest."""
        merged = [
            c
            for c in merge(self._minutes, interval)
            if (start_ms is None or c.open_ms >= start_ms) and (end_ms is None or c.open_ms <= end_ms)
        ]
        return merged[:limit] if start_ms is not None else merged[-limit:]

    def current(self, interval: str, now_ms: int) -> Candle | None:
        """The candle of ``interval`` that holds ``now_ms``; None while it has no trade."""
        start_ms, _ = span(interval, now_ms)
        merged = merge((m for m in self._minutes if m.open_ms >= start_ms), interval)
        return merged[-1] if merged else None

    def closed(self, interval: str, close_ms: int) -> Candle | None:
        """The candle of ``interval`` that ended at ``close_ms``; None when nothing traded in it."""
        start_ms, _ = span(interval, close_ms)
        merged = merge((m for m in self._minutes if start_ms <= m.open_ms <= close_ms), interval)
        return merged[-1] if merged else None

    def day(self, now_ms: int) -> Candle | None:
        """The rolling 24 hours up to ``now_ms`` as one candle (to the minute); None without a trade."""
        total: Candle | None = None
        since = now_ms - DAY_MS
        for minute in self._minutes:
            if minute.open_ms < since:
                continue
            if total is None:
                total = Candle(since, now_ms, minute.open, minute.high, minute.low, minute.close)
                total.first_trade_id = minute.first_trade_id
            total.high = max(total.high, minute.high)
            total.low = min(total.low, minute.low)
            total.close = minute.close
            total.volume += minute.volume
            total.quote_volume += minute.quote_volume
            total.last_trade_id = minute.last_trade_id
            total.trades += minute.trades
        return total
