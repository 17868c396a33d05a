"""TWAP: a quantity in equal market slices at fixed times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import ExecutionReport, execution_report
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.executor import PlannedOrder, why_rejected
from orderkit.orders.schedule import Schedule, as_asked, even
from orderkit.utils import parse_decimal, split_quantity, validate_side, validate_sliced_order

ZERO = Decimal(0)
RETRY_PAUSES_MS = (1_000, 2_000, 4_000)
HOPELESS = frozenset({"authentication", "configuration", "risk"})  # rejections that no later slice can escape


@dataclass(frozen=True, slots=True)
class TWAPRequest:
    """``quantity`` in ``chunks`` slices, one every ``interval_ms``, the first at once."""

    symbol: str
    side: Side
    quantity: Decimal
    chunks: int
    interval_ms: int
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False

    def amended(self, changes: Mapping[str, str]) -> "TWAPRequest":
        """With another whole quantity; another duration changes the schedule alone."""
        return replace(self, quantity=Decimal(changes.get("quantity", self.quantity)))


class TWAPExecutor:
    """Works towards a cumulative target that grows by one slice at each deadline.

    Deadlines are absolute (start + k × interval), so that lateness never adds up. What a slice sends is
    the target less everything executed or still in doubt: a rejected or partly filled slice rolls into
    the next one by itself, an unanswered one counts as done until it is proven absent, and after a crash
    the same sum over the journal's orders says what is left.

    Lateness: deadlines that passed while nothing was running are made up for by slices of at most twice
    the usual size, at the usual times; what is left at the schedule's end goes on at the same interval.
    A slice that failed after the end is tried again after 1, 2 and 4 s.
    """

    kind: ClassVar[str] = "twap"
    uses_user_stream = True

    def __init__(self, request: TWAPRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument
        self.slices: list[Decimal] = []
        self._cached: tuple[int, Schedule] | None = None

    @property
    def duration_ms(self) -> int:
        return (self.request.chunks - 1) * self.request.interval_ms

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        total = self.request.quantity
        if rounding:
            total = self.instrument.round_quantity(total, market=True)
        self.slices = split_quantity(
            total,
            self.request.chunks,
            self.instrument,
            price=None if self._closes else snapshot.mark_price,
        )
        self.request = replace(self.request, quantity=total)
        self._cached = None
        validate_sliced_order(self._order(total), self.slices, snapshot)
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        del snapshot
        first, last = self.slices[0], self.slices[-1]
        unit = self.instrument.base_asset
        sizes = f"{first} {unit}" if first == last else f"{first} {unit}, the last {last}"
        return [f"{len(self.slices)} slices of {sizes}, one every {self.request.interval_ms / 1000:g} s"]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        return [
            PlannedOrder(
                index * self.request.interval_ms, OrderType.MARKET, self.request.side, quantity, None
            )
            for index, quantity in enumerate(self.slices)
        ]

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        worked_ns = -1  # the time of the last slice that was worked
        while not (ctx.finishing or self._hopeless(ctx)):
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
            schedule = self._schedule(ctx.controls, ctx.started_ns)
            active_ns = ctx.active_since(ctx.started_ns)
            due, coming = schedule.due(active_ns), schedule.following(max(worked_ns, active_ns))
            if due is not None and due.at_ns > worked_ns:
                worked_ns = due.at_ns  # of several that were slept through the last makes up for all
                self.execute_chunk(ctx, due.target)
            elif coming is None:
                break
            else:
                ctx.note("WAITING", f"slice {schedule.number(coming)} of {len(schedule.slices)}")
                yield from self._wait(ctx, ctx.now_ns + coming.at_ns - active_ns)
            if ctx.stopping:
                break
        return (yield from self._finish(ctx))

    def _wait(self, ctx: Context, until_ns: int) -> Flow[None]:
        """Until the time, or somebody asks something else of the job."""
        known = len(ctx.controls)
        yield from ctx.wait_for(lambda: len(ctx.controls) > known, until_ns)

    def execute_chunk(self, ctx: Context, target: Decimal) -> Order | None:
        """Send what is missing to ``target``; None where that is too little to send, or nothing."""
        missing = target - committed(ctx.orders)
        if not ctx.finishing:
            missing = min(missing, 2 * self._schedule(ctx.controls, ctx.started_ns).largest)
        lot = self.instrument.lot_size_for(market=True)
        quantity = self.instrument.round_quantity(min(missing, lot.max_quantity), market=True)
        if quantity < lot.min_quantity or quantity <= 0:
            return None
        ctx.note("ORDER_SUBMITTED", f"{quantity} {self.instrument.base_asset}")
        return ctx.submit(self._order(quantity))

    def _finish(self, ctx: Context) -> Flow[JobResult]:
        """Wait for every order's end; go on with what is left; say how it ended."""
        failures = 0
        while True:
            yield from ctx.wait_done(*ctx.orders)
            total = self._schedule(ctx.controls, ctx.started_ns).total
            left = total - committed(ctx.orders)
            if any(order.unresolved for order in ctx.orders):
                return self._in_doubt(ctx)
            if left <= 0:
                return JobResult(JobStatus.COMPLETED)
            failed = bool(ctx.orders) and ctx.orders[-1].executed_quantity == 0
            failures = failures + 1 if failed else 0
            if ctx.stopping or self._hopeless(ctx) or failures > len(RETRY_PAUSES_MS):
                return self._incomplete(ctx, left, total)
            yield from ctx.wait_for(lambda: not ctx.paused)
            pause_ms = RETRY_PAUSES_MS[failures - 1] if failed else self.request.interval_ms
            if failed or not ctx.finishing:
                ctx.note("WAITING", f"{left} {self.instrument.base_asset} left after the last slice")
                yield from self._wait(ctx, ctx.now_ns + pause_ms * 1_000_000)
            if ctx.stopping or ctx.paused:
                continue
            total = self._schedule(ctx.controls, ctx.started_ns).total
            if self.execute_chunk(ctx, total) is None and committed(ctx.orders) < total:
                return self._incomplete(ctx, total - committed(ctx.orders), total)

    def _schedule(self, controls: Sequence[Control], started_ns: int) -> Schedule:
        """A function of the request, its amendments and the step alone."""
        if self._cached is None or self._cached[0] != len(controls):
            base = even(self.request.quantity, self.request.chunks, self.request.interval_ms, self._cut)
            self._cached = len(controls), as_asked(base, controls, started_ns, self._cut)
        return self._cached[1]

    def schedule(self, record: JobRecord) -> Schedule:
        """What the job is held against: its schedule with the amendments it took."""
        return self._schedule(record.controls, record.started_ns)

    def check_control(self, control: Control, record: JobRecord) -> None:
        quantity = control.changes.get("quantity")
        if quantity is None:
            return
        rest = Decimal(quantity) - committed(record.orders)
        lot = self.instrument.lot_size_for(market=True)
        if rest < 0 or self._cut(Decimal(quantity)) != Decimal(quantity) or 0 < rest < lot.min_quantity:
            done = committed(record.orders)
            raise ValidationError(
                f"QUANTITY: {quantity} cannot be the new whole of job {record.job_id}; accepted:"
                f" {done}, which is done or under way, or at least {done + lot.min_quantity} on the step"
                f" {lot.step_size}",
                rule="QUANTITY",
                hint="the new quantity counts what is done already",
            )

    def _cut(self, quantity: Decimal) -> Decimal:
        return self.instrument.round_quantity(quantity, market=True)

    def _hopeless(self, ctx: Context) -> bool:
        last = ctx.orders[-1] if ctx.orders else None
        return last is not None and last.rejection is not None and last.rejection.kind in HOPELESS

    def _in_doubt(self, ctx: Context) -> JobResult:
        names = ", ".join(order.client_order_id for order in ctx.orders if order.unresolved)
        return JobResult(JobStatus.UNKNOWN, f"the outcome of {names} is not known", ctx.interrupted)

    def _incomplete(self, ctx: Context, left: Decimal, total: Decimal) -> JobResult:
        last = ctx.orders[-1] if ctx.orders else None
        why = ctx.stop_reason or (why_rejected(last) if last else None)
        nothing_done = all(order.executed_quantity == 0 for order in ctx.orders)
        if nothing_done and last is not None and last.status is OrderStatus.REJECTED and not ctx.stopping:
            return JobResult(JobStatus.REJECTED, why)
        done = f"{left} of {total} {self.instrument.base_asset} not done"
        return JobResult(JobStatus.STOPPED, f"{done}: {why}" if why else done, ctx.interrupted)

    @property
    def _closes(self) -> bool:
        """True for orders that can only close a position: no minimum notional binds them."""
        legs = {Side.BUY: PositionSide.SHORT, Side.SELL: PositionSide.LONG}
        return self.request.reduce_only or self.request.position_side is legs[self.request.side]

    def _order(self, quantity: Decimal) -> OrderRequest:
        return OrderRequest(
            symbol=self.request.symbol,
            side=self.request.side,
            type=OrderType.MARKET,
            quantity=quantity,
            position_side=self.request.position_side,
            reduce_only=self.request.reduce_only,
        )

    # --- afterwards -------------------------------------------------------------------------------

    def calculate_stats(self, orders: Sequence[Order], arrival_price: Decimal | None) -> ExecutionReport:
        return execution_report(self.request.side, self.request.quantity, orders, arrival_price)


def committed(orders: Sequence[Order]) -> Decimal:
    """Everything that is executed or may still execute."""
    return sum((order.executed_quantity + order.leaves_quantity for order in orders), ZERO)


def twap(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    chunks: Annotated[
        int, typer.Option("--chunks", "-n", min=1, help="Number of slices.", rich_help_panel="Schedule")
    ] = 10,
    interval: Annotated[
        str,
        typer.Option(
            "--interval",
            metavar="DURATION",
            help="Time between slices: 10, 30s, 5m.",
            rich_help_panel="Schedule",
        ),
    ] = "10",
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    *,
    run: options.RunOptions,
) -> None:
    """Work a quantity in equal market slices at fixed times (TWAP).

    Examples:

      bot.py twap BTCUSDT BUY 1.0 --chunks 10 --interval 60

      bot.py twap ETHUSDT SELL 12 --chunks 24 --interval 5m --reduce-only --json
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    interval_ms = parse_duration_ms(interval, "--interval")
    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> TWAPExecutor:
        request = TWAPRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            chunks=chunks,
            interval_ms=interval_ms,
            position_side=hedge_side,
            reduce_only=reduce_only,
        )
        return TWAPExecutor(request, instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(twap)
