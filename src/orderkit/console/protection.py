"""Whether stops at the exchange protect a position, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.exchange.details import HeldPosition, ListedOrder

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Protection:
    """``quantity`` of the position that ``stops`` close before it is liquidated."""

    quantity: Decimal
    held: Decimal
    stops: tuple[ListedOrder, ...]

    @property
    def verdict(self) -> str:
        """ "full", "partial" or "none"."""
        if self.quantity >= self.held:
            return "full"
        return "partial" if self.quantity else "none"


def closing_side(quantity: Decimal) -> Side:
    """The side that closes a position of signed ``quantity``."""
    return Side.SELL if quantity > 0 else Side.BUY


def protection_of(position: HeldPosition, orders: Sequence[ListedOrder]) -> Protection:
    """The stops among ``orders`` that close ``position``; one beyond the liquidation price comes too late.

    A trailing stop without a present trigger counts. A stop-limit counts too, though it need not fill.
    """
    held = abs(position.quantity)
    stops = [order for order in orders if _protects(order, position)]
    covered = sum((held if o.close_position else o.quantity - o.executed_quantity for o in stops), ZERO)
    return Protection(min(covered, held), held, tuple(stops))


def _protects(order: ListedOrder, position: HeldPosition) -> bool:
    side = closing_side(position.quantity)
    if (order.symbol, order.position_side, order.side) != (position.symbol, position.position_side, side):
        return False
    if not order.is_stop or order.status.is_terminal:
        return False
    trigger, liquidation = order.trigger_price, position.liquidation_price
    if trigger is None or liquidation is None:
        return True
    return trigger > liquidation if side is Side.SELL else trigger < liquidation
