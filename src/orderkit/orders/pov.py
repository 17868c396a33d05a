"""POV: a share of what trades on the market, for as long as it takes (percentage of volume)."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, TimeInForce
from orderkit.domain.events import QuoteUpdated
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult
from orderkit.domain.market import Quote
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import UsageError, ValidationError
from orderkit.orders.child import child_order, smallest_child, taking_limit
from orderkit.orders.ending import cancel_orders, wait_trades
from orderkit.orders.executor import OPEN_END, PlannedOrder, as_amended
from orderkit.orders.outcomes import committed, executed, live
from orderkit.orders.pacing import Style, read_style
from orderkit.orders.participation import Participation, next_slice
from orderkit.orders.pov_request import POVRequest
from orderkit.orders.successive import result, retry_ms
from orderkit.utils import (
    parse_decimal,
    validate_parent_quantity,
    validate_price,
    validate_quantity,
    validate_side,
    validate_sliced_order,
)

ZERO = Decimal(0)
MS_NS = 1_000_000
MOST_WORKING = 5  # passive orders on the book at one time
LEAST_REST_MS = 1_000  # a passive order stays so long before it follows the price


class POVExecutor:
    """Sends what the market's volume allows less what is done or still in doubt, again and again.

    What rejected or partly filled orders leave rolls on by itself. Volume that prints while the price is
    beyond the limit, or while nothing runs, is not made up for. Passive orders wait at the best price of
    their own side and follow it, once a second at most; a pause withdraws them. What is to be finished now
    is taken, within the limit.
    """

    kind: ClassVar[str] = "pov"
    uses_user_stream = True
    follows_quotes = True
    follows_trades = True

    def __init__(self, request: POVRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    @property
    def duration_ms(self) -> int:
        return self.request.max_duration_ms or OPEN_END

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request, instrument = self.request, self.instrument
        if not 0 < request.rate < 1:
            raise ValidationError(
                f"RATE: {request.percent} % of what trades; accepted: above 0 % and below 100 %",
                rule="RATE",
                hint="Use a share such as 10%.",
            )
        total = validate_parent_quantity(request.quantity, instrument, rounding=rounding)
        price = request.limit_price
        if price is not None:  # a bound, which may be far from the market
            price = validate_price(price, instrument, request.side, mark_price=price, rounding=rounding)
        least = self._smallest(snapshot.mark_price)
        slice_ = request.min_slice
        if slice_:
            slice_ = validate_quantity(slice_, instrument, market=True, rounding=rounding)
        self.request = replace(
            request, quantity=total, limit_price=price, min_slice=min(max(slice_, least), total)
        )
        rest = total - self.request.min_slice
        largest = instrument.lot_size_for(market=True).max_quantity
        slices = (
            [self.request.min_slice] if rest < least or rest > largest else [self.request.min_slice, rest]
        )
        validate_sliced_order(self._order(total, self._price(snapshot.quote)), slices, snapshot)
        if slice_ and slice_ < least:
            return [f"orders of {slice_} are too small for the exchange: {least} is used"]
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, unit, quote = self.request, self.instrument.base_asset, snapshot.quote
        bound = "" if request.limit_price is None else f", never beyond {request.limit_price}"
        return [
            f"{request.percent} % of what trades, {request.style}, in orders of at least "
            f"{request.min_slice} {unit}{bound} (market {quote.bid} / {quote.ask})"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        """The first order and the rest of the quantity: when and in how many pieces, the market decides."""
        request = self.request
        price = self._price(snapshot.quote)
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        parts = request.min_slice, request.quantity - request.min_slice
        return [PlannedOrder(None, kind, request.side, part, price) for part in parts if part > 0]

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        asked = self.request
        share = Participation(self.request.rate, committed(ctx.orders))
        before = self._ours(ctx)
        while True:
            self.request = as_amended(asked, ctx.controls)
            if ctx.finishing:
                self.request = replace(self.request, style=Style.TAKING)
            if (why := self._over(ctx)) is not None:
                break
            quote = ctx.quote(self.request.symbol)
            following = quote is not None and self._acceptable(quote) and not ctx.paused
            others = ctx.traded_quantity(self.request.symbol) - (self._ours(ctx) - before)
            share.count(others, following=following)
            self._withdraw(ctx, quote)
            if quote is not None and following:
                self._send_due(ctx, quote, share)
            elif quote is not None and not ctx.paused:
                ctx.note(*self._why_not(quote))
            yield from self._next_news(ctx)
        working = yield from cancel_orders(ctx, live(ctx.orders))
        yield from wait_trades(ctx.orders)
        return result(ctx, self.request.quantity, working, self.instrument.base_asset, why or None)

    def check_control(self, control: Control, record: JobRecord) -> None:
        changed: POVRequest = self.request.amended(control.changes)
        wanted, done = changed.quantity, committed(record.orders)
        if "quantity" in control.changes and (wanted < done or self._cut(wanted) != wanted):
            raise ValidationError(
                f"QUANTITY: {wanted} cannot be the new whole of job {record.job_id}; accepted: at least"
                f" {done}, which is done or under way, on the step {self.instrument.lot_size.step_size}",
                rule="QUANTITY",
                hint="the new quantity counts what is done already",
            )
        _check_style(changed.style)
        limit = changed.limit_price
        if limit is not None:
            validate_price(limit, self.instrument, changed.side, mark_price=limit)

    def _over(self, ctx: Context) -> str | None:
        """Why no more is to be sent; empty where orders or ``ctx`` say it, None while the job goes on."""
        done = executed(ctx.orders) >= self.request.quantity
        if done or ctx.stopping or any(order.unresolved for order in ctx.orders):
            return ""
        if self.request.max_duration_ms is not None and not ctx.paused:
            left_ns = self.request.max_duration_ms * MS_NS - ctx.active_since(ctx.started_ns)
            if left_ns <= 0:
                return "its time is over"
            ctx.wake_by(ctx.now_ns + left_ns)
        if live(ctx.orders):
            return None
        left, quote = self.request.quantity - executed(ctx.orders), ctx.quote(self.request.symbol)
        if left < self._smallest(quote.mid if quote else ZERO):
            return f"{left} is less than the exchange takes"
        return "" if self._retry_ms(ctx) is None else None

    def _next_news(self, ctx: Context) -> Flow[None]:
        """Wait for anything but a quote that changes nothing for us."""
        seen = self._view(ctx)
        while True:
            event = yield
            if not isinstance(event, QuoteUpdated) or self._view(ctx) != seen:
                return

    def _view(self, ctx: Context) -> tuple[bool, Decimal] | None:
        """What of the present quote this job acts on."""
        quote = ctx.quote(self.request.symbol)
        if quote is None:
            return None
        passive = self.request.style is Style.PASSIVE
        return self._acceptable(quote), self._best(quote) if passive else ZERO

    def _ours(self, ctx: Context) -> Decimal:
        """What of the volume is our own; an order that takes may have printed before we know of its fill."""
        return committed(ctx.orders) if self.request.style is Style.TAKING else executed(ctx.orders)

    def _send_due(self, ctx: Context, quote: Quote, share: Participation) -> None:
        """Send what has become due, unless a refused order says to wait."""
        retry = self._retry_ms(ctx)
        if retry is None or len(live(ctx.orders)) >= MOST_WORKING:
            return
        sent = committed(ctx.orders)
        target = self.request.quantity if ctx.finishing else share.target
        quantity = next_slice(
            target - sent,
            self.request.quantity - sent,
            self.request.min_slice,
            self._smallest(quote.mid),
        )
        lot = self.instrument.lot_size_for(market=True)
        quantity = self._cut(min(quantity, lot.max_quantity))
        if quantity < lot.min_quantity or quantity <= 0:
            ctx.note("WAITING", f"for more to trade; {self.request.quantity - sent} left to send")
        elif retry > ctx.now_ms:
            ctx.wake_by(retry * MS_NS)
        else:
            ctx.note("ORDER_SUBMITTED", f"{quantity} after others traded {share.followed}")
            ctx.submit(self._order(quantity, self._price(quote)))

    def _withdraw(self, ctx: Context, quote: Quote | None) -> None:
        """Cancel passive orders that the market has left behind, and all of them where none are wanted."""
        resting = [o for o in live(ctx.orders) if o.request.time_in_force is TimeInForce.GTX]
        if ctx.paused or self.request.style is not Style.PASSIVE:
            for order in resting:
                ctx.cancel(order)
            return
        if quote is None:
            return
        best, left = self._best(quote), self.request.quantity - executed(ctx.orders)
        for order in resting:
            if order.request.price == best or left < self._smallest(quote.mid):
                continue  # so little could not be sent again
            rested_ms = order.created_ms + LEAST_REST_MS
            if ctx.now_ms >= rested_ms:
                ctx.cancel(order)
            else:
                ctx.wake_by(rested_ms * MS_NS)

    # --- small questions --------------------------------------------------------------------------

    def _best(self, quote: Quote) -> Decimal:
        """The best price on our own side, 0 where nobody offers one."""
        return quote.near(self.request.side)

    def _price(self, quote: Quote) -> Decimal | None:
        """What an order would be sent at; None for market orders."""
        if self.request.style is Style.PASSIVE:
            return self._best(quote)
        return taking_limit(self.request.limit_price, quote.mid, self.instrument)

    def _wanted(self, quote: Quote) -> Decimal:
        """The price that an order would trade at now, 0 where nobody is there."""
        side = self.request.side
        return self._best(quote) if self.request.style is Style.PASSIVE else quote.far(side)

    def _acceptable(self, quote: Quote) -> bool:
        """False where there is nothing to trade with, or at a price beyond the limit."""
        price, limit = self._wanted(quote), self.request.limit_price
        return price > 0 and (limit is None or (price - limit) * self.request.side.sign <= 0)

    def _why_not(self, quote: Quote) -> tuple[str, str]:
        """The state, and why, of a job whose market is not acceptable."""
        price = self._wanted(quote)
        if price <= 0:
            return "WAITING", f"no price yet: market {quote.bid} / {quote.ask}"
        return "THRESHOLD_PRICE_BREACH", f"{price} is worse than the limit {self.request.limit_price}"

    def _retry_ms(self, ctx: Context) -> int | None:
        """From when another order may go out; None where none has a chance: one that met nobody has."""
        if ctx.orders and _missed(ctx.orders[-1]):
            return ctx.orders[-1].created_ms + LEAST_REST_MS
        return retry_ms([order for order in ctx.orders if not _missed(order)])

    def _cut(self, quantity: Decimal) -> Decimal:
        return self.instrument.round_quantity(quantity, market=True)

    def _smallest(self, price: Decimal) -> Decimal:
        """The least that an order may have at this price; 0: at none that is known."""
        return smallest_child(self.request, price, self.instrument, market=True)

    def _order(self, quantity: Decimal, price: Decimal | None) -> OrderRequest:
        passive = self.request.style is Style.PASSIVE
        tif = TimeInForce.GTX if passive else TimeInForce.IOC
        return child_order(self.request, quantity, price, tif)


def _missed(order: Order) -> bool:
    """An order with a limit that found nobody to trade with."""
    limited = order.request.time_in_force is TimeInForce.IOC
    return limited and order.status is OrderStatus.EXPIRED and not order.executed_quantity


def _check_style(style: Style) -> None:
    """Raises UsageError: an order ahead of the best price would be the best, and run away from itself."""
    if style is Style.TICK_BETTER:
        raise UsageError("pov knows no tick-better", hint="one of taking, passive")


def pov(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    rate: Annotated[
        str,
        typer.Option(
            "--rate",
            metavar="SHARE",
            help="Our part of all that trades, such as 10%.",
            rich_help_panel="Pace",
        ),
    ] = "10%",
    style: Annotated[
        str,
        typer.Option(
            "--style",
            metavar="taking|passive",
            help="Take what the book offers, or wait at the best price.",
            rich_help_panel="Pace",
        ),
    ] = "taking",
    limit_price: Annotated[
        str | None,
        typer.Option(
            "--limit-price", metavar="PRICE", help="Wait while the price is worse.", rich_help_panel="Pace"
        ),
    ] = None,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration", metavar="DURATION", help="End after this time.", rich_help_panel="Pace"
        ),
    ] = None,
    min_slice: Annotated[
        str | None,
        typer.Option(
            "--min-slice",
            metavar="QUANTITY",
            help="Smallest order. Default: what the exchange takes.",
            rich_help_panel="Pace",
        ),
    ] = None,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    *,
    run: options.RunOptions,
) -> None:
    """Work a quantity as a share of what trades on the market (percentage of volume).

    Examples:

      bot.py pov BTCUSDT BUY 2 --rate 10% --limit-price 61000 --max-duration 2h

      bot.py pov ETHUSDT SELL 12 --rate 5% --style passive --json
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    chosen = read_style(style, "--style")
    _check_style(chosen)
    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    part = options.share(rate, "--rate")
    limit = options.given(parse_decimal, limit_price, "--limit-price")
    longest_ms = options.given(parse_duration_ms, max_duration, "--max-duration")
    least = ZERO if min_slice is None else parse_decimal(min_slice, "--min-slice")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> POVExecutor:
        request = POVRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            rate=part,
            style=chosen,
            limit_price=limit,
            max_duration_ms=longest_ms,
            min_slice=least,
            position_side=hedge_side,
            reduce_only=reduce_only,
        )
        return POVExecutor(request, instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(pov)
