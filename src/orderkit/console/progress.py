"""What a view of a running job is, and the plain ones: lines for logs and pipes, or nothing."""

import sys
from abc import ABC, abstractmethod
from typing import Protocol

from orderkit.analytics.execution import execution_report
from orderkit.console import invocation
from orderkit.console.figures import average_text, quantity_text
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control
from orderkit.domain.order import Order
from orderkit.orders.executor import Request, as_amended


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


class OrderLines(ABC):
    """One line for each order that is over, for logs and pipes."""

    def __init__(self) -> None:
        self._seen = 0
        self._pending: list[int] = []  # which of the orders; the journal gives new objects each time
        self._context: Shown | None = None
        self._stream = sys.stderr if invocation.current.json else sys.stdout

    def begin(self, context: Shown) -> None:
        self._context = context

    def step(self) -> None:
        if self._context is None:
            return
        orders = self._context.orders
        self._pending += range(self._seen, len(orders))
        self._seen = len(orders)
        over = [index for index in self._pending if orders[index].is_settled or orders[index].unresolved]
        for index in over:
            self._pending.remove(index)
            line = self._line(orders[index], self._context)
            if line is not None:
                self._write(line)

    def end(self) -> None:
        self.step()

    @abstractmethod
    def _line(self, order: Order, context: Shown) -> str | None:
        """What there is to say of an order that is over."""

    def _write(self, line: str) -> None:
        with invocation.reader_may_leave(self._stream):
            self._stream.write(line + "\n")
            self._stream.flush()


# States in which a job with a schedule does not go on, and the one that follows: worth a line.
_HELD_BACK = frozenset(
    {
        "PAUSED",
        "THRESHOLD_PRICE_BREACH",
        "TRIGGER_CONDITION_BREACH",
        "NOT_ENOUGH_BALANCE",
        "ORDER_FAILED",
        "STOP_CONDITION_MET",
    }
)


class PlainLines(OrderLines):
    """Besides, one when something holds the job back."""

    def __init__(self, request: Request, instrument: Instrument) -> None:
        super().__init__()
        self._request, self._instrument = request, instrument
        self._state = ""

    def step(self) -> None:
        super().step()
        if self._context is not None:
            self._tell_state(self._context)

    def _tell_state(self, context: Shown) -> None:
        if context.state != self._state and context.state in _HELD_BACK:
            self._write(f"{context.state.lower().replace('_', ' ')}: {context.message}")
        self._state = context.state

    def _line(self, order: Order, context: Shown) -> str:
        quantity = as_amended(self._request, context.controls).quantity
        report = execution_report(self._request.side, quantity, context.orders, None)
        price = average_text(order.average_price, self._instrument)
        done = quantity_text(report.executed_quantity, self._instrument)
        what = f"{order.status.value} {quantity_text(order.executed_quantity, self._instrument)}"
        at = f" at {price}" if price else ""
        why = f" ({order.rejection.message})" if order.rejection else ""
        total = quantity_text(quantity, self._instrument)
        return f"{order.client_order_id}  {what}{at}{why}  total {done}/{total}"


class Narration(PlainLines):
    """Besides each order's end what the job says of itself, for jobs that wait for something to happen."""

    _said = ("", "")

    def _tell_state(self, context: Shown) -> None:
        if (context.state, context.message) == self._said:
            return
        self._said = context.state, context.message
        self._write(f"{context.state.lower()}: {context.message}")
