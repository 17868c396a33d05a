"""What a grid trades at the market: the position that it needs before its first level, and its end."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.orders.ending import cancel_orders, flatten, wait_answered, wait_trades
from orderkit.orders.grid_exits import Ending
from orderkit.orders.grid_ledger import Ledger
from orderkit.orders.grid_request import GridRequest, OnStop
from orderkit.orders.outcomes import doubts, executed, live, refused_for_good, why_rejected

ZERO = Decimal(0)
MS_NS = 1_000_000
MOST_ATTEMPTS = 4  # in a row that do nothing


def open_position(ctx: Context, request: GridRequest, ledger: Ledger) -> Flow[Ending | None]:
    """Buy what a long grid sells above the market (sell what a short one buys back), at the market."""
    side, attempts = ledger.initial_side, 0
    if side is None or any(order.request.type is OrderType.LIMIT for order in ctx.orders):
        ledger.share_initial_position()
        return None
    lot, unit = ledger.instrument.lot_size_for(market=True), ledger.instrument.base_asset
    while True:
        yield from ctx.wait_done(*ledger.initial)
        if any(order.unresolved for order in ledger.initial):
            return Ending("the outcome of the initial position is not known", JobStatus.UNKNOWN, False)
        missing = ledger.initial_quantity - executed(ledger.initial)
        if missing <= 0:
            ledger.share_initial_position()
            return None
        last = ledger.initial[-1] if ledger.initial else None
        if attempts >= MOST_ATTEMPTS or ctx.stopping or (last and refused_for_good(last)):
            why = (last and why_rejected(last)) or ctx.stop_reason or "the book is too thin"
            refused = bool(last) and not executed(ledger.initial)
            status = JobStatus.REJECTED if refused and not ctx.stopping else JobStatus.STOPPED
            return Ending(f"{missing} of the initial position is missing: {why}", status, request.flattens)
        if ctx.paused:
            yield from ctx.wait_for(lambda: not ctx.paused)
            continue
        if last is not None and attempts:
            next_ns = (last.created_ms + 2 ** (attempts - 1) * 1_000) * MS_NS
            if ctx.now_ns < next_ns:
                yield from ctx.sleep_until(next_ns)
                continue
        ctx.note("OPENING", f"{missing} {unit} at the market")
        quantity = min(missing, lot.max_quantity)
        ledger.add(ctx.submit(request.market_order(side, quantity, opens=True)))
        attempts = attempts + 1 if last is None or not last.executed_quantity else 1


def finish(ctx: Context, request: GridRequest, ledger: Ledger, ending: Ending) -> Flow[JobResult]:
    """End in order: orders, position, result. Nothing that was sent is left without its answer."""
    ctx.note("ENDING", ending.reason)
    working = list(ledger.working())
    keeps = request.on_stop is OnStop.KEEP and not ending.flattens
    if keeps:
        yield from wait_answered(working)
        left = live(working)
    else:
        left = yield from cancel_orders(ctx, working)
    yield from ctx.wait_done(*ledger.closing)
    yield from wait_trades(ctx.orders)
    ledger.audit()
    unclosed = ZERO
    if ending.flattens:

        def submit(side: Side, quantity: Decimal) -> Order:
            order = ctx.submit(request.market_order(side, quantity, opens=False))
            ledger.add(order)
            return order

        unclosed = yield from flatten(ctx, lambda: ledger.current_position(), ledger.instrument, submit)
        ledger.audit()
    if (doubt := doubts(ctx.orders)) is not None:
        return JobResult(JobStatus.UNKNOWN, f"{ending.reason}; {doubt}", ctx.interrupted)
    said, status = [*_said(ending, ledger, left)], ending.status
    if unclosed and abs(unclosed) >= ledger.instrument.lot_size_for(market=True).min_quantity:
        why = why_rejected(ledger.closing[-1]) if ledger.closing else None
        said.append(f"NOT CLOSED: {why or 'the book is too thin'}")
        status = JobStatus.STOPPED if status is JobStatus.COMPLETED else status
    if left and status is not JobStatus.REJECTED:
        status = JobStatus.RUNNING if keeps and ctx.stopping else JobStatus.OPEN  # resume goes on with it
    return JobResult(status, "; ".join(said), ctx.interrupted)


def _said(ending: Ending, ledger: Ledger, left: Sequence[Order]) -> list[str]:
    totals = ledger.totals()
    said = [ending.reason, f"{totals.round_trips} round trips"]
    if left:
        said.append(f"{len(left)} orders stay on the exchange")
    if totals.position:
        said.append(f"it holds {totals.position} {ledger.instrument.base_asset}")
    return said
