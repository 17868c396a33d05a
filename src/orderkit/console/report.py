"""Jobs, plans and what was reconciled as a person reads them: tables that fit 80 columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orderkit.console import tables
from orderkit.console.documents import JobDocument, OrderRow, PlanDocument, ReconcileDocument
from orderkit.console.figures import fee_shown, money_shown
from orderkit.domain.enums import OrderStatus

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

MOST_ROWS = 100  # of a job's orders; a grid has thousands
TRADES_MISSING = "trades are missing: average price and fees are not complete; bot.py reconcile fetches them"
_SHORT_STATUSES = {"PARTIALLY_FILLED": "PARTIAL"}  # the quantity says how much


def print_job(document: JobDocument, base_asset: str, quote_asset: str) -> None:
    """The report of a job: what was done at which price, and a row per order where there are several."""
    tables.show(_head(document, f"{document.env} · {document.job_id}"))
    if document.reason:
        tables.show(tables.text(f"  {document.reason}"))
    facts = [(name.replace("_", " "), value) for name, value in document.details.items()]
    facts = facts or _execution(document, base_asset, quote_asset)
    if len(document.orders) == 1:
        facts.append(("order", _order(document.orders[0])))
    tables.show(tables.facts(facts))
    if document.trades_missing:
        tables.show(tables.text(f"  {TRADES_MISSING}", "yellow"))
    if len(document.orders) > 1:
        shown = list(enumerate(document.orders, 1))[-MOST_ROWS:]
        tables.show(_orders_table(shown, _fee_asset(document, quote_asset)))
    if len(document.orders) > MOST_ROWS:
        tables.show(tables.text(f"  the last {MOST_ROWS} of {len(document.orders)} orders; --json has all"))


def _head(document: JobDocument | PlanDocument, where: str) -> "Text":
    head = tables.text(f"{document.kind} {document.side} {document.symbol}", "bold")
    head.append("  ", "not bold").append_text(tables.status(document.status))
    return head.append(f"  {where}", "not bold dim")


def _execution(document: JobDocument, base_asset: str, quote_asset: str) -> list[tuple[str, str]]:
    facts = [("executed", f"{document.executed_quantity} of {document.quantity} {base_asset}")]
    if document.average_price:
        fees = [f"{fee_shown(amount, asset)} {asset}" for asset, amount in document.commissions.items()]
        facts += [
            ("average price", f"{document.average_price} {quote_asset}"),
            ("cost", f"{money_shown(document.cost, quote_asset)} {quote_asset}"),
            ("fees", ", ".join(fees) or f"0 {quote_asset}"),
        ]
    if document.slippage_bps is not None:
        facts.append(("slippage", f"{document.slippage_bps} bps against arrival {document.arrival_price}"))
    return facts


def _order(row: OrderRow) -> str:
    price = f" at {row.price}" if row.price else ""
    trigger = f" once {row.trigger_price} trades" if row.trigger_price else ""
    what = f"{row.client_order_id} {tables.short_type(row.type)} {row.side} {row.quantity}"
    return f"{what}{price}{trigger}: {row.status}"


def _fee_asset(document: JobDocument, quote_asset: str) -> str:
    return next(iter(document.commissions)) if len(document.commissions) == 1 else quote_asset


def _orders_table(numbered: Sequence[tuple[int, OrderRow]], fee_asset: str) -> "Table":
    """An order in each line; only the columns that one of them needs, or 80 characters would not do."""
    rows = [row for _, row in numbered]
    triggered = any(row.trigger_price for row in rows)
    priced = triggered or any(row.price for row in rows)
    traded = any(row.average_price for row in rows)
    columns = ["time (UTC)", "side", ">quantity"]
    columns += [">price"] * priced + [">trigger"] * triggered + [">average", ">fee"] * traded
    table = tables.table(">#", *columns, "status")
    for index, row in numbered:
        cells = [tables.text(row.created_at[11 : 19 if triggered and traded else 23]), tables.side(row.side)]
        cells.append(tables.text(tables.done_of(row.executed_quantity, row.quantity)))
        if priced:
            cells.append(tables.text(row.price or "market"))
        if triggered:
            cells.append(tables.text(row.trigger_price or ""))
        if traded:
            fee = fee_shown(row.commission, fee_asset) if row.average_price else ""
            cells += [tables.text(row.average_price or ""), tables.text(fee)]
        status = tables.status(row.status)
        status.plain = _SHORT_STATUSES.get(row.status, row.status)
        table.add_row(str(index), *cells, status)
    return table


def print_plan(document: PlanDocument, base_asset: str, quote_asset: str) -> None:
    """What would be sent, and what it would need."""
    plan = document.plan
    money = {
        "notional": money_shown(plan.notional, quote_asset),
        "initial margin": money_shown(plan.margin, quote_asset),
        "estimated fees": fee_shown(plan.estimated_commission, quote_asset),
    }
    triggered = any(order.trigger_price for order in plan.orders)
    table = tables.table("at (UTC)", "type", "side", "quantity", "price", *["trigger"] * triggered)
    for order in plan.orders:
        table.add_row(
            order.at[11:23] if order.at else "at once",
            order.type,
            order.side,
            order.quantity,
            order.price or "market",
            *[order.trigger_price or ""] * triggered,
        )
    tables.show(
        _head(document, f"{document.env}; nothing was sent"),
        tables.facts(
            [
                ("quantity", f"{document.quantity} {base_asset}"),
                *((name, f"{amount} {quote_asset}") for name, amount in money.items()),
                ("liquidation at", plan.liquidation_price or "no price"),
            ]
        ),
        table,
    )


def print_reconciled(document: ReconcileDocument) -> None:
    """A line per job that had open or doubtful orders, and what is open besides."""
    if not document.jobs:
        tables.show(tables.text("nothing is open or in doubt"))
    table = tables.table("job", "", "status", "executed", "orders open")
    for job in document.jobs:
        still_open = sum(not OrderStatus(order.status).is_terminal for order in job.orders)
        table.add_row(
            job.job_id,
            f"{job.side} {job.symbol}",
            tables.status(job.status),
            f"{job.executed_quantity} of {job.quantity}",
            str(still_open),
        )
    if document.jobs:
        tables.show(table)
    for job in document.jobs:
        if job.trades_missing:
            tables.show(tables.text(f" {job.job_id}: {TRADES_MISSING}", "yellow"))
    for symbol, names in document.other_orders.items():
        shown = ", ".join(names[:5])
        tables.show(tables.text(f"{symbol}: {len(names)} open orders that are not ours: {shown}"))
