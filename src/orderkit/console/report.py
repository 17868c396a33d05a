"""Results and errors as a person reads them: tables that fit 80 columns, one line for an error."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orderkit.console import invocation
from orderkit.console.documents import JobDocument, PlanDocument, ReconcileDocument
from orderkit.console.progress import COLOURS
from orderkit.domain.enums import OrderStatus
from orderkit.errors import OrderKitError

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 1000  # a table is as wide as its data; what reads a pipe must not find it cut off

MOST_ROWS = 100  # of a job's orders; a grid has thousands
_STATUS_COLOURS = {
    "COMPLETED": "green",
    "OPEN": "cyan",
    "STOPPED": "yellow",
    "PLANNED": "cyan",
    "RUNNING": "cyan",
}


def console(*, stderr: bool = False) -> "Console":
    """A rich console of at most 100 columns; in a pipe without colour, at the width that data needs."""
    from rich.console import Console

    made = Console(
        stderr=stderr, highlight=False, soft_wrap=not (sys.stderr if stderr else sys.stdout).isatty()
    )
    made.width = min(made.width, 100) if made.is_terminal else PIPE_WIDTH
    return made


def say(text: str) -> None:
    """A remark for people: on stderr with --json, dropped with --quiet."""
    if not invocation.current.quiet:
        print(text, file=sys.stderr if invocation.current.json else sys.stdout)


def warn(text: str) -> None:
    """A warning for people, always on stderr."""
    console(stderr=True).print(f"[yellow]warning:[/yellow] {_escaped(text)}")


def print_error(error: OrderKitError) -> None:
    """One line that says what was wrong, one that says what to do."""
    out = console(stderr=True)
    code = f" ({error.code})" if error.code is not None else ""
    out.print(f"[red]error:[/red] {_escaped(error.message)}{code}")
    if error.hint:
        out.print(f"[dim]hint:[/dim]  {_escaped(error.hint)}")


def print_job(document: JobDocument, base_asset: str, quote_asset: str) -> None:
    """The report of a job: what was done at which price, and a row per order where there are several."""
    from rich.table import Table

    out = console()
    colour = _STATUS_COLOURS.get(document.status, "red")
    out.print(
        f"[bold]{document.kind} {document.side} {document.symbol}[/bold]"
        f"  [{colour}]{document.status}[/{colour}]  [dim]{document.env} · {document.job_id}[/dim]"
    )
    if document.reason:
        out.print(f"  {_escaped(document.reason)}")
    facts = [(name.replace("_", " "), value) for name, value in document.details.items()]
    if not facts:
        facts.append(("executed", f"{document.executed_quantity} of {document.quantity} {base_asset}"))
    if document.average_price and not document.details:
        facts.append(("average price", f"{document.average_price} {quote_asset}"))
        facts.append(("cost", f"{document.cost} {quote_asset}"))
        fees = ", ".join(f"{amount} {asset}" for asset, amount in document.commissions.items())
        facts.append(("fees", fees or f"0 {quote_asset}"))
    if document.slippage_bps is not None and not document.details:
        facts.append(("slippage", f"{document.slippage_bps} bps against arrival {document.arrival_price}"))
    if len(document.orders) == 1:
        order = document.orders[0]
        at = f" at {order.price}" if order.price else ""
        trigger = f" once {order.trigger_price} trades" if order.trigger_price else ""
        facts.append(("order", f"{order.client_order_id} {order.type}{at}{trigger}: {order.status}"))
    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        grid.add_row(f"  [dim]{name}[/dim]", _escaped(value))
    out.print(grid)
    if len(document.orders) > 1:
        out.print(_orders_table(document))
    if len(document.orders) > MOST_ROWS:
        out.print(f"  the last {MOST_ROWS} of {len(document.orders)} orders; --json has all")


def _orders_table(document: JobDocument) -> "object":
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=True)
    table.add_column("#", justify="right")
    table.add_column("time (UTC)")
    for name in ("quantity", "executed", "average price", "fee"):
        table.add_column(name, justify="right")
    table.add_column("status")
    numbered = list(enumerate(document.orders, 1))
    for index, order in numbered[-MOST_ROWS:]:
        colour = COLOURS.get(OrderStatus(order.status), "")
        status = f"[{colour}]{order.status}[/{colour}]" if colour else order.status
        table.add_row(
            str(index),
            order.created_at[11:23],
            order.quantity,
            order.executed_quantity,
            order.average_price or "",
            order.commission,
            status,
        )
    return table


def print_plan(document: PlanDocument, base_asset: str, quote_asset: str) -> None:
    """What would be sent, and what it would need."""
    from rich.table import Table

    out = console()
    out.print(
        f"[bold]{document.kind} {document.side} {document.symbol}[/bold]  [cyan]PLANNED[/cyan]"
        f"  [dim]{document.env}; nothing was sent[/dim]"
    )
    grid = Table.grid(padding=(0, 2))
    for name, value in (
        ("quantity", f"{document.quantity} {base_asset}"),
        ("notional", f"{document.plan.notional} {quote_asset}"),
        ("initial margin", f"{document.plan.margin} {quote_asset}"),
        ("estimated fees", f"{document.plan.estimated_commission} {quote_asset}"),
        ("liquidation at", document.plan.liquidation_price or "no price"),
    ):
        grid.add_row(f"  [dim]{name}[/dim]", value)
    out.print(grid)
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("at (UTC)", "type", "side", "quantity", "price"):
        table.add_column(name)
    for order in document.plan.orders:
        table.add_row(
            order.at[11:23] if order.at else "at once",
            order.type,
            order.side,
            order.quantity,
            order.price or "market",
        )
    out.print(table)


def print_reconciled(document: ReconcileDocument) -> None:
    """A line per job that had open or doubtful orders, and what is open besides."""
    from rich.table import Table

    out = console()
    if not document.jobs:
        out.print("nothing is open or in doubt")
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("job", "", "status", "executed", "orders open"):
        table.add_column(name)
    for job in document.jobs:
        colour = _STATUS_COLOURS.get(job.status, "red")
        still_open = sum(not OrderStatus(order.status).is_terminal for order in job.orders)
        table.add_row(
            job.job_id,
            f"{job.side} {job.symbol}",
            f"[{colour}]{job.status}[/{colour}]",
            f"{job.executed_quantity} of {job.quantity}",
            str(still_open),
        )
    if document.jobs:
        out.print(table)
    for symbol, names in document.other_orders.items():
        out.print(f"{symbol}: {len(names)} open orders that are not ours: {_escaped(', '.join(names[:5]))}")


def print_warnings(warnings: Sequence[str]) -> None:
    for text in warnings:
        warn(text)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
