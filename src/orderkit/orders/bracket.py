"""Bracket: an entry whose position gets a take-profit and a stop as it comes into being."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, PositionSide, Side, TimeInForce, WorkingType
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import UsageError, ValidationError
from orderkit.orders.child import child_order
from orderkit.orders.executor import OPEN_END, PlannedOrder
from orderkit.orders.exit_legs import ExitPair, Legs
from orderkit.orders.exit_pair import OVER, Phase, Step
from orderkit.orders.outcomes import MAX_SENDS, executed, live, never_arrived, why_rejected
from orderkit.orders.pair_driver import PairDriver, in_doubt, kept, ways_out
from orderkit.utils import parse_decimal, validate_order, validate_side, validate_take_profit


class OnBracketExit(StrEnum):
    """What an interrupt or a stop does."""

    KEEP = "KEEP"  # leave everything on the exchange
    CANCEL = "CANCEL"  # take all orders away; a position stays, without a stop
    FLATTEN = "FLATTEN"  # take all orders away and close the position at market


@dataclass(frozen=True, slots=True)
class BracketRequest:
    """``side`` is the entry's; ``entry`` its limit price, None for at market.

    ``entry_timeout_ms``: what is not filled by then, counted from the job's start, is cancelled.
    """

    symbol: str
    side: Side
    quantity: Decimal
    take_profit: Decimal
    stop: Decimal
    stop_limit: Decimal | None = None
    entry: Decimal | None = None
    post_only: bool = False
    entry_timeout_ms: int | None = None
    position_side: PositionSide = PositionSide.BOTH
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    on_exit: OnBracketExit = OnBracketExit.KEEP

    @property
    def reduce_only(self) -> bool:
        """The entry opens."""
        return False

    @property
    def open_ended(self) -> bool:
        """Done is not done: the position that was opened is still to be closed."""
        return True

    @property
    def pair(self) -> ExitPair:
        """The legs; in hedge mode their position side says that they close."""
        one_way = self.position_side is PositionSide.BOTH
        return ExitPair.of(self, self.side.opposite, reduce_only=one_way)

    def entry_order(self) -> OrderRequest:
        tif = TimeInForce.GTX if self.post_only else TimeInForce.GTC
        return child_order(self, self.quantity, self.entry, tif)


class BracketExecutor:
    """Protects every bit of the entry as it fills; ends when all that was opened is closed again.

    Once a leg trades, what is left of the entry is cancelled: the trade is over.
    """

    kind: ClassVar[str] = "bracket"
    uses_user_stream = True
    duration_ms = OPEN_END

    def __init__(self, request: BracketRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        """BUY: take-profit > entry > stop ≥ stop limit; SELL mirrored; the stop beyond the market as well."""
        request = self.request
        entry = validate_order(request.entry_order(), snapshot, rounding=rounding)
        request = replace(request, quantity=entry.quantity or request.quantity, entry=entry.price)
        self._refuse_closing(request, snapshot)
        buys, quote = request.side is Side.BUY, snapshot.quote
        touch = quote.far(request.side)
        worst = request.entry or touch
        likely = min(worst, touch) if buys else max(worst, touch)
        there = replace(snapshot, quote=replace(quote, bid=likely, ask=likely), account=None)
        legs, quantity = request.pair.checked(request.quantity, there, rounding=rounding)
        validate_take_profit(request.side.opposite, legs.take_profit, worst, reference="the entry")
        self.request = replace(
            request,
            quantity=quantity,
            take_profit=legs.take_profit,
            stop=legs.stop,
            stop_limit=legs.stop_limit,
        )
        return []

    @staticmethod
    def _refuse_closing(request: BracketRequest, snapshot: TradingSnapshot) -> None:
        if snapshot.account is None or request.position_side is not PositionSide.BOTH:
            return
        held = snapshot.account.position_quantity(request.symbol)
        if held * request.side.sign < 0:
            raise ValidationError(
                f"POSITION: {request.side} would close the position of {held} {request.symbol} rather than"
                " open one; accepted: no position, or one on the entry's side",
                rule="POSITION",
                hint="Close it first (close), or protect it with oco.",
            )

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, quote = self.request, snapshot.quote
        entry = request.entry or quote.far(request.side)
        risk = abs(entry - request.stop)
        ratio = abs(request.take_profit - entry) / risk
        how = "at market" if request.entry is None else f"at {request.entry}"
        return [
            f"entry {how} (market {quote.bid} / {quote.ask}), then take-profit {request.take_profit} and stop"
            f" {request.stop}: {risk * request.quantity:f} {self.instrument.quote_asset} at risk,"
            f" reward to risk {ratio:.2f}"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        """The entry, and the legs as they will be once all of it is filled."""
        del snapshot
        request, entry = self.request, self.request.entry_order()
        stop, profit = request.pair.planned(request.quantity)
        return [
            PlannedOrder(None, entry.type, entry.side, request.quantity, entry.price),
            replace(stop, alternative=True),
            profit,
        ]

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        driver = PairDriver(ctx, self.request.pair, self.instrument)
        deadline_ns = None
        if self.request.entry_timeout_ms is not None:
            deadline_ns = ctx.started_ns + self.request.entry_timeout_ms * 1_000_000
            ctx.wake_at(deadline_ns)
        while True:
            if (doubtful := in_doubt(ctx)) is not None:
                return doubtful
            if ctx.stopping and self.request.on_exit is not OnBracketExit.KEEP:
                return (yield from self._leave(ctx, driver))
            late = deadline_ns is not None and ctx.now_ns >= deadline_ns
            entry = self._enter(ctx, give_up=late)
            if (entry is not None and self._legs(ctx).traded) or (entry is not None and late):
                driver.cancel(entry)
            step = self._protect(ctx, driver)
            over = step is None or step.phase in OVER
            if over and not live(self._entries(ctx)):
                if all(order.is_settled for order in ctx.orders):
                    return self._result(ctx, step, driver)
            elif ctx.stopping and driver.is_quiet:
                return kept(ctx, self._legs(ctx))
            elif step is not None and step.phase is Phase.ENDED and entry is not None:
                driver.cancel(entry)
            yield

    def _entries(self, ctx: Context) -> list[Order]:
        return [order for order in ctx.orders if order.request.side is self.request.side]

    def _legs(self, ctx: Context) -> Legs:
        return Legs(self.request.pair, self._filled(ctx), ctx.orders)

    def _filled(self, ctx: Context) -> Decimal:
        """What the entry has opened so far: what the legs are to close."""
        return executed(self._entries(ctx))

    def _enter(self, ctx: Context, *, give_up: bool) -> Order | None:
        """The entry that may still fill; sent where there is none, and again where it never arrived."""
        entries = self._entries(ctx)
        last = entries[-1] if entries else None
        missing = last is None or (never_arrived(last) and len(entries) < MAX_SENDS)
        if missing and not (ctx.stopping or give_up):
            last = ctx.submit(self.request.entry_order(), replaces=last)
        if last is None or last.is_terminal:
            return None
        if not self._filled(ctx):
            at = "at market" if self.request.entry is None else f"at {self.request.entry}"
            ctx.note("ENTERING", f"{self.request.side} {self.request.quantity} {at}")
        return last

    def _protect(self, ctx: Context, driver: PairDriver, *, leave: bool = False) -> Step | None:
        """Let the legs follow what is filled; None while nothing is."""
        filled = self._filled(ctx)
        if not filled:
            return None
        growing = bool(live(self._entries(ctx)))
        return driver.act(filled, growing=growing, protects=True, leave=leave)

    # --- its ends ---------------------------------------------------------------------------------

    def _leave(self, ctx: Context, driver: PairDriver) -> Flow[JobResult]:
        """End in order: the entry first, then the legs, and the position where asked to."""
        for order in live(self._entries(ctx)):
            driver.cancel(order)
        yield from ctx.wait_done(*self._entries(ctx))
        step: Step | None = None
        if self.request.on_exit is OnBracketExit.FLATTEN:
            while (step := self._protect(ctx, driver, leave=True)) is not None and step.phase not in OVER:
                if any(order.unresolved for order in ctx.orders):
                    break
                yield
        for order in live(ctx.orders):
            driver.cancel(order)
        yield from ctx.wait_done(*ctx.orders)
        return in_doubt(ctx) or self._result(ctx, step, driver)

    def _result(self, ctx: Context, step: Step | None, driver: PairDriver) -> JobResult:
        entries, unit = self._entries(ctx), self.instrument.base_asset
        legs, filled = self._legs(ctx), self._filled(ctx)
        last = entries[-1] if entries else None
        if last is not None and last.status is OrderStatus.REJECTED and not filled:
            return JobResult(JobStatus.REJECTED, f"the entry was refused: {why_rejected(last)}")
        parts = [f"{filled} of {self.request.quantity} {unit} entered", *ways_out(legs, unit)]
        if legs.left > 0:
            parts.append(f"{legs.left} {unit} of the position are left without a stop")
        elif legs.left < 0:
            parts.append(f"BOTH LEGS FILLED: {-legs.left} {unit} too much")
        parts += [part for part in (step.reason if step else None, ctx.stop_reason, driver.summary) if part]
        done = legs.left == 0 and filled == self.request.quantity
        return JobResult(
            JobStatus.COMPLETED if done else JobStatus.STOPPED, "; ".join(parts), ctx.interrupted
        )


def bracket(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    take_profit: options.TakeProfitArgument,
    stop_price: options.StopArgument,
    stop_limit: options.StopLimitArgument = None,
    entry: Annotated[
        str | None,
        typer.Option(
            "--entry", metavar="PRICE", help="Enter at a limit, not at market.", rich_help_panel="Order"
        ),
    ] = None,
    post_only: Annotated[
        bool,
        typer.Option("--post-only", help="With --entry: never take (GTX).", rich_help_panel="Order"),
    ] = False,
    entry_timeout: Annotated[
        str | None,
        typer.Option(
            "--entry-timeout",
            metavar="DURATION",
            help="Cancel what the entry has not filled by then.",
            rich_help_panel="Order",
        ),
    ] = None,
    working_type: options.WorkingTypeOption = "CONTRACT_PRICE",
    price_protect: options.PriceProtect = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: Annotated[
        str,
        typer.Option(
            "--on-exit",
            metavar="keep|cancel|flatten",
            help="What an interrupt or bot.py stop does: leave all orders, cancel them, or also close.",
            rich_help_panel="Run",
        ),
    ] = "keep",
    *,
    run: options.RunOptions,
) -> None:
    """Enter, then protect what fills with a take-profit and a stop.

    BUY: take-profit above the entry, stop below it, stop limit at or below the stop. SELL: the reverse.

    Examples:

      bot.py bracket BTCUSDT BUY 0.01 66000 58000

      bot.py bracket BTCUSDT BUY 0.01 66000 58000 57900 --entry 59500 --entry-timeout 1h --detach
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    profit, stop = parse_decimal(take_profit, "take-profit"), parse_decimal(stop_price, "stop price")
    limit = options.given(parse_decimal, stop_limit, "stop limit price")
    price = options.given(parse_decimal, entry, "entry price")
    if post_only and price is None:
        raise UsageError("--post-only needs --entry", hint="give the entry's limit price")
    timeout_ms = options.given(parse_duration_ms, entry_timeout, "--entry-timeout")
    leaving = options.one_of(OnBracketExit, on_exit, "--on-exit")
    working = options.one_of(WorkingType, working_type, "--working-type")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> BracketExecutor:
        request = BracketRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=size,
            take_profit=profit,
            stop=stop,
            stop_limit=limit,
            entry=price,
            post_only=post_only,
            entry_timeout_ms=timeout_ms,
            position_side=hedge_side,
            working_type=working,
            price_protect=price_protect,
            on_exit=leaving,
        )
        return BracketExecutor(request, instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(bracket)
