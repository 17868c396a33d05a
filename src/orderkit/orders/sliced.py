"""What order types share that work a schedule of slices: plan, schedule, controls, and the flow's start."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Generic, TypeVar

from orderkit.analytics.execution import ExecutionReport, execution_report
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.outcomes import committed
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.schedule import MS_NS, Schedule, as_asked
from orderkit.orders.slicing import SlicedRequest, Slicing
from orderkit.utils import validate_price

R = TypeVar("R", bound=SlicedRequest)


class SlicedExecutor(ABC, Generic[R]):
    """Says when how much is due (`planned`); `Slicing` works it. ``slices`` are known once validated."""

    uses_user_stream = True
    follows_quotes = True

    def __init__(self, request: R, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument
        self.slices: list[Decimal] = []
        self._cached: tuple[tuple[R, str, int, int | None], Schedule] | None = None

    @abstractmethod
    def planned(self, job_id: str) -> Schedule:
        """The schedule as asked for at first: a function of the request, the step and the job's name."""

    @property
    def follows_trades(self) -> bool:
        return self.request.pacing.max_participation is not None

    @property
    def duration_ms(self) -> int:
        """From the first slice to the last, or with slices that wait to the last one's end."""
        schedule = self.planned("")
        taking = self.request.pacing.style is Style.TAKING
        return (schedule.slices[-1].at_ns if taking else schedule.end_ns) // MS_NS

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        request, quote = self.request, snapshot.quote
        waiting = request.pacing.style is not Style.TAKING
        start_ms = max(0, (request.pacing.start_at_ms or 0) - snapshot.now_ms)
        planned = []
        for index, (piece, quantity) in enumerate(zip(self.planned("").slices, self.slices, strict=True)):
            crosses = not waiting or (index == len(self.slices) - 1 and not request.pacing.no_cross)
            planned.append(
                PlannedOrder(
                    start_ms + piece.at_ns // MS_NS,
                    OrderType.MARKET if crosses else OrderType.LIMIT,
                    request.side,
                    quantity,
                    None if crosses else quote.near(request.side),
                )
            )
        return planned

    def bounded(self, pacing: Pacing, *, rounding: bool) -> Pacing:
        """With a limit price that is on the tick, if it has one; it may be far from the market.

        Raises:
            ValidationError: (PRICE_FILTER) it is off the tick.
        """
        if pacing.limit_price is None:
            return pacing
        side = self.request.side
        price = validate_price(pacing.limit_price, self.instrument, side, mark_price=None, rounding=rounding)
        return replace(pacing, limit_price=price)

    def warnings(self, snapshot: TradingSnapshot) -> list[str]:
        """What a trader should know of the conditions before the first slice goes out."""
        pacing, quote, found = self.request.pacing, snapshot.quote, []
        limit = pacing.limit_price
        if limit is not None and not quote.is_crossed_by(self.request.side, limit):
            found.append(
                f"the market {quote.bid} / {quote.ask} is beyond the limit {limit}: slices wait for it"
            )
        waits = limit is not None or pacing.no_cross or pacing.volatility_bps is not None
        if waits and pacing.overtime_ms is None:
            found.append("what is left at the end is worked without an end; --overtime bounds it")
        return found

    # --- what the job is held against -------------------------------------------------------------

    def schedule(self, record: JobRecord) -> Schedule | None:
        """With the amendments that the job took; None while its time has not begun."""
        first_ms = record.orders[0].created_ms if record.orders else None
        began_ns = self.request.pacing.began_ns(record.started_ns, first_ms)
        return None if began_ns is None else self._as_asked(record.job_id, record.controls, began_ns)

    def check_control(self, control: Control, record: JobRecord) -> None:
        """Raises ValidationError: the new quantity or limit price is not possible."""
        quantity, limit = control.changes.get("quantity"), control.changes.get("limit_price")
        lot = self.instrument.lot_size_for(market=True)
        done = committed(record.orders)
        if quantity is not None:
            rest = Decimal(quantity) - done
            on_step = self._cut(Decimal(quantity)) == Decimal(quantity)
            if rest < 0 or not on_step or 0 < rest < lot.min_quantity:
                raise ValidationError(
                    f"QUANTITY: {quantity} cannot be the new whole of job {record.job_id}; accepted: {done},"
                    f" which is done or under way, or at least {done + lot.min_quantity} on the step"
                    f" {lot.step_size}",
                    rule="QUANTITY",
                    hint="the new quantity counts what is done already",
                )
        if limit not in (None, "none"):
            validate_price(Decimal(limit), self.instrument, self.request.side, mark_price=None)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        return (yield from self._slicing(ctx).run())

    def execute_chunk(self, ctx: Context, target: Decimal, style: Style = Style.TAKING) -> Order | None:
        """Send at once what is missing to ``target``, alone; None where that is too little, or nothing."""
        return self._slicing(ctx).execute_chunk(target, style)

    def _slicing(self, ctx: Context) -> Slicing:
        def amended(controls: Sequence[Control], began_ns: int | None) -> Schedule:
            return self._as_asked(ctx.job_id, controls, began_ns)

        return Slicing(ctx, self.request, self.instrument, amended)

    def _as_asked(self, job_id: str, controls: Sequence[Control], began_ns: int | None) -> Schedule:
        key = (self.request, job_id, len(controls), began_ns)
        if self._cached is None or self._cached[0] != key:
            self._cached = key, as_asked(self.planned(job_id), controls, began_ns, self._cut)
        return self._cached[1]

    def _cut(self, quantity: Decimal) -> Decimal:
        return self.instrument.round_quantity(quantity, market=True)

    # --- afterwards -------------------------------------------------------------------------------

    def calculate_stats(self, orders: Sequence[Order], arrival_price: Decimal | None) -> ExecutionReport:
        return execution_report(self.request.side, self.request.quantity, orders, arrival_price)
