"""One symbol's local book, kept by Binance's rule from a snapshot and the diffs that follow it."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from orderkit.domain.instrument import ZERO, Instrument, ceil_to_step, floor_to_step
from orderkit.domain.market import DepthUpdate, Level
from orderkit.paper.sources.frames import DepthDiff, DepthSnapshot

_KEPT_DIFFS = 1000  # while waiting for a snapshot: 100 s of a 100 ms stream
_REMEMBERED_PRICES = 100_000


class SequenceGap(Exception):
    """A diff does not follow the one before it: the book is out of sync until the next snapshot."""


class DepthBook:
    """The rule ("How to manage a local order book correctly", Binance USDⓈ-M docs): diffs with
    u < lastUpdateId are dropped, the first one kept reaches over the snapshot, and from then on each
    diff's pu is the u of the one before. Quantities are absolute, 0 removes a level.

    The first diff kept needs pu ≤ lastUpdateId ≤ u rather than U ≤ lastUpdateId ≤ u: between pu and U
    nothing changed in this book, and the id of a snapshot may lie there.

    What goes out is on the instrument's ticks and steps: a bid between two ticks counts at the lower one,
    an ask at the higher one, and levels that meet there add up.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._symbol = instrument.symbol
        self._bids = _Side(instrument, floor_to_step)
        self._asks = _Side(instrument, ceil_to_step)
        self._waiting: deque[DepthDiff] = deque(maxlen=_KEPT_DIFFS)
        self._follows_snapshot = False
        self.update_id = 0
        self.is_synced = False

    def lose(self) -> None:
        """The stream was cut: wait for a snapshot, and for diffs of the new stream."""
        self.is_synced = False
        self._waiting.clear()

    def diff(self, diff: DepthDiff) -> DepthUpdate | None:
        """Take the next diff; the change it makes, None where it makes none (old, or no snapshot yet).

        Raises:
            SequenceGap: diffs are missing before this one, which now waits for a snapshot.
        """
        if not self.is_synced:
            if self._waiting and self._waiting[-1].last_id != diff.previous_id:
                self._waiting.clear()  # no snapshot can bridge a gap
            self._waiting.append(diff)
            return None
        if self._follows_snapshot and diff.last_id < self.update_id:
            return None
        if not self._continues(diff):
            self.lose()
            self._waiting.append(diff)
            raise SequenceGap(f"{diff.symbol}: pu {diff.previous_id} does not follow u {self.update_id}")
        bids = self._bids.change(diff.bids)
        asks = self._asks.change(diff.asks)
        self.update_id = diff.last_id
        self._follows_snapshot = False
        return DepthUpdate(self._symbol, bids, asks, diff.time_ms)

    def snapshot(self, snapshot: DepthSnapshot) -> DepthUpdate | None:
        """Begin anew from a snapshot and the diffs that waited for it.

        None where diffs between the two are missing: the snapshot is too old, ask for another.
        """
        waiting = [diff for diff in self._waiting if diff.last_id >= snapshot.last_id]
        if waiting and waiting[0].previous_id > snapshot.last_id:
            return None
        self._bids.replace(snapshot.bids)
        self._asks.replace(snapshot.asks)
        self.update_id = snapshot.last_id
        self._follows_snapshot = self.is_synced = True
        self._waiting.clear()
        time_ms = snapshot.time_ms
        for diff in waiting:
            self.diff(diff)
            time_ms = max(time_ms, diff.time_ms)
        return DepthUpdate(self._symbol, self._bids.levels(), self._asks.levels(), time_ms, snapshot=True)

    def touch(self) -> tuple[Level, Level] | None:
        """Best bid and ask as (price, quantity), None where a side is empty. Looks at every level."""
        bids, asks = self._bids.totals, self._asks.totals
        if not bids or not asks:
            return None
        bid, ask = max(bids), min(asks)
        return self._bids.level(bid), self._asks.level(ask)

    def _continues(self, diff: DepthDiff) -> bool:
        if self._follows_snapshot:
            return diff.previous_id <= self.update_id <= diff.last_id
        return diff.previous_id == self.update_id


class _Side:
    """Quantities as received and, where ticks differ, added up on the instrument's ticks."""

    def __init__(self, instrument: Instrument, on_tick: Callable[[Decimal, Decimal], Decimal]) -> None:
        self._tick = instrument.price_filter.tick_size
        self._step = instrument.lot_size.step_size
        self._on_tick = on_tick
        self._fitted: dict[Decimal, Decimal] = {}
        self._received: dict[Decimal, Decimal] = {}
        self.totals: dict[Decimal, Decimal] = {}

    def replace(self, levels: list[Level]) -> None:
        self._received.clear()
        self.totals.clear()
        self.change(levels)

    def change(self, levels: list[Level]) -> tuple[Level, ...]:
        """Take absolute quantities; the levels they change, as they are then."""
        changed: dict[Decimal, Decimal] = {}
        for received, quantity in levels:
            price, total = self._set(received, quantity)
            changed[price] = total
        return tuple(changed.items())

    def levels(self) -> tuple[Level, ...]:
        return tuple([self.level(price) for price in self.totals])

    def level(self, price: Decimal) -> Level:
        """The level at a price on the tick; at least a step is shown where there is anything."""
        total = self.totals.get(price, ZERO)
        if not total or not total % self._step:
            return price, total
        return price, max(self._step, floor_to_step(total, self._step))

    def _set(self, received: Decimal, quantity: Decimal) -> Level:
        price = self._fitted.get(received)
        if price is None:
            if len(self._fitted) > _REMEMBERED_PRICES:
                self._fitted.clear()
            price = self._fitted[received] = self._on_tick(received, self._tick)
        before = self._received.pop(received, ZERO)
        if not price:  # below the first tick
            return price, ZERO
        if quantity:
            self._received[received] = quantity
        total = self.totals.get(price, ZERO) - before + quantity
        if total:
            self.totals[price] = total
        else:
            self.totals.pop(price, None)
        return self.level(price)
