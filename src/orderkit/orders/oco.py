"""One-cancels-other: a take-profit and a stop for the same quantity, of which only one may fill."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import slippage_bps
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side, WorkingType
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.orders.executor import OPEN_END, PlannedOrder
from orderkit.orders.exit_legs import ExitPair, Legs
from orderkit.orders.exit_pair import OVER, Phase, Step
from orderkit.orders.outcomes import executed, leaves, live
from orderkit.orders.pair_driver import PairDriver, in_doubt, kept, ways_out
from orderkit.utils import (
    closed_leg,
    closing_quantity,
    parse_decimal,
    validate_side,
    validate_take_profit,
)

ZERO = Decimal(0)
MOST_UNWINDINGS = 4  # market orders that trade an excess back, before it is reported instead


class OnDoubleFill(StrEnum):
    """What to do when both legs filled before one could be cancelled."""

    REPORT = "REPORT"
    FLATTEN = "FLATTEN"  # trade back what was too much, at market


class OnExit(StrEnum):
    """What an interrupt or a stop does to legs that rest."""

    KEEP = "KEEP"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class OCORequest:
    """``side`` is the side of both legs; ``stop_limit`` None makes the stop a market order once triggered."""

    symbol: str
    side: Side
    quantity: Decimal
    take_profit: Decimal
    stop: Decimal
    stop_limit: Decimal | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    on_double_fill: OnDoubleFill = OnDoubleFill.REPORT
    on_exit: OnExit = OnExit.KEEP

    @property
    def open_ended(self) -> bool:
        """Done is not done: the leg that did not fill may still rest."""
        return True

    @property
    def pair(self) -> ExitPair:
        return ExitPair.of(self, self.side, reduce_only=self.reduce_only)


class OCOExecutor:
    """Watches both legs to their end; ``exit_pair`` says what each state of theirs asks for.

    Both legs rest on the exchange, so that the stop outlives this process; going on later, the flow acts on
    what happened meanwhile.
    """

    kind: ClassVar[str] = "oco"
    uses_user_stream = True
    duration_ms = OPEN_END

    def __init__(self, request: OCORequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        """SELL: take-profit > market > stop ≥ stop limit; BUY mirrored. Legs that close are reduce-only."""
        request = self.request
        position = ZERO
        if snapshot.account is not None:
            position = snapshot.account.position_quantity(request.symbol, request.position_side)
        closing = closing_quantity(request.side, request.quantity, position, request.position_side)
        if request.position_side is PositionSide.BOTH and closing == request.quantity:
            request = replace(request, reduce_only=True)
        legs, quantity = request.pair.checked(request.quantity, snapshot, rounding=rounding)
        validate_take_profit(request.side, legs.take_profit, snapshot.quote.mid)
        self.request = replace(
            request,
            quantity=quantity,
            take_profit=legs.take_profit,
            stop=legs.stop,
            stop_limit=legs.stop_limit,
        )
        return _warnings(self.request, position, closing)

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, mid = self.request, snapshot.quote.mid
        profit = abs(slippage_bps(request.side, request.take_profit, mid))
        loss = abs(slippage_bps(request.side, request.stop, mid))
        return [
            f"take-profit {request.take_profit} is {profit:.1f} bps and stop {request.stop} {loss:.1f} bps"
            f" from the market ({snapshot.quote.bid} / {snapshot.quote.ask})"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        return list(self.request.pair.planned(self.request.quantity))

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        driver = PairDriver(ctx, self.request.pair, self.instrument)
        while True:
            if ctx.stopping and (not ctx.orders or self.request.on_exit is OnExit.CANCEL):
                return (yield from self._cancel(ctx, driver))
            if (doubtful := in_doubt(ctx)) is not None:
                return doubtful
            step = driver.act(self.request.quantity)
            if step.phase in OVER:
                if self._is_settled(ctx) and not self._unwind(ctx):
                    return self._result(ctx, step, driver)
            elif ctx.stopping and driver.is_quiet:
                return kept(ctx, self._legs(ctx.orders))
            yield

    def _legs(self, orders: Sequence[Order]) -> Legs:
        return Legs(self.request.pair, self.request.quantity, orders)

    @staticmethod
    def _is_settled(ctx: Context) -> bool:
        return all(order.is_settled or order.unresolved for order in ctx.orders)

    def _unwind(self, ctx: Context) -> bool:
        """Trade back what both legs together did too much, where asked to; True while that goes on."""
        done = self._unwindings(ctx.orders)
        excess = self._excess(ctx.orders) - leaves(done)
        if self.request.on_double_fill is OnDoubleFill.REPORT or excess <= 0:
            return bool(live(done))
        if len(done) >= MOST_UNWINDINGS or ctx.stopping:
            return False
        pair = self.request.pair
        one_way = self.request.position_side is PositionSide.BOTH
        ctx.note("UNWINDING", f"both legs filled: {excess} too much")
        ctx.submit(
            OrderRequest(
                symbol=pair.symbol,
                side=pair.side.opposite,
                type=OrderType.MARKET,
                quantity=excess,
                position_side=pair.position_side,
                reduce_only=one_way and not pair.closes,  # what was closed too much has to be opened again
            )
        )
        return True

    def _unwindings(self, orders: Sequence[Order]) -> list[Order]:
        return [order for order in orders if order.request.side is self.request.side.opposite]

    def _excess(self, orders: Sequence[Order]) -> Decimal:
        """What was executed beyond the quantity and not traded back."""
        back = executed(self._unwindings(orders))
        return -self._legs(orders).left - back

    # --- its ends ---------------------------------------------------------------------------------

    def _result(self, ctx: Context, step: Step, driver: PairDriver) -> JobResult:
        legs = self._legs(ctx.orders)
        unit = self.instrument.base_asset
        parts = ways_out(legs, unit)
        parts += [part for part in (step.reason, driver.summary) if part]
        excess = self._excess(ctx.orders)
        if excess > 0:
            parts.insert(0, f"BOTH LEGS FILLED: {excess} {unit} too much")
        elif legs.left < 0:
            parts.insert(0, f"both legs filled, {-legs.left} {unit} traded back")
        status = {
            Phase.FILLED: JobStatus.COMPLETED if excess <= 0 else JobStatus.STOPPED,
            Phase.REFUSED: JobStatus.REJECTED,
        }.get(step.phase, JobStatus.STOPPED)
        return JobResult(status, "; ".join(parts) or None, ctx.interrupted)

    def _cancel(self, ctx: Context, driver: PairDriver) -> Flow[JobResult]:
        for order in live(ctx.orders):
            driver.cancel(order)
        yield from ctx.wait_done(*ctx.orders)
        if (doubtful := in_doubt(ctx)) is not None:
            return doubtful
        left = self._legs(ctx.orders).left
        if left <= 0:
            return self._result(ctx, Step(Phase.FILLED), driver)
        return JobResult(
            JobStatus.STOPPED,
            f"{ctx.stop_reason}; {left} of {self.request.quantity} not done, no leg is left on the exchange",
            ctx.interrupted,
        )


def _warnings(request: OCORequest, position: Decimal, closing: Decimal) -> list[str]:
    if request.pair.closes:
        return []
    opened = "long" if request.side is Side.BUY else "short"
    if request.position_side is not PositionSide.BOTH:
        closing_leg = f"{request.side} {closed_leg(request.side)}"
        return [f"{request.side} {request.position_side} opens a position; {closing_leg} closes one"]
    if not closing:
        return [
            f"there is no position that {request.side} would close: the leg that fills opens a {opened} one"
            f" of {request.quantity}; --reduce-only refuses that"
        ]
    return [
        f"only {closing} of {request.quantity} closes the position of {position}: the leg that fills opens a"
        f" {opened} one of {request.quantity - closing}; --reduce-only refuses that"
    ]


def oco(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    take_profit: options.TakeProfitArgument,
    stop_price: options.StopArgument,
    stop_limit: options.StopLimitArgument = None,
    on_double_fill: Annotated[
        str,
        typer.Option(
            "--on-double-fill",
            metavar="report|flatten",
            help="When both legs filled before one could be cancelled: say so, or trade the excess back.",
            rich_help_panel="Order",
        ),
    ] = "report",
    working_type: options.WorkingTypeOption = "CONTRACT_PRICE",
    price_protect: options.PriceProtect = False,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: options.OnLegsExit = "keep",
    *,
    run: options.RunOptions,
) -> None:
    """Place a take-profit and a stop; when one fills, the other is cancelled (OCO).

    SELL: take-profit above the market, stop below it, stop limit at or below the stop. BUY: the reverse.

    Examples:

      bot.py oco BTCUSDT SELL 0.01 66000 58000

      bot.py oco BTCUSDT SELL 0.01 66000 58000 57900 --on-double-fill flatten --detach
    """
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    profit, stop = parse_decimal(take_profit, "take-profit"), parse_decimal(stop_price, "stop price")
    limit = options.given(parse_decimal, stop_limit, "stop limit price")
    double = options.one_of(OnDoubleFill, on_double_fill, "--on-double-fill")
    leaving = options.one_of(OnExit, on_exit, "--on-exit")
    working = options.one_of(WorkingType, working_type, "--working-type")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> OCOExecutor:
        request = OCORequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=size,
            take_profit=profit,
            stop=stop,
            stop_limit=limit,
            position_side=hedge_side,
            reduce_only=reduce_only,
            working_type=working,
            price_protect=price_protect,
            on_double_fill=double,
            on_exit=leaving,
        )
        return OCOExecutor(request, instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(oco)
