"""What a flow is told and looks at, and how lists, second questions and refused cancels are taken."""

from decimal import Decimal

from tests.driving import SECOND, Drive, kinds, timer
from tests.fills import bought

from orderkit.domain.commands import CancelOrder, LookAt, QueryFills, QueryOrder, SearchOrder
from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.domain.events import (
    CancelRefused,
    CancelRejected,
    Event,
    LookedAt,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryFailed,
    QuoteUpdated,
    StopRequested,
    SubmitUnknown,
    TimerFired,
    TradeReported,
    UserStreamDown,
    UserStreamUp,
)
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.looks import BalanceOf, QuoteOf, Sighting
from orderkit.domain.market import Quote
from orderkit.domain.order import OrderReport, OrderRequest, Rejection
from orderkit.engine.context import Context, Flow
from orderkit.engine.journal import JobNoted

ONE = Decimal(1)
MARKET = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, ONE)
LIMIT = OrderRequest(
    "BTCUSDT", Side.BUY, OrderType.LIMIT, ONE, Decimal(60_000), time_in_force=TimeInForce.GTC
)
QUOTE = Quote("BTCUSDT", Decimal(60_000), ONE, Decimal(60_001), ONE, 1)
REFUSED = CancelRefused("ok-j-1", Rejection("rejected", "Unknown order sent.", -2011))


def report(status: str, executed: str = "0", time_ms: int = 1) -> OrderReport:
    return OrderReport("ok-j-1", "BTCUSDT", OrderStatus(status), Decimal(executed), time_ms, order_id=7)


class Listener:
    """A flow that sends one order and remembers what it was told."""

    def __init__(self, request: OrderRequest) -> None:
        self.request = request
        self.heard: list[Event] = []

    def __call__(self, ctx: Context) -> Flow[JobResult]:
        self.order = ctx.submit(self.request)
        self.ctx = ctx
        while not ctx.stopping:
            self.heard.append((yield))
        return JobResult(JobStatus.STOPPED, ctx.stop_reason)


def accepted(request: OrderRequest = LIMIT) -> tuple[Listener, Drive]:
    listener = Listener(request)
    drive = Drive(listener)
    drive.send(UserStreamUp())
    drive.send(OrderReported(report("NEW")))
    return listener, drive


def test_what_a_list_of_open_orders_says_of_an_order_is_taken_as_the_exchanges_word() -> None:
    listener, drive = accepted()
    commands = drive.send(OpenOrdersListed("BTCUSDT", SECOND, (report("PARTIALLY_FILLED", "0.25", 2),)))
    assert listener.order.executed_quantity == Decimal("0.25")
    assert QueryFills in kinds(drive.fire(timer(commands)))


def test_a_refused_cancel_is_told_to_the_flow_and_leaves_the_order_at_work() -> None:
    listener, drive = accepted()
    listener.ctx.cancel(listener.order)
    commands = drive.send(REFUSED)
    assert listener.order.status is OrderStatus.NEW
    assert isinstance(listener.heard[-1], CancelRejected)
    assert QueryOrder in kinds(commands)
    assert CancelOrder in kinds(drive.fire(timer(commands)))


def test_a_cancel_refused_for_an_order_that_is_not_ours_is_harmless() -> None:
    _, drive = accepted()
    assert drive.send(CancelRefused("web_1", REFUSED.rejection)) == []


def test_a_question_under_way_is_not_asked_twice_however_the_stream_comes_and_goes() -> None:
    drive = Drive(Listener(MARKET))
    asked = drive.fire(timer(drive.send(SubmitUnknown("ok-j-1", "timeout"))))
    for event in (UserStreamUp(), UserStreamDown(), UserStreamUp()):
        asked += drive.send(event)
    assert kinds(asked).count(QueryOrder) == 1


def test_a_question_that_was_put_off_is_asked_once_at_its_later_time() -> None:
    listener, drive = accepted()
    commands = drive.send(OrderReported(report("PARTIALLY_FILLED", "0.5", 2)))
    first = timer(commands)
    drive.send(TradeReported(bought("ok-j-1", 1, "0.5")))  # nothing is missing any more
    assert QueryFills not in kinds(drive.fire(first))
    assert listener.order.filled_by_trades == Decimal("0.5")


def test_a_resting_order_is_asked_after_only_while_nobody_tells_of_it() -> None:
    _, drive = accepted()
    down = drive.send(UserStreamDown())
    assert timer(down).at_ns == drive.now_ns + SECOND // 2
    assert QueryOrder in kinds(drive.fire(timer(down)))


def test_the_search_goes_back_to_before_the_order_was_sent_by_either_clock() -> None:
    listener = Listener(MARKET)
    drive = Drive(listener)
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    while SearchOrder not in kinds(commands):
        drive.fire(timer(commands))
        commands = drive.send(OrderAbsent("ok-j-1"))
    search = next(command for command in commands if isinstance(command, SearchOrder))
    assert search.since_ms == listener.order.created_ms - 60_000


def test_an_order_that_was_given_up_is_asked_after_again_when_the_flow_wants_to_know() -> None:
    listener = Listener(MARKET)
    drive = Drive(listener)
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    while not listener.order.unresolved:
        drive.fire(timer(commands))
        commands = drive.send(QueryFailed("ok-j-1", "no connection"))
    output = drive.outputs[-1]
    listener.ctx.inquire(listener.order)
    assert not listener.order.unresolved
    assert kinds(output.commands)[-1] is QueryOrder


def test_a_quote_is_seen_with_its_time_and_a_silent_market_ages() -> None:
    listener, drive = accepted()
    assert listener.ctx.quote_age_ns("BTCUSDT") is None
    drive.send(QuoteUpdated(QUOTE), after_s=5)
    drive.send(OrderReported(report("NEW", time_ms=2)), after_s=2)
    assert listener.ctx.quote("BTCUSDT") == QUOTE
    assert listener.ctx.quote_age_ns("BTCUSDT") == 2 * SECOND


def test_a_look_is_asked_once_until_it_is_answered_and_then_again() -> None:
    listener, drive = accepted()
    balance = BalanceOf("USDT")
    output = drive.outputs[-1]
    listener.ctx.look(balance)
    listener.ctx.look(balance)
    assert output.commands.count(LookAt(balance)) == 1
    drive.send(LookedAt(balance, Decimal(5)), after_s=1)
    assert listener.ctx.seen(balance) == Sighting(drive.now_ns, Decimal(5))
    assert isinstance(listener.heard[-1], LookedAt)
    listener.ctx.look(balance)
    assert LookAt(balance) in drive.outputs[-1].commands


def test_a_look_that_failed_keeps_what_was_seen_before_with_its_time() -> None:
    listener, drive = accepted()
    balance = BalanceOf("USDT")
    drive.send(LookedAt(balance, Decimal(5)), after_s=1)
    drive.send(LookedAt(balance, None, "no connection"), after_s=9)
    assert listener.ctx.seen(balance) == Sighting(drive.now_ns - 9 * SECOND, Decimal(5), "no connection")


def test_a_look_at_the_best_prices_is_a_quote_like_any_other() -> None:
    listener, drive = accepted()
    drive.send(LookedAt(QuoteOf("BTCUSDT"), QUOTE))
    assert listener.ctx.quote("BTCUSDT") == QUOTE
    assert listener.ctx.quote_age_ns("BTCUSDT") == 0


def test_a_state_is_journaled_when_it_changes_and_not_each_time_it_is_said() -> None:
    listener, drive = accepted()
    entries = drive.outputs[-1].entries
    del entries[:]
    for message in ("until noon", "until noon", "until one"):
        listener.ctx.note("WAITING", message)
    noted = [(entry.state, entry.message) for entry in entries if isinstance(entry, JobNoted)]
    assert noted == [("WAITING", "until noon"), ("WAITING", "until one")]


def test_a_timer_that_fires_after_its_job_has_ended_is_harmless() -> None:
    listener, drive = accepted()
    listener.ctx.wake_at(9 * SECOND)
    late = timer(drive.outputs[-1].commands[::-1])
    drive.send(StopRequested("enough"))
    assert drive.result == JobResult(JobStatus.STOPPED, "enough")
    assert drive.send(TimerFired(late.timer_id), after_s=9) == []
