"""What no sequence of events can do to an order, and that the sequence does not matter in the end."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.domain.events import Event
from orderkit.domain.order import TRANSITIONS, Fill, Order, OrderReport, OrderRequest, Rejection
from orderkit.engine.monitor import UNANSWERED, OrderMonitor
from tests.fills import bought

S = OrderStatus
CID = "ok-job-1"
QUANTITY = Decimal("0.5")
PRICE = Decimal(60_000)
REQUEST = OrderRequest("BTCUSDT", Side.BUY, OrderType.LIMIT, QUANTITY, PRICE, time_in_force=TimeInForce.GTC)
TERMINAL = [status for status in S if status.is_terminal]
# Beside the sensible ones: less than nothing, and more than was asked for.
QUANTITIES = st.sampled_from([Decimal(tenths) / 10 for tenths in (-1, 0, 1, 2, 3, 5, 7)])
ON_THE_WIRE = st.sampled_from([s for s in S if s not in {*UNANSWERED, S.PENDING_CANCEL}])
REFUSAL = Rejection(kind="rejected", message="no", code=-2010)


def new_order() -> Order:
    return Order(client_order_id=CID, job_id="job", request=REQUEST, created_ms=0)


def report(status: OrderStatus, executed: Decimal, time_ms: int, price: Decimal | None = None) -> OrderReport:
    return OrderReport(
        CID, "BTCUSDT", status, executed, time_ms, order_id=7, average_price=price if executed else None
    )


def trade(trade_id: int, quantity: Decimal) -> Fill:
    return bought(CID, trade_id, quantity, price=PRICE + trade_id, time_ms=trade_id)


class AnyEvents(RuleBasedStateMachine):
    """Whatever is told, in whatever order, by whichever channel, true or not."""

    def __init__(self) -> None:
        super().__init__()
        self.order = new_order()
        self.monitor = OrderMonitor([self.order])
        self.before = deepcopy(self.order)
        self.events: list[Event] = []

    def apply(self, method: str, *arguments: Any) -> None:
        self.before = deepcopy(self.order)
        self.events = getattr(self.monitor, method)(*arguments)

    @rule(status=ON_THE_WIRE, executed=QUANTITIES, time_ms=st.integers(0, 9), twice=st.booleans())
    def exchange_reports(self, status: OrderStatus, executed: Decimal, time_ms: int, twice: bool) -> None:
        told = report(status, executed, time_ms, PRICE)
        self.apply("apply_report", told)
        if twice:
            once = deepcopy(self.order)
            assert self.monitor.apply_report(told) == []
            assert self.order == once

    @rule(trade_id=st.integers(1, 6), quantity=QUANTITIES.filter(lambda q: q > 0))
    def trade_is_told(self, trade_id: int, quantity: Decimal) -> None:
        known = trade_id in self.order.fills
        self.apply("apply_fill", trade(trade_id, quantity))
        if known:
            assert self.order == self.before
            assert self.events == []

    @rule()
    def order_is_refused(self) -> None:
        self.apply("refuse", CID, REFUSAL)
        if self.before.status not in UNANSWERED:
            assert self.order == self.before

    @rule()
    def answer_is_lost(self) -> None:
        self.apply("lose", CID)
        if self.before.status is not S.PENDING_NEW:
            assert self.order == self.before

    @rule()
    def fate_is_given_up(self) -> None:
        self.apply("give_up", CID)
        assert self.order.unresolved != (self.order.is_terminal or self.order.status is S.PENDING_NEW)

    @precondition(lambda self: self.order.status not in UNANSWERED)
    @rule()
    def cancel_is_sent(self) -> None:
        self.before = deepcopy(self.order)
        self.events = []
        assert self.monitor.begin_cancel(self.order) == (self.before.status in (S.NEW, S.PARTIALLY_FILLED))

    @rule()
    def cancel_is_refused(self) -> None:
        self.before = deepcopy(self.order)
        self.events = []
        self.monitor.cancel_refused(CID)

    @invariant()
    def quantity_only_grows_and_never_past_the_orders(self) -> None:
        assert self.before.executed_quantity <= self.order.executed_quantity <= QUANTITY
        assert self.order.filled_by_trades <= self.order.executed_quantity
        assert self.before.fills.items() <= self.order.fills.items()

    @invariant()
    def status_moves_along_the_table_alone(self) -> None:
        was, now = self.before.status, self.order.status
        assert now is was or now in TRANSITIONS[was] or self.passed_through(was, now)

    @staticmethod
    def passed_through(was: OrderStatus, now: OrderStatus) -> bool:
        """One fact can do two steps: a trade shows an order and completes it."""
        return now is S.FILLED and S.FILLED in TRANSITIONS[S.PARTIALLY_FILLED] and was is not S.FILLED

    @invariant()
    def the_end_is_the_end(self) -> None:
        if self.before.status is S.FILLED:
            assert self.order.status is S.FILLED
        elif self.before.is_terminal and self.before.status is not S.REJECTED:
            assert self.order.status in (self.before.status, S.FILLED)
        assert (self.order.status is S.FILLED) == (self.order.executed_quantity == QUANTITY)

    @invariant()
    def flow_is_told_what_changed(self) -> None:
        if self.order.status is not self.before.status and self.order.is_terminal:
            assert self.events, f"{self.before.status} became {self.order.status} in silence"

    @invariant()
    def only_a_refused_order_has_a_rejection(self) -> None:
        if self.order.rejection is not None:
            assert self.order.status is S.REJECTED


AnyEvents.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestAnyEvents = AnyEvents.TestCase


@st.composite
def lives(draw: st.DrawFn) -> list[OrderReport | Fill]:
    """All that the exchange ever says of one order, in its order: reports with their trades, then an end.

    Times may be equal: an order is often accepted, filled and cancelled within one millisecond.
    """
    time_ms = draw(st.integers(1, 3))
    told: list[OrderReport | Fill] = []
    if draw(st.booleans()):
        told.append(report(S.NEW, Decimal(0), time_ms))
    if told and draw(st.sampled_from([False, False, False, True])):
        return [*told, report(S.REJECTED, Decimal(0), time_ms + draw(st.integers(0, 1)))]
    executed = Decimal(0)
    for trade_id, tenths in enumerate(draw(st.lists(st.integers(1, 2), max_size=3)), start=1):
        quantity = min(Decimal(tenths) / 10, QUANTITY - executed)
        if quantity == 0:
            break
        executed += quantity
        time_ms += draw(st.integers(0, 1))
        status = S.FILLED if executed == QUANTITY else S.PARTIALLY_FILLED
        told += [report(status, executed, time_ms, PRICE), trade(trade_id, quantity)]
    if executed < QUANTITY:
        end = draw(st.sampled_from([S.CANCELED, S.EXPIRED, S.EXPIRED_IN_MATCH, None]))
        if end is not None:
            told.append(report(end, executed, time_ms + draw(st.integers(0, 1))))
    return told


def outcome(order: Order) -> tuple[object, ...]:
    return order.status, order.executed_quantity, order.fills, order.average_price, order.is_settled


def after(told: list[OrderReport | Fill], *, lost_at: int | None = None) -> Order:
    order = new_order()
    monitor = OrderMonitor([order])
    for index, item in enumerate(told):
        if index == lost_at:
            monitor.lose(CID)
        if isinstance(item, Fill):
            monitor.apply_fill(item)
        else:
            monitor.apply_report(item)
    return order


@settings(max_examples=500, deadline=None)
@given(data=st.data(), told=lives())
def test_the_order_of_events_does_not_matter_in_the_end(
    data: st.DataObject, told: list[OrderReport | Fill]
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    shuffled = data.draw(st.permutations([*told, *repeated]))
    lost_at = data.draw(st.none() | st.integers(0, len(shuffled)))
    assert outcome(after(shuffled, lost_at=lost_at)) == outcome(after(told))


@given(told=lives())
def test_what_the_exchange_says_last_is_where_the_order_stands(told: list[OrderReport | Fill]) -> None:
    reports = [item for item in told if isinstance(item, OrderReport)]
    if reports:
        order = after(told)
        assert order.status is reports[-1].status
        assert order.executed_quantity == reports[-1].executed_quantity
