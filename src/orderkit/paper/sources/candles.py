"""Recorded candles played as trades: a plausible path from open to close through both extremes."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice, pairwise

from orderkit.domain.instrument import Instrument, ceil_to_step, floor_to_step
from orderkit.domain.market import MarketEvent, MarketTrade
from orderkit.paper.sources.columns import Candle
from orderkit.paper.sources.ticks import chained, with_marks, with_quotes
from orderkit.paper.sources.vision import TickFile

_MINUTE_MS = 60_000
_PRINT_INTERVAL_MS = 1000


class CandleRecording:
    """One symbol's klines as trades, quoted one tick around.

    Assumptions: a candle that closes at or above its open goes open, low, high, close, any other open,
    high, low, close, in straight lines at an even pace, since that is the shorter way in most candles. One
    trade a second, each of an equal share of the volume (fewer where it is fewer steps than seconds; one
    step at least where open, high, low or close need it); the first at the open, the last at the close, none
    above the high or below the low. On the way down trades are sales, on the way up purchases. An interval
    is the shortest gap between the first candles, a minute where there is only one.
    """

    def __init__(self, instrument: Instrument, files: Sequence[TickFile]) -> None:
        self._instrument = instrument
        self._files = files
        self.first_ms = files[0].first_ms
        opened = [candle.time_ms for candle in islice(self._candles(), 10)]
        self._interval_ms = min((b - a for a, b in pairwise(opened) if b > a), default=_MINUTE_MS)

    def events(self, shift_ms: int) -> Iterator[MarketEvent]:
        """The market ``shift_ms`` later than recorded. Raises ConfigurationError for a broken file."""
        return with_marks(with_quotes(self._trades(shift_ms), self._instrument.price_filter.tick_size))

    def _candles(self) -> Iterator[Candle]:
        return (record for record in chained(self._files) if isinstance(record, Candle))

    def _trades(self, shift_ms: int) -> Iterator[MarketTrade]:
        trade_id = 0
        for candle in self._candles():
            for trade in candle_trades(candle, self._interval_ms, self._instrument):
                trade_id += 1
                yield MarketTrade(
                    symbol=trade.symbol,
                    trade_id=trade_id,
                    price=trade.price,
                    quantity=trade.quantity,
                    buyer_is_maker=trade.buyer_is_maker,
                    time_ms=trade.time_ms + shift_ms,
                )


def candle_trades(candle: Candle, interval_ms: int, instrument: Instrument) -> list[MarketTrade]:
    """The trades of one candle, numbered from 1; none where nothing traded."""
    if not candle.volume:
        return []
    tick, step = instrument.price_filter.tick_size, instrument.lot_size.step_size
    low = int(ceil_to_step(candle.low, tick) / tick)
    high = max(low, int(floor_to_step(candle.high, tick) / tick))
    corners = [min(max(int(price / tick), low), high) for price in _corners(candle)]
    lots = int(candle.volume / step)
    prices = _walk(corners, min(lots, interval_ms // _PRINT_INTERVAL_MS))
    count = len(prices)
    falling = corners[1] < corners[0]
    trades: list[MarketTrade] = []
    sold = 0
    for index, price in enumerate(prices):
        if index and price != prices[index - 1]:
            falling = price < prices[index - 1]
        share = max(1, lots * (index + 1) // count - sold)
        sold += share
        trades.append(
            MarketTrade(
                symbol=candle.symbol,
                trade_id=index + 1,
                price=price * tick,
                quantity=share * step,
                # at an extreme the other side of the quote lies inside the candle
                buyer_is_maker=price == low or (falling and price != high),
                time_ms=candle.time_ms + (interval_ms - 1) * index // max(1, count - 1),
            )
        )
    return trades


def _corners(candle: Candle) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    rises = candle.close >= candle.open
    first, second = (candle.low, candle.high) if rises else (candle.high, candle.low)
    return candle.open, first, second, candle.close


def _walk(corners: Sequence[int], points: int) -> list[int]:
    """Prices from corner to corner in straight lines: all corners, and ``points`` in all if that is more."""
    legs = [(a, b) for a, b in pairwise(corners) if a != b]
    length = sum(abs(b - a) for a, b in legs)
    if not length:
        return [corners[0]] * max(1, points)
    spare = max(0, points - len(legs) - 1)
    walk = [corners[0]]
    walked = placed = 0
    for a, b in legs:
        walked += abs(b - a)
        between = spare * walked // length - placed
        placed += between
        walk += [a + (b - a) * step // (between + 1) for step in range(1, between + 1)]
        walk.append(b)
    return walk
