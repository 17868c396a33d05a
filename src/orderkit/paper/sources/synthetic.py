"""A made-up market: seeded, endless, with the spread, depth, flow and volatility of recorded ones."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from math import exp
from operator import attrgetter
from random import Random

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, Level, MarketEvent, MarketTrade
from orderkit.errors import ConfigurationError
from orderkit.paper.sources.ladder import Ladder, Shape
from orderkit.paper.sources.marks import SyntheticMarks
from orderkit.paper.sources.price_path import PricePath
from orderkit.paper.sources.profiles import PROFILES, MarketProfile

_MARK_INTERVAL_MS = 1000
_LEVELS_PER_UPDATE = 4
_MOST_PRINTS = 40  # of one order at one price: the rest of it makes one last trade
_LARGEST_SIGMAS = 3.5  # of an order's size: beyond the largest recorded


class SyntheticMarket:
    """All given instruments, each with its own stream of random numbers: leaving one out changes no other.

    Prices of different symbols are independent; the exchange's own orders never move this market.
    """

    name = "synthetic"

    def __init__(self, instruments: Sequence[Instrument], *, seed: int) -> None:
        """Raises ConfigurationError for an instrument whose market is not described in `PROFILES`."""
        unknown = [i.symbol for i in instruments if i.symbol not in PROFILES]
        if unknown:
            raise ConfigurationError(
                f"the synthetic market has no figures for {', '.join(unknown)}",
                hint=f"it trades {', '.join(PROFILES)}",
            )
        self._instruments = tuple(instruments)
        self._seed = seed
        self.symbols = tuple(i.symbol for i in instruments)

    def events(self, start_ms: int) -> Iterator[MarketEvent]:
        """The same events for the same seed, but for times and funding periods, which go with the clock."""
        markets = [
            _SymbolMarket(instrument, PROFILES[instrument.symbol], self._seed, start_ms).events()
            for instrument in self._instruments
        ]
        return merge(*markets, key=attrgetter("time_ms"))


class _SymbolMarket:
    """One contract. Inside, prices are ticks, quantities lots and the clock ms since the start."""

    def __init__(self, instrument: Instrument, profile: MarketProfile, seed: int, start_ms: int) -> None:
        self._symbol = instrument.symbol
        self._tick = instrument.price_filter.tick_size
        self._step = instrument.lot_size.step_size
        self._profile = profile
        self._start_ms = start_ms
        self._rng = rng = Random(f"{seed}:{instrument.symbol}")
        tick, step = float(self._tick), float(self._step)
        self._lot_notional = profile.price * step
        self._long_gap_ms = (
            1000 / profile.aggressor_rate - profile.short_gap_share * profile.short_gap_ms
        ) / (1 - profile.short_gap_share)
        start = round(profile.price / tick)
        shape = Shape.of(profile, tick, step)
        self._bids = Ladder(shape, -1, start, rng)
        self._asks = Ladder(shape, +1, start + 1, rng)
        self._path = PricePath(profile, tick, start, rng)
        self._marks = SyntheticMarks(instrument.symbol, tick, seed)
        self._buying = rng.random() < 0.5
        self._trade_id = 0
        self._now = 0.0

    def events(self) -> Iterator[MarketEvent]:
        yield self._depth(self._bids.levels, self._asks.levels, snapshot=True)
        yield self._mark()
        mean_update_ms = 1000 / self._profile.update_rate
        next_order = self._order_gap_ms()
        next_update = self._rng.expovariate(1 / mean_update_ms)
        next_mark = float(_MARK_INTERVAL_MS)
        while True:
            due = min(next_order, next_update, next_mark)
            self._now = max(self._now, due)
            if due == next_order:
                yield from self._order()
                next_order = due + self._order_gap_ms()
            elif due == next_update:
                yield self._update()
                next_update = due + self._rng.expovariate(1 / mean_update_ms)
            else:
                yield self._mark()
                next_mark += _MARK_INTERVAL_MS

    def _order_gap_ms(self) -> float:
        """Orders come in clusters: gaps are a mixture of two exponentials."""
        clustered = self._rng.random() < self._profile.short_gap_share
        return self._rng.expovariate(1 / (self._profile.short_gap_ms if clustered else self._long_gap_ms))

    def _order(self) -> Iterator[MarketEvent]:
        """An order takes liquidity: at the touch, or (rarely) through it, and then the market moves on."""
        if self._rng.random() < self._profile.move_share * self._path.frequency:
            yield from self._move()
            return
        if self._rng.random() >= self._profile.same_side_share:
            self._buying = not self._buying
        side = self._asks if self._buying else self._bids
        taken = side.take_touch(self._order_lots())
        if taken:
            yield from self._prints(side.touch, taken)
            yield self._changes(side, {side.touch: side.levels[side.touch]})

    def _move(self) -> Iterator[MarketEvent]:
        """The touch is swept, the side left behind follows some milliseconds later."""
        ticks = self._path.next_move(self._bids.touch)
        self._buying = ticks > 0
        swept, following = (self._asks, self._bids) if self._buying else (self._bids, self._asks)
        target = swept.touch + ticks
        for price, lots in swept.fills_before(target, self._order_lots()):
            yield from self._prints(price, lots)
        yield self._changes(swept, swept.move(target))
        self._now += self._rng.expovariate(1 / self._profile.refill_ms)
        yield self._changes(following, following.move(following.touch + ticks))

    def _order_lots(self) -> int:
        return self._lognormal_lots(self._profile.size_median, self._profile.size_sigma)

    def _lognormal_lots(self, median: float, sigma: float) -> int:
        sigmas = min(self._rng.gauss(0, 1), _LARGEST_SIGMAS)
        return max(1, round(median * exp(sigma * sigmas) / self._lot_notional))

    def _prints(self, price: int, lots: int) -> Iterator[MarketTrade]:
        """One trade for each resting order that ``lots`` at ``price`` meet."""
        for met in range(1, _MOST_PRINTS + 1):
            resting = self._lognormal_lots(self._profile.print_median, self._profile.print_sigma)
            filled = lots if met == _MOST_PRINTS else min(lots, resting)
            lots -= filled
            self._trade_id += 1
            yield MarketTrade(
                symbol=self._symbol,
                trade_id=self._trade_id,
                price=price * self._tick,
                quantity=filled * self._step,
                buyer_is_maker=not self._buying,
                time_ms=self._time_ms,
            )
            if lots == 0:
                return

    def _update(self) -> DepthUpdate:
        """Orders are placed and cancelled on one side: at the touch and at some prices behind it."""
        side = self._asks if self._rng.random() < 0.5 else self._bids
        changed = side.refresh_touch()
        for _ in range(_LEVELS_PER_UPDATE):
            changed |= side.refresh_level()
        return self._changes(side, changed)

    def _mark(self) -> MarketEvent:
        mid = (self._bids.touch + self._asks.touch) / 2
        return self._marks.next(mid, self._time_ms)

    @property
    def _time_ms(self) -> int:
        return self._start_ms + int(self._now)

    def _changes(self, side: Ladder, changed: Mapping[int, int]) -> DepthUpdate:
        return self._depth(changed, {}) if side is self._bids else self._depth({}, changed)

    def _depth(
        self, bids: Mapping[int, int], asks: Mapping[int, int], *, snapshot: bool = False
    ) -> DepthUpdate:
        return DepthUpdate(self._symbol, self._levels(bids), self._levels(asks), self._time_ms, snapshot)

    def _levels(self, lots_by_price: Mapping[int, int]) -> tuple[Level, ...]:
        tick, step = self._tick, self._step
        return tuple([(price * tick, lots * step) for price, lots in lots_by_price.items()])
