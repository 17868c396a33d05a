"""The flow of the types that are one order: sent once, to its end or until it rests."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.outcomes import MAX_SENDS, is_unanswered, never_arrived, result_of
from orderkit.utils import validate_order


@dataclass(frozen=True, slots=True)
class SingleRequest:
    """One order. ``wait``: stay until it is done; then ``cancel_on_exit`` says what an interrupt does."""

    order: OrderRequest
    wait: bool = False
    timeout_ms: int | None = None
    cancel_on_exit: bool = False

    @property
    def symbol(self) -> str:
        return self.order.symbol

    @property
    def side(self) -> Side:
        return self.order.side

    @property
    def quantity(self) -> Decimal:
        return self.order.quantity or Decimal(0)

    @property
    def position_side(self) -> PositionSide:
        return self.order.position_side

    @property
    def reduce_only(self) -> bool:
        return self.order.reduce_only


class SingleOrderExecutor:
    """Sends one order. An order that can rest is left on the book unless the request says to wait."""

    kind: ClassVar[str] = "order"
    duration_ms = 0

    def __init__(self, request: SingleRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    @property
    def uses_user_stream(self) -> bool:
        return self.request.wait and not self.request.order.is_immediate

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        order = validate_order(self.request.order, snapshot, rounding=rounding)
        self.request = replace(self.request, order=order)
        return self.warnings(snapshot)

    def warnings(self, snapshot: TradingSnapshot) -> list[str]:
        """What a trader should know before this order goes out."""
        del snapshot
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        """Where the order stands against the market."""
        del snapshot
        return []

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        order = self.request.order
        return [PlannedOrder(None, order.type, order.side, self.request.quantity, order.price)]

    def run(self, ctx: Context) -> Flow[JobResult]:
        order = ctx.orders[-1] if ctx.orders else ctx.submit(self.request.order)
        yield from self._until_answered(order)
        while never_arrived(order) and len(ctx.orders) < MAX_SENDS and not ctx.stopping:
            order = ctx.submit(self.request.order, replaces=order)
            yield from self._until_answered(order)
        if order.is_terminal or order.unresolved:
            yield from ctx.wait_done(order)
            return result_of(order)
        if not (self.request.wait or order.request.is_immediate):
            return JobResult(JobStatus.OPEN)
        deadline_ns = None
        if self.request.timeout_ms is not None:
            deadline_ns = ctx.started_ns + self.request.timeout_ms * 1_000_000
        if (yield from ctx.wait_for(lambda: order.is_terminal or order.unresolved, deadline_ns)):
            yield from ctx.wait_done(order)
            return result_of(order)
        return (yield from self._leave(ctx, order))

    @staticmethod
    def _until_answered(order: Order) -> Flow[None]:
        """An order that was sent is never left without its answer, whatever asks us to stop."""
        while is_unanswered(order) and not order.unresolved:
            yield

    def _leave(self, ctx: Context, order: Order) -> Flow[JobResult]:
        why = ctx.stop_reason or f"not done within {(self.request.timeout_ms or 0) / 1000:g} s"
        if not self.request.cancel_on_exit:
            return JobResult(JobStatus.OPEN, f"{why}; the order stays on the exchange", ctx.interrupted)
        ctx.cancel(order)
        yield from ctx.wait_done(order)
        return replace(result_of(order), interrupted=ctx.interrupted)
