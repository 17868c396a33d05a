"""The view of a running job that has a status of its own: a live table on a terminal, lines elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from orderkit.console import invocation
from orderkit.console.panel import Panel
from orderkit.console.progress import OrderLines
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.orders.executor import ShowsStatus, Status

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orderkit.console.progress import Shown

PER_ROW = 3  # of the sums above the table, within 80 columns


class StatusLines(OrderLines):
    """One line for each order that did something, with the job's sums so far."""

    def __init__(self, executor: ShowsStatus, symbol: str) -> None:
        super().__init__()
        self._executor, self._symbol = executor, symbol

    def begin(self, context: "Shown") -> None:
        super().begin(context)
        self.step()

    def _line(self, order: Order, context: "Shown") -> str | None:
        if not order.executed_quantity:
            return None
        what = f"{order.request.side} {order.status.value} {order.executed_quantity}"
        at = "" if order.average_price is None else f" at {order.average_price.normalize():f}"
        status = _status(self._executor, context, self._symbol)
        sums = "  ".join(f"{name} {value}" for name, value in status.facts)
        return f"{order.client_order_id}  {what}{at}  {sums}"


class StatusPanel(Panel):
    """The status as a table."""

    def __init__(
        self, executor: ShowsStatus, instrument: Instrument, title: str, stream_base: Callable[[], str]
    ) -> None:
        super().__init__(instrument, stream_base)
        self._executor, self._title = executor, title

    def _picture(self, context: "Shown", now_ns: int) -> "list[RenderableType]":
        from rich.table import Table
        from rich.text import Text

        status = _status(self._executor, context, self._instrument.symbol)
        head = Text(self._title, style="bold")
        head.append(f"  {context.state} {context.message}", "dim")
        facts = Table.grid(padding=(0, 2))
        for index in range(0, len(status.facts), PER_ROW):
            facts.add_row(
                *(
                    Text.assemble((f"{name} ", "dim"), value)
                    for name, value in status.facts[index : index + PER_ROW]
                )
            )
        rows = Table(box=None, padding=(0, 1), header_style="dim")
        for column in status.columns:
            rows.add_column(column, justify="right")
        for row in status.rows:
            rows.add_row(*row)
        fills = [fill for order in list(context.orders) for fill in list(order.fills.values())]
        return [head, facts, *self._market(fills[-200:], self._began_ms, now_ns), rows]


def status_view(
    executor: ShowsStatus, instrument: Instrument, title: str, stream_base: Callable[[], str]
) -> StatusLines | StatusPanel:
    """A table that redraws itself on a terminal, lines anywhere else."""
    if invocation.to_terminal():
        return StatusPanel(executor, instrument, title, stream_base)
    return StatusLines(executor, instrument.symbol)


def _status(executor: ShowsStatus, context: "Shown", symbol: str) -> Status:
    """Where the job stands now; only where it runs there is a quote."""
    quote = context.quote(symbol) if isinstance(context, Context) else None
    return executor.display_status(context.orders, quote)
