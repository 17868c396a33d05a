"""``--events``: tells a script what a job's orders do while they do it, one JSON line each."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from orderkit.console import event_documents as events
from orderkit.console import invocation
from orderkit.console.durations import iso_time
from orderkit.console.figures import average_text, money_text, price_text, quantity_text
from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.domain.order import Fill, Order
from orderkit.orders.executor import Request

if TYPE_CHECKING:
    from orderkit.console.progress import Shown, Watcher


_NEWBORN = (OrderStatus.PENDING_NEW, None, None, Decimal(0), False)  # nothing more to tell of it yet


class LineWriter:
    """Writes lines to stdout from a thread of its own: a slow reader never delays an order."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        self._lines.put(line)

    def close(self) -> None:
        """Return once all is written."""
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            with invocation.reader_may_leave(sys.stdout):
                sys.stdout.write(line.decode() + "\n")
                sys.stdout.flush()


class EventLines:
    """A view that tells every change of a job and its orders once; a view for people may stand beside it."""

    def __init__(
        self, record: JobRecord, request: Request, instrument: Instrument, beside: "Watcher"
    ) -> None:
        self._record, self._request, self._instrument = record, request, instrument
        self._beside = beside
        self._writer = LineWriter()
        self._context: Shown | None = None
        self._seen = 0
        self._working: list[int] = []  # which of the orders; the journal gives new objects each time
        self._told: dict[str, tuple[object, ...]] = {}
        self._trades: dict[str, int] = {}
        self._state = ("RUNNING", "")

    def begin(self, context: "Shown") -> None:
        self._context = context
        request = self._request
        body = events.JobBody(
            kind=self._record.kind,
            symbol=self._instrument.symbol,
            side=request.side.value,
            quantity=quantity_text(request.quantity, self._instrument),
            started_at=iso_time(context.started_ns // 1_000_000),
        )
        self._tell(events.JobStarted, body)
        self.step()
        self._beside.begin(context)

    def step(self) -> None:
        context = self._context
        if context is None:
            return
        orders = context.orders
        for index in range(self._seen, len(orders)):
            self._working.append(index)
            self._submitted(orders[index])
        self._seen = len(orders)
        self._look_at([orders[index] for index in self._working])
        self._working = [index for index in self._working if not orders[index].is_settled]
        if (context.state, context.message) != self._state:
            self._state = context.state, context.message
            body = events.StateBody(state=context.state, message=context.message)
            self._tell(events.StateChanged, body)
        self._beside.step()

    def end(self) -> None:
        self.step()
        if self._context is not None:
            self._look_at(self._context.orders)  # what came after an order was thought to be over
        self._beside.end()

    def close(self) -> None:
        """Return once every line is written."""
        self._writer.close()

    def _look_at(self, orders: Sequence[Order]) -> None:
        for order in orders:
            trades = list(order.fills.values())
            for fill in trades[self._trades.get(order.client_order_id, 0) :]:
                self._filled(fill)
            self._trades[order.client_order_id] = len(trades)
            self._changed(order)

    def _submitted(self, order: Order) -> None:
        request, instrument = order.request, self._instrument
        body = events.SubmittedBody(
            client_order_id=order.client_order_id,
            type=request.type.value,
            side=request.side.value,
            quantity=quantity_text(order.quantity, instrument),
            price=price_text(request.price, instrument),
            trigger_price=price_text(request.trigger_price, instrument),
            reduce_only=request.reduce_only,
            replaces=order.replaces,
        )
        self._told[order.client_order_id] = _NEWBORN
        self._tell(events.OrderSubmitted, body)

    def _changed(self, order: Order) -> None:
        standing = _standing(order)
        if self._told.get(order.client_order_id) == standing:
            return
        self._told[order.client_order_id] = standing
        instrument = self._instrument
        body = events.ChangedBody(
            client_order_id=order.client_order_id,
            order_id=order.order_id,
            algo_id=order.algo_id,
            status=order.status.value,
            executed_quantity=quantity_text(order.executed_quantity, instrument),
            price=price_text(order.price, instrument),
            average_price=average_text(order.average_price, instrument),
            code=order.rejection.code if order.rejection else None,
            reason=order.rejection.message if order.rejection else order.reason,
        )
        self._tell(events.OrderChanged, body)

    def _filled(self, fill: Fill) -> None:
        body = events.FillBody(
            client_order_id=fill.client_order_id,
            order_id=fill.order_id,
            trade_id=fill.trade_id,
            side=fill.side.value,
            price=price_text(fill.price, self._instrument) or "0",
            quantity=quantity_text(fill.quantity, self._instrument),
            commission=money_text(fill.commission),
            commission_asset=fill.commission_asset,
            realized_pnl=money_text(fill.realized_pnl),
            maker=fill.is_maker,
            traded_at=iso_time(fill.time_ms),
        )
        self._tell(events.Filled, body)

    def _tell(self, kind: Callable[..., events.EventDocument], body: msgspec.Struct) -> None:
        at = iso_time(time.time_ns() // 1_000_000)
        event = kind(env=self._record.environment, job_id=self._record.job_id, at=at, data=body)
        self._writer.write(msgspec.json.encode(event))


def _standing(order: Order) -> tuple[object, ...]:
    """What of an order a script is told of when it changes."""
    return order.status, order.order_id, order.algo_id, order.executed_quantity, order.unresolved
