"""A grid as a person reads it: what it may earn, its sums, one row a cell, and how it stands in words."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Quote
from orderkit.domain.order import Order
from orderkit.orders.executor import Status
from orderkit.orders.grid_ledger import Cell, Ledger
from orderkit.orders.outcomes import why_rejected, would_have_taken

COLUMNS = ("buy at", "sell at", "order", "quantity", "filled", "holds", "trips", "realised")


def grid_status(
    ledger: Ledger, orders: Sequence[Order], quote: Quote | None, instrument: Instrument
) -> Status:
    """Profits in quote asset before fees; unrealised at the mid price, else at the last trade's."""
    totals = ledger.totals()
    price = quote.mid if quote else _last_price(orders)
    unrealised = totals.unrealised(price)
    asset = instrument.quote_asset
    facts = (
        ("round trips", str(totals.round_trips)),
        ("realised", f"{_money(totals.realised)} {asset}"),
        ("unrealised", f"{_money(unrealised)} {asset}"),
        ("fees", f"{_money(totals.fees)} {instrument.margin_asset}"),
        ("result", f"{_money(totals.realised + unrealised - totals.fees)} {asset}"),
        ("position", f"{totals.position} {instrument.base_asset}"),
        ("market", f"{quote.bid} / {quote.ask}" if quote else "unknown"),
    )
    cells = sorted(ledger.cells.values(), key=lambda cell: -cell.number)
    return Status(facts, COLUMNS, tuple(_row(cell) for cell in cells))


def grid_remarks(ledger: Ledger, quote: Quote) -> list[str]:
    """What a grid may earn and hold, before it begins."""
    ladder, unit, asset = ledger.ladder, ledger.instrument.base_asset, ledger.instrument.quote_asset
    cells = list(ladder.cells())
    profits = sorted({cell.profit(ledger.quantity) for cell in (cells[0], cells[-1])})
    earns = " to ".join(f"{profit:.4f}" for profit in profits)
    shortest, longest = ledger.bound
    return [
        f"{ladder.count} levels from {ladder.lower} to {ladder.upper}, {ledger.quantity} {unit}"
        f" each; a round trip earns {earns} {asset} before fees",
        f"market {quote.bid} / {quote.ask}; position between {shortest} and {longest} {unit}",
    ]


def grid_note(ledger: Ledger, *, paused: bool) -> tuple[str, str]:
    """A running grid's state, and in words how many levels have no order and why."""
    totals = ledger.totals()
    without = [cell for cell in ledger.cells.values() if not cell.is_working]
    text = f"{totals.working} orders, {totals.round_trips} round trips"
    if paused:
        return "PAUSED", f"{text}; {len(without)} levels without an order until it is resumed"
    if not without:
        return "RUNNING", text
    refused = next((cell.last for cell in without if cell.last is not None and cell.last.rejection), None)
    why = None if refused is None or would_have_taken(refused) else why_rejected(refused)
    reason = f"({why})" if why else "for the market"
    return "WAITING", f"{text}; {len(without)} levels wait {reason}"


def _row(cell: Cell) -> tuple[str, ...]:
    leg, last = cell.leg, cell.last
    working = last if last is not None and not last.is_terminal else None
    waits = last is not None and last.rejection is not None
    return (
        str(cell.bounds.low),
        str(cell.bounds.high),
        f"{working.request.side} {working.status}" if working else ("waits" if waits else "-"),
        str(working.quantity) if working else "",
        str(working.executed_quantity) if working else "",
        str(cell.sign * leg.inventory) if leg.inventory else "",
        str(leg.round_trips),
        _money(leg.profit),
    )


def _last_price(orders: Sequence[Order]) -> Decimal:
    prices = [(fill.time_ms, fill.trade_id, fill.price) for order in orders for fill in order.fills.values()]
    return max(prices)[2] if prices else Decimal(0)


def _money(amount: Decimal) -> str:
    return f"{amount:.4f}"
