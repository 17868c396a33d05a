"""What a take-profit and a stop need next, of which only one may fill: a function of the orders alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order, OrderRequest
from orderkit.orders.exit_legs import ExitPair, Legs
from orderkit.orders.outcomes import (
    had_nothing_to_reduce,
    is_unanswered,
    latest,
    leaves,
    live,
    never_arrived,
    why_rejected,
)

ZERO = Decimal(0)
WOULD_TRIGGER = -2021
TRANSPORT = frozenset({"unreachable", "rate_limited", "absent"})  # nothing wrong with the order itself
RETRY_PAUSES_MS = (1_000, 2_000, 4_000, 8_000)
RESIZE_PAUSE_MS = 250  # between two stops: a take-profit can fill in a hundred small trades
MOST_TAKE_PROFITS = 5  # at a time, while what they close still grows


class Phase(StrEnum):
    """Where a pair stands, as people read it."""

    PLACING = "PLACING"  # a leg is not on the exchange yet
    WATCHING = "WATCHING"  # both legs rest as they should
    RESIZING = "RESIZING"  # the stop does not have the size of what is left
    EXITING = "EXITING"  # the stop was reached
    CANCELING = "CANCELING"  # it is decided; what still rests is being taken away
    FILLED = "FILLED"  # over: everything was done
    REFUSED = "REFUSED"  # over: a leg was refused before anything was done
    ENDED = "ENDED"  # over: not everything was done, and no more will be


OVER = frozenset({Phase.FILLED, Phase.REFUSED, Phase.ENDED})


@dataclass(frozen=True, slots=True)
class Submission:
    request: OrderRequest
    replaces: Order | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now; then wait for news, at most until ``wake_ms`` (UTC ms)."""

    phase: Phase
    submissions: tuple[Submission, ...] = ()
    cancels: tuple[Order, ...] = ()
    questions: tuple[Order, ...] = ()
    wake_ms: int | None = None
    reason: str | None = None


def next_step(
    pair: ExitPair,
    target: Decimal,
    orders: Sequence[Order],
    instrument: Instrument,
    now_ms: int,
    *,
    growing: bool = False,
    protects: bool = False,
    leave: bool = False,
) -> Step:
    """What a pair that is to close ``target`` in all needs next.

    The stop is placed first and the take-profit once the stop rests. ``growing``: the target may still rise.
    ``protects``: the position is this job's own, so that a refused leg never means to do nothing.
    ``leave``: close it at market now.

    - All is done: what still rests is cancelled.
    - The stop triggers: the take-profit is cancelled; what the stop leaves undone goes at market where the
      legs close a position. So does everything where a stop is refused because it would trigger at once
      (-2021), or cannot be placed for a position that needs it.
    - A leg is refused before anything was done: the other one is cancelled (all or nothing).
    - A leg was cancelled by somebody else, or expired: the other one is cancelled too; a pair that
      ``protects`` is made whole again instead, as long as there is a position.
    - Some of the take-profit was filled: a stop of the size that is left takes the old one's place. Where the
      legs can only close, the new one is placed before the old one is cancelled: for a moment there are two,
      of which the exchange executes no more than the position. Else the old one goes first: too much would
      be worse than a gap. What is too small to be a stop of its own then goes without.
    """
    legs = Legs(pair, target, orders)
    if legs.left <= 0:
        return _wind_up(legs, Phase.FILLED)
    fault = _fault_of_stop(pair, legs, protects=protects)
    if leave or legs.exits or legs.triggered or fault is _AT_MARKET:
        return _exit(pair, legs, instrument, now_ms)
    if fault is not None:
        return _wind_up(legs, *fault)
    last = legs.take_profits[-1] if legs.take_profits else None
    if last is not None and (_ended_short(last) or last.status is OrderStatus.PENDING_CANCEL):
        ended = _ended_by_others(legs, last)
        if not protects or ended.questions:
            return ended
    if last is not None and _refused(last):
        why = f"the take-profit was refused: {why_rejected(last)}"
        if had_nothing_to_reduce(last) or not protects:
            return _wind_up(legs, Phase.ENDED if protects else _nothing_done(legs), why)
    stop = _keep_stop(pair, legs, instrument, now_ms, protects=protects)
    if stop.phase in (Phase.PLACING, Phase.CANCELING) or stop.phase in OVER:
        return stop
    profit = _keep_take_profit(pair, legs, now_ms, growing=growing)
    wakes = [at_ms for at_ms in (stop.wake_ms, profit.wake_ms) if at_ms is not None]
    return Step(
        phase=profit.phase if stop.phase is Phase.WATCHING else stop.phase,
        submissions=stop.submissions + profit.submissions,
        cancels=stop.cancels,
        wake_ms=min(wakes, default=None),
        reason=stop.reason or profit.reason,
    )


# --- ends -----------------------------------------------------------------------------------------

_AT_MARKET = (Phase.EXITING, "")


def _fault_of_stop(pair: ExitPair, legs: Legs, *, protects: bool) -> tuple[Phase, str] | None:
    """Why the pair cannot go on with its stop: how it ends instead, or ``_AT_MARKET``."""
    last = legs.stops[-1] if legs.stops else None
    if last is None or last.status is not OrderStatus.REJECTED:
        return None
    why = f"the stop was refused: {why_rejected(last)}"
    code = None if last.rejection is None else last.rejection.code
    if last.rejection is None:  # by the matching engine, when it triggered
        return _AT_MARKET if pair.closes else (Phase.ENDED, why)
    if code == WOULD_TRIGGER:
        return _AT_MARKET if pair.closes else (_nothing_done(legs), why)
    if legs.live_stops:
        return None  # the one before still stands; another attempt follows
    attempts = _trailing_refusals(legs.stops)
    ever = len(attempts) < len(legs.stops)
    again = last.rejection.kind in TRANSPORT and (ever or protects or never_arrived(last))
    if again and len(attempts) <= len(RETRY_PAUSES_MS):
        return None
    if pair.closes and (ever or protects):
        return _AT_MARKET
    return _nothing_done(legs), why


def _exit(pair: ExitPair, legs: Legs, instrument: Instrument, now_ms: int) -> Step:
    """The stop was reached: no other leg may rest, and what no order is working on goes at market."""
    cancels = (*legs.live_take_profits, *legs.waiting_stops)
    working = live([*legs.triggered, *legs.exits])
    missing = legs.left - leaves(working)
    if missing <= 0 or legs.waiting_stops:
        return Step(Phase.EXITING, cancels=cancels)
    if not pair.closes:
        return Step(Phase.EXITING, cancels=cancels) if working else _wind_up(legs, Phase.ENDED, _short(legs))
    last = legs.exits[-1] if legs.exits else None
    if last is not None and last in working:
        return Step(Phase.EXITING, cancels=cancels)
    if last is not None and had_nothing_to_reduce(last):
        return _wind_up(legs, Phase.ENDED, f"there is no position left to close {legs.left} of")
    if last is not None and _is_final(last) and len(_trailing_refusals(legs.exits)) > len(RETRY_PAUSES_MS):
        why = f"NOT PROTECTED: {legs.left} could not be closed at market: {why_rejected(last)}"
        return _wind_up(legs, Phase.ENDED, why)
    failures = min(len(latest(legs.exits, lambda order: not order.executed_quantity)), len(RETRY_PAUSES_MS))
    at_ms = now_ms if last is None or not failures else last.created_ms + RETRY_PAUSES_MS[failures - 1]
    if now_ms < at_ms:
        return Step(Phase.EXITING, cancels=cancels, wake_ms=at_ms)
    lot = instrument.lot_size_for(market=True)
    order = pair.market_order(min(missing, lot.max_quantity))
    return Step(Phase.EXITING, (Submission(order, _repeated(last)),), cancels)


def _ended_by_others(legs: Legs, ended: Order) -> Step:
    """A take-profit ended that we did not end. A stop that is just triggering ends it too, so ask first."""
    stale = [stop for stop in legs.waiting_stops if stop.confirmed_ns <= ended.confirmed_ns]
    if stale and _ended_short(ended):
        return Step(Phase.WATCHING, questions=tuple(stale))
    why = ended.reason or "not by this job"
    return _wind_up(legs, Phase.ENDED, f"the take-profit was {_how(ended)} ({why})")


def _wind_up(legs: Legs, phase: Phase, reason: str | None = None) -> Step:
    """Take away what rests; the end is reached once nothing does."""
    resting = [*legs.live_take_profits, *legs.live_stops]
    if resting or live(legs.exits):
        return Step(Phase.CANCELING, cancels=tuple(resting), reason=reason)
    return Step(phase, reason=reason)


def _nothing_done(legs: Legs) -> Phase:
    """How it ends where a leg is refused."""
    return Phase.ENDED if legs.did_something else Phase.REFUSED


def _short(legs: Legs) -> str:
    return f"the stop was {_how(legs.triggered[-1])} with {legs.left} not done"


def _how(order: Order) -> str:
    canceled = order.status in (OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL)
    return "cancelled" if canceled else order.status.value.lower().replace("_", " ")


# --- the legs -------------------------------------------------------------------------------------


def _keep_stop(pair: ExitPair, legs: Legs, instrument: Instrument, now_ms: int, *, protects: bool) -> Step:
    """See to it that one stop of the right size rests."""
    size = _stop_size(pair, legs.left, instrument)
    last = legs.stops[-1] if legs.stops else None
    if any(map(is_unanswered, legs.live_stops)):
        resizing = len(legs.live_stops) > 1
        return Step(Phase.RESIZING if resizing else Phase.PLACING)
    if not legs.live_stops:
        if size == 0:
            return Step(Phase.WATCHING)
        if last is not None and _ended_short(last) and last.quantity == size and not protects:
            why = last.reason or "not by this job"
            return _wind_up(legs, Phase.ENDED, f"the stop was {_how(last)} ({why})")
        at_ms = _next_attempt_ms(legs.stops, now_ms)
        if now_ms < at_ms:
            return Step(Phase.PLACING, wake_ms=at_ms, reason=why_rejected(legs.stops[-1]))
        return Step(Phase.PLACING, (Submission(pair.stop_order(size), last),))
    current = legs.live_stops[-1]
    if size == 0:
        return Step(Phase.RESIZING, cancels=tuple(legs.live_stops))
    if current.quantity == size:
        return Step(Phase.WATCHING, cancels=tuple(legs.live_stops[:-1]))
    if not pair.closes:
        return Step(Phase.RESIZING, cancels=tuple(legs.live_stops))
    at_ms = _next_attempt_ms(legs.stops, now_ms)
    if size < current.quantity:
        at_ms = max(at_ms, current.created_ms + RESIZE_PAUSE_MS)
    if now_ms < at_ms:
        return Step(Phase.RESIZING, wake_ms=at_ms)
    return Step(Phase.RESIZING, (Submission(pair.stop_order(size), current),))


def _keep_take_profit(pair: ExitPair, legs: Legs, now_ms: int, *, growing: bool) -> Step:
    """See to it that take-profits for all that is left rest."""
    missing = legs.left - leaves(legs.live_take_profits)
    if any(map(is_unanswered, legs.live_take_profits)):
        return Step(Phase.PLACING)
    if missing <= 0 or (growing and len(legs.live_take_profits) >= MOST_TAKE_PROFITS):
        return Step(Phase.WATCHING)
    last = legs.take_profits[-1] if legs.take_profits else None
    if len(_trailing_refusals(legs.take_profits)) > len(RETRY_PAUSES_MS):
        assert last is not None
        return Step(Phase.WATCHING, reason=f"no take-profit for {missing}: {why_rejected(last)}")
    at_ms = _next_attempt_ms(legs.take_profits, now_ms)
    if now_ms < at_ms:
        return Step(Phase.PLACING, wake_ms=at_ms)
    return Step(Phase.PLACING, (Submission(pair.take_profit_order(missing), _repeated(last)),))


def _stop_size(pair: ExitPair, left: Decimal, instrument: Instrument) -> Decimal:
    """All that is left; nothing where the exchange would not take so small an order (-4164)."""
    price = pair.stop if pair.stop_limit is None else pair.stop_limit
    return left if pair.closes or left * price >= instrument.min_notional else ZERO


def _refused(order: Order) -> bool:
    """Refused on arrival, or never let out of the house."""
    refused = order.status is OrderStatus.REJECTED and order.rejection is not None
    return refused and not never_arrived(order)


def _is_final(order: Order) -> bool:
    """Refused for what it is: neither the network's fault nor a lack of counterparts, which may both pass."""
    return _refused(order) and order.rejection is not None and order.rejection.kind not in TRANSPORT


def _ended_short(order: Order) -> bool:
    """Ended on the exchange before all of it was done."""
    return order.is_terminal and order.status not in (OrderStatus.REJECTED, OrderStatus.FILLED)


def _repeated(last: Order | None) -> Order | None:
    return last if last is not None and last.status is OrderStatus.REJECTED else None


def _trailing_refusals(orders: Sequence[Order]) -> list[Order]:
    """The refused orders since the last one that was taken, oldest first."""
    return latest(orders, lambda order: order.status is OrderStatus.REJECTED)


def _next_attempt_ms(orders: Sequence[Order], now_ms: int) -> int:
    """When an order may follow the refused ones; at once after one that never arrived."""
    refusals = [order for order in _trailing_refusals(orders) if _refused(order)]
    if not refusals or not _refused(orders[-1]):
        return now_ms
    pause_ms = RETRY_PAUSES_MS[min(len(refusals), len(RETRY_PAUSES_MS)) - 1]
    return orders[-1].created_ms + pause_ms
