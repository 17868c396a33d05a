"""Mark prices, index prices and funding rates for markets that do not bring their own."""

from decimal import Decimal
from random import Random

from orderkit.domain.market import MarkPrice

FUNDING_INTERVAL_MS = 8 * 3600 * 1000
MARK_INTERVAL_MS = 1000
_USUAL_RATE = Decimal("0.0001")  # the interest component alone
_INDEX_SMOOTHING = 0.2  # weight of the newest mid in the index, per mark

# Funding rates of BTCUSDT and ETHUSDT, March to June 2025: mean, deviation, correlation with the one before
# and extremes. The cap is the interest component's 0.01 %, reached in calm markets.
_FUNDING_MEAN = 3.4e-5
_FUNDING_DEVIATION = 4.2e-5
_FUNDING_CORRELATION = 0.45
_FUNDING_LOWEST = -1.2e-4
_FUNDING_HIGHEST = 1e-4


def next_funding_ms(time_ms: int) -> int:
    """The first of 00:00, 08:00 and 16:00 UTC after ``time_ms``."""
    return (time_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


class MidMarks:
    """One symbol's marks where a recording has none: mark and index are the mid, once a second, with the
    usual funding rate of 0.01 %.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._next_ms = 0

    @property
    def begun(self) -> bool:
        """Whether there was a mark yet."""
        return self._next_ms > 0

    def due(self, time_ms: int) -> bool:
        """Whether a second has passed since the last mark."""
        return 0 < self._next_ms <= time_ms

    def mark(self, mid: Decimal, time_ms: int) -> MarkPrice:
        """The first mark, at ``time_ms``, or the newest that is due by then."""
        if self.begun:
            time_ms -= (time_ms - self._next_ms) % MARK_INTERVAL_MS
        self._next_ms = time_ms + MARK_INTERVAL_MS
        return MarkPrice(self._symbol, mid, mid, _USUAL_RATE, next_funding_ms(time_ms), time_ms)


class SyntheticMarks:
    """One symbol's marks, from its mid prices. Funding rates are an AR(1) series, one per funding period.

    The mark is the index with the funding still to come in this period added: the first of the two
    prices of Binance's mark price (FAQ 360033525071); the second, a basis average, would be zero here.
    """

    def __init__(self, symbol: str, tick: float, seed: int) -> None:
        self._symbol = symbol
        self._tick = tick
        # apart from the market's numbers: funding periods go with the clock, the market must not
        self._rng = Random(f"{seed}:{symbol}:funding")
        self._index: float | None = None
        self._deviation = 0.0
        self._rate = 0.0
        self._next_funding_ms = 0

    def next(self, mid_ticks: float, time_ms: int) -> MarkPrice:
        """The mark at ``time_ms`` for a mid price in ticks."""
        if time_ms >= self._next_funding_ms:
            self._next_funding_ms = next_funding_ms(time_ms)
            self._rate = self._next_rate()
        mid = mid_ticks * self._tick
        self._index = mid if self._index is None else self._index + _INDEX_SMOOTHING * (mid - self._index)
        share_left = (self._next_funding_ms - time_ms) / FUNDING_INTERVAL_MS
        return MarkPrice(
            symbol=self._symbol,
            mark_price=_eight_decimals(self._index * (1 + self._rate * share_left)),
            index_price=_eight_decimals(self._index),
            funding_rate=_eight_decimals(self._rate),
            next_funding_ms=self._next_funding_ms,
            time_ms=time_ms,
        )

    def _next_rate(self) -> float:
        noise = self._rng.gauss(0, _FUNDING_DEVIATION * (1 - _FUNDING_CORRELATION**2) ** 0.5)
        self._deviation = _FUNDING_CORRELATION * self._deviation + noise
        return max(_FUNDING_LOWEST, min(_FUNDING_HIGHEST, _FUNDING_MEAN + self._deviation))


def _eight_decimals(value: float) -> Decimal:
    return Decimal(f"{value:.8f}")
