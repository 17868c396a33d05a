"""Take-profit and stop, of which only one may fill: the orders they are, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce, WorkingType
from orderkit.domain.order import Order, OrderRequest
from orderkit.orders.child import child_order, closes
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.outcomes import executed, is_unanswered, leaves, live
from orderkit.utils import validate_order


class Terms(Protocol):
    """The part of a request that says where a position is left."""

    @property
    def symbol(self) -> str: ...
    @property
    def take_profit(self) -> Decimal: ...
    @property
    def stop(self) -> Decimal: ...
    @property
    def stop_limit(self) -> Decimal | None: ...
    @property
    def position_side(self) -> PositionSide: ...
    @property
    def working_type(self) -> WorkingType: ...
    @property
    def price_protect(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ExitPair:
    """What both legs share, and their prices; a stop with ``stop_limit`` is a STOP, else a STOP_MARKET."""

    symbol: str
    side: Side
    take_profit: Decimal
    stop: Decimal
    stop_limit: Decimal | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False

    @classmethod
    def of(cls, terms: Terms, side: Side, *, reduce_only: bool) -> "ExitPair":
        """Both legs on ``side``."""
        return cls(
            symbol=terms.symbol,
            side=side,
            take_profit=terms.take_profit,
            stop=terms.stop,
            stop_limit=terms.stop_limit,
            position_side=terms.position_side,
            reduce_only=reduce_only,
            working_type=terms.working_type,
            price_protect=terms.price_protect,
        )

    @property
    def closes(self) -> bool:
        """True where the legs can only close a position: two of them at once cannot do too much."""
        return closes(self)

    def take_profit_order(self, quantity: Decimal) -> OrderRequest:
        return child_order(self, quantity, self.take_profit, TimeInForce.GTC)

    def stop_order(self, quantity: Decimal) -> OrderRequest:
        limited = self.stop_limit is not None
        return OrderRequest(
            symbol=self.symbol,
            side=self.side,
            type=OrderType.STOP if limited else OrderType.STOP_MARKET,
            quantity=quantity,
            price=self.stop_limit,
            trigger_price=self.stop,
            time_in_force=TimeInForce.GTC if limited else None,
            position_side=self.position_side,
            reduce_only=self.reduce_only,
            working_type=self.working_type,
            price_protect=self.price_protect,
        )

    def market_order(self, quantity: Decimal) -> OrderRequest:
        return child_order(self, quantity)

    def checked(
        self, quantity: Decimal, snapshot: TradingSnapshot, *, rounding: bool
    ) -> tuple["ExitPair", Decimal]:
        """The legs and their quantity as the exchange takes them; of two lot sizes the stop's is the coarser.

        Raises:
            ValidationError: it would refuse one of them.
        """
        stop = validate_order(self.stop_order(quantity), snapshot, rounding=rounding)
        quantity = stop.quantity or quantity
        profit = validate_order(self.take_profit_order(quantity), snapshot, rounding=rounding)
        legs = replace(
            self,
            take_profit=profit.price or self.take_profit,
            stop=stop.trigger_price or self.stop,
            stop_limit=stop.price,
        )
        return legs, quantity

    def planned(self, quantity: Decimal) -> tuple[PlannedOrder, PlannedOrder]:
        """The stop, and the take-profit instead of it."""
        stop = self.stop_order(quantity)
        return (
            PlannedOrder(None, stop.type, self.side, quantity, self.stop_limit, self.stop),
            PlannedOrder(None, OrderType.LIMIT, self.side, quantity, self.take_profit, alternative=True),
        )


class Legs:
    """The orders of a pair by what they are, and sums over them."""

    def __init__(self, pair: ExitPair, target: Decimal, orders: Sequence[Order]) -> None:
        ours = [order for order in orders if order.request.side is pair.side]
        self.take_profits = [order for order in ours if order.request.type is OrderType.LIMIT]
        self.stops = [order for order in ours if order.request.type.is_conditional]
        self.exits = [order for order in ours if order.request.type is OrderType.MARKET]
        self.left = target - executed(ours)
        self.live_take_profits = live(self.take_profits)
        self.live_stops = live(self.stops)
        self.triggered = [order for order in self.stops if order.order_id or order.executed_quantity]
        self.waiting_stops = [order for order in self.live_stops if order not in self.triggered]
        self.did_something = any(order.executed_quantity for order in ours)

    @property
    def traded(self) -> bool:
        """True once a leg was reached: it executed, or the stop triggered."""
        return bool(self.triggered or self.exits) or self.did_something

    @property
    def covered(self) -> Decimal:
        """What the stops that certainly rest, and whatever is trading already, would close."""
        known = (*self.live_stops, *live(self.exits))
        return leaves([order for order in known if not is_unanswered(order)])
