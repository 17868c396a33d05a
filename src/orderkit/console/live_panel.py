"""The live view of a job on a terminal: what is done and due, at which price, the market, the last fills."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from orderkit.analytics.execution import execution_report
from orderkit.console.durations import iso_time
from orderkit.console.figures import average_text, fee_shown, price_text, quantity_text
from orderkit.console.panel import Panel
from orderkit.console.schedule import standing
from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.domain.order import Fill, Order
from orderkit.orders.executor import OPEN_END, Executor, as_amended

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from orderkit.console.progress import Shown

WIDTH = 78
BAR_WIDTH = 40
FILLS_SHOWN = 4
WARNINGS_SHOWN = 3
ONE = Decimal(1)
LATE_MS = 1000


class LivePanel(Panel):
    """A job with a schedule, or a single order that is waited for, within 80 columns."""

    def __init__(
        self,
        executor: Executor,
        record: JobRecord,
        instrument: Instrument,
        stream_base: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(instrument, stream_base)
        self._executor, self._record = executor, record
        self._arrival = Decimal(record.arrival_price) if record.arrival_price else None

    def _picture(self, context: "Shown", now_ns: int) -> "list[RenderableType]":
        orders = list(context.orders)
        record = dataclasses.replace(self._record, orders=orders, controls=list(context.controls))
        request = as_amended(self._executor.request, record.controls)
        fills = sorted((fill for order in orders for fill in list(order.fills.values())), key=_when)
        open_end = self._executor.duration_ms == OPEN_END
        return [
            self._title(request.side, context),
            self._progress(record, request.quantity, now_ns),
            self._prices(record, request.side, request.quantity),
            *self._market(fills, self._began_ms if open_end else record.started_ns // 1_000_000, now_ns),
            *(self._fill(fill) for fill in fills[-FILLS_SHOWN:]),
            *(_warning(text) for text in _troubles(orders)[-WARNINGS_SHOWN:]),
        ]

    def _title(self, side: Side, context: "Shown") -> "Text":
        from rich.text import Text

        title = Text.assemble(
            (f"{self._record.kind} {side} {self._instrument.symbol}", "bold"),
            (f"  {context.state}", _STATE_STYLES.get(context.state, "cyan")),
            f" {context.message}",
            (f"  {self._record.environment} · {self._record.job_id}", "dim"),
        )
        title.truncate(WIDTH, overflow="ellipsis")
        return title

    def _progress(self, record: JobRecord, total: Decimal, now_ns: int) -> "Text":
        from rich.text import Text

        executed = sum((order.executed_quantity for order in record.orders), Decimal(0))
        share = min(ONE, executed / total) if total else Decimal(0)
        where = standing(self._executor, record, executed, share, now_ns)
        done = round(share * BAR_WIDTH)
        due = done if where is None else max(done, round(where.expected * BAR_WIDTH))
        line = Text.assemble(
            ("█" * done, "green"),
            ("▒" * (due - done), "yellow"),
            ("░" * (BAR_WIDTH - due), "dim"),
            f" {share:>4.0%} done",
        )
        if where is not None:
            line.append(f", {where.expected:.0%} due")
            if where.late_ms >= LATE_MS:
                line.append(f", {where.late_ms / 1000:.0f} s late", "yellow")
        return line

    def _prices(self, record: JobRecord, side: Side, total: Decimal) -> "Text":
        from rich.text import Text

        report = execution_report(side, total, record.orders, self._arrival)
        done, whole = (quantity_text(q, self._instrument) for q in (report.executed_quantity, total))
        line = Text(f"{done} of {whole} {self._instrument.base_asset}")
        line.append(f"  average {average_text(report.average_price, self._instrument) or '-'}")
        if self._arrival is not None:
            line.append(f"  arrival {average_text(self._arrival, self._instrument)}")
        if report.slippage_bps is not None:
            worse = report.slippage_bps > 0
            line.append(f"  {report.slippage_bps:+.2f} bps", "red" if worse else "green")
        return line

    def _fill(self, fill: Fill) -> "Text":
        from rich.text import Text

        quantity = quantity_text(fill.quantity, self._instrument)
        fee = fee_shown(fill.commission, fill.commission_asset)
        return Text.assemble(
            (f"{iso_time(fill.time_ms)[11:23]} ", "dim"),
            (f"{fill.side.value:<4}", "green" if fill.side is Side.BUY else "red"),
            f" {quantity:>9} at {price_text(fill.price, self._instrument)}",
            (f"  {'maker' if fill.is_maker else 'taker'}  fee {fee}", "dim"),
        )


_STATE_STYLES = {"PAUSED": "bold yellow", "STOPPING": "yellow"}


def _when(fill: Fill) -> int:
    return fill.time_ms


def _troubles(orders: list[Order]) -> list[str]:
    """What a person should know: orders in doubt, refused or given up."""
    told = []
    for order in orders:
        if order.status is OrderStatus.UNKNOWN or order.unresolved:
            told.append(f"{order.client_order_id}: its outcome is not known yet")
        elif order.rejection is not None:
            told.append(f"{order.client_order_id}: {order.rejection.message}")
    return told


def _warning(text: str) -> "Text":
    from rich.text import Text

    line = Text.assemble(("! ", "bold yellow"), (text, "yellow"))
    line.truncate(WIDTH, overflow="ellipsis")
    return line
