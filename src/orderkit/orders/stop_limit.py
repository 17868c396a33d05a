"""Stop-limit order: a limit that the exchange places once the market trades through the stop price."""

from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import slippage_bps
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, TimeInForce, WorkingType
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.orders.conditional import ConditionalExecutor
from orderkit.orders.single import SingleRequest
from orderkit.utils import parse_decimal, validate_side


class StopLimitExecutor(ConditionalExecutor):
    """Rests in the exchange's algo service until it triggers; then it is an ordinary limit order."""

    kind: ClassVar[str] = "stop-limit"

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        order, market = self.request.order, self.market(snapshot)
        if order.trigger_price is None:
            return []
        away = abs(slippage_bps(order.side, order.trigger_price, market))
        name = "mark price" if self.by_mark else "mid price"
        return [f"stop {order.trigger_price} is {away:.1f} bps from the {name} {market}"]


def stop_limit(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    stop_price: Annotated[str, typer.Argument(metavar="STOP", help="Price that triggers the order.")],
    limit_price: Annotated[str, typer.Argument(metavar="LIMIT", help="Price of the limit order it becomes.")],
    time_in_force: options.TimeInForceOption = "GTC",
    working_type: options.WorkingTypeOption = "CONTRACT_PRICE",
    price_protect: options.PriceProtect = False,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: options.OnExit = "keep",
    *,
    run: options.RunOptions,
) -> None:
    """Place a limit order once the market reaches a stop price.

    SELL: stop below the market, limit at or below the stop. BUY: stop above the market, limit at or above it.

    Examples:

      bot.py stop-limit BTCUSDT SELL 0.01 58000 57900 --reduce-only

      bot.py stop-limit ETHUSDT BUY 1 4200 4210 --working-type MARK_PRICE --wait
    """
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    stop, limit = parse_decimal(stop_price, "stop price"), parse_decimal(limit_price, "limit price")
    tif = options.one_of(TimeInForce, time_in_force, "--time-in-force")
    working = options.one_of(WorkingType, working_type, "--working-type")
    run_request = options.waiting(run, on_exit)
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> StopLimitExecutor:
        order = OrderRequest(
            symbol=instrument.symbol,
            side=order_side,
            type=OrderType.STOP,
            quantity=size,
            price=limit,
            trigger_price=stop,
            time_in_force=tif,
            position_side=hedge_side,
            reduce_only=reduce_only,
            working_type=working,
            price_protect=price_protect,
        )
        return StopLimitExecutor(SingleRequest(order, *run_request), instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(stop_limit)
