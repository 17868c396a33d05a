"""When a grid ends: exits that the market reaches, its time, a stop, and refusals that nothing escapes."""

from dataclasses import dataclass

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import JobStatus
from orderkit.domain.market import Quote
from orderkit.engine.context import Context
from orderkit.orders.grid_ledger import Ledger
from orderkit.orders.grid_request import GridRequest
from orderkit.orders.outcomes import refused_for_good, why_rejected, would_have_taken

MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a grid ends, as what, and whether what it holds is closed at the market."""

    reason: str
    status: JobStatus
    flattens: bool


def ending_of(ctx: Context, request: GridRequest, ledger: Ledger) -> Ending | None:
    """Why the grid should end now; None while it goes on."""
    quote = ctx.quote(request.symbol)
    exit_now = None if quote is None else exit_reached(request, ledger, quote)
    if exit_now is not None:
        return exit_now
    if ctx.stopping:
        return Ending(ctx.stop_reason or "", JobStatus.STOPPED, request.flattens)
    runtime_ms = request.max_runtime_ms
    if runtime_ms is not None and ctx.now_ns >= ctx.started_ns + runtime_ms * MS_NS:
        return Ending(f"ran for {runtime_ms / 1000:g} s", JobStatus.COMPLETED, request.flattens)
    return refused(ledger)


def exit_reached(request: GridRequest, ledger: Ledger, quote: Quote) -> Ending | None:
    """Take-profit and stop-loss by the mid price: prices outside the range, or a result in quote asset."""
    middle = (request.lower + request.upper) / 2
    exits = (
        ("take-profit", request.take_profit, JobStatus.COMPLETED),
        ("stop-loss", request.stop_loss, JobStatus.STOPPED),
    )
    for name, price, status in exits:
        if price is not None and (quote.mid >= price if price > middle else quote.mid <= price):
            return Ending(f"{name}: the market reached {price}", status, True)
    if request.take_profit_amount is None and request.stop_loss_amount is None:
        return None
    if quote.time_ms < ledger.last_fill_ms:
        return None  # the fill has overtaken the quote, which says nothing of what was just traded
    totals = ledger.totals()
    result = totals.realised + totals.unrealised(quote.mid) - totals.fees
    if request.take_profit_amount is not None and result >= request.take_profit_amount:
        return Ending(f"take-profit: {result:.2f} earned", JobStatus.COMPLETED, True)
    if request.stop_loss_amount is not None and result <= -request.stop_loss_amount:
        return Ending(f"stop-loss: {-result:.2f} lost", JobStatus.STOPPED, True)
    return None


def refused(ledger: Ledger) -> Ending | None:
    """The grid cannot go on where the keys are refused, nor where none of its first orders was taken."""
    cells = ledger.cells.values()
    last = [cell.last for cell in cells if cell.last is not None]
    for order in last:
        if refused_for_good(order):
            return Ending(why_rejected(order) or "refused", JobStatus.STOPPED, False)
    started = bool(ledger.initial) or any(order.order_id for cell in cells for order in cell.orders)
    if not last or started or any(order.status is not OrderStatus.REJECTED for order in last):
        return None
    meant = [order for order in last if not would_have_taken(order)]
    return Ending(why_rejected(meant[0]) or "refused", JobStatus.REJECTED, False) if meant else None
