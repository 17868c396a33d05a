"""What became of orders: the questions that flows ask of them, and how a job ends that hangs on one."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import takewhile

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order

ZERO = Decimal(0)
MAX_SENDS = 3  # the same order again, each time once it is proven that it never arrived
WOULD_TAKE = -5022  # post-only
NOTHING_TO_REDUCE = -2022
_LASTING = frozenset({"authentication", "configuration"})
_WORKING = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
_UNANSWERED = (OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN)


def live(orders: Sequence[Order]) -> list[Order]:
    """Those that may still execute, as far as we know."""
    return [order for order in orders if not order.is_terminal]


def executed(orders: Sequence[Order]) -> Decimal:
    """What they did, in base asset."""
    return sum((order.executed_quantity for order in orders), ZERO)


def leaves(orders: Sequence[Order]) -> Decimal:
    """What they may still do, in base asset."""
    return sum((order.leaves_quantity for order in orders), ZERO)


def committed(orders: Sequence[Order]) -> Decimal:
    """Everything that is executed or may still execute, in base asset."""
    return executed(orders) + leaves(orders)


def latest(orders: Sequence[Order], fits: Callable[[Order], bool]) -> list[Order]:
    """The last orders of all that fit, without a gap, oldest first."""
    return list(takewhile(fits, reversed(orders)))[::-1]


def is_unanswered(order: Order) -> bool:
    """True while it is not known whether the exchange has the order."""
    return order.status in _UNANSWERED


def never_arrived(order: Order) -> bool:
    """True for an order that was proven never to have reached the exchange."""
    return order.rejection is not None and order.rejection.kind == "absent"


def would_have_taken(order: Order) -> bool:
    """True for a post-only order that was refused because it would have taken."""
    return order.rejection is not None and order.rejection.code == WOULD_TAKE


def had_nothing_to_reduce(order: Order) -> bool:
    """True for an order that was refused because there is no position left that it would close."""
    return order.rejection is not None and order.rejection.code == NOTHING_TO_REDUCE


def refused_for_good(order: Order) -> bool:
    """True for a refusal that no later order can escape: of the keys, or of how orderkit is set up."""
    return order.rejection is not None and order.rejection.kind in _LASTING


def is_hopeless(order: Order) -> bool:
    """True where more orders of the same kind need not be tried: a risk limit stands in their way too."""
    return refused_for_good(order) or (order.rejection is not None and order.rejection.kind == "risk")


def why_rejected(order: Order) -> str | None:
    """The refusal in words, with the exchange's code where it gave one."""
    if order.rejection is None:
        return order.reason
    code = order.rejection.code
    return order.rejection.message if code is None else f"{order.rejection.message} ({code})"


def doubts(orders: Sequence[Order]) -> str | None:
    """In words, which orders' fate was given up as unknown; None where there is no such order."""
    names = ", ".join(order.client_order_id for order in orders if order.unresolved)
    return f"the outcome of {names} is not known" if names else None


def result_of(order: Order) -> JobResult:
    """How a job ends whose whole work was this one order."""
    match order.status:
        case _ if order.unresolved and not order.request.is_immediate and order.status in _WORKING:
            return JobResult(
                JobStatus.UNKNOWN,
                f"order {order.client_order_id} could not be cancelled and may still be on the exchange",
            )
        case _ if order.unresolved or is_unanswered(order):
            return JobResult(JobStatus.UNKNOWN, f"the outcome of order {order.client_order_id} is not known")
        case OrderStatus.FILLED:
            return JobResult(JobStatus.COMPLETED)
        case OrderStatus.REJECTED:
            return JobResult(JobStatus.REJECTED, why_rejected(order))
        case OrderStatus.CANCELED | OrderStatus.EXPIRED | OrderStatus.EXPIRED_IN_MATCH:
            ended = order.status.value.lower().replace("_", " ")
            done = f"{order.executed_quantity} of {order.quantity} done"
            return JobResult(JobStatus.STOPPED, f"the order {ended} with {done}")
        case _:
            return JobResult(JobStatus.OPEN)
