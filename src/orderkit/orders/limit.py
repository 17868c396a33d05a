"""Limit order: one quantity at a price or better, resting on the book unless told otherwise."""

from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import slippage_bps
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, PriceMatch, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.errors import UsageError
from orderkit.orders.single import SingleOrderExecutor, SingleRequest
from orderkit.utils import parse_decimal, validate_side


class LimitExecutor(SingleOrderExecutor):
    """A limit order of any time in force."""

    kind: ClassVar[str] = "limit"

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        order, quote = self.request.order, snapshot.quote
        if order.price is None:
            return [f"the exchange sets the price ({order.price_match}); market {quote.bid} / {quote.ask}"]
        away = -slippage_bps(order.side, order.price, quote.near(order.side))
        where = "at" if away == 0 else f"{abs(away):.1f} bps {'behind' if away > 0 else 'ahead of'}"
        name = "bid" if order.side is Side.BUY else "ask"
        return [f"limit {order.price} is {where} the best {name} (market {quote.bid} / {quote.ask})"]

    def warnings(self, snapshot: TradingSnapshot) -> list[str]:
        order, quote = self.request.order, snapshot.quote
        if order.price is None or not quote.is_crossed_by(order.side, order.price):
            return []
        opposite = f"ask {quote.ask}" if order.side is Side.BUY else f"bid {quote.bid}"
        if order.time_in_force is TimeInForce.GTX:
            return [
                f"the limit {order.price} crosses the best {opposite}: post-only, the exchange will refuse it"
            ]
        if order.is_immediate:
            return []
        return [
            f"the limit {order.price} crosses the best {opposite}: it takes at once and pays the taker fee"
        ]


def limit(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    price: Annotated[
        str | None, typer.Argument(metavar="[PRICE]", help="Limit price; none with --price-match.")
    ] = None,
    time_in_force: options.TimeInForceOption = "GTC",
    post_only: Annotated[
        bool,
        typer.Option("--post-only", help="Never take: refused if it would (GTX).", rich_help_panel="Order"),
    ] = False,
    good_till: options.GoodTillDate = None,
    price_match: options.PriceMatchOption = None,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    on_exit: options.OnExit = "keep",
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Buy or sell at a price or better.

    Examples:

      bot.py limit BTCUSDT BUY 0.01 60000 --post-only

      bot.py limit ETHUSDT SELL 2 4100 --tif GTD --good-till 2h --wait
    """
    from orderkit.console.durations import parse_time_ms
    from orderkit.console.run import run_order

    order_side, size = validate_side(side), parse_decimal(quantity, "quantity")
    limit_price = options.given(parse_decimal, price, "price")
    match = None if price_match is None else options.one_of(PriceMatch, price_match, "--price-match")
    if (limit_price is None) == (match is None):
        raise UsageError("a limit order needs either a PRICE or --price-match", hint="give one of the two")
    tif = options.one_of(TimeInForce, time_in_force, "--time-in-force")
    if post_only and tif not in (TimeInForce.GTC, TimeInForce.GTX):
        raise UsageError(f"--post-only cannot go with {tif}", hint="leave out one of the two")
    good_till_ms = options.given(parse_time_ms, good_till, "--good-till")
    run_request = options.waiting(run, on_exit)
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")
    run = options.held(run, dead_man, waits=run.wait or run.detach)

    def build(instrument: Instrument) -> LimitExecutor:
        order = OrderRequest(
            symbol=instrument.symbol,
            side=order_side,
            type=OrderType.LIMIT,
            quantity=size,
            price=limit_price,
            time_in_force=TimeInForce.GTX if post_only else tif,
            position_side=hedge_side,
            reduce_only=reduce_only,
            price_match=match,
            # the exchange keeps whole seconds
            good_till_date_ms=None if good_till_ms is None else good_till_ms // 1000 * 1000,
        )
        return LimitExecutor(SingleRequest(order, *run_request), instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(limit)
