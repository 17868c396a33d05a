"""One side of the synthetic book: how much rests at which distance behind the best price."""

from bisect import bisect_right
from dataclasses import dataclass
from math import exp
from random import Random

from orderkit.paper.sources.profiles import DEPTH_EDGES_BPS, MarketProfile

LEVELS_PER_BAND = 16
_TOUCH_TURNOVER = 0.1  # of the touch quantity, replaced at each update


@dataclass(frozen=True, slots=True)
class Shape:
    """A side's mean shape. Distances in ticks behind the touch, quantities in lots.

    Band i spans distances edges[i] to edges[i+1]; its levels are the prices that divide by spacing[i].
    """

    touch_lots: float
    edges: tuple[int, ...]
    spacing: tuple[int, ...]
    level_lots: tuple[float, ...]

    @classmethod
    def of(cls, profile: MarketProfile, tick: float, step: float) -> "Shape":
        """The profile's depth in ticks of ``tick`` and lots of ``step``; what falls inside the first tick
        is at the touch."""
        lot_notional = profile.price * step
        ticks_per_bp = profile.price / 1e4 / tick
        edges = [1]
        spacing: list[int] = []
        lots: list[float] = []
        for end_bps, density in zip(DEPTH_EDGES_BPS[1:], profile.depth_per_bps, strict=True):
            end = max(edges[-1], round(end_bps * ticks_per_bp))
            spacing.append(max(1, (end - edges[-1]) // LEVELS_PER_BAND))
            lots.append(max(1.0, density * spacing[-1] / ticks_per_bp / lot_notional))
            edges.append(end)
        touch = (profile.touch_notional + profile.depth_per_bps[0] / ticks_per_bp) / lot_notional
        return cls(max(2.0, touch), tuple(edges), tuple(spacing), tuple(lots))

    def band(self, distance: int) -> int:
        """The band a distance lies in; -1 at or before the touch, the number of bands beyond the last."""
        return bisect_right(self.edges, distance) - 1

    @property
    def bands(self) -> int:
        return len(self.spacing)

    @property
    def filled_bands(self) -> range:
        """The bands wide enough to hold a level at whatever touch (only the first ones can be too narrow)."""
        first = next(i for i in range(self.bands) if self.edges[i + 1] - self.edges[i] >= self.spacing[i])
        return range(first, self.bands)


class Ladder:
    """The resting lots of one side by price in ticks: the touch and every level of the shape behind it.

    ``sign`` is +1 for asks, -1 for bids. Changes are returned as new lots by price, 0 for a level gone.
    """

    def __init__(self, shape: Shape, sign: int, touch: int, rng: Random) -> None:
        self._shape = shape
        self._sign = sign
        self._rng = rng
        self.touch = touch
        self.levels: dict[int, int] = {touch: self._fresh_touch_lots()}
        for band in range(shape.bands):
            for price in self._grid(band):
                self.levels[price] = self._fresh_lots(band)

    def take_touch(self, lots: int) -> int:
        """Take up to ``lots`` at the touch, where at least one lot stays; what was taken."""
        taken = min(lots, self.levels[self.touch] - 1)
        self.levels[self.touch] -= taken
        return taken

    def fills_before(self, touch: int, lots: int) -> list[tuple[int, int]]:
        """What an order for ``lots`` gets at the prices better than ``touch``, best first."""
        fills = []
        for price in sorted(
            (p for p in self.levels if self._sign * (p - touch) < 0), key=lambda p: self._sign * p
        ):
            fills.append((price, min(lots, self.levels[price])))
            lots -= fills[-1][1]
            if lots == 0:
                break
        return fills

    def move(self, touch: int) -> dict[int, int]:
        """Move the best price, either way. Levels keep their lots unless their band changes."""
        former, old = self.touch, self.levels
        self.touch = touch
        self.levels = {touch: self._fresh_touch_lots()}
        for band in range(self._shape.bands):
            for price in self._grid(band):
                stays = price in old and self._shape.band(self._sign * (price - former)) == band
                self.levels[price] = old[price] if stays else self._fresh_lots(band)
        changed = {price: lots for price, lots in self.levels.items() if old.get(price) != lots}
        changed.update((price, 0) for price in old if price not in self.levels)
        return changed

    def refresh_touch(self) -> dict[int, int]:
        """Orders come and go at the best price: quantities there are exponentially distributed.

        A shot-noise process with one arrival per relaxation time has that distribution (Campbell).
        """
        lots = self.levels[self.touch] * (1 - _TOUCH_TURNOVER)
        if self._rng.random() < _TOUCH_TURNOVER:
            lots += self._rng.expovariate(1 / self._shape.touch_lots)
        self.levels[self.touch] = max(1, round(lots))
        return {self.touch: self.levels[self.touch]}

    def refresh_level(self) -> dict[int, int]:
        """Orders come and go at one price behind the touch, each band equally often."""
        band = self._rng.choice(self._shape.filled_bands)
        price = self._rng.choice(self._grid(band))
        self.levels[price] = self._fresh_lots(band)
        return {price: self.levels[price]}

    def _grid(self, band: int) -> range:
        near, far = self._shape.edges[band], self._shape.edges[band + 1] - 1
        step = self._shape.spacing[band]
        low, high = sorted((self.touch + self._sign * near, self.touch + self._sign * far))
        return range(-(-low // step) * step, high + 1, step) if far >= near else range(0)

    def _fresh_touch_lots(self) -> int:
        return 1 + round(self._rng.expovariate(1 / self._shape.touch_lots))

    def _fresh_lots(self, band: int) -> int:
        # exp(g - 1/2) is lognormal with mean 1
        return max(1, round(self._shape.level_lots[band] * exp(self._rng.gauss(0, 1) - 0.5)))
