"""The view of a running job: a live panel on a terminal, plain lines anywhere else."""

import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from orderkit.analytics.execution import execution_report
from orderkit.console import invocation
from orderkit.console.documents import average_text, quantity_text
from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

COLOURS = {
    OrderStatus.FILLED: "green",
    OrderStatus.PARTIALLY_FILLED: "yellow",
    OrderStatus.REJECTED: "red",
    OrderStatus.UNKNOWN: "bold red",
    OrderStatus.EXPIRED: "yellow",
    OrderStatus.CANCELED: "yellow",
}


class Shown(Protocol):
    """What a view draws: the context of a job that runs here, or what the journal has of one elsewhere."""

    started_ns: int
    orders: list[Order]
    state: str
    message: str


class Watcher(Protocol):
    """A view that can show either."""

    def begin(self, context: Shown) -> None: ...

    def step(self) -> None: ...

    def end(self) -> None: ...


class Silence:
    """Shows nothing: for quick single orders and ``--quiet``."""

    def begin(self, context: Shown) -> None: ...

    def step(self) -> None: ...

    def end(self) -> None: ...


class PlainLines:
    """One line for each order's end, for logs and pipes."""

    def __init__(self, side: Side, quantity: Decimal, instrument: Instrument) -> None:
        self._side, self._quantity, self._instrument = side, quantity, instrument
        self._reported: set[str] = set()
        self._context: Shown | None = None
        self._stream = sys.stderr if invocation.current.json else sys.stdout

    def begin(self, context: Shown) -> None:
        self._context = context

    def step(self) -> None:
        if self._context is None:
            return
        for order in self._context.orders:
            if order.client_order_id in self._reported or not (order.is_settled or order.unresolved):
                continue
            self._reported.add(order.client_order_id)
            self._write(self._line(order, self._context))

    def end(self) -> None:
        self.step()

    def _write(self, line: str) -> None:
        with invocation.reader_may_leave(self._stream):
            self._stream.write(line + "\n")
            self._stream.flush()

    def _line(self, order: Order, context: Shown) -> str:
        report = execution_report(self._side, self._quantity, context.orders, None)
        price = average_text(order.average_price, self._instrument)
        done = quantity_text(report.executed_quantity, self._instrument)
        what = f"{order.status.value} {quantity_text(order.executed_quantity, self._instrument)}"
        at = f" at {price}" if price else ""
        why = f" ({order.rejection.message})" if order.rejection else ""
        total = quantity_text(self._quantity, self._instrument)
        return f"{order.client_order_id}  {what}{at}{why}  total {done}/{total}"


class Narration(PlainLines):
    """Besides each order's end what the job says of itself, for jobs that wait for something to happen."""

    _said = ("", "")

    def step(self) -> None:
        super().step()
        context = self._context
        if context is None or (context.state, context.message) == self._said:
            return
        self._said = context.state, context.message
        self._write(f"{context.state.lower()}: {context.message}")


class LivePanel:
    """A progress bar with the schedule beside what is done, the average price and the last orders."""

    def __init__(
        self,
        side: Side,
        quantity: Decimal,
        instrument: Instrument,
        *,
        title: str,
        arrival_price: Decimal | None,
        duration_ns: int,
    ) -> None:
        self._side, self._quantity, self._instrument = side, quantity, instrument
        self._title, self._arrival, self._duration_ns = title, arrival_price, duration_ns
        self._context: Shown | None = None
        self._live: Live | None = None

    def begin(self, context: Shown) -> None:
        from rich.console import Console
        from rich.live import Live

        self._context = context
        console = Console(stderr=invocation.current.json)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)
        self._live.start()

    def step(self) -> None:
        """Drawn by the panel's own clock, not by events."""

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _render(self) -> "Group":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        context = self._context
        assert context is not None
        orders = list(context.orders)
        report = execution_report(self._side, self._quantity, orders, self._arrival)
        share = float(report.executed_quantity / self._quantity) if self._quantity else 0.0
        elapsed_ns = max(0, time.time_ns() - context.started_ns)
        planned = min(1.0, elapsed_ns / self._duration_ns) if self._duration_ns else 1.0
        head = Table.grid(padding=(0, 1))
        head.add_row(
            Text(self._title, style="bold"),
            ProgressBar(total=1.0, completed=share, width=24),
            Text(f"{share:>4.0%} done, {planned:>4.0%} of the time"),
        )
        average = average_text(report.average_price, self._instrument) or "-"
        line = Text(f"average {average}")
        if report.slippage_bps is not None:
            worse = report.slippage_bps > 0
            line.append(f"  slippage {report.slippage_bps:+.2f} bps", "red" if worse else "green")
        line.append(f"  {context.state} {context.message}", "dim")
        body = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for order in orders[-5:]:
            body.add_row(
                Text(order.client_order_id, "dim"),
                Text(order.status.value, COLOURS.get(order.status, "")),
                quantity_text(order.executed_quantity, self._instrument),
                average_text(order.average_price, self._instrument) or "",
            )
        return Group(head, line, body)
