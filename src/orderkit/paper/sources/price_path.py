"""The moves of a synthetic price: how many ticks, which way."""

from math import ceil, expm1, log
from random import Random

from orderkit.paper.sources.profiles import MarketProfile

# Pull on a move's direction per unit of log distance from the start price. With the measured moves it holds
# the price in a stationary spread of 3 to 6 % with a memory of days, so an endless run stays in sane bounds.
_PULL = 0.05
_STRONGEST_PULL = 0.2


class PricePath:
    """A persistent random walk in whole ticks, drawn weakly back to where it began.

    Moves are exponential in size, rounded up to whole ticks. Where the tick is coarse that makes them larger,
    so ``frequency`` says how often one may happen to keep the variance that the profile asks for.
    """

    def __init__(self, profile: MarketProfile, tick: float, start: int, rng: Random) -> None:
        self._rng = rng
        self._start = start
        self._same_direction = profile.same_direction_share
        self._mean = profile.move_mean_bps / 1e4 * profile.price / tick
        self._up = rng.random() < 0.5
        stop = -expm1(-1 / self._mean)  # an exponential rounded up is geometric with this parameter
        mean_square = (2 - stop) / stop**2
        self.frequency = min(1.0, 2 * self._mean**2 / mean_square)

    def next_move(self, price: int) -> int:
        """The next move in ticks from ``price`` (ticks), never 0."""
        pull = _PULL * log(price / self._start)
        pull = max(-_STRONGEST_PULL, min(_STRONGEST_PULL, pull))
        share_up = self._same_direction if self._up else 1 - self._same_direction
        self._up = self._rng.random() < share_up - pull
        size = max(1, ceil(self._rng.expovariate(1 / self._mean)))
        # a down move may not take more than a twentieth of the price, whatever the tick
        return size if self._up else -min(size, max(1, price // 20))
