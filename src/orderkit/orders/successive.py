"""What order types share that work one quantity with one order after another: when the next, and the end."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import Control, ControlKind, JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.errors import ValidationError
from orderkit.orders.outcomes import doubts, executed, is_hopeless, latest, why_rejected, would_have_taken

PAUSES_MS = (1_000, 2_000, 4_000, 8_000, 15_000)  # after that many failures in a row it is given up
FIRST_POST_ONLY_MS, LONGEST_POST_ONLY_MS = 250, 30_000
_FAILED = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH)


def failures(orders: Sequence[Order]) -> list[Order]:
    """The orders since the last useful one that were refused, or expired without a fill, oldest first."""
    return latest(orders, lambda order: order.status in _FAILED and not order.executed_quantity)


def retry_ms(orders: Sequence[Order], longest_post_only_ms: int = LONGEST_POST_ONLY_MS) -> int | None:
    """UTC ms from which the next order may be sent; None where it is not worth another try.

    A post-only order that would have taken (-5022) is tried for as long as it takes: the market decides.
    """
    failed = failures(orders)
    if not failed:
        return 0
    last = failed[-1]
    if would_have_taken(last):
        pause_ms = FIRST_POST_ONLY_MS << min(len(failed) - 1, 10)
        return last.created_ms + min(pause_ms, longest_post_only_ms)
    meant = [order for order in failed if not would_have_taken(order)]
    if is_hopeless(last) or len(meant) > len(PAUSES_MS):
        return None
    return last.created_ms + PAUSES_MS[len(meant) - 1]


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
    if (doubt := doubts(ctx.orders)) is not None:
        return JobResult(JobStatus.UNKNOWN, doubt, ctx.interrupted)
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
