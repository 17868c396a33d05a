"""One child order of a parent quantity: what it is like, and the least that it may be."""

from decimal import Decimal
from typing import Protocol

from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.utils import closed_leg, smallest_quantity


class Parent(Protocol):
    """The part of a request that all its orders share."""

    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def position_side(self) -> PositionSide: ...
    @property
    def reduce_only(self) -> bool: ...


def child_order(
    parent: Parent,
    quantity: Decimal,
    price: Decimal | None = None,
    time_in_force: TimeInForce | None = None,
) -> OrderRequest:
    """``quantity`` (base asset) at a limit ``price``, or at the market where there is none."""
    return OrderRequest(
        symbol=parent.symbol,
        side=parent.side,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=None if price is None else time_in_force,
        position_side=parent.position_side,
        reduce_only=parent.reduce_only,
    )


def closes(parent: Parent) -> bool:
    """True for orders that can only close a position: no minimum notional binds them."""
    return parent.reduce_only or parent.position_side is closed_leg(parent.side)


def smallest_child(parent: Parent, price: Decimal, instrument: Instrument, *, market: bool) -> Decimal:
    """The least that an order may have at this price (0: at none that is known), in base asset."""
    least = instrument.lot_size_for(market=market).min_quantity
    if closes(parent) or not price:
        return least
    return smallest_quantity(price, instrument, market=market) or least


def taking_limit(limit: Decimal | None, mid: Decimal, instrument: Instrument) -> Decimal | None:
    """The price of an order that takes within ``limit``; None for an order at the market.

    The exchange takes no limit so far from the market (PERCENT_PRICE), nor would any trade get there.
    """
    band = instrument.percent_price
    within = limit is not None and mid * band.multiplier_down < limit < mid * band.multiplier_up
    return limit if within else None
