"""What order types share that work one quantity with one order after another: when the next, and the end."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from orderkit.domain.enums import OrderStatus, PositionSide, Side
from orderkit.domain.job import Control, ControlKind, JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.errors import ValidationError
from orderkit.orders.executor import why_rejected
from orderkit.utils import closed_leg

ZERO = Decimal(0)
PAUSES_MS = (1_000, 2_000, 4_000, 8_000, 15_000)  # after that many failures in a row it is given up
POST_ONLY_REFUSED = -5022
FIRST_POST_ONLY_MS, LONGEST_POST_ONLY_MS = 250, 30_000
HOPELESS = frozenset({"authentication", "configuration", "risk"})  # refusals that no later order escapes soon
_FAILED = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH)


class Directed(Protocol):
    """The part of a request that says whether it can open a position."""

    @property
    def side(self) -> Side: ...
    @property
    def position_side(self) -> PositionSide: ...
    @property
    def reduce_only(self) -> bool: ...


def closes(request: Directed) -> bool:
    """True for orders that can only close a position: no minimum notional binds them."""
    return request.reduce_only or request.position_side is closed_leg(request.side)


def executed(orders: Sequence[Order]) -> Decimal:
    return sum((order.executed_quantity for order in orders), ZERO)


def failures(orders: Sequence[Order]) -> list[Order]:
    """The orders since the last useful one that were refused, or expired without a fill, oldest first."""
    found: list[Order] = []
    for order in reversed(orders):
        if order.status not in _FAILED or order.executed_quantity:
            break
        found.insert(0, order)
    return found


def retry_ms(orders: Sequence[Order], longest_post_only_ms: int = LONGEST_POST_ONLY_MS) -> int | None:
    """UTC ms from which the next order may be sent; None where it is not worth another try.

    A post-only order that would have taken (-5022) is tried for as long as it takes: the market decides.
    """
    failed = failures(orders)
    if not failed:
        return 0
    last = failed[-1].rejection
    if last is not None and last.code == POST_ONLY_REFUSED:
        pause_ms = FIRST_POST_ONLY_MS << min(len(failed) - 1, 10)
        return failed[-1].created_ms + min(pause_ms, longest_post_only_ms)
    meant = [o for o in failed if o.rejection is None or o.rejection.code != POST_ONLY_REFUSED]
    if (last is not None and last.kind in HOPELESS) or len(meant) > len(PAUSES_MS):
        return None
    return failed[-1].created_ms + PAUSES_MS[len(meant) - 1]


def never_arrived(order: Order) -> bool:
    """True for an order that was proven never to have reached the exchange."""
    return order.rejection is not None and order.rejection.kind == "absent"


def check_pausable(control: Control, kind: str) -> None:
    """What a job that works one order after another can be asked: to pause, and to go on.

    Raises:
        ValidationError: anything else.
    """
    if control.kind not in (ControlKind.PAUSE, ControlKind.RESUME):
        raise ValidationError(
            f"CONTROL: {kind} takes no {control.kind}; accepted: pause, resume, stop",
            rule="CONTROL",
            hint="stop it, and start another one with what is left",
        )


def result(
    ctx: Context, total: Decimal, visible: Sequence[Order], unit: str, why: str | None = None
) -> JobResult:
    """How the job ends; ``visible`` orders are left on the exchange.

    ``why`` it ended before the quantity was done, where its orders do not say so.
    """
    doubtful = [order.client_order_id for order in ctx.orders if order.unresolved]
    if doubtful:
        reason = f"the outcome of {', '.join(doubtful)} is not known"
        return JobResult(JobStatus.UNKNOWN, reason, ctx.interrupted)
    left = total - executed(ctx.orders)
    if left <= 0:
        return JobResult(JobStatus.COMPLETED)
    last = ctx.orders[-1] if ctx.orders else None
    refused = last is not None and last.status is OrderStatus.REJECTED
    if last is not None and refused and left == total and not (ctx.stopping or why):
        return JobResult(JobStatus.REJECTED, why_rejected(last))
    why = ctx.stop_reason or why
    if why is None and last is not None:
        why = "its order was cancelled" if last.status is OrderStatus.CANCELED else why_rejected(last)
    stays = "; its order stays on the exchange" if visible else ""
    status = JobStatus.RUNNING if visible and ctx.stopping else JobStatus.STOPPED
    return JobResult(status, f"{left} of {total} {unit} not done: {why}{stays}", ctx.interrupted)
