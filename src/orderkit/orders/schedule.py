"""When how much of a quantity should be done: schedules of slices, and what amendments make of them."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from orderkit.domain.job import Control, ControlKind, active_ns
from orderkit.orders.chance import chance

ZERO = Decimal(0)
MS_NS = 1_000_000

Cut = Callable[[Decimal], Decimal]
"""Rounds a quantity down to what an order may have."""


@dataclass(frozen=True, slots=True)
class Slice:
    """By ``at_ns`` after the start, pauses not counted, ``target`` should be done or under way in all."""

    at_ns: int
    target: Decimal


@dataclass(frozen=True)
class Schedule:
    """Slices in the order of their times, at least one; the last one's own time is over at ``end_ns``."""

    slices: tuple[Slice, ...]
    end_ns: int

    @property
    def total(self) -> Decimal:
        return self.slices[-1].target

    @cached_property
    def largest(self) -> Decimal:
        """The largest slice."""
        return max(self.quantities)

    @property
    def quantities(self) -> list[Decimal]:
        targets = [ZERO, *(piece.target for piece in self.slices)]
        return [after - before for before, after in pairwise(targets)]

    def due(self, at_ns: int) -> Slice | None:
        """The latest slice whose time has come."""
        index = bisect_right(self.slices, at_ns, key=lambda piece: piece.at_ns)
        return self.slices[index - 1] if index else None

    def following(self, at_ns: int) -> Slice | None:
        """The first slice after a time."""
        index = bisect_right(self.slices, at_ns, key=lambda piece: piece.at_ns)
        return self.slices[index] if index < len(self.slices) else None

    def number(self, piece: Slice) -> int:
        """A slice's place, from 1."""
        return bisect_right(self.slices, piece.at_ns, key=lambda other: other.at_ns)

    def expected(self, at_ns: int) -> Decimal:
        """The share that should be done or under way by a time."""
        piece = self.due(at_ns)
        return piece.target / self.total if piece else ZERO

    def due_ns(self, done: Decimal) -> int:
        """When more than ``done`` should have been done; the end where that is all."""
        for piece in self.slices:
            if piece.target > done:
                return piece.at_ns
        return self.end_ns


def even(total: Decimal, chunks: int, interval_ms: int, cut: Cut) -> Schedule:
    """Equal slices, the first at once; the last takes the remainder, so that the sum is exact."""
    return _equal(total, cut(total / chunks), chunks, interval_ms)


def sized(total: Decimal, size: Decimal, interval_ms: int, cut: Cut) -> Schedule:
    """Slices of ``size``, the first at once; what does not make a whole one is part of the last."""
    return _equal(total, cut(size), max(1, int(total // size)), interval_ms)


def _equal(total: Decimal, part: Decimal, chunks: int, interval_ms: int) -> Schedule:
    interval_ns = interval_ms * MS_NS
    slices = [Slice(index * interval_ns, part * (index + 1)) for index in range(chunks - 1)]
    slices.append(Slice((chunks - 1) * interval_ns, total))
    return Schedule(tuple(slices), chunks * interval_ns)


def weighted(total: Decimal, weights: Sequence[Decimal], interval_ms: int, cut: Cut) -> Schedule:
    """Slices in proportion to ``weights``, one every ``interval_ms``; the sum is exact."""
    whole, so_far, slices = sum(weights, ZERO), ZERO, []
    for index, weight in enumerate(weights):
        so_far += weight
        slices.append(Slice(index * interval_ms * MS_NS, cut(total * so_far / whole)))
    slices[-1] = Slice(slices[-1].at_ns, total)
    return Schedule(tuple(slices), len(weights) * interval_ms * MS_NS)


def folded(schedule: Schedule, smallest: Decimal) -> Schedule:
    """Slices of less than ``smallest`` go with the next one, and what is left in the end with the last."""
    kept: list[Slice] = []
    for piece in schedule.slices:
        if piece.target - (kept[-1].target if kept else ZERO) >= smallest:
            kept.append(piece)
    if not kept:
        return Schedule((Slice(schedule.slices[0].at_ns, schedule.total),), schedule.end_ns)
    kept[-1] = Slice(kept[-1].at_ns, schedule.total)
    return Schedule(tuple(kept), schedule.end_ns)


def as_asked(schedule: Schedule, controls: Sequence[Control], began_ns: int | None, cut: Cut) -> Schedule:
    """The schedule that began at ``began_ns`` (None: not yet), with the amendments taken since."""
    for control in controls:
        if control.kind is not ControlKind.AMEND:
            continue
        at_ns = -1 if began_ns is None else max(-1, active_ns(controls, began_ns, control.at_ns))
        quantity, duration_ms = control.changes.get("quantity"), control.changes.get("duration_ms")
        if quantity is not None:
            schedule = with_quantity(schedule, at_ns, Decimal(quantity), cut)
        if duration_ms is not None:
            schedule = with_end(schedule, at_ns, int(duration_ms) * MS_NS)
    return schedule


def with_quantity(schedule: Schedule, at_ns: int, total: Decimal, cut: Cut) -> Schedule:
    """Another total from ``at_ns`` on: the slices to come grow or shrink, each by the same factor."""
    past = [piece for piece in schedule.slices if piece.at_ns <= at_ns]
    base = past[-1].target if past else ZERO
    if total <= base or len(past) == len(schedule.slices):  # nothing is to come: what is missing is due now
        done = (piece for piece in past if piece.target < total)
        return Schedule((*done, Slice(at_ns, total)), max(schedule.end_ns, at_ns))
    factor = (total - base) / (schedule.total - base)
    coming = [
        Slice(piece.at_ns, base + cut((piece.target - base) * factor))
        for piece in schedule.slices[len(past) :]
    ]
    coming[-1] = Slice(coming[-1].at_ns, total)
    return Schedule((*past, *coming), schedule.end_ns)


def with_end(schedule: Schedule, at_ns: int, end_ns: int) -> Schedule:
    """Another end from ``at_ns`` on: the slices to come move together or apart; at the soonest it is now."""
    end_ns = max(end_ns, at_ns + 1)
    length_ns = schedule.end_ns - max(at_ns, 0)
    if length_ns <= 0:
        return schedule
    start_ns = max(at_ns, 0)
    slices = [
        piece
        if piece.at_ns <= at_ns
        else Slice(start_ns + (piece.at_ns - start_ns) * (end_ns - start_ns) // length_ns, piece.target)
        for piece in schedule.slices
    ]
    return Schedule(tuple(slices), end_ns)


def randomized(
    schedule: Schedule, seed: str, size_share: Decimal, time_share: Decimal, cut: Cut, smallest: Decimal
) -> Schedule:
    """Sizes and times moved by chance, the same for the same ``seed``; total and end stay.

    What one slice gains another one loses, at most ``size_share`` of the smaller of both, and none falls
    below ``smallest``. Times move by at most ``time_share`` (up to a half) of the way to the neighbours; the
    first slice stays where it is, the last one moves forward only.
    """
    sizes = schedule.quantities
    if size_share:
        order = sorted(range(len(sizes)), key=lambda index: _chance(seed, "pair", index))
        for one, other in zip(order[::2], order[1::2], strict=False):
            base = min(sizes[one], sizes[other])
            most = min(size_share * base, base - smallest)
            moved = cut(max(ZERO, most) * abs(_chance(seed, "size", one)))
            if _chance(seed, "sign", one) < 0:
                moved = -moved
            sizes[one] += moved
            sizes[other] -= moved
    times = [piece.at_ns for piece in schedule.slices]
    if time_share:
        times = _moved(times, seed, time_share)
    target, slices = ZERO, []
    for at_ns, size in zip(times, sizes, strict=True):
        target += size
        slices.append(Slice(at_ns, target))
    return Schedule(tuple(slices), schedule.end_ns)


def _moved(times: list[int], seed: str, share: Decimal) -> list[int]:
    moved = list(times)
    for index in range(1, len(times)):
        chance = _chance(seed, "time", index)
        if index == len(times) - 1:
            chance = -abs(chance)
        gap_ns = times[index] - times[index - 1] if chance < 0 else times[index + 1] - times[index]
        moved[index] = max(moved[index - 1] + 1, times[index] + int(gap_ns * share * chance))
    return moved


def _chance(seed: str, what: str, index: int) -> Decimal:
    return chance(f"{seed}:{what}:{index}")
