"""The flow that only asks: what it says of orders that it got no word about."""

from decimal import Decimal

from orderkit.domain.commands import SetTimer
from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.domain.events import OrderAbsent, OrderReported, QueryAnswered, QueryFailed
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderReport, OrderRequest
from orderkit.orders.settle import PATIENCE_MS, settle
from tests.driving import SECOND, Drive

LIMIT = OrderRequest(
    "BTCUSDT", Side.BUY, OrderType.LIMIT, Decimal("0.3"), Decimal(60_000), time_in_force=TimeInForce.GTC
)
STANDS = OrderReport("ok-j-1", "BTCUSDT", OrderStatus.NEW, Decimal(0), 1, order_id=7)


def resting(number: int) -> Order:
    return Order(f"ok-j-{number}", "j", LIMIT, created_ms=0, status=OrderStatus.NEW)


def test_an_order_that_is_denied_is_told_from_one_that_could_not_be_asked_about() -> None:
    drive = Drive(settle(Decimal("0.9"), JobStatus.OPEN), (resting(1), resting(2), resting(3)), SECOND)
    timers = [command for command in drive.outputs[0].commands if isinstance(command, SetTimer)]
    deadline = next(timer for timer in timers if timer.at_ns == SECOND + PATIENCE_MS * 1_000_000)
    drive.send(OrderReported(STANDS), after_s=1)
    drive.send(OrderAbsent("ok-j-2"))
    drive.send(QueryFailed("ok-j-3", "too many requests", held_back=True))
    assert drive.result is None
    drive.fire(deadline)
    assert drive.result == JobResult(
        JobStatus.OPEN,
        "the exchange does not know ok-j-2; the exchange did not say in time what became of ok-j-3",
    )


def test_orders_that_all_stand_where_they_stood_end_the_questions_at_once() -> None:
    drive = Drive(settle(Decimal("0.3"), JobStatus.OPEN), (resting(1),), SECOND)
    drive.send(OrderReported(STANDS), after_s=1)
    drive.send(QueryAnswered("ok-j-1"))
    assert drive.result == JobResult(JobStatus.OPEN)
