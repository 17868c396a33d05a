"""The flow that works a schedule of slices: one order at a time, taking or waiting, never past the total."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import OrderStatus, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.child import child_order, closes
from orderkit.orders.executor import as_amended
from orderkit.orders.outcomes import (
    committed,
    doubts,
    is_hopeless,
    live,
    why_rejected,
    would_have_taken,
)
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.readiness import Blocked, Readiness, failed
from orderkit.orders.schedule import Schedule, Slice, as_asked
from orderkit.orders.slice_sizing import check_tick, price_for, size_for, smallest_for, style_for

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


class SlicedExecutor(ABC):
    """Works towards a cumulative target that grows by one slice at each deadline.

    Deadlines are absolute, so that lateness never adds up; pauses move them. What a slice sends is the target
    less everything executed or still in doubt: a rejected or partly filled slice rolls into the next one by
    itself, an unanswered one counts as done until it is proven absent, and after a crash the same sum over
    the journal's orders says what is left.

    A slice that waits (`Style`) rests until the next deadline, is cancelled, and only then the next one is
    sized. What is left at the schedule's end goes on at the same interval; a slice that failed after the end
    is tried again after 1, 2 and 4 s.

    The request has ``symbol``, ``side``, ``quantity``, ``position_side``, ``reduce_only``, ``interval_ms``
    and ``pacing``.
    """

    uses_user_stream = True
    follows_quotes = True

    def __init__(self, request: Any, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument
        self._closes = closes(request)  # no minimum notional, no margin
        self._ready = Readiness(request.symbol, request.side, request.position_side, self._closes)
        self._cached: tuple[tuple[str, int, int | None], Schedule] | None = None
        self._triggered_ns: int | None = None
        self._traded_before = ZERO
        self._send_ns = 0
        self._filled = (0, ZERO)

    @property
    def follows_trades(self) -> bool:
        return self.request.pacing.max_participation is not None

    @abstractmethod
    def planned(self, job_id: str) -> Schedule:
        """The schedule as asked for at first: a function of the request, the step and the job's name."""

    # --- what the job is held against -------------------------------------------------------------

    def schedule(self, record: JobRecord) -> Schedule | None:
        """With the amendments that the job took; None while its time has not begun."""
        first_ms = record.orders[0].created_ms if record.orders else None
        began_ns = self._began(record.started_ns, first_ms)
        if began_ns is None:
            return None
        return self._schedule(record.job_id, record.controls, began_ns)

    def check_control(self, control: Control, record: JobRecord) -> None:
        """Raises ValidationError: the new quantity or limit price is not possible."""
        quantity, limit = control.changes.get("quantity"), control.changes.get("limit_price")
        lot = self.instrument.lot_size_for(market=True)
        done = committed(record.orders)
        if quantity is not None:
            rest = Decimal(quantity) - done
            on_step = self._cut(Decimal(quantity)) == Decimal(quantity)
            if rest < 0 or not on_step or 0 < rest < lot.min_quantity:
                raise ValidationError(
                    f"QUANTITY: {quantity} cannot be the new whole of job {record.job_id}; accepted: {done},"
                    f" which is done or under way, or at least {done + lot.min_quantity} on the step"
                    f" {lot.step_size}",
                    rule="QUANTITY",
                    hint="the new quantity counts what is done already",
                )
        if limit not in (None, "none"):
            check_tick(Decimal(limit), self.instrument)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        yield from self._withdraw(ctx)
        worked_ns = -1  # the time of the last slice that was worked
        while not (ctx.stopping or ctx.finishing or self._hopeless(ctx)):
            pacing = self._pacing(ctx)
            if self._ready.stop_met(ctx, pacing) is not None:
                break
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
                continue
            began_ns = yield from self._beginning(ctx, pacing)
            if began_ns is None:
                continue
            schedule = self._schedule(ctx.job_id, ctx.controls, began_ns)
            active_ns = ctx.active_since(began_ns)
            prepare_ns = PREPARE_NS if pacing.style is Style.TAKING else 0
            soon_ns = active_ns + prepare_ns
            due, coming = schedule.due(soon_ns), schedule.following(max(worked_ns, soon_ns))
            end_ns = ctx.now_ns - active_ns + (coming.at_ns if coming else schedule.end_ns)
            if due is not None and due.at_ns > worked_ns:
                if (blocked := self._blocked(ctx, pacing, schedule, due)) is not None:
                    if coming is None and ctx.now_ns >= end_ns:
                        break
                    yield from self._wait_blocked(ctx, blocked, end_ns)
                    continue
                traded = ctx.traded_quantity(self.request.symbol)
                worked_ns = due.at_ns  # of several that were slept through the last makes up for all
                known = len(ctx.controls)
                self._send_ns = ctx.now_ns - active_ns + due.at_ns
                yield from self._work(ctx, pacing, schedule, due, end_ns)
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
                yield from self._until(ctx, lambda: False, end_ns - prepare_ns)
        return (yield from self._finish(ctx))

    def execute_chunk(self, ctx: Context, target: Decimal, style: Style = Style.TAKING) -> Order | None:
        """Send what is missing to ``target``; None where that is too little to send, or nothing."""
        pacing, instrument = self._pacing(ctx), self._ready.contract(ctx, self.instrument)
        price = price_for(pacing, style, self.request.side, ctx.quote(self.request.symbol), instrument)
        quantity = self._size(ctx, pacing, target, price, instrument)
        if quantity <= 0:
            return None
        lot = instrument.lot_size_for(market=price is None)
        capped = quantity == lot.max_quantity
        state = "MAX_ORDER_SIZE_BREACH" if capped else "ORDER_SUBMITTED"
        ctx.note(state, f"{quantity} {instrument.base_asset}")
        order = self._order(quantity, price, resting=style is not Style.TAKING)
        return ctx.submit(order, not_before_ns=self._send_ns if self._send_ns > ctx.now_ns else 0)

    # --- one slice --------------------------------------------------------------------------------

    def _work(self, ctx: Context, pacing: Pacing, schedule: Schedule, due: Slice, end_ns: int) -> Flow[None]:
        style = style_for(pacing, ctx.orders, last=due is schedule.slices[-1])
        if style is Style.TAKING:
            self.execute_chunk(ctx, due.target)
        else:
            yield from self._rest(ctx, due.target, style, end_ns)

    def _rest(self, ctx: Context, target: Decimal, style: Style, end_ns: int) -> Flow[None]:
        """One order at a time that waits until ``end_ns``, placed anew where it would have crossed."""
        order = self.execute_chunk(ctx, target, style)
        attempt = 0
        while order is not None:
            yield from self._until(ctx, _over(order), end_ns)
            if not would_have_taken(order):
                break
            pause_ms = REPLACE_PAUSES_MS[min(attempt, len(REPLACE_PAUSES_MS) - 1)]
            attempt += 1
            yield from self._until(ctx, lambda: False, min(end_ns, ctx.now_ns + pause_ms * MS_NS))
            if ctx.now_ns >= end_ns or self._disturbed(ctx):
                return
            order = self.execute_chunk(ctx, target, style)
        if order is not None and order.status is OrderStatus.CANCELED:
            self._ready.foreign.add(order.client_order_id)
        yield from self._withdraw(ctx)

    def _withdraw(self, ctx: Context) -> Flow[None]:
        """Cancel what rests, and wait for its end: only then it is known what is left to do.

        An order whose answer is missing counts as under way; it is cancelled once it is known to exist.
        """
        resting = [order for order in live(ctx.orders) if not order.request.is_immediate]
        for order in resting:
            ctx.cancel(order)
        while any(o.status is OrderStatus.PENDING_CANCEL and not o.unresolved for o in resting):
            yield

    def _size(
        self, ctx: Context, pacing: Pacing, target: Decimal, price: Decimal | None, instrument: Instrument
    ) -> Decimal:
        """What to send now, 0 for nothing."""
        schedule = self._schedule(ctx.job_id, ctx.controls, self._began_in(ctx))
        done, market = self._committed(ctx), price is None
        smallest = smallest_for(self.request, price, ctx.quote(self.request.symbol), instrument)
        missing = target - done
        if not ctx.finishing:
            factor = pacing.max_slice_multiplier if pacing.catch_up else Decimal(1)
            missing = min(missing, max(schedule.largest, smallest) * factor)
            if pacing.max_participation is not None:
                traded = ctx.traded_quantity(self.request.symbol) - self._traded_before
                missing = min(missing, pacing.max_participation * traded)
        return size_for(missing, schedule.total - done, smallest, instrument, market=market)

    # --- waiting ----------------------------------------------------------------------------------

    def _beginning(self, ctx: Context, pacing: Pacing) -> Flow[int | None]:
        """When the schedule began; None after a wait for it. With a trigger the first order begins it."""
        if pacing.start_at_ms is not None and ctx.now_ns < pacing.start_at_ms * MS_NS:
            ctx.note("WAITING", "for the time to start")
            yield from self._until(ctx, lambda: False, pacing.start_at_ms * MS_NS)
            return None
        began_ns = self._began_in(ctx)
        if began_ns is None:
            self._ready.ask(ctx, pacing)
            first = self.planned(ctx.job_id).slices[0].target
            blocked = self._ready.blocked(ctx, pacing, pacing.style, first, self.instrument)
            if blocked is not None:
                yield from self._wait_blocked(ctx, blocked, ctx.now_ns + S_NS)
                return None
            began_ns = self._triggered_ns = ctx.now_ns
        return began_ns

    def _blocked(self, ctx: Context, pacing: Pacing, schedule: Schedule, due: Slice) -> Blocked | None:
        style = style_for(pacing, ctx.orders, last=due is schedule.slices[-1])
        missing = min(due.target - self._committed(ctx), schedule.largest)
        if missing <= 0:
            return None
        return self._ready.blocked(ctx, pacing, style, missing, self.instrument)

    def _wait_blocked(self, ctx: Context, blocked: Blocked, end_ns: int) -> Flow[None]:
        """For the next event that may change it, a second at most."""
        ctx.note(blocked.state, blocked.message)
        self._ready.ask(ctx, self._pacing(ctx))
        until_ns = min(end_ns, ctx.now_ns + S_NS, blocked.until_ns or end_ns)
        began_ns = ctx.now_ns
        yield from self._until(ctx, lambda: ctx.now_ns > began_ns, max(until_ns, ctx.now_ns + MS_NS))

    def _until(self, ctx: Context, condition: Callable[[], bool], end_ns: int) -> Flow[None]:
        """Wait for the time, the condition, or somebody who asks something else of the job.

        What the next slice depends on is asked for in time.
        """
        pacing, known = self._pacing(ctx), len(ctx.controls)
        polled = pacing.trigger is not None or pacing.stop_when is not None

        def over() -> bool:
            self._ready.observe(ctx, pacing)
            return condition() or len(ctx.controls) > known or self._disturbed(ctx)

        while not over() and ctx.now_ns < end_ns:
            lead_ns = end_ns - LEAD_NS
            wake_ns = end_ns
            if ctx.now_ns < lead_ns:
                wake_ns = min(lead_ns, ctx.now_ns + S_NS) if polled else lead_ns
            if polled or ctx.now_ns >= lead_ns:
                self._ready.ask(ctx, pacing)
            yield from ctx.wait_for(over, wake_ns)

    def _disturbed(self, ctx: Context) -> bool:
        return ctx.stopping or ctx.paused or self._ready.stop_met(ctx, self._pacing(ctx)) is not None

    # --- the end ----------------------------------------------------------------------------------

    def _finish(self, ctx: Context) -> Flow[JobResult]:
        """Wait for every order's end; go on with what is left; say how it ended."""
        ended_ns, counted, failed_in_a_row, pause_until_ns = ctx.now_ns, -1, 0, 0
        poor_since_ns: int | None = None
        while True:
            yield from self._withdraw(ctx)
            yield from ctx.wait_done(*ctx.orders)
            pacing, total = self._pacing(ctx), self._total(ctx)
            left = total - self._committed(ctx)
            if (doubt := doubts(ctx.orders)) is not None:
                ctx.note("ERROR", doubt)
                return JobResult(JobStatus.UNKNOWN, doubt, ctx.interrupted)
            if left <= 0:
                ctx.note("STRATEGY_COMPLETED", f"{total} {self.instrument.base_asset} done")
                return JobResult(JobStatus.COMPLETED)
            if (balance := self._ready.stop_met(ctx, pacing)) is not None:
                ctx.note("STOP_CONDITION_MET", f"{pacing.stop_when}: {balance}")
                why = f"stop condition {pacing.stop_when} met at {balance}"
                return self._incomplete(ctx, left, total, why)
            if len(ctx.orders) != counted:
                counted = len(ctx.orders)
                lost = bool(ctx.orders) and failed(ctx.orders[-1], self._ready.foreign)
                failed_in_a_row = failed_in_a_row + 1 if lost else 0
                pause_until_ns = ctx.now_ns + self._pause_ns(ctx, pacing, failed_in_a_row)
            if ctx.stopping or self._hopeless(ctx) or failed_in_a_row > len(RETRY_PAUSES_MS):
                return self._incomplete(ctx, left, total)
            if pacing.overtime_ms is not None and ctx.now_ns >= ended_ns + pacing.overtime_ms * MS_NS:
                return self._incomplete(ctx, left, total, "the time is over")
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
                continue
            if ctx.now_ns < pause_until_ns and (failed_in_a_row or not ctx.finishing):
                ctx.note("WAITING", f"{left} {self.instrument.base_asset} left after the last slice")
                yield from self._until(ctx, lambda: False, pause_until_ns)
                continue
            style = style_for(replace(pacing, escalate_after=1), ctx.orders, last=True)
            blocked = None
            if not ctx.finishing:
                blocked = self._ready.blocked(
                    ctx, pacing, style, min(left, self._largest(ctx)), self.instrument
                )
            poor_since_ns = (poor_since_ns or ctx.now_ns) if blocked and blocked.state == POOR else None
            if blocked is not None:
                if poor_since_ns is not None and ctx.now_ns - poor_since_ns > POOR_PATIENCE_NS:
                    return self._incomplete(ctx, left, total, blocked.message)
                yield from self._wait_blocked(ctx, blocked, ctx.now_ns + S_NS)
                continue
            traded = ctx.traded_quantity(self.request.symbol)
            if style is Style.TAKING:
                self.execute_chunk(ctx, total)
            else:
                yield from self._rest(ctx, total, style, ctx.now_ns + self.request.interval_ms * MS_NS)
            self._traded_before = traded
            if len(ctx.orders) == counted and not self._disturbed(ctx):
                if pacing.max_participation is None or ctx.finishing:
                    return self._incomplete(ctx, left, total)  # too little for an order
                pause_until_ns = ctx.now_ns + self.request.interval_ms * MS_NS

    def _pause_ns(self, ctx: Context, pacing: Pacing, failed_in_a_row: int) -> int:
        """Before the next order after the schedule's end."""
        if 0 < failed_in_a_row <= len(RETRY_PAUSES_MS):
            return RETRY_PAUSES_MS[failed_in_a_row - 1] * MS_NS
        rested = bool(ctx.orders) and not ctx.orders[-1].request.is_immediate
        interval_ns: int = self.request.interval_ms * MS_NS
        return 0 if pacing.no_cross and rested else interval_ns

    def _hopeless(self, ctx: Context) -> bool:
        return bool(ctx.orders) and is_hopeless(ctx.orders[-1])

    def _incomplete(
        self, ctx: Context, left: Decimal, total: Decimal, reason: str | None = None
    ) -> JobResult:
        last = ctx.orders[-1] if ctx.orders else None
        why = reason or ctx.stop_reason or (why_rejected(last) if last else None)
        nothing_done = all(order.executed_quantity == 0 for order in ctx.orders)
        if nothing_done and last is not None and last.status is OrderStatus.REJECTED and not ctx.stopping:
            ctx.note("ERROR", why or "")
            return JobResult(JobStatus.REJECTED, why)
        done = f"{left} of {total} {self.instrument.base_asset} not done"
        return JobResult(JobStatus.STOPPED, f"{done}: {why}" if why else done, ctx.interrupted)

    # --- what it is all worked out from -----------------------------------------------------------

    def _pacing(self, ctx: Context) -> Pacing:
        pacing: Pacing = as_amended(self.request, ctx.controls).pacing
        return pacing

    def _began(self, started_ns: int, first_order_ms: int | None) -> int | None:
        """When the schedule's time began: at the start, or with a trigger at the first order."""
        pacing: Pacing = self.request.pacing
        if pacing.trigger is not None:
            return None if first_order_ms is None else first_order_ms * MS_NS
        return max(started_ns, (pacing.start_at_ms or 0) * MS_NS)

    def _began_in(self, ctx: Context) -> int | None:
        first_ms = ctx.orders[0].created_ms if ctx.orders else None
        return self._triggered_ns or self._began(ctx.started_ns, first_ms)

    def _schedule(self, job_id: str, controls: Sequence[Control], began_ns: int | None) -> Schedule:
        key = (job_id, len(controls), began_ns)
        if self._cached is None or self._cached[0] != key:
            self._cached = key, as_asked(self.planned(job_id), controls, began_ns, self._cut)
        return self._cached[1]

    def _total(self, ctx: Context) -> Decimal:
        return self._schedule(ctx.job_id, ctx.controls, self._began_in(ctx)).total

    def _committed(self, ctx: Context) -> Decimal:
        """`committed` of the job's orders; a filled one never changes, so most are added up once."""
        count, filled = self._filled
        while count < len(ctx.orders) and ctx.orders[count].status is OrderStatus.FILLED:
            filled += ctx.orders[count].executed_quantity
            count += 1
        self._filled = count, filled
        return filled + committed(ctx.orders[count:])

    def _largest(self, ctx: Context) -> Decimal:
        return self._schedule(ctx.job_id, ctx.controls, self._began_in(ctx)).largest

    def _cut(self, quantity: Decimal) -> Decimal:
        return self.instrument.round_quantity(quantity, market=True)

    def _order(
        self, quantity: Decimal, price: Decimal | None = None, *, resting: bool = False
    ) -> OrderRequest:
        tif = TimeInForce.GTX if resting else TimeInForce.IOC
        return child_order(self.request, quantity, price, tif)


def _over(order: Order) -> Callable[[], bool]:
    return lambda: order.is_terminal or order.unresolved
