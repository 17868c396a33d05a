"""Chase: a limit order that follows the best price, bounded in distance and time."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument, ceil_to_step, floor_to_step
from orderkit.domain.job import Control, JobRecord, JobResult
from orderkit.domain.market import Quote
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.child import child_order, smallest_child
from orderkit.orders.ending import cancel_orders, wait_trades
from orderkit.orders.executor import OPEN_END, PlannedOrder
from orderkit.orders.outcomes import MAX_SENDS, executed, live, never_arrived
from orderkit.orders.successive import check_pausable, result, retry_ms
from orderkit.utils import (
    format_decimal,
    parse_decimal,
    validate_order,
    validate_price,
    validate_side,
)

ZERO = Decimal(0)
MS_NS = 1_000_000
LONGEST_POST_ONLY_MS = 1_000  # between two tries: the market has moved, and so has the price
BPS = Decimal(10_000)
_WORKING = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class OnTimeout(StrEnum):
    CANCEL = "cancel"  # give up what is left
    TAKE = "take"  # take what can be had, at worst at the bound
    KEEP = "keep"  # leave the order where it is


@dataclass(frozen=True, slots=True)
class ChaseRequest:
    """``quantity`` at the best price of our side, followed as far as ``bound`` (quote asset).

    ``distance_bps`` measures the bound from the best price at the start, where none was given. ``peg`` is the
    first price. ``offset_ticks``: better (above zero) or worse than the best. ``interval_ms``: between moves.
    """

    symbol: str
    side: Side
    quantity: Decimal
    distance_bps: Decimal
    timeout_ms: int
    bound: Decimal | None = None
    peg: Decimal = ZERO
    offset_ticks: int = 0
    interval_ms: int = 500
    post_only: bool = True
    on_timeout: OnTimeout = OnTimeout.CANCEL
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False


class ChaseExecutor:
    """Moves towards the market only: an order that the market has left behind is the best price already.

    A move is a cancel and, once it is certain what the old order did, a new order for the rest, so that
    nothing is ever bought twice. At the bound it stays and waits until the market comes back or time is up.
    An order that somebody else cancels ends the job.
    """

    kind: ClassVar[str] = "chase"
    uses_user_stream = True
    follows_quotes = True
    duration_ms = OPEN_END

    def __init__(self, request: ChaseRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request, instrument, quote = self.request, self.instrument, snapshot.quote
        best = quote.near(request.side)
        if best <= 0:
            name = "bid" if request.side is Side.BUY else "ask"
            raise ValidationError(
                f"BOOK: {instrument.symbol} has no best {name} to follow; accepted: a book with one",
                rule="BOOK",
                hint="Try again once the book has filled, or use a limit order.",
            )
        bound = request.bound
        if bound is None:
            bound = self._on_tick(best * (1 + request.side.sign * request.distance_bps / BPS))
        bound = validate_price(
            bound, instrument, request.side, mark_price=snapshot.mark_price, rounding=rounding
        )
        if (best - bound) * request.side.sign > 0:
            raise ValidationError(
                f"BOUND: {format_decimal(bound)} is behind the best price {format_decimal(best)} already; "
                f"accepted: a bound beyond {format_decimal(best)}",
                rule="BOUND",
                hint="Use another --limit-price, or a limit order.",
            )
        self.request = replace(request, bound=bound)
        self.request = replace(self.request, peg=self._peg(quote))
        for price in dict.fromkeys((self.request.peg, bound)):
            checked = validate_order(self._order(request.quantity, price), snapshot, rounding=rounding)
        self.request = replace(self.request, quantity=checked.quantity or request.quantity)
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, quote = self.request, snapshot.quote
        return [
            f"starts at {request.peg}, follows the market to {request.bound} for at most "
            f"{request.timeout_ms / 1000:g} s (market {quote.bid} / {quote.ask})"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        request = self.request
        return [PlannedOrder(None, OrderType.LIMIT, request.side, request.quantity, request.peg)]

    def check_control(self, control: Control, record: JobRecord) -> None:
        """A pause leaves the order where it is, unmoved; the time goes on."""
        del record
        check_pausable(control, self.kind)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        deadline_ns = ctx.started_ns + self.request.timeout_ms * MS_NS
        moved_ns = 0
        ours = {order.client_order_id for order in ctx.orders}  # what we may have cancelled ourselves
        while True:
            order = ctx.orders[-1] if ctx.orders else None
            if order is not None and order.is_terminal:
                yield from ctx.wait_done(order)
            left = self._left(ctx)
            over = ctx.stopping or ctx.now_ns >= deadline_ns or self._was_taking(order)
            ended = order is not None and (
                order.unresolved
                or (order.status is OrderStatus.CANCELED and order.client_order_id not in ours)
            )
            if left <= 0 or over or ended:
                return (yield from self._finish(ctx, deadline_ns))
            if order is not None and not order.is_terminal:
                move_ns = moved_ns + self.request.interval_ms * MS_NS
                if self._should_move(ctx, order) and ctx.now_ns >= move_ns:
                    moved_ns = ctx.now_ns
                    ours.add(order.client_order_id)
                    ctx.cancel(order)
                yield from self._wait(ctx, order, deadline_ns, move_ns)
                continue
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused, deadline_ns)
                continue
            next_ms = retry_ms(ctx.orders, LONGEST_POST_ONLY_MS)
            if next_ms is None or not self._can_send(left):
                return (yield from self._finish(ctx, deadline_ns))
            if next_ms > ctx.now_ms:
                yield from ctx.sleep_until(min(next_ms * MS_NS, deadline_ns))
                continue
            price = self._peg(ctx.quote(self.request.symbol))
            ctx.note("FOLLOWING", f"{left} {self.instrument.base_asset} at {price}")
            lost = order if order is not None and never_arrived(order) else None
            ctx.submit(self._order(left, price), replaces=lost)

    def _wait(self, ctx: Context, order: Order, deadline_ns: int, move_ns: int) -> Flow[None]:
        """Until the order is done, is to be moved, or time is up."""
        known = order.status

        def news() -> bool:
            if order.is_terminal or order.unresolved or order.status is not known:
                return True
            return self._should_move(ctx, order) and ctx.now_ns >= move_ns

        if move_ns > ctx.now_ns:
            ctx.wake_at(move_ns)
        yield from ctx.wait_for(news, deadline_ns)

    def _should_move(self, ctx: Context, order: Order) -> bool:
        """True where the market has gone ahead of a working order whose rest can be sent anew."""
        if ctx.paused or order.status not in _WORKING or order.request.price is None:
            return False
        peg = self._peg(ctx.quote(self.request.symbol))
        ahead = (peg - order.request.price) * self.request.side.sign > 0
        return ahead and self._can_send(order.leaves_quantity)

    def _finish(self, ctx: Context, deadline_ns: int) -> Flow[JobResult]:
        request = self.request
        visible = live(ctx.orders)
        timed_out = ctx.now_ns >= deadline_ns and not ctx.stopping
        if not (timed_out and request.on_timeout is OnTimeout.KEEP):
            visible = yield from cancel_orders(ctx, visible)
        takes = timed_out and request.on_timeout is OnTimeout.TAKE and not visible
        while takes and not ctx.stopping and self._can_send(self._left(ctx)):
            takers = [order for order in ctx.orders if self._was_taking(order)]
            lost = takers[-1] if takers and never_arrived(takers[-1]) else None
            if takers and (lost is None or len(takers) >= MAX_SENDS):
                break
            ctx.note("TAKING", f"{self._left(ctx)} {self.instrument.base_asset} at {request.bound} or better")
            yield from ctx.wait_done(ctx.submit(self._taking_order(self._left(ctx)), replaces=lost))
        yield from wait_trades(ctx.orders)
        left = self._left(ctx)
        why = "its time is over" if timed_out else None
        if not timed_out and left > 0 and not self._can_send(left):
            why = "the rest is less than the exchange takes"
        return result(ctx, request.quantity, visible, self.instrument.base_asset, why)

    # --- prices -----------------------------------------------------------------------------------

    def _peg(self, quote: Quote | None) -> Decimal:
        """Our side's best price with the offset, not beyond the bound nor, post-only, the other side."""
        request, tick = self.request, self.instrument.price_filter.tick_size
        if quote is None or min(quote.bid, quote.ask) <= 0:
            return request.peg
        price = quote.near(request.side) + request.side.sign * request.offset_ticks * tick
        limits = [] if request.bound is None else [request.bound]
        if request.post_only:
            limits.append(quote.far(request.side) - request.side.sign * tick)
        return min(price, *limits) if request.side is Side.BUY else max(price, *limits)

    def _on_tick(self, price: Decimal) -> Decimal:
        """The price on the tick, on the side that costs less."""
        tick = self.instrument.price_filter.tick_size
        return floor_to_step(price, tick) if self.request.side is Side.BUY else ceil_to_step(price, tick)

    def _left(self, ctx: Context) -> Decimal:
        return self.request.quantity - executed(ctx.orders)

    def _can_send(self, quantity: Decimal) -> bool:
        """True where the exchange takes such an order, at the first price."""
        return quantity >= smallest_child(self.request, self.request.peg, self.instrument, market=False)

    @staticmethod
    def _was_taking(order: Order | None) -> bool:
        return order is not None and order.request.time_in_force is TimeInForce.IOC

    def _order(self, quantity: Decimal, price: Decimal) -> OrderRequest:
        tif = TimeInForce.GTX if self.request.post_only else TimeInForce.GTC
        return child_order(self.request, quantity, price, tif)

    def _taking_order(self, quantity: Decimal) -> OrderRequest:
        assert self.request.bound is not None
        return child_order(self.request, quantity, self.request.bound, TimeInForce.IOC)


def chase(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    max_distance: Annotated[
        str,
        typer.Option(
            "--max-distance",
            metavar="BPS",
            help="How far to follow from the first price, in basis points.",
            rich_help_panel="Chase",
        ),
    ] = "50",
    limit_price: Annotated[
        str | None,
        typer.Option(
            "--limit-price",
            metavar="PRICE",
            help="How far to follow, as a price.",
            rich_help_panel="Chase",
        ),
    ] = None,
    timeout: Annotated[
        str,
        typer.Option(
            "--timeout", metavar="DURATION", help="How long to follow at most.", rich_help_panel="Chase"
        ),
    ] = "5m",
    on_timeout: Annotated[
        OnTimeout,
        typer.Option(
            "--on-timeout",
            help="Then: cancel, take the rest at the bound or better, or keep the order.",
            rich_help_panel="Chase",
        ),
    ] = OnTimeout.CANCEL,
    offset: Annotated[
        int,
        typer.Option(
            "--offset",
            metavar="TICKS",
            help="Ticks better (or, below zero, worse) than the best price.",
            rich_help_panel="Chase",
        ),
    ] = 0,
    interval: Annotated[
        str,
        typer.Option(
            "--interval", metavar="DURATION", help="Time between two moves at least.", rich_help_panel="Chase"
        ),
    ] = "500ms",
    post_only: Annotated[
        bool,
        typer.Option("--post-only/--no-post-only", help="Never take (GTX).", rich_help_panel="Order"),
    ] = True,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Follow the best price with a limit order, so far and so long.

    Examples:

      bot.py chase BTCUSDT BUY 0.1 --max-distance 20 --timeout 2m

      bot.py chase ETHUSDT SELL 3 --limit-price 2990 --on-timeout take --reduce-only
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    distance = parse_decimal(max_distance, "maximum distance")
    bound = options.given(parse_decimal, limit_price, "limit price")
    timeout_ms = parse_duration_ms(timeout, "--timeout")
    interval_ms = parse_duration_ms(interval, "--interval")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> ChaseExecutor:
        request = ChaseRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=size,
            distance_bps=distance,
            timeout_ms=timeout_ms,
            bound=bound,
            offset_ticks=offset,
            interval_ms=interval_ms,
            post_only=post_only,
            on_timeout=on_timeout,
            position_side=hedge_side,
            reduce_only=reduce_only,
        )
        return ChaseExecutor(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=True))


if __name__ == "__main__":
    options.run_command(chase)
