"""The flow that sends nothing: it waits until the fate of a job's orders is known."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.orders.outcomes import executed, is_unanswered, result_of

PATIENCE_MS = 15_000  # for an order that rested, and that the exchange denies or cannot be asked about


def settle(quantity: Decimal | None, before: JobStatus) -> Callable[[Context], Flow[JobResult]]:
    """A flow that ends once every order of the job is done, or the exchange has said where it stands.

    ``quantity`` is what the job is to do in all, None where no quantity means that it is done. A job that
    was RUNNING stays so where there is something left: it can be resumed.
    """

    def flow(ctx: Context) -> Flow[JobResult]:
        began_ns = ctx.now_ns

        def told(order: Order) -> bool:
            complete = order.trades_unavailable or not order.misses_trades
            return order.unresolved or (complete and (order.is_terminal or order.confirmed_ns >= began_ns))

        deadline_ns = began_ns + PATIENCE_MS * 1_000_000
        yield from ctx.wait_for(lambda: all(map(told, ctx.orders)), deadline_ns)
        yield from ctx.wait_for(  # the engine itself gives up on these, later
            lambda: all(order.unresolved or not is_unanswered(order) for order in ctx.orders)
        )
        left = [order for order in ctx.orders if not told(order)]
        return JobResult(before, _why(left, began_ns)) if left else _result(ctx, quantity, before)

    return flow


def _why(left: Sequence[Order], began_ns: int) -> str:
    """Why these are not settled. A testnet that was reset knows none of its orders any more."""
    denied = [order.client_order_id for order in left if order.denied_ns >= began_ns]
    untold = [order.client_order_id for order in left if order.denied_ns < began_ns]
    reasons = []
    if denied:
        reasons.append(f"the exchange does not know {', '.join(denied)}")
    if untold:
        reasons.append(f"the exchange did not say in time what became of {', '.join(untold)}")
    return "; ".join(reasons)


def _result(ctx: Context, quantity: Decimal | None, before: JobStatus) -> JobResult:
    doubtful = [o.client_order_id for o in ctx.orders if o.status is OrderStatus.UNKNOWN]
    if doubtful:
        return JobResult(JobStatus.UNKNOWN, f"the outcome of {', '.join(doubtful)} is not known")
    total = executed(ctx.orders)
    done = f"{total} done" if quantity is None else f"{total} of {quantity} done"
    if quantity is not None and total >= quantity:
        return JobResult(JobStatus.COMPLETED)
    if before in (JobStatus.COMPLETED, JobStatus.FAILED):
        return JobResult(before)  # only trades were missing
    if before is JobStatus.RUNNING or (quantity is None and before is JobStatus.UNKNOWN):
        return JobResult(JobStatus.RUNNING, f"{done}; bot.py resume goes on")
    if not all(order.is_terminal for order in ctx.orders):
        return JobResult(JobStatus.OPEN)
    if len(ctx.orders) == 1:
        return result_of(ctx.orders[0])
    return JobResult(JobStatus.STOPPED, done)
