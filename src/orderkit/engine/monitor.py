"""The order monitor: merges answers, stream events and queries into one truth about each order."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from orderkit.domain.enums import OrderStatus
from orderkit.domain.events import (
    Event,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
)
from orderkit.domain.order import TRANSITIONS, Fill, Order, OrderReport, Rejection

UNANSWERED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})
_WORKING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


class OrderMonitor:
    """Holds the tracked orders by client order id and is the only one to change them.

    The channels disagree in order and repeat themselves, so: trades count once by trade id, the executed
    quantity never falls and never passes the order's quantity, an older report never undoes a newer one,
    and a status changes only along ``TRANSITIONS``. Each method returns the events for the order's flow.
    """

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._orders = {order.client_order_id: order for order in orders}

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def track(self, order: Order) -> None:
        if order.client_order_id in self._orders:
            raise ValueError(f"client order id {order.client_order_id} is tracked already")
        self._orders[order.client_order_id] = order

    def forget(self, client_order_id: str) -> None:
        self._orders.pop(client_order_id, None)

    def get(self, client_order_id: str) -> Order | None:
        return self._orders.get(client_order_id)

    def apply_report(self, report: OrderReport) -> list[Event]:
        """Merge the exchange's word on an order; a report that contradicts the request is ignored."""
        order = self._orders.get(report.client_order_id)
        if order is None or not 0 <= report.executed_quantity <= _limit(order):
            return []
        order.order_id = report.order_id or order.order_id
        order.algo_id = report.algo_id or order.algo_id
        if report.executed_quantity > order.executed_quantity:
            order.executed_quantity = report.executed_quantity
            order.reported_average_price = report.average_price
        elif report.executed_quantity == order.executed_quantity:
            order.reported_average_price = report.average_price or order.reported_average_price
        if report.price:
            order.price = report.price
        before = order.status
        newer = report.time_ms > order.updated_ms or before in UNANSWERED
        same_moment = report.time_ms == order.updated_ms and not order.is_terminal
        if (newer or same_moment) and self._move(order, report.status):
            order.reason = report.reason or order.reason
        order.updated_ms = max(order.updated_ms, report.time_ms)
        self._complete(order)
        return _status_events(order, before)

    def apply_fill(self, fill: Fill) -> list[Event]:
        """Count one trade, once; a trade that would overfill the order is ignored."""
        order = self._orders.get(fill.client_order_id)
        if order is None or fill.trade_id in order.fills:
            return []
        filled = order.filled_by_trades + fill.quantity
        if filled > _limit(order):
            return []
        order.fills[fill.trade_id] = fill
        order.order_id = fill.order_id or order.order_id
        order.executed_quantity = max(order.executed_quantity, filled)
        before = order.status
        if before in UNANSWERED or before is OrderStatus.REJECTED or before is OrderStatus.NEW:
            self._move(order, OrderStatus.PARTIALLY_FILLED)
        self._complete(order)
        events = _status_events(order, before)
        events.insert(
            len(events) - 1 if order.is_terminal and events else len(events), OrderFilled(order, fill)
        )
        return events

    def refuse(self, client_order_id: str, rejection: Rejection) -> list[Event]:
        """The order certainly does not exist. Ignored once the exchange has shown it."""
        order = self._orders.get(client_order_id)
        if order is None or order.status not in UNANSWERED:
            return []
        order.rejection = rejection
        order.status = OrderStatus.REJECTED
        order.unresolved = False
        return [OrderRejected(order)]

    def lose(self, client_order_id: str) -> list[Event]:
        """The order was sent and the answer is missing. Ignored once the exchange has shown it."""
        order = self._orders.get(client_order_id)
        if order is None or not self._move(order, OrderStatus.UNKNOWN):
            return []
        return [OrderUnknown(order)]

    def give_up(self, client_order_id: str) -> list[Event]:
        """Nobody can tell the order's fate for now; it stays as it is for a later reconciliation."""
        order = self._orders.get(client_order_id)
        if order is None or order.unresolved or order.is_terminal or order.status is OrderStatus.PENDING_NEW:
            return []
        order.unresolved = True
        return [OrderUnknown(order)]

    def begin_cancel(self, order: Order) -> bool:
        """Note that a cancel is being sent; False where there is nothing to cancel."""
        return self._move(order, OrderStatus.PENDING_CANCEL)

    def cancel_refused(self, client_order_id: str) -> Order | None:
        """The order is back at work as far as we know; the caller should query it."""
        order = self._orders.get(client_order_id)
        if order is not None and order.status is OrderStatus.PENDING_CANCEL:
            order.status = OrderStatus.PARTIALLY_FILLED if order.executed_quantity else OrderStatus.NEW
        return order

    def _move(self, order: Order, status: OrderStatus) -> bool:
        if order.status is OrderStatus.PENDING_CANCEL and status in _WORKING:
            return False  # still at work, and our cancel is still under way
        if status not in TRANSITIONS[order.status]:
            return False
        if status is OrderStatus.FILLED and order.executed_quantity < order.quantity:
            return False
        order.status = status
        order.unresolved = False
        if status is not OrderStatus.REJECTED:
            order.rejection = None
        return True

    def _complete(self, order: Order) -> None:
        """Nothing is left to fill, whatever the reports have said so far."""
        if order.quantity and order.executed_quantity == order.quantity:
            self._move(order, OrderStatus.FILLED)


def _limit(order: Order) -> Decimal:
    """The most that can execute; a close-position order has no quantity of its own."""
    return order.quantity if order.request.quantity is not None else Decimal("Infinity")


def _status_events(order: Order, before: OrderStatus) -> list[Event]:
    if order.status is before:
        return []
    events: list[Event] = []
    if before in UNANSWERED and order.status is not OrderStatus.REJECTED:
        events.append(OrderAccepted(order))
    if order.status is OrderStatus.REJECTED:
        events.append(OrderRejected(order))
    elif order.is_terminal:
        events.append(OrderEnded(order))
    return events
