"""Asks the exchange what it has not told: about single orders by need, about all open ones now and then."""

import heapq
from collections.abc import Callable
from typing import Protocol

from orderkit.domain.commands import Command, ListOpenOrders, QueryFills, QueryOrder, SearchOrder
from orderkit.domain.enums import OrderStatus
from orderkit.domain.events import Event, OpenOrdersListed
from orderkit.domain.order import Order, OrderReport, Rejection
from orderkit.engine.monitor import UNANSWERED, OrderMonitor
from orderkit.engine.watch import Need, Watch, WatchPolicy, need_of

SEARCH_MARGIN_MS = 60_000  # our clock and the exchange's need not agree
FORGOTTEN_AFTER_MS = 3 * 86_400_000


class Desk(Protocol):
    """What questions need of the engine, within the step that is being processed."""

    @property
    def now_ns(self) -> int: ...

    def command(self, command: Command) -> None:
        """Have the runtime carry it out."""

    def set_alarm(self, at_ns: int, ring: Callable[[], None]) -> None:
        """Have ``ring`` called at the time."""

    def order_changed(self, client_order_id: str, events: list[Event]) -> None:
        """Journal the order's new state and tell its flow."""


class Questions:
    """One watch per order decides when it is asked about; an audit lists the open orders of its symbol."""

    def __init__(self, monitor: OrderMonitor, policy: WatchPolicy, desk: Desk) -> None:
        self._monitor = monitor
        self._policy = policy
        self._desk = desk
        self._stream_up = False
        self._watches: dict[str, Watch] = {}
        self._due: list[tuple[int, int, str]] = []  # a heap of (when, number, client order id)
        self._last_number = 0
        self._armed_ns: int | None = None  # for when the alarm for them is set
        self._listing: set[str] = set()
        self._audit_set = False
        self.strangers: dict[str, frozenset[str]] = {}

    # --- one order --------------------------------------------------------------------------------

    def watch(self, order: Order, *, anew: bool = False, at_once: bool = False) -> None:
        """Make sure that a question is scheduled where, and only where, something is to be learned."""
        need = need_of(order, stream_up=self._stream_up)
        self._keep_auditing(order)
        watch = self._watches.get(order.client_order_id)
        if need is Need.NOTHING:
            self._watches.pop(order.client_order_id, None)
            return
        if watch is None or watch.need is not need:
            watch = self._watches[order.client_order_id] = Watch(need, self._desk.now_ns)
        elif anew:
            watch.attempt, watch.due = 0, None
        if watch.asking or watch.due is not None:
            return
        pause_ns = 0 if at_once else self._policy.pause_ns(need, watch.attempt, self._stream_up)
        if pause_ns:
            self._schedule(order, watch, self._desk.now_ns + pause_ns)
        else:
            self._ask(order, watch)

    def ask_out_of_turn(self, order: Order) -> None:
        """One question more; its answer, if the order still works, changes no schedule."""
        self._desk.command(QueryOrder(order.ref))

    def forget(self, client_order_id: str) -> None:
        """Ask no more about the order."""
        self._watches.pop(client_order_id, None)

    def absent(self, client_order_id: str) -> None:
        """The exchange knows no such order. Believed of one that was never seen, after a stated time."""
        order, watch = self._monitor.get(client_order_id), self._watches.get(client_order_id)
        if order is not None and works(order):
            self._forgotten(order)
        if order is None or watch is None:
            return
        watch.absences += 1
        waited_ms = (self._desk.now_ns - watch.since_ns) // 1_000_000
        ripe = watch.absences >= 2 and waited_ms >= self._policy.absent_after_ms
        if watch.need is Need.FATE and ripe and not watch.searched:
            watch.searched = True
            since_ms = order.created_ms - SEARCH_MARGIN_MS
            self._desk.command(SearchOrder(order.ref, since_ms))
        elif watch.need is Need.FATE and ripe:
            rejection = Rejection(
                kind="absent",
                message=f"the exchange knows no such order {waited_ms / 1000:.0f} s after it was sent",
            )
            self._desk.order_changed(client_order_id, self._monitor.refuse(client_order_id, rejection))
        else:
            self.done(client_order_id, answered=watch.need is not Need.END)

    def done(self, client_order_id: str, *, answered: bool, held_back: bool = False) -> None:
        """A question is over; ask the next one, or give up on an exchange that cannot say.

        ``held_back``: it did not reach the exchange for our own requests' number.
        """
        order, watch = self._monitor.get(client_order_id), self._watches.get(client_order_id)
        if order is None or watch is None:
            return
        watch.asking = False
        watch.searched = watch.searched and answered  # a search that failed is made again
        watch.attempt += 1
        watch.heard += not held_back
        late = self._policy.gives_up(self._desk.now_ns - watch.since_ns, watch.heard)
        if late and watch.need in (Need.FATE, Need.END) and not answered:
            self._desk.order_changed(client_order_id, self._monitor.give_up(client_order_id))
        elif late and watch.need is Need.TRADES:
            order.trades_unavailable = True
            self._desk.order_changed(client_order_id, [])
        else:
            self.watch(order)

    # --- the safety net: everything that is open, at once -------------------------------------------

    def stream_changed(self, *, up: bool) -> None:
        """The user stream came or went: other things are missing now, and what a gap hid is asked for."""
        self._stream_up = up
        for order in list(self._monitor):
            self.watch(order, anew=True)
        if up:  # the exchange repeats nothing: whatever happened in between has to be asked for
            self._list_open_orders()

    def listed(self, listed: OpenOrdersListed) -> None:
        """An order of ours that is not in the list any more is asked after; other people's are noted."""
        self._listing.discard(listed.symbol)
        named = {report.client_order_id for report in listed.reports}
        ours = {order.client_order_id for order in self._monitor}
        self.strangers[listed.symbol] = frozenset(named - ours)
        for report in listed.reports:
            if report.client_order_id in ours:
                self._desk.order_changed(report.client_order_id, self._monitor.apply_report(report))
        for order in list(self._monitor):
            absent = order.client_order_id not in named and order.request.symbol == listed.symbol
            if absent and works(order) and order.created_ms * 1_000_000 < listed.asked_ns:
                self.ask_out_of_turn(order)

    def not_listed(self, symbol: str) -> None:
        """The list could not be had; the next audit asks again."""
        self._listing.discard(symbol)

    # --- inside -----------------------------------------------------------------------------------

    def _ask(self, order: Order, watch: Watch) -> None:
        watch.asking, watch.due = True, None
        self._desk.command(QueryFills(order.ref) if watch.need is Need.TRADES else QueryOrder(order.ref))

    def _schedule(self, order: Order, watch: Watch, at_ns: int) -> None:
        """Ask at the time; of several for one order the latest counts.

        One alarm stands for all orders: most are done long before their time, and cost no timer each.
        """
        self._last_number += 1
        watch.due = self._last_number
        heapq.heappush(self._due, (at_ns, self._last_number, order.client_order_id))
        self._arm()

    def _wanted(self, entry: tuple[int, int, str]) -> bool:
        watch = self._watches.get(entry[2])
        return watch is not None and watch.due == entry[1]

    def _arm(self) -> None:
        if self._due and (self._armed_ns is None or self._due[0][0] < self._armed_ns):
            at_ns = self._armed_ns = self._due[0][0]
            self._desk.set_alarm(at_ns, lambda: self._ask_what_is_due(at_ns))

    def _ask_what_is_due(self, armed_ns: int) -> None:
        if self._armed_ns != armed_ns:
            return  # an alarm for an earlier time has taken this one's place
        now_ns = max(armed_ns, self._desk.now_ns)  # timers may fire a nanosecond early
        self._armed_ns = None
        while self._due and (self._due[0][0] <= now_ns or not self._wanted(self._due[0])):
            entry = heapq.heappop(self._due)
            watched = self._monitor.get(entry[2])
            if watched is not None and self._wanted(entry):
                self._ask(watched, self._watches[entry[2]])
        self._arm()

    def _keep_auditing(self, order: Order) -> None:
        if not self._audit_set and works(order):
            self._audit_set = True
            self._desk.set_alarm(self._desk.now_ns + self._policy.audit_ms * 1_000_000, self._audit)

    def _audit(self) -> None:
        self._audit_set = False
        self._list_open_orders()
        for order in self._monitor:
            self._keep_auditing(order)

    def _list_open_orders(self) -> None:
        symbols = {order.request.symbol for order in self._monitor if works(order)}
        for symbol in sorted(symbols - self._listing):
            self._listing.add(symbol)
            self._desk.command(ListOpenOrders(symbol))

    def _forgotten(self, order: Order) -> None:
        """The exchange forgets an order that ended without a fill after three days (-2013)."""
        now_ms = self._desk.now_ns // 1_000_000
        if now_ms - order.created_ms > FORGOTTEN_AFTER_MS:
            report = OrderReport(
                client_order_id=order.client_order_id,
                symbol=order.request.symbol,
                status=OrderStatus.CANCELED,
                executed_quantity=order.executed_quantity,
                time_ms=now_ms,
                reason="the exchange does not know the order any more",
            )
            self._desk.order_changed(order.client_order_id, self._monitor.apply_report(report))


def works(order: Order) -> bool:
    """True where the order rests on the exchange as far as we know."""
    return not (order.is_terminal or order.request.is_immediate or order.status in UNANSWERED)
