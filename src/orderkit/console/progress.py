"""What a view of a running job is, and the plain ones: lines for logs and pipes, or nothing."""

import sys
from decimal import Decimal
from typing import Protocol

from orderkit.analytics.execution import execution_report
from orderkit.console import invocation
from orderkit.console.documents import average_text, quantity_text
from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control
from orderkit.domain.order import Order

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
    controls: list[Control]
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
