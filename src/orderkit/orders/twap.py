"""TWAP: a quantity in equal market slices at fixed times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import ExecutionReport, execution_report
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.orders.executor import PlannedOrder, why_rejected
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
        interval_ns = self.request.interval_ms * 1_000_000
        targets = self._targets()
        for index, target in enumerate(targets):
            deadline_ns = ctx.started_ns + index * interval_ns
            last = index == len(targets) - 1
            if not last and ctx.now_ns >= deadline_ns + interval_ns:
                continue  # slept through: the following slices make up for it
            ctx.note("WAITING", f"slice {index + 1} of {len(targets)}")
            if not (yield from ctx.sleep_until(deadline_ns)) or self._hopeless(ctx):
                break
            self.execute_chunk(ctx, target)
        return (yield from self._finish(ctx))

    def execute_chunk(self, ctx: Context, target: Decimal) -> Order | None:
        """Send what is missing to ``target``; None where that is too little to send, or nothing."""
        missing = min(target - committed(ctx.orders), 2 * self._largest_slice)
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
            left = self.request.quantity - committed(ctx.orders)
            if any(order.unresolved for order in ctx.orders):
                return self._in_doubt(ctx)
            if left == 0:
                return JobResult(JobStatus.COMPLETED)
            failed = bool(ctx.orders) and ctx.orders[-1].executed_quantity == 0
            failures = failures + 1 if failed else 0
            if ctx.stopping or self._hopeless(ctx) or failures > len(RETRY_PAUSES_MS):
                return self._incomplete(ctx, left)
            pause_ms = RETRY_PAUSES_MS[failures - 1] if failed else self.request.interval_ms
            ctx.note("WAITING", f"{left} {self.instrument.base_asset} left after the last slice")
            yield from ctx.sleep_until(ctx.now_ns + pause_ms * 1_000_000)
            if not ctx.stopping and self.execute_chunk(ctx, self.request.quantity) is None:
                return self._incomplete(ctx, left)

    def _targets(self) -> list[Decimal]:
        """What should be done after each slice: a function of the request and the step alone."""
        total, chunks = self.request.quantity, self.request.chunks
        part = self.instrument.round_quantity(total / chunks, market=True)
        return [part * index for index in range(1, chunks)] + [total]

    @property
    def _largest_slice(self) -> Decimal:
        targets = self._targets()
        return targets[-1] - targets[-2] if len(targets) > 1 else targets[-1]

    def _hopeless(self, ctx: Context) -> bool:
        last = ctx.orders[-1] if ctx.orders else None
        return last is not None and last.rejection is not None and last.rejection.kind in HOPELESS

    def _in_doubt(self, ctx: Context) -> JobResult:
        names = ", ".join(order.client_order_id for order in ctx.orders if order.unresolved)
        return JobResult(JobStatus.UNKNOWN, f"the outcome of {names} is not known", ctx.interrupted)

    def _incomplete(self, ctx: Context, left: Decimal) -> JobResult:
        last = ctx.orders[-1] if ctx.orders else None
        why = ctx.stop_reason or (why_rejected(last) if last else None)
        nothing_done = all(order.executed_quantity == 0 for order in ctx.orders)
        if nothing_done and last is not None and last.status is OrderStatus.REJECTED and not ctx.stopping:
            return JobResult(JobStatus.REJECTED, why)
        done = f"{left} of {self.request.quantity} {self.instrument.base_asset} not done"
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
    rounding: options.Rounding = False,
    environment: options.EnvironmentOption = None,
    job_id: options.JobId = None,
    plan: options.Plan = False,
    yes: options.Yes = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
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

    run_order(
        build,
        symbol,
        options.RunOptions(environment, json, quiet, yes, plan, rounding, job_id),
    )


if __name__ == "__main__":
    options.run_command(twap)
