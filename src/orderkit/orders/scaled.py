"""Scaled order: one quantity as a ladder of limit orders between two prices."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument, floor_to_step
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.child import child_order
from orderkit.orders.ending import cancel_orders, wait_answered, wait_trades
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.outcomes import MAX_SENDS, doubts, executed, live, never_arrived, why_rejected
from orderkit.utils import (
    format_decimal,
    parse_decimal,
    validate_order,
    validate_parent_quantity,
    validate_price,
    validate_side,
    validate_sliced_order,
)

ZERO = Decimal(0)


class Sizes(StrEnum):
    FLAT = "flat"  # the same at each price
    INCREASING = "increasing"  # 1, 2, 3 … parts from the first price to the last
    DECREASING = "decreasing"


@dataclass(frozen=True, slots=True)
class ScaledRequest:
    """``quantity`` in ``count`` orders from price ``first`` to price ``last``, evenly spaced."""

    symbol: str
    side: Side
    quantity: Decimal
    first: Decimal
    last: Decimal
    count: int
    sizes: Sizes = Sizes.FLAT
    time_in_force: TimeInForce = TimeInForce.GTC
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    wait: bool = False
    timeout_ms: int | None = None
    cancel_on_exit: bool = False


def rung_sizes(total: Decimal, count: int, sizes: Sizes, instrument: Instrument) -> list[Decimal]:
    """``count`` quantities on the step, in the asked proportions; their sum is exactly ``total``."""
    parts = [1] * count if sizes is Sizes.FLAT else list(range(1, count + 1))
    if sizes is Sizes.DECREASING:
        parts.reverse()
    whole, sums, so_far = sum(parts), [ZERO], 0
    for part in parts:
        so_far += part
        sums.append(floor_to_step(total * so_far / whole, instrument.lot_size.step_size))
    return [after - before for before, after in pairwise(sums)]


def rung_prices(first: Decimal, last: Decimal, count: int, tick: Decimal) -> list[Decimal]:
    """``count`` prices from first to last, both exact, those between on the nearest tick."""
    if count == 1:
        return [first]
    exact = (first + (last - first) * index / (count - 1) for index in range(1, count - 1))
    return [first, *(floor_to_step(price + tick / 2, tick) for price in exact), last]


class ScaledExecutor:
    """Sends each rung once; which rung an order is follows from its price.

    A rung that the exchange refuses (post-only, margin) is not tried again: the ladder was meant for now.
    It is named in the result.
    """

    kind: ClassVar[str] = "scaled"
    duration_ms = 0

    def __init__(self, request: ScaledRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    @property
    def uses_user_stream(self) -> bool:
        return self.request.wait

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request, instrument = self.request, self.instrument
        total = validate_parent_quantity(request.quantity, instrument, rounding=rounding)
        first, last = (
            validate_price(price, instrument, request.side, mark_price=snapshot.mark_price, rounding=rounding)
            for price in (request.first, request.last)
        )
        self.request = replace(request, quantity=total, first=first, last=last)
        if request.count > instrument.max_num_orders:
            raise ValidationError(
                f"MAX_NUM_ORDERS: {request.count} orders; accepted: at most {instrument.max_num_orders} open "
                f"orders of {instrument.symbol}",
                rule="MAX_NUM_ORDERS",
                hint=f"Use at most {instrument.max_num_orders} orders.",
            )
        rungs = self.rungs()
        if len({price for price, _ in rungs}) < request.count:
            raise ValidationError(
                f"LADDER: {request.count} orders from {format_decimal(first)} to {format_decimal(last)} "
                f"share prices; accepted: at least a tick ({instrument.price_filter.tick_size}) between two",
                rule="LADDER",
                hint="Use fewer orders or a wider range.",
            )
        self._check_smallest(min(quantity for _, quantity in rungs))
        alone = replace(snapshot, account=None)  # position and margin are checked for the whole
        for price, quantity in rungs:
            validate_order(self._order(price, quantity), alone)
        average = sum((price * quantity for price, quantity in rungs), ZERO) / total
        validate_sliced_order(self._order(average, total), [], snapshot)
        crossing = [price for price, _ in rungs if snapshot.quote.is_crossed_by(request.side, price)]
        if not crossing:
            return []
        fate = "will be refused" if request.time_in_force is TimeInForce.GTX else "take at once"
        return [f"{len(crossing)} of {len(rungs)} orders cross the market and {fate}"]

    def _check_smallest(self, smallest: Decimal) -> None:
        request, instrument = self.request, self.instrument
        lowest = instrument.lot_size.min_quantity
        if smallest >= lowest and smallest > 0:
            return

        def fits(count: int) -> bool:
            return min(rung_sizes(request.quantity, count, request.sizes, instrument)) >= max(lowest, ZERO)

        most = next((count for count in range(request.count - 1, 0, -1) if fits(count)), 0)
        raise ValidationError(
            f"LOT_SIZE: {instrument.symbol} {format_decimal(request.quantity)} in {request.count} orders "
            f"makes one of {format_decimal(smallest)}, below the minimum {format_decimal(lowest)}; accepted: "
            + (f"at most {most} orders" if most else "a larger quantity"),
            rule="LOT_SIZE",
            hint=f"Use at most {most} orders or a larger quantity." if most else "Use a larger quantity.",
        )

    def rungs(self) -> list[tuple[Decimal, Decimal]]:
        """Price and quantity of each order, from the first price to the last."""
        request = self.request
        tick = self.instrument.price_filter.tick_size
        prices = rung_prices(request.first, request.last, request.count, tick)
        quantities = rung_sizes(request.quantity, request.count, request.sizes, self.instrument)
        return list(zip(prices, quantities, strict=True))

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        rungs = self.rungs()
        average = sum((price * quantity for price, quantity in rungs), ZERO) / self.request.quantity
        quote = snapshot.quote
        return [f"average price if all fill: {average:.2f} (market {quote.bid} / {quote.ask})"]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        return [PlannedOrder(None, OrderType.LIMIT, self.request.side, q, p) for p, q in self.rungs()]

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        while True:
            for order, lost in [] if ctx.stopping else self._missing(ctx):
                ctx.submit(order, replaces=lost)
            yield from wait_answered(ctx.orders)
            if ctx.stopping or not self._missing(ctx):
                break
        request, late = self.request, ""
        if request.wait and not any(order.unresolved for order in ctx.orders):
            deadline_ns = None
            if request.timeout_ms is not None:
                deadline_ns = ctx.started_ns + request.timeout_ms * 1_000_000
            over = yield from ctx.wait_for(
                lambda: all(o.is_terminal or o.unresolved for o in ctx.orders), deadline_ns
            )
            if not over and request.cancel_on_exit:
                yield from cancel_orders(ctx, ctx.orders)
            if not over and not ctx.stopping:
                late = f"not done within {(request.timeout_ms or 0) / 1000:g} s"
        yield from wait_trades(ctx.orders)
        return self._result(ctx, late)

    def _missing(self, ctx: Context) -> list[tuple[OrderRequest, Order | None]]:
        """The rungs that were not sent, and those that never arrived with the order that was lost."""
        sent: dict[Decimal | None, list[Order]] = {}
        for order in ctx.orders:
            sent.setdefault(order.request.price, []).append(order)
        missing: list[tuple[OrderRequest, Order | None]] = []
        for price, quantity in self.rungs():
            orders = sent.get(price, [])
            if not orders or (never_arrived(orders[-1]) and len(orders) < MAX_SENDS):
                missing.append((self._order(price, quantity), orders[-1] if orders else None))
        return missing

    def _result(self, ctx: Context, late: str) -> JobResult:
        orders = ctx.orders
        if (doubt := doubts(orders)) is not None:
            return JobResult(JobStatus.UNKNOWN, doubt, ctx.interrupted)
        done = executed(orders)
        if done == self.request.quantity:
            return JobResult(JobStatus.COMPLETED)
        replaced = {order.replaces for order in orders}
        final = [order for order in orders if order.client_order_id not in replaced]
        refused = [order for order in final if order.status is OrderStatus.REJECTED]
        why = f": {why_rejected(refused[0])}" if refused else ""
        if refused and len(refused) == len(final):
            return JobResult(JobStatus.REJECTED, f"all {len(final)} orders were refused{why}")
        said = [why for why in (ctx.stop_reason, late) if why]
        if refused:
            said.append(f"{len(refused)} of {len(final)} orders were refused{why}")
        if len(final) < self.request.count:
            said.append(f"{self.request.count - len(final)} orders were not sent")
        resting = live(final)
        if resting and not said:
            return JobResult(JobStatus.OPEN, None, ctx.interrupted)
        said.append(f"{done} of {self.request.quantity} done, {len(resting)} orders stay on the exchange")
        whole = resting and not refused and len(final) == self.request.count
        return JobResult(JobStatus.OPEN if whole else JobStatus.STOPPED, "; ".join(said), ctx.interrupted)

    def _order(self, price: Decimal, quantity: Decimal) -> OrderRequest:
        return child_order(self.request, quantity, price, self.request.time_in_force)


def scaled(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="Price of the first order.")],
    last: Annotated[str, typer.Argument(metavar="LAST", help="Price of the last order.")],
    count: Annotated[
        int, typer.Option("--orders", "-n", min=2, help="Number of orders.", rich_help_panel="Ladder")
    ] = 5,
    sizes: Annotated[
        Sizes,
        typer.Option("--sizes", help="How the quantity is spread over the prices.", rich_help_panel="Ladder"),
    ] = Sizes.FLAT,
    post_only: Annotated[
        bool,
        typer.Option("--post-only", help="Never take: refused if it would (GTX).", rich_help_panel="Order"),
    ] = False,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: options.OnExit = "keep",
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Spread a quantity over limit orders between two prices (a ladder).

    Examples:

      bot.py scaled BTCUSDT BUY 0.5 59000 57000 --orders 5 --sizes increasing

      bot.py scaled ETHUSDT SELL 10 3100 3300 --orders 9 --reduce-only --post-only --json
    """
    from orderkit.console.run import run_order

    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    low, high = parse_decimal(first, "first price"), parse_decimal(last, "last price")
    waits, timeout_ms, cancels = options.waiting(run, on_exit)
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> ScaledExecutor:
        request = ScaledRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            first=low,
            last=high,
            count=count,
            sizes=sizes,
            time_in_force=TimeInForce.GTX if post_only else TimeInForce.GTC,
            position_side=hedge_side,
            reduce_only=reduce_only,
            wait=waits,
            timeout_ms=timeout_ms,
            cancel_on_exit=cancels,
        )
        return ScaledExecutor(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=run.wait or run.detach))


if __name__ == "__main__":
    options.run_command(scaled)
