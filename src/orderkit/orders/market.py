"""Market order: one quantity, at once, at whatever the book offers."""

from typing import ClassVar

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.orders.single import SingleOrderExecutor, SingleRequest
from orderkit.utils import parse_decimal, validate_side


class MarketExecutor(SingleOrderExecutor):
    """Fills come from a query right after the answer, which tells the state but no price."""

    kind: ClassVar[str] = "market"

    def warnings(self, snapshot: TradingSnapshot) -> list[str]:
        order, quote = self.request.order, snapshot.quote
        displayed = quote.ask_quantity if order.side is Side.BUY else quote.bid_quantity
        if order.quantity is None or order.quantity <= displayed:
            return []
        side = "asked" if order.side is Side.BUY else "bid"
        return [
            f"{order.quantity} is more than the {displayed} {side} at the best price; the rest fills deeper"
            " in the book (twap spreads it over time)"
        ]


def market(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    *,
    run: options.RunOptions,
) -> None:
    """Buy or sell at once at the best prices of the book.

    Examples:

      bot.py market BTCUSDT BUY 0.01

      bot.py market ETHUSDT SELL 1.5 --reduce-only --json
    """
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> MarketExecutor:
        order = OrderRequest(
            symbol=instrument.symbol,
            side=order_side,
            type=OrderType.MARKET,
            quantity=size,
            position_side=hedge_side,
            reduce_only=reduce_only,
        )
        return MarketExecutor(SingleRequest(order), instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(market)
