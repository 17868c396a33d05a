"""Modifying an open LIMIT order (PUT order): same ids, new price and quantity, last place in the queue."""

from decimal import Decimal

from orderkit.domain.enums import OrderType, PriceMatch, Side, TimeInForce
from orderkit.simulator import entry, filters
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import multiply
from orderkit.simulator.margin import check_affordable
from orderkit.simulator.matching import execute
from orderkit.simulator.orders import Order
from orderkit.simulator.settlement import cancel
from orderkit.simulator.types import ExchangeError, ExecutionType, OrderView

MAX_EDITS = 10_000


def modify(
    order: Order,
    side: Side,
    quantity: Decimal | None,
    price: Decimal | None,
    price_match: PriceMatch | None,
) -> OrderView:
    """Change an open order. Raises ExchangeError and leaves it as it was where the change is refused.

    A quantity not above what is executed, or a post-only order that would cross, cancels the order.
    """
    market = order.market
    contract = market.contract
    if order.type is not OrderType.LIMIT:
        raise refusal(-5025)
    if side is not order.side:
        raise refusal(-1130, "side")
    if order.edits >= MAX_EDITS:
        raise refusal(-5026)
    new_quantity = filters.quantity(contract, quantity, market=False)
    new_price = entry.limit_price(market, side, price, price_match)
    if (new_quantity, new_price) == (order.quantity, order.price):
        raise refusal(-5027)
    filters.percent_price(contract, side, new_price, market.mark)
    if not order.closing and multiply(new_price, new_quantity) < contract.min_notional:
        raise refusal(-5029, format(contract.instrument.min_notional, "f"))
    if new_quantity <= order.executed:
        return cancel(order)
    _check_exposure(order, new_quantity, new_price)
    market.book.side(order.side).remove(order)
    order.account.close(order)
    crossing = order.time_in_force is TimeInForce.GTX and market.book.is_reached(side, new_price)
    order.price_match = price_match
    order.price = new_price
    order.quantity = new_quantity
    order.edits += 1
    if crossing:
        return cancel(order)
    market.tape.order_changed(order, ExecutionType.AMENDMENT)
    execute(order)
    return order.take_published()


def _check_exposure(order: Order, quantity: int, price: int) -> None:
    """Margin or reduce-only rules for the changed order, as if the old one were gone."""
    account = order.account
    account.close(order)
    try:
        if order.closing:
            entry.check_closing(order)
        else:
            check_affordable(order, quantity - order.executed, price)
    except ExchangeError:
        account.open(order)
        raise
    account.open(order)
