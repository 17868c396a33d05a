"""An engine and an exchange that answers late, twice, in any order or never: it always learns the truth."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orderkit.domain.commands import (
    CancelOrder,
    Command,
    ListOpenOrders,
    QueryFills,
    QueryOrder,
    SearchOrder,
    SetTimer,
    SubmitOrder,
)
from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.domain.events import (
    CancelRefused,
    Input,
    ListingFailed,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryAnswered,
    QueryFailed,
    StopRequested,
    SubmitRefused,
    SubmitUnknown,
    TimerFired,
    TradeReported,
    UserStreamDown,
    UserStreamUp,
)
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Fill, Order, OrderReport, OrderRequest, Rejection
from orderkit.engine.engine import Engine, Output
from orderkit.engine.journal import Entry, FillRecorded, OrderChanged, OrderIntended
from orderkit.orders.outcomes import MAX_SENDS
from orderkit.orders.single import SingleOrderExecutor, SingleRequest
from tests.fills import bought

S = OrderStatus
QUANTITY = Decimal("0.5")
MS = 1_000_000
RECV_WINDOW_NS = 6_000 * MS  # 5 s, and one for the clocks: nothing is accepted later than this
LIMIT = OrderRequest(
    "BTCUSDT", Side.BUY, OrderType.LIMIT, QUANTITY, Decimal(60_000), time_in_force=TimeInForce.GTC
)
MARKET = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, QUANTITY)
UNREACHABLE = Rejection(kind="unreachable", message="no connection")
UNKNOWN_ORDER = Rejection(kind="rejected", message="Unknown order sent.", code=-2011)


@dataclass
class Held:
    """An order as the exchange has it."""

    cid: str
    order_id: int
    status: OrderStatus
    time_ms: int
    executed: Decimal = Decimal(0)
    fills: list[Fill] = field(default_factory=list)

    def report(self) -> OrderReported:
        return OrderReported(
            OrderReport(self.cid, "BTCUSDT", self.status, self.executed, self.time_ms, self.order_id)
        )

    @property
    def works(self) -> bool:
        return not self.status.is_terminal


class Exchange:
    """The truth. Everything it does is also told on its stream."""

    def __init__(self) -> None:
        self.orders: dict[str, Held] = {}
        self.told: list[Input] = []
        self.trades = 0

    def place(self, cid: str, request: OrderRequest, now_ms: int) -> Held:
        assert cid not in self.orders, f"{cid} was sent twice"
        held = self.orders[cid] = Held(cid, len(self.orders) + 1, S.NEW, now_ms)
        self.told.append(held.report())
        if request.is_immediate:
            self.fill(held, QUANTITY, now_ms)
        return held

    def fill(self, held: Held, quantity: Decimal, now_ms: int) -> None:
        quantity = min(quantity, QUANTITY - held.executed)
        self.trades += 1
        fill = bought(held.cid, self.trades, quantity, order_id=held.order_id, maker=True, time_ms=now_ms)
        held.executed += quantity
        held.fills.append(fill)
        self._move(held, S.FILLED if held.executed == QUANTITY else S.PARTIALLY_FILLED, now_ms)
        self.told.append(TradeReported(fill))

    def end(self, held: Held, status: OrderStatus, now_ms: int) -> None:
        self._move(held, status, now_ms)

    def _move(self, held: Held, status: OrderStatus, now_ms: int) -> None:
        held.status, held.time_ms = status, now_ms
        self.told.append(held.report())


@dataclass(eq=False)
class Request:
    """A command on its way; ``answer`` once the exchange has handled it."""

    command: Command
    sent_ns: int
    answer: list[Input] | None = None


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.now_ns = 10**9
        self.stream: list[Input] = []
        self.stream_up = False
        self.entries: list[Entry] = []
        self.durable = 0
        self.result: JobResult | None = None
        self.in_the_air: list[Request] = []  # sent, and nobody waits for the answer any more

    @initialize(request=st.sampled_from([LIMIT, MARKET]))
    def begin(self, request: OrderRequest) -> None:
        self.request = request
        self.start([])

    def start(self, orders: list[Order]) -> None:
        """A process begins, knowing what the journal has."""
        self.engine = Engine()
        self.requests: list[Request] = []
        self.timers: list[SetTimer] = []
        self.result = None
        self.stream_up = False
        executor = SingleOrderExecutor(
            SingleRequest(self.request, wait=True, cancel_on_exit=True),
            None,  # type: ignore[arg-type]
        )
        self.take(self.engine.start("job", executor.run, self.now_ns, orders=orders))

    # --- the runtime ------------------------------------------------------------------------------

    def tell(self, *events: Input) -> None:
        for event in events:
            self.take(self.engine.process(event, self.now_ns))

    def take(self, output: Output) -> None:
        assert not output.failed
        self.entries += output.entries
        for command in output.commands:
            if isinstance(command, SetTimer):
                self.timers.append(command)
                continue
            if isinstance(command, SubmitOrder):
                self.durable = len(self.entries)  # the ticket is redeemed before anything is sent
            self.requests.append(Request(command, self.now_ns))
        self.result = output.ended.get("job", self.result)

    def handle(self, request: Request) -> None:
        """The exchange does what is asked, and has its answer ready."""
        now_ms = self.now_ns // MS
        match request.command:
            case SubmitOrder(_, cid, wanted):
                if self.now_ns - request.sent_ns > RECV_WINDOW_NS:
                    request.answer = [SubmitRefused(cid, Rejection("rejected", "too late", -1021))]
                else:
                    request.answer = [self.exchange.place(cid, wanted, now_ms).report()]
            case CancelOrder(ref):
                held = self.exchange.orders.get(ref.client_order_id)
                if held is not None and held.works:
                    self.exchange.end(held, S.CANCELED, now_ms)
                    request.answer = [held.report()]
                else:
                    request.answer = [CancelRefused(ref.client_order_id, UNKNOWN_ORDER)]
            case QueryOrder(ref) | SearchOrder(ref, _):
                cid = ref.client_order_id
                held = self.exchange.orders.get(cid)
                request.answer = [held.report(), QueryAnswered(cid)] if held else [OrderAbsent(cid)]
            case QueryFills(ref):
                held = self.exchange.orders[ref.client_order_id]
                request.answer = [*map(TradeReported, held.fills), QueryAnswered(ref.client_order_id)]
            case ListOpenOrders(symbol):
                reports = tuple(h.report().report for h in self.exchange.orders.values() if h.works)
                request.answer = [OpenOrdersListed(symbol, request.sent_ns, reports)]
        self.pump()

    def fail(self, request: Request) -> None:
        """No answer comes. Whether an order was executed, or still will be, is nobody's knowledge."""
        self.requests.remove(request)
        match request.command:
            case SubmitOrder(_, cid, _):
                if request.answer is None:
                    self.in_the_air.append(request)
                self.tell(SubmitUnknown(cid, "no answer in time"))
            case CancelOrder(ref):
                if request.answer is None:
                    self.in_the_air.append(request)
                self.tell(CancelRefused(ref.client_order_id, Rejection("unknown", "no answer in time")))
            case QueryOrder(ref) | SearchOrder(ref, _) | QueryFills(ref):
                self.tell(QueryFailed(ref.client_order_id, "no answer in time"))
            case ListOpenOrders(symbol):
                self.tell(ListingFailed(symbol, "no answer in time"))

    def pump(self) -> None:
        """What the exchange has done is on the stream, where there is one."""
        if self.stream_up:
            self.stream += self.exchange.told
        self.exchange.told.clear()

    # --- what happens -----------------------------------------------------------------------------

    @precondition(lambda self: any(r.answer is None for r in self.requests))
    @rule(data=st.data())
    def request_is_handled(self, data: st.DataObject) -> None:
        self.handle(data.draw(st.sampled_from([r for r in self.requests if r.answer is None])))

    @precondition(lambda self: any(r.answer is not None for r in self.requests))
    @rule(data=st.data())
    def answer_arrives(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from([r for r in self.requests if r.answer is not None]))
        self.deliver(request)

    def deliver(self, request: Request) -> None:
        self.requests.remove(request)
        self.tell(*(request.answer or ()))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def answer_is_lost(self, data: st.DataObject) -> None:
        self.fail(data.draw(st.sampled_from(self.requests)))

    @precondition(lambda self: any(r.answer is None for r in self.requests))
    @rule(data=st.data())
    def connection_is_refused(self, data: st.DataObject) -> None:
        waiting = [
            r for r in self.requests if r.answer is None and isinstance(r.command, SubmitOrder | CancelOrder)
        ]
        if not waiting:
            return
        request = data.draw(st.sampled_from(waiting))
        self.requests.remove(request)
        match request.command:
            case SubmitOrder(_, cid, _):
                self.tell(SubmitRefused(cid, UNREACHABLE))
            case CancelOrder(ref):
                self.tell(CancelRefused(ref.client_order_id, UNREACHABLE))

    @precondition(lambda self: self.in_the_air)
    @rule(data=st.data())
    def late_request_arrives(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.in_the_air))
        self.in_the_air.remove(request)
        self.handle(request)

    @precondition(lambda self: self.stream)
    @rule(data=st.data(), twice=st.booleans())
    def stream_tells(self, data: st.DataObject, twice: bool) -> None:
        event = self.stream.pop(data.draw(st.integers(0, len(self.stream) - 1)))
        self.tell(event, *([event] if twice else []))

    @precondition(lambda self: self.stream)
    @rule()
    def stream_loses_an_event_in_silence(self) -> None:
        self.stream.pop(0)

    @rule()
    def stream_comes_or_goes(self) -> None:
        self.stream.clear()
        self.stream_up = not self.stream_up
        self.tell(UserStreamUp() if self.stream_up else UserStreamDown())

    @precondition(lambda self: self.requests)
    @rule()
    def everything_is_answered(self) -> None:
        for request in list(self.requests):
            if request.answer is None:
                self.handle(request)
            self.deliver(request)

    @rule(ms=st.sampled_from([2_000, 5_000, 9_000]))
    def questions_are_answered_for_a_while(self, ms: int) -> None:
        """What is not asked for does not happen meanwhile; no order arrives."""
        until_ns = self.now_ns + ms * MS
        while any(timer.at_ns <= until_ns for timer in self.timers):
            self.time_passes_to_the_next_timer()
            for request in list(self.requests):
                if not acts(request.command) and request.answer is None:
                    self.handle(request)
                    self.deliver(request)
        self.now_ns = until_ns

    @precondition(lambda self: self.timers)
    @rule()
    def time_passes_to_the_next_timer(self) -> None:
        due = min(self.timers, key=lambda timer: timer.at_ns)
        self.timers.remove(due)
        self.now_ns = max(self.now_ns, due.at_ns)
        self.tell(TimerFired(due.timer_id))

    @rule(ms=st.sampled_from([1, 300, 7_000]))
    def time_passes(self, ms: int) -> None:
        self.now_ns += ms * MS
        for timer in sorted(self.timers, key=lambda timer: timer.at_ns):
            if timer.at_ns <= self.now_ns:
                self.timers.remove(timer)
                self.tell(TimerFired(timer.timer_id))

    @precondition(lambda self: any(held.works for held in self.exchange.orders.values()))
    @rule(tenths=st.sampled_from([1, 2, 5]))
    def market_fills(self, tenths: int) -> None:
        held = next(held for held in self.exchange.orders.values() if held.works)
        self.exchange.fill(held, Decimal(tenths) / 10, self.now_ns // MS)
        self.pump()

    @precondition(lambda self: any(held.works for held in self.exchange.orders.values()))
    @rule()
    def order_expires(self) -> None:
        held = next(held for held in self.exchange.orders.values() if held.works)
        self.exchange.end(held, S.EXPIRED, self.now_ns // MS)
        self.pump()

    @rule()
    def somebody_stops_the_job(self) -> None:
        self.tell(StopRequested("stopped"))

    @rule(data=st.data())
    def process_is_killed_and_resumed(self, data: st.DataObject) -> None:
        if self.result is None or self.result.status is JobStatus.UNKNOWN:
            self.resume(data.draw(st.integers(self.durable, len(self.entries))))

    def resume(self, known: int) -> None:
        """Go on with the first ``known`` entries: those that no order waited for may be lost."""
        self.in_the_air += [r for r in self.requests if r.answer is None and acts(r.command)]
        del self.entries[known:]
        self.stream.clear()
        self.start(orders_of(self.entries))

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def no_more_is_executed_than_was_asked_for(self) -> None:
        assert sum((held.executed for held in self.exchange.orders.values()), Decimal(0)) <= QUANTITY

    @invariant()
    def what_is_taken_for_absent_is_absent(self) -> None:
        for order in orders_of(self.entries):
            if order.status is S.REJECTED:
                assert order.client_order_id not in self.exchange.orders

    @invariant()
    def something_is_under_way_while_the_job_lives(self) -> None:
        if hasattr(self, "engine") and self.result is None:
            assert self.requests or self.timers

    def teardown(self) -> None:
        """The exchange becomes reliable, the job is stopped, resumed where it is in doubt: all is known."""
        if not hasattr(self, "engine"):
            return
        for _ in range(3):
            self.tell(StopRequested("enough"))
            self.calm_down()
            assert self.result is not None, "the job never ends"
            complete = all(o.filled_by_trades == o.executed_quantity for o in orders_of(self.entries))
            if self.result.status is not JobStatus.UNKNOWN and complete:
                break
            self.resume(len(self.entries))
        assert self.result is not None
        assert self.result.status is not JobStatus.UNKNOWN
        orders = {order.client_order_id: order for order in orders_of(self.entries)}
        assert len(orders) <= MAX_SENDS
        for cid, held in self.exchange.orders.items():
            order = orders.pop(cid)
            assert not held.works, "an orphan is left on the book"
            assert (order.status, order.executed_quantity) == (held.status, held.executed)
            assert order.fills == {fill.trade_id: fill for fill in held.fills}
        assert all(order.status is S.REJECTED for order in orders.values())

    def calm_down(self) -> None:
        for _ in range(2_000):
            if self.result is not None:
                return
            for late in list(self.in_the_air):
                self.in_the_air.remove(late)
                self.handle(late)
            if self.requests:
                request = self.requests[0]
                if request.answer is None:
                    self.handle(request)
                self.deliver(request)
            elif self.stream:
                self.tell(self.stream.pop(0))
            else:
                self.time_passes_to_the_next_timer()


def acts(command: Command) -> bool:
    return isinstance(command, SubmitOrder | CancelOrder)


def orders_of(entries: list[Entry]) -> list[Order]:
    """The orders as a journal with these entries has them."""
    orders: dict[str, Order] = {}
    copied: tuple[str, ...] = ("status", "order_id", "algo_id", "executed_quantity", "price")
    for entry in entries:
        match entry:
            case OrderIntended(job_id, cid, request, created_ms, replaces):
                orders[cid] = Order(cid, job_id, request, created_ms, replaces=replaces)
            case OrderChanged():
                order = orders[entry.client_order_id]
                for name in (*copied, "updated_ms", "rejection", "reason"):
                    setattr(order, name, getattr(entry, name))
                order.reported_average_price = entry.average_price
            case FillRecorded(fill):
                orders[fill.client_order_id].fills[fill.trade_id] = fill
    return list(orders.values())


# Short ones end in the middle of things; in long ones later events mend what earlier ones broke.
Conversation.TestCase.settings = settings(max_examples=1_500, stateful_step_count=12, deadline=None)
TestConversation: Callable[[], Any] = Conversation.TestCase


class LongConversation(Conversation):
    """As many different things as can happen to one order."""


LongConversation.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLongConversation: Callable[[], Any] = LongConversation.TestCase


def test_a_cancel_that_was_under_way_when_the_process_died_is_sent_again() -> None:
    talk = Conversation()
    talk.begin(LIMIT)
    talk.everything_is_answered()
    held = talk.exchange.orders["ok-job-1"]
    talk.somebody_stops_the_job()
    talk.requests.clear()  # the cancel never arrives
    talk.exchange.fill(held, Decimal("0.1"), talk.now_ns // MS)
    talk.tell(*talk.exchange.told)
    assert [order.status for order in orders_of(talk.entries)] == [S.PENDING_CANCEL]
    talk.resume(len(talk.entries))
    talk.teardown()
    assert (held.status, held.executed) == (S.CANCELED, Decimal("0.1"))
