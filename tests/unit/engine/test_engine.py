"""The engine as a pure step: what it wants done, and in which order, for what happened."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.driving import SECOND, Drive, kinds, timer
from tests.fills import bought

from orderkit.domain.commands import (
    CancelOrder,
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
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.engine.journal import FillRecorded, JobEnded, OrderIntended
from orderkit.orders.outcomes import result_of

MARKET = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.3"))
LIMIT = OrderRequest(
    "BTCUSDT", Side.BUY, OrderType.LIMIT, Decimal("0.3"), Decimal(60_000), time_in_force=TimeInForce.GTC
)


def fill(trade_id: int, quantity: str, cid: str = "ok-j-1") -> Fill:
    return bought(cid, trade_id, quantity)


def report(status: str, executed: str = "0", time_ms: int = 1, cid: str = "ok-j-1") -> OrderReport:
    return OrderReport(cid, "BTCUSDT", OrderStatus(status), Decimal(executed), time_ms, order_id=7)


def one(request: OrderRequest) -> Callable[[Context], Flow[JobResult]]:
    def flow(ctx: Context) -> Flow[JobResult]:
        order = ctx.orders[-1] if ctx.orders else ctx.submit(request)
        yield from ctx.wait_done(order)
        return result_of(order)

    return flow


def test_the_intent_is_an_entry_of_the_same_step_that_sends_the_order() -> None:
    drive = Drive(one(MARKET))
    step = drive.outputs[0]
    assert [type(e) for e in step.entries] == [OrderIntended]
    assert step.commands == [SubmitOrder("j", "ok-j-1", MARKET)]


def test_an_order_answered_as_filled_is_done_once_its_trades_are_known() -> None:
    drive = Drive(one(MARKET))
    assert kinds(drive.send(OrderReported(report("FILLED", "0.3")))) == [QueryFills]
    drive.send(TradeReported(fill(1, "0.1")))
    assert drive.result is None
    drive.send(TradeReported(fill(2, "0.2")))
    assert drive.result == JobResult(JobStatus.COMPLETED)


def test_with_the_user_stream_up_trades_are_awaited_before_they_are_asked_for() -> None:
    drive = Drive(one(MARKET))
    drive.send(UserStreamUp())
    commands = drive.send(OrderReported(report("FILLED", "0.3")))
    assert kinds(commands) == [SetTimer]
    assert kinds(drive.fire(timer(commands))) == [QueryFills]


def test_fills_that_come_before_the_acknowledgement_count() -> None:
    drive = Drive(one(MARKET))
    drive.send(TradeReported(fill(1, "0.3")))
    assert drive.result == JobResult(JobStatus.COMPLETED)


def test_a_trade_told_twice_counts_and_is_journaled_once() -> None:
    drive = Drive(one(MARKET))
    for _ in range(3):
        drive.send(TradeReported(fill(1, "0.1")))
    entries = [e for o in drive.outputs for e in o.entries if isinstance(e, FillRecorded)]
    assert len(entries) == 1
    assert drive.engine.jobs["j"].context.orders[0].executed_quantity == Decimal("0.1")


def test_an_unknown_order_is_asked_after_and_never_sent_again() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    assert kinds(commands) == [SetTimer]
    commands = drive.fire(timer(commands))
    assert kinds(commands) == [QueryOrder]
    drive.send(OrderReported(report("FILLED", "0.3")))
    drive.send(TradeReported(fill(1, "0.3")))
    assert drive.result == JobResult(JobStatus.COMPLETED)
    assert sum(isinstance(c, SubmitOrder) for o in drive.outputs for c in o.commands) == 1


def test_not_found_is_believed_only_after_the_exchange_could_no_longer_accept_and_a_search() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    while SearchOrder not in kinds(commands):
        drive.fire(timer(commands))
        commands = drive.send(OrderAbsent("ok-j-1"))
        assert drive.result is None
    assert drive.now_ns >= 8 * SECOND
    drive.send(OrderAbsent("ok-j-1"))
    assert drive.result is not None
    assert drive.result.status is JobStatus.REJECTED


def test_an_order_that_only_the_search_finds_is_not_sent_again() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    while SearchOrder not in kinds(commands):
        drive.fire(timer(commands))
        commands = drive.send(OrderAbsent("ok-j-1"))
    drive.send(OrderReported(report("FILLED", "0.3")))
    drive.send(TradeReported(fill(1, "0.3")))
    assert drive.result == JobResult(JobStatus.COMPLETED)
    assert sum(isinstance(c, SubmitOrder) for o in drive.outputs for c in o.commands) == 1


def test_a_search_that_failed_is_made_again() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    searches = 0
    while searches < 2:
        assert drive.result is None
        if SearchOrder in kinds(commands):
            searches += 1
            commands = drive.send(QueryFailed("ok-j-1", "no connection"))
            continue
        drive.fire(timer(commands))
        commands = drive.send(OrderAbsent("ok-j-1"))


def test_an_exchange_that_stays_silent_leaves_the_order_unknown_and_says_so() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(SubmitUnknown("ok-j-1", "timeout"))
    while drive.result is None:
        drive.fire(timer(commands))
        commands = drive.send(QueryFailed("ok-j-1", "no connection"))
    assert drive.result.status is JobStatus.UNKNOWN
    assert "ok-j-1" in (drive.result.reason or "")
    assert 59 * SECOND < drive.now_ns < 70 * SECOND


def test_a_market_order_answered_as_new_is_asked_after_without_the_stream() -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(OrderReported(report("NEW")))
    assert kinds(commands) == [SetTimer]
    assert kinds(drive.fire(timer(commands))) == [QueryOrder]
    commands = drive.send(OrderReported(report("FILLED", "0.3")))
    assert kinds(commands) == [QueryFills]


def test_trades_that_cannot_be_had_do_not_hold_a_done_order_for_ever() -> None:
    drive = Drive(one(MARKET))
    drive.send(OrderReported(report("FILLED", "0.3")))
    for _ in range(70):
        if drive.result:
            break
        commands = drive.send(QueryFailed("ok-j-1", "no connection"), after_s=1)
        if not drive.result:
            drive.fire(timer(commands))
    assert drive.result == JobResult(JobStatus.COMPLETED)


@pytest.mark.parametrize(
    "told",
    [OrderReported(report("FILLED", "0.3")), SubmitUnknown("ok-j-1", "timeout")],
    ids=["trades", "fate"],
)
def test_a_question_that_waited_long_for_our_own_requests_does_not_use_up_the_patience(told: Input) -> None:
    drive = Drive(one(MARKET))
    commands = drive.send(told)
    for seconds, held_back in ((65, True), (65, True), (58, False), (58, False)):
        if SetTimer in kinds(commands):
            drive.fire(timer(commands))
        commands = drive.send(QueryFailed("ok-j-1", "no answer", held_back), after_s=seconds)
        assert drive.result is None
    drive.fire(timer(commands))
    drive.send(QueryFailed("ok-j-1", "no answer"))
    assert drive.result is not None


def test_cancels_that_waited_long_for_our_own_requests_are_sent_again() -> None:
    drive = Drive(cancelling)
    commands = drive.send(OrderReported(report("NEW")))
    refused = CancelRefused("ok-j-1", Rejection("rate_limited", "not sent"))
    for _ in range(2):
        assert CancelOrder in kinds(commands)
        commands = drive.fire(timer(drive.send(refused, after_s=58)))
    drive.send(refused)
    assert drive.result is not None
    assert drive.result.status is JobStatus.UNKNOWN


def test_a_refused_order_ends_the_job_with_the_exchanges_words() -> None:
    drive = Drive(one(MARKET))
    drive.send(SubmitRefused("ok-j-1", Rejection("rejected", "Margin is insufficient.", -2019)))
    assert drive.result == JobResult(JobStatus.REJECTED, "Margin is insufficient. (-2019)")


def test_a_crash_between_intent_and_answer_leads_to_a_question_not_to_a_second_order() -> None:
    left = Order("ok-j-1", "j", MARKET, created_ms=0)
    drive = Drive(one(MARKET), (left,))
    assert not any(isinstance(c, SubmitOrder) for o in drive.outputs for c in o.commands)
    assert left.status is OrderStatus.UNKNOWN
    assert kinds(drive.outputs[0].commands) == [QueryOrder]


def cancelling(ctx: Context) -> Flow[JobResult]:
    order = ctx.submit(LIMIT)
    ctx.cancel(order)
    yield from ctx.wait_done(order)
    return result_of(order)


def test_a_cancel_waits_until_the_order_is_known_to_exist() -> None:
    drive = Drive(cancelling)
    assert kinds(drive.outputs[0].commands) == [SubmitOrder]
    commands = drive.send(OrderReported(report("NEW")))
    assert CancelOrder in kinds(commands)


def test_a_fill_that_races_the_cancel_wins() -> None:
    drive = Drive(cancelling)
    drive.send(OrderReported(report("NEW")))
    commands = drive.send(CancelRefused("ok-j-1", Rejection("rejected", "Unknown order sent.", -2011)))
    assert QueryOrder in kinds(commands)
    drive.send(OrderReported(report("FILLED", "0.3", time_ms=2)))
    drive.send(TradeReported(fill(1, "0.3")))
    assert drive.result == JobResult(JobStatus.COMPLETED)


def test_a_trade_reported_after_the_cancel_still_counts() -> None:
    drive = Drive(cancelling)
    drive.send(OrderReported(report("NEW")))
    drive.send(OrderReported(report("CANCELED", "0.1", time_ms=2)))
    assert drive.result is None  # 0.1 was executed, at a price not known yet
    drive.send(TradeReported(fill(1, "0.1")))
    assert drive.result is not None
    assert drive.result.status is JobStatus.STOPPED
    assert "0.1 of 0.3" in (drive.result.reason or "")


def test_sleeping_ends_at_the_absolute_time_or_when_asked_to_stop() -> None:
    woken: list[bool] = []

    def flow(ctx: Context) -> Flow[JobResult]:
        woken.append((yield from ctx.sleep_until(5 * SECOND)))
        woken.append((yield from ctx.sleep_until(9 * SECOND)))
        return JobResult(JobStatus.COMPLETED)

    drive = Drive(flow)
    first = timer(drive.outputs[0].commands)
    assert first.at_ns == 5 * SECOND
    commands = drive.fire(first)
    assert timer(commands).at_ns == 9 * SECOND
    drive.send(StopRequested("enough"))
    assert woken == [True, False]


def test_one_jobs_bug_does_not_touch_another() -> None:
    def broken(ctx: Context) -> Flow[JobResult]:
        yield from ctx.sleep_until(SECOND)
        raise RuntimeError("bug")

    engine = Engine()
    out = engine.start("bad", broken, 0)
    engine.start("good", one(MARKET), 0)
    out = engine.process(TimerFired(timer(out.commands).timer_id), SECOND)
    assert isinstance(out.failed["bad"], RuntimeError)
    assert isinstance(out.entries[-1], JobEnded)
    assert list(engine.jobs) == ["good"]


@pytest.mark.parametrize("late", [report("NEW", time_ms=1), report("PARTIALLY_FILLED", "0.1", time_ms=1)])
def test_an_older_report_never_undoes_a_newer_one(late: OrderReport) -> None:
    drive = Drive(one(LIMIT))
    drive.send(OrderReported(report("PARTIALLY_FILLED", "0.2", time_ms=5)))
    drive.send(OrderReported(late))
    order = drive.engine.jobs["j"].context.orders[0]
    assert (order.status, order.executed_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.2"))


def test_answers_to_questions_about_forgotten_orders_are_harmless() -> None:
    drive = Drive(one(MARKET))
    for event in (QueryAnswered("x"), OrderAbsent("x"), TradeReported(fill(1, "1", cid="x"))):
        assert drive.send(event) == []


def resting(ctx: Context) -> Flow[JobResult]:
    order = ctx.orders[-1] if ctx.orders else ctx.submit(LIMIT)
    yield from ctx.wait_done(order)
    return result_of(order)


def test_after_a_gap_in_the_stream_everything_open_is_asked_for_at_once() -> None:
    drive = Drive(resting)
    drive.send(UserStreamUp())
    drive.send(OrderReported(report("NEW")))
    drive.send(UserStreamDown(), after_s=1)
    assert ListOpenOrders("BTCUSDT") in drive.send(UserStreamUp(), after_s=1)
    gone = OpenOrdersListed("BTCUSDT", drive.now_ns, ())
    assert QueryOrder in kinds(drive.send(gone))
    drive.send(OrderReported(report("FILLED", "0.3", time_ms=2)))
    drive.send(TradeReported(fill(1, "0.3")))
    assert drive.result == JobResult(JobStatus.COMPLETED)


def test_a_resting_order_is_audited_now_and_then_even_while_the_stream_is_up() -> None:
    drive = Drive(resting)
    drive.send(UserStreamUp())
    audit = timer(drive.send(OrderReported(report("NEW"))))
    assert audit.at_ns == 60 * SECOND
    commands = drive.fire(audit)
    assert ListOpenOrders("BTCUSDT") in commands
    assert timer(commands).at_ns == 120 * SECOND


def test_an_order_that_is_in_the_list_is_left_in_peace_and_strangers_are_noted() -> None:
    drive = Drive(resting)
    drive.send(UserStreamUp())
    drive.send(OrderReported(report("NEW")))
    stranger = report("NEW", cid="web_1")
    commands = drive.send(OpenOrdersListed("BTCUSDT", SECOND, (report("NEW"), stranger)))
    assert QueryOrder not in kinds(commands)
    assert drive.engine.strangers["BTCUSDT"] == {"web_1"}


def test_a_resting_order_of_an_earlier_run_is_asked_after_at_once() -> None:
    left = Order("ok-j-1", "j", LIMIT, created_ms=0, status=OrderStatus.NEW)
    drive = Drive(resting, (left,))
    assert QueryOrder in kinds(drive.outputs[0].commands)


def test_an_order_that_the_exchange_has_forgotten_after_days_is_over() -> None:
    left = Order("ok-j-1", "j", LIMIT, created_ms=0, status=OrderStatus.NEW)
    drive = Drive(resting, (left,))
    drive.send(OrderAbsent("ok-j-1"), after_s=3600)
    assert drive.result is None
    drive.send(OrderAbsent("ok-j-1"), after_s=4 * 86_400)
    assert drive.result is not None
    assert drive.result.status is JobStatus.STOPPED


def test_trades_of_an_order_still_at_work_are_asked_for_too() -> None:
    drive = Drive(resting)
    drive.send(OrderReported(report("NEW")))
    commands = drive.send(OrderReported(report("PARTIALLY_FILLED", "0.1", time_ms=2)))
    assert QueryFills in kinds(commands)
