"""What one slice's order is like: its style, price and size, by the pacing, the market and the filters."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Quote
from orderkit.domain.order import Order
from orderkit.orders.child import Parent, smallest_child, taking_limit
from orderkit.orders.outcomes import latest
from orderkit.orders.pacing import LADDER, Pacing, Style

ZERO = Decimal(0)


def style_for(pacing: Pacing, orders: Sequence[Order], *, last: bool) -> Style:
    """A step more aggressive after every ``escalate_after`` unfilled slices; the ``last`` one takes."""
    if pacing.style is Style.TAKING or (last and not pacing.no_cross):
        return Style.TAKING
    steps = unfilled(orders) // pacing.escalate_after if pacing.escalate_after else 0
    highest = len(LADDER) - (2 if pacing.no_cross else 1)
    return LADDER[min(LADDER.index(pacing.style) + steps, highest)]


def price_for(
    pacing: Pacing, style: Style, side: Side, quote: Quote | None, instrument: Instrument
) -> Decimal | None:
    """The order's limit; None for a market order. A limit price bounds what a taking slice pays."""
    if style is Style.TAKING or quote is None:
        return None if quote is None else taking_limit(pacing.limit_price, quote.mid, instrument)
    buying, tick = side is Side.BUY, instrument.price_filter.tick_size
    price = quote.near(side)
    if style is Style.TICK_BETTER and quote.ask - quote.bid > tick:
        price += tick if buying else -tick
    if pacing.limit_price is None:
        return price
    return min(price, pacing.limit_price) if buying else max(price, pacing.limit_price)


def smallest_for(
    parent: Parent, price: Decimal | None, quote: Quote | None, instrument: Instrument
) -> Decimal:
    """The smallest order that is taken at ``price`` (None: at the market)."""
    worth = quote.mid if price is None and quote is not None else price
    return smallest_child(parent, worth or ZERO, instrument, market=price is None)


def size_for(
    wanted: Decimal, left: Decimal, smallest: Decimal, instrument: Instrument, *, market: bool
) -> Decimal:
    """``wanted`` as an order may have it, 0 where that is too little.

    When what would be ``left`` of the whole is too little to be sent alone, it is added.
    """
    lot, rest = instrument.lot_size_for(market=market), left - wanted
    quantity = instrument.round_quantity(min(wanted, lot.max_quantity), market=market)
    if quantity >= smallest and 0 < rest < smallest:
        quantity = instrument.round_quantity(min(left, lot.max_quantity), market=market)
    return quantity if quantity >= smallest else ZERO


def unfilled(orders: Sequence[Order]) -> int:
    """How many waiting slices in a row, up to the last one, were not filled whole."""
    waited = latest(
        orders, lambda order: not (order.request.is_immediate or order.status is OrderStatus.FILLED)
    )
    return sum(order.is_terminal and order.status is not OrderStatus.REJECTED for order in waited)
