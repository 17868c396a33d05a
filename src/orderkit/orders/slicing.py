"""The flow that works a schedule of slices: one order at a time, taking or waiting, never past the total."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from orderkit.domain.enums import OrderStatus, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.orders.child import Parent, child_order, closes
from orderkit.orders.executor import as_amended
from orderkit.orders.outcomes import (
    committed,
    doubts,
    executed,
    is_hopeless,
    live,
    why_rejected,
    would_have_taken,
)
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.readiness import Blocked, Readiness, failed
from orderkit.orders.schedule import Schedule, Slice
from orderkit.orders.slice_sizing import price_for, size_for, smallest_for, style_for

ZERO = Decimal(0)
MS_NS = 1_000_000
S_NS = 1_000_000_000
LEAD_NS = 2 * S_NS  # what a slice depends on is asked for so long before it
# A slice that takes is decided and journaled so long before its time: sending is all that is left to do then.
PREPARE_NS = 5 * MS_NS
RETRY_PAUSES_MS = (1_000, 2_000, 4_000)
REPLACE_PAUSES_MS = (100, 200, 400, 800, 2_000)  # after a post-only order that would have crossed
POOR = "NOT_ENOUGH_BALANCE"
POOR_PATIENCE_NS = 10 * S_NS  # after the schedule's end; before it a poor slice waits

Amended = Callable[[Sequence[Control], int | None], Schedule]
"""The schedule with what was asked of the job since, and when it began (UTC ns; None: not yet)."""


class SlicedRequest(Parent, Protocol):
    """The part of a request that the flow needs."""

    @property
    def quantity(self) -> Decimal: ...
    @property
    def interval_ms(self) -> int: ...
    @property
    def pacing(self) -> Pacing: ...


class Slicing:
    """Works towards a cumulative target that grows by one slice at each deadline. One per run of a job.

    Deadlines are absolute, so that lateness never adds up; pauses move them. What a slice sends is the target
    less everything executed or still in doubt: a rejected or partly filled slice rolls into the next one by
    itself, an unanswered one counts as done until it is proven absent, and after a crash the same sum over
    the journal's orders says what is left.

    A slice that waits (`Style`) rests until the next deadline, is cancelled, and only then the next one is
    sized. What is left at the schedule's end goes on at the same interval; a slice that failed after the end
    is tried again after 1, 2 and 4 s.
    """

    def __init__(
        self, ctx: Context, request: SlicedRequest, instrument: Instrument, amended: Amended
    ) -> None:
        self._ctx = ctx
        self._request = request
        self._instrument = instrument
        self._amended = amended
        self._ready = Readiness(request.symbol, request.side, request.position_side, closes(request))
        self._triggered_ns: int | None = None
        self._traded_before = ZERO
        self._send_ns = 0
        self._filled = (0, ZERO)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self) -> Flow[JobResult]:
        """Work the schedule to its end, then what it left."""
        ctx = self._ctx
        yield from self._withdraw()
        worked_ns = -1  # the time of the last slice that was worked
        while not (ctx.stopping or ctx.finishing or self._is_hopeless):
            pacing = self._pacing
            if self._ready.stop_met(ctx, pacing) is not None:
                break
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
                continue
            began_ns = yield from self._beginning()
            if began_ns is None:
                continue
            schedule, active_ns = self._schedule, ctx.active_since(began_ns)
            prepare_ns = PREPARE_NS if pacing.style is Style.TAKING else 0
            soon_ns = active_ns + prepare_ns
            due, coming = schedule.due(soon_ns), schedule.following(max(worked_ns, soon_ns))
            end_ns = ctx.now_ns - active_ns + (coming.at_ns if coming else schedule.end_ns)
            if due is not None and due.at_ns > worked_ns:
                if (blocked := self._blocked(due)) is not None:
                    if coming is None and ctx.now_ns >= end_ns:
                        break
                    yield from self._wait_blocked(blocked, end_ns)
                    continue
                traded = ctx.traded_quantity(self._request.symbol)
                worked_ns = due.at_ns  # of several that were slept through the last makes up for all
                known = len(ctx.controls)
                self._send_ns = ctx.now_ns - active_ns + due.at_ns
                yield from self._work(due, end_ns)
                self._traded_before = traded
                if len(ctx.controls) > known:
                    worked_ns -= 1  # under other terms now
            elif coming is None:
                break
            else:
                number, count = schedule.number(coming), len(schedule.slices)
                ctx.note(
                    "WAITING", f"slice {number} of {count}, {schedule.expected(active_ns):.0%} due by now"
                )
                yield from self._until(lambda: False, end_ns - prepare_ns)
        return (yield from self._finish())

    def execute_chunk(self, target: Decimal, style: Style = Style.TAKING) -> Order | None:
        """Send what is missing to ``target``; None where that is too little to send, or nothing."""
        ctx, request = self._ctx, self._request
        pacing, instrument = self._pacing, self._ready.contract(ctx, self._instrument)
        price = price_for(pacing, style, request.side, ctx.quote(request.symbol), instrument)
        quantity = self._size(target, price, instrument)
        if quantity <= 0:
            return None
        lot = instrument.lot_size_for(market=price is None)
        capped = quantity == lot.max_quantity
        state = "MAX_ORDER_SIZE_BREACH" if capped else "ORDER_SUBMITTED"
        ctx.note(state, f"{quantity} {instrument.base_asset}")
        tif = TimeInForce.IOC if style is Style.TAKING else TimeInForce.GTX
        order = child_order(request, quantity, price, tif)
        return ctx.submit(order, not_before_ns=self._send_ns if self._send_ns > ctx.now_ns else 0)

    # --- one slice --------------------------------------------------------------------------------

    def _work(self, due: Slice, end_ns: int) -> Flow[None]:
        style = self._style(due)
        if style is Style.TAKING:
            self.execute_chunk(due.target)
        else:
            yield from self._rest(due.target, style, end_ns)

    def _rest(self, target: Decimal, style: Style, end_ns: int) -> Flow[None]:
        """One order at a time that waits until ``end_ns``, placed anew where it would have crossed."""
        ctx, order, attempt = self._ctx, self.execute_chunk(target, style), 0
        while order is not None:
            yield from self._until(_over(order), end_ns)
            if not would_have_taken(order):
                break
            pause_ms = REPLACE_PAUSES_MS[min(attempt, len(REPLACE_PAUSES_MS) - 1)]
            attempt += 1
            yield from self._until(lambda: False, min(end_ns, ctx.now_ns + pause_ms * MS_NS))
            if ctx.now_ns >= end_ns or self._is_disturbed:
                return
            order = self.execute_chunk(target, style)
        if order is not None and order.status is OrderStatus.CANCELED:
            self._ready.foreign.add(order.client_order_id)
        yield from self._withdraw()

    def _withdraw(self) -> Flow[None]:
        """Cancel what rests, and wait for its end: only then it is known what is left to do.

        An order whose answer is missing counts as under way; it is cancelled once it is known to exist.
        """
        resting = [order for order in live(self._ctx.orders) if not order.request.is_immediate]
        for order in resting:
            self._ctx.cancel(order)
        while any(o.status is OrderStatus.PENDING_CANCEL and not o.unresolved for o in resting):
            yield

    def _size(self, target: Decimal, price: Decimal | None, instrument: Instrument) -> Decimal:
        """What to send now, 0 for nothing."""
        ctx, pacing, schedule, done = self._ctx, self._pacing, self._schedule, self._committed()
        symbol = self._request.symbol
        smallest = smallest_for(self._request, price, ctx.quote(symbol), instrument)
        missing = target - done
        if not ctx.finishing:
            factor = pacing.max_slice_multiplier if pacing.catch_up else Decimal(1)
            missing = min(missing, max(schedule.largest, smallest) * factor)
            if pacing.max_participation is not None:
                traded = ctx.traded_quantity(symbol) - self._traded_before
                missing = min(missing, pacing.max_participation * traded)
        return size_for(missing, schedule.total - done, smallest, instrument, market=price is None)

    # --- waiting ----------------------------------------------------------------------------------

    def _beginning(self) -> Flow[int | None]:
        """When the schedule began; None after a wait for it. With a trigger the first order begins it."""
        ctx, pacing = self._ctx, self._pacing
        if pacing.start_at_ms is not None and ctx.now_ns < pacing.start_at_ms * MS_NS:
            ctx.note("WAITING", "for the time to start")
            yield from self._until(lambda: False, pacing.start_at_ms * MS_NS)
            return None
        began_ns = self._began_ns
        if began_ns is None:
            self._ready.ask(ctx, pacing)
            first = self._schedule.slices[0].target
            blocked = self._ready.blocked(ctx, pacing, pacing.style, first, self._instrument)
            if blocked is not None:
                yield from self._wait_blocked(blocked, ctx.now_ns + S_NS)
                return None
            began_ns = self._triggered_ns = ctx.now_ns
        return began_ns

    def _blocked(self, due: Slice) -> Blocked | None:
        missing = min(due.target - self._committed(), self._schedule.largest)
        if missing <= 0:
            return None
        return self._ready.blocked(self._ctx, self._pacing, self._style(due), missing, self._instrument)

    def _wait_blocked(self, blocked: Blocked, end_ns: int) -> Flow[None]:
        """For the next event that may change it, a second at most."""
        ctx = self._ctx
        ctx.note(blocked.state, blocked.message)
        self._ready.ask(ctx, self._pacing)
        until_ns = min(end_ns, ctx.now_ns + S_NS, blocked.until_ns or end_ns)
        began_ns = ctx.now_ns
        yield from self._until(lambda: ctx.now_ns > began_ns, max(until_ns, ctx.now_ns + MS_NS))

    def _until(self, condition: Callable[[], bool], end_ns: int) -> Flow[None]:
        """Wait for the time, the condition, or somebody who asks something else of the job.

        What the next slice depends on is asked for in time.
        """
        ctx, pacing, known = self._ctx, self._pacing, len(self._ctx.controls)
        polled = pacing.trigger is not None or pacing.stop_when is not None

        def over() -> bool:
            self._ready.observe(ctx, pacing)
            return condition() or len(ctx.controls) > known or self._is_disturbed

        while not over() and ctx.now_ns < end_ns:
            lead_ns = end_ns - LEAD_NS
            wake_ns = end_ns
            if ctx.now_ns < lead_ns:
                wake_ns = min(lead_ns, ctx.now_ns + S_NS) if polled else lead_ns
            if polled or ctx.now_ns >= lead_ns:
                self._ready.ask(ctx, pacing)
            yield from ctx.wait_for(over, wake_ns)

    # --- the end ----------------------------------------------------------------------------------

    def _finish(self) -> Flow[JobResult]:
        """Wait for every order's end; go on with what is left; say how it ended."""
        ctx = self._ctx
        ended_ns, counted, failed_in_a_row, pause_until_ns = ctx.now_ns, -1, 0, 0
        poor_since_ns: int | None = None
        while True:
            yield from self._withdraw()
            yield from ctx.wait_done(*ctx.orders)
            pacing, total = self._pacing, self._schedule.total
            left = total - self._committed()
            if (doubt := doubts(ctx.orders)) is not None:
                ctx.note("ERROR", doubt)
                return JobResult(JobStatus.UNKNOWN, doubt, ctx.interrupted)
            if left <= 0:
                ctx.note("STRATEGY_COMPLETED", f"{total} {self._instrument.base_asset} done")
                return JobResult(JobStatus.COMPLETED)
            if (balance := self._ready.stop_met(ctx, pacing)) is not None:
                ctx.note("STOP_CONDITION_MET", f"{pacing.stop_when}: {balance}")
                return self._incomplete(left, f"stop condition {pacing.stop_when} met at {balance}")
            if len(ctx.orders) != counted:
                counted = len(ctx.orders)
                lost = bool(ctx.orders) and failed(ctx.orders[-1], self._ready.foreign)
                failed_in_a_row = failed_in_a_row + 1 if lost else 0
                pause_until_ns = ctx.now_ns + self._pause_ns(failed_in_a_row)
            if ctx.stopping or self._is_hopeless or failed_in_a_row > len(RETRY_PAUSES_MS):
                return self._incomplete(left)
            if pacing.overtime_ms is not None and ctx.now_ns >= ended_ns + pacing.overtime_ms * MS_NS:
                return self._incomplete(left, "the time is over")
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
                continue
            if ctx.now_ns < pause_until_ns and (failed_in_a_row or not ctx.finishing):
                ctx.note("WAITING", f"{left} {self._instrument.base_asset} left after the last slice")
                yield from self._until(lambda: False, pause_until_ns)
                continue
            style = style_for(replace(pacing, escalate_after=1), ctx.orders, last=True)
            blocked = None
            if not ctx.finishing:
                next_ = min(left, self._schedule.largest)
                blocked = self._ready.blocked(ctx, pacing, style, next_, self._instrument)
            poor_since_ns = (poor_since_ns or ctx.now_ns) if blocked and blocked.state == POOR else None
            if blocked is not None:
                if poor_since_ns is not None and ctx.now_ns - poor_since_ns > POOR_PATIENCE_NS:
                    return self._incomplete(left, blocked.message)
                yield from self._wait_blocked(blocked, ctx.now_ns + S_NS)
                continue
            traded = ctx.traded_quantity(self._request.symbol)
            if style is Style.TAKING:
                self.execute_chunk(total)
            else:
                yield from self._rest(total, style, ctx.now_ns + self._request.interval_ms * MS_NS)
            self._traded_before = traded
            if len(ctx.orders) == counted and not self._is_disturbed:
                if pacing.max_participation is None or ctx.finishing:
                    return self._incomplete(left)  # too little for an order
                pause_until_ns = ctx.now_ns + self._request.interval_ms * MS_NS

    def _pause_ns(self, failed_in_a_row: int) -> int:
        """Before the next order after the schedule's end."""
        if 0 < failed_in_a_row <= len(RETRY_PAUSES_MS):
            return RETRY_PAUSES_MS[failed_in_a_row - 1] * MS_NS
        orders = self._ctx.orders
        rested = bool(orders) and not orders[-1].request.is_immediate
        return 0 if self._pacing.no_cross and rested else self._request.interval_ms * MS_NS

    def _incomplete(self, left: Decimal, reason: str | None = None) -> JobResult:
        ctx = self._ctx
        last = ctx.orders[-1] if ctx.orders else None
        why = reason or ctx.stop_reason or (why_rejected(last) if last else None)
        refused = last is not None and last.status is OrderStatus.REJECTED
        if refused and not executed(ctx.orders) and not ctx.stopping:
            ctx.note("ERROR", why or "")
            return JobResult(JobStatus.REJECTED, why)
        done = f"{left} of {self._schedule.total} {self._instrument.base_asset} not done"
        return JobResult(JobStatus.STOPPED, f"{done}: {why}" if why else done, ctx.interrupted)

    # --- what it is all worked out from -----------------------------------------------------------

    @property
    def _pacing(self) -> Pacing:
        pacing: Pacing = as_amended(self._request, self._ctx.controls).pacing
        return pacing

    @property
    def _began_ns(self) -> int | None:
        first_ms = self._ctx.orders[0].created_ms if self._ctx.orders else None
        return self._triggered_ns or self._request.pacing.began_ns(self._ctx.started_ns, first_ms)

    @property
    def _schedule(self) -> Schedule:
        return self._amended(self._ctx.controls, self._began_ns)

    @property
    def _is_hopeless(self) -> bool:
        return bool(self._ctx.orders) and is_hopeless(self._ctx.orders[-1])

    @property
    def _is_disturbed(self) -> bool:
        ctx = self._ctx
        return ctx.stopping or ctx.paused or self._ready.stop_met(ctx, self._pacing) is not None

    def _style(self, due: Slice) -> Style:
        return style_for(self._pacing, self._ctx.orders, last=due == self._schedule.slices[-1])

    def _committed(self) -> Decimal:
        """`committed` of the job's orders; a filled one never changes, so most are added up once."""
        orders, (count, filled) = self._ctx.orders, self._filled
        while count < len(orders) and orders[count].status is OrderStatus.FILLED:
            filled += orders[count].executed_quantity
            count += 1
        self._filled = count, filled
        return filled + committed(orders[count:])


def _over(order: Order) -> Callable[[], bool]:
    return lambda: order.is_terminal or order.unresolved
