"""Trailing stop: a market order once the market turns by so much from its best price."""

from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side, WorkingType
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.orders.conditional import ConditionalExecutor
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.single import SingleRequest
from orderkit.utils import parse_decimal, validate_side


class TrailingStopExecutor(ConditionalExecutor):
    """Rests in the exchange's algo service, which follows the market."""

    kind: ClassVar[str] = "trailing-stop"

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        order = self.request.order
        if order.callback_rate is None:
            return []
        market = self.market(snapshot)
        start = order.trigger_price or market
        turn = start * (1 - order.side.opposite.sign * order.callback_rate / 100)
        begins = "from now on" if order.trigger_price is None else f"once it is at {order.trigger_price}"
        best, ends = ("highest", "falls") if order.side is Side.SELL else ("lowest", "rises")
        name = "mark price" if self.by_mark else "market"
        return [
            f"follows the {name} ({market}) {begins}; {order.side} when it {ends} {order.callback_rate:f} % "
            f"from its {best}: at about {turn:.2f} if it turns there"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        order = self.request.order
        return [
            PlannedOrder(
                None, order.type, order.side, self.request.quantity, None, trigger_price=order.trigger_price
            )
        ]


def trailing_stop(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    callback: Annotated[
        str,
        typer.Argument(
            metavar="CALLBACK", help="How far the market may turn, in percent: 0.1 to 20, such as 1.5."
        ),
    ],
    activation: Annotated[
        str | None,
        typer.Option(
            "--activation",
            metavar="PRICE",
            help="Begin to follow at this price: SELL above the market, BUY below it.",
            rich_help_panel="Order",
        ),
    ] = None,
    working_type: options.WorkingTypeOption = "CONTRACT_PRICE",
    price_protect: options.PriceProtect = False,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: options.OnExit = "keep",
    *,
    run: options.RunOptions,
) -> None:
    """Follow the market and trade when it turns by a percentage.

    SELL follows a rising market and sells when it falls that far from its highest price; BUY mirrored.

    Examples:

      bot.py trailing-stop BTCUSDT SELL 0.01 1.5 --reduce-only

      bot.py trailing-stop BTCUSDT SELL 0.01 0.5 --activation 66000 --reduce-only --wait
    """
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    rate = parse_decimal(callback.strip().removesuffix("%"), "callback rate")
    begin = options.given(parse_decimal, activation, "activation price")
    working = options.one_of(WorkingType, working_type, "--working-type")
    run_request = options.waiting(run, on_exit)
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> TrailingStopExecutor:
        order = OrderRequest(
            symbol=instrument.symbol,
            side=order_side,
            type=OrderType.TRAILING_STOP_MARKET,
            quantity=size,
            trigger_price=begin,
            position_side=hedge_side,
            reduce_only=reduce_only,
            working_type=working,
            price_protect=price_protect,
            callback_rate=rate,
        )
        return TrailingStopExecutor(SingleRequest(order, *run_request), instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(trailing_stop)
