"""The view of a running job that has a status of its own: a live table on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from orderkit.console import invocation
from orderkit.console.price_trace import PriceFeed, market_lines
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Quote
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.orders.executor import ShowsStatus, Status

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from orderkit.console.progress import Shown


class StatusView:
    """What both views share: the job that is shown."""

    def __init__(self, executor: ShowsStatus, symbol: str, title: str) -> None:
        self._executor, self._symbol, self._title = executor, symbol, title
        self._context: Shown | None = None

    def status(self) -> Status:
        """Where the job stands now."""
        context = self._context
        assert context is not None
        quote: Quote | None = context.quote(self._symbol) if isinstance(context, Context) else None
        return self._executor.display_status(context.orders, quote)


class StatusLines(StatusView):
    """One line for each order that did something, with the job's sums so far."""

    def __init__(self, executor: ShowsStatus, symbol: str, title: str) -> None:
        super().__init__(executor, symbol, title)
        self._seen = 0
        self._pending: list[int] = []  # which of the orders; the journal gives new objects each time
        self._stream = sys.stderr if invocation.current.json else sys.stdout

    def begin(self, context: "Shown") -> None:
        self._context = context
        self.step()

    def step(self) -> None:
        if self._context is None:
            return
        orders = self._context.orders
        self._pending += range(self._seen, len(orders))
        self._seen = len(orders)
        over = [index for index in self._pending if orders[index].is_settled or orders[index].unresolved]
        for index in over:
            self._pending.remove(index)
            if orders[index].executed_quantity:
                self._write(orders[index])

    def end(self) -> None:
        self.step()

    def _write(self, order: Order) -> None:
        request = order.request
        what = f"{request.side} {order.status.value} {order.executed_quantity}"
        at = "" if order.average_price is None else f" at {order.average_price.normalize():f}"
        sums = "  ".join(f"{name} {value}" for name, value in self.status().facts)
        with invocation.reader_may_leave(self._stream):
            self._stream.write(f"{order.client_order_id}  {what}{at}  {sums}\n")
            self._stream.flush()


class StatusPanel(StatusView):
    """The status as a table that draws itself anew four times a second."""

    def __init__(
        self,
        executor: ShowsStatus,
        instrument: Instrument,
        title: str,
        stream_base: Callable[[], str],
    ) -> None:
        super().__init__(executor, instrument.symbol, title)
        self._instrument = instrument
        self._feed = PriceFeed(stream_base, instrument.symbol)
        self._began_ms = 0
        self._live: Live | None = None
        self._drawn: Group | None = None

    def begin(self, context: "Shown") -> None:
        from rich.console import Console
        from rich.live import Live

        self._context = context
        self._began_ms = time.time_ns() // 1_000_000
        self._feed.start()
        console = Console(stderr=invocation.current.json)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)
        self._live.start()

    def step(self) -> None:
        """Drawn by the panel's own clock, not by events."""

    def end(self) -> None:
        self._feed.stop()
        if self._live is not None:
            self._live.stop()

    def _render(self) -> "Group":
        """The picture as of now; the last one where the orders change while they are drawn."""
        from rich.console import Group

        try:
            self._drawn = self._picture()
        except RuntimeError:  # a dictionary grew
            self._drawn = self._drawn or Group()
        return self._drawn

    def _picture(self) -> "Group":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        context, status = self._context, self.status()
        assert context is not None
        head = Text(self._title, style="bold")
        head.append(f"  {context.state} {context.message}", "dim")
        facts = Table.grid(padding=(0, 2))
        for index in range(0, len(status.facts), 4):
            facts.add_row(
                *(
                    Text.assemble((f"{name} ", "dim"), value)
                    for name, value in status.facts[index : index + 4]
                )
            )
        rows = Table(box=None, padding=(0, 1), header_style="dim")
        for column in status.columns:
            rows.add_column(column, justify="right")
        for row in status.rows:
            rows.add_row(*row)
        fills = [fill for order in list(context.orders) for fill in list(order.fills.values())]
        now_ms = time.time_ns() // 1_000_000
        market = market_lines(self._feed.trace, fills[-200:], self._began_ms, now_ms, self._instrument)
        return Group(head, facts, *market, rows)


def status_view(
    executor: ShowsStatus, instrument: Instrument, title: str, stream_base: Callable[[], str]
) -> "StatusLines | StatusPanel":
    """A table that redraws itself on a terminal, lines anywhere else."""
    if invocation.to_terminal():
        return StatusPanel(executor, instrument, title, stream_base)
    return StatusLines(executor, instrument.symbol, title)
