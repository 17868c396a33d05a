"""Carries out what a pair of exits needs, measures gaps in its protection, and says how it ended."""

from decimal import Decimal

from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.orders.exit_legs import ExitPair, Legs
from orderkit.orders.exit_pair import Step, next_step
from orderkit.orders.outcomes import doubts, executed, is_unanswered, live

ASK_AGAIN_MS = 1_000
MS_NS = 1_000_000


class PairDriver:
    """One per run of a flow. What it remembers only keeps it from repeating itself and from not measuring."""

    def __init__(self, ctx: Context, pair: ExitPair, instrument: Instrument) -> None:
        self._ctx, self._pair, self._instrument = ctx, pair, instrument
        self._canceled: set[str] = set()
        self._asked_ms: dict[str, int] = {}
        self._stop: Order | None = None
        self._news = ""
        self._uncovered_since_ns: int | None = None
        self._gap_ns = 0
        self.unprotected_ns = 0
        self.resizes = 0

    def act(
        self, target: Decimal, *, growing: bool = False, protects: bool = False, leave: bool = False
    ) -> Step:
        """Do all that can be done now towards closing ``target``; the step says what to wait for."""
        ctx = self._ctx
        while True:
            self._measure(target, from_start=protects)
            step = next_step(
                self._pair,
                target,
                ctx.orders,
                self._instrument,
                ctx.now_ms,
                growing=growing,
                protects=protects,
                leave=leave,
            )
            for order in step.cancels:
                self.cancel(order)
            for order in step.questions:
                self._ask(order)
            if step.wake_ms is not None:
                ctx.wake_by(step.wake_ms * MS_NS)
            ctx.note(step.phase.value, step.reason or self._words(target))
            if not step.submissions:
                return step
            for submission in step.submissions:
                ctx.submit(submission.request, replaces=submission.replaces)

    def cancel(self, order: Order) -> None:
        """Once is enough: the engine repeats what is refused."""
        if order.client_order_id not in self._canceled:
            self._canceled.add(order.client_order_id)
            self._ctx.cancel(order)

    @property
    def is_quiet(self) -> bool:
        """True while nothing is under way: every order rests or is done."""
        return not any(map(_is_under_way, self._ctx.orders))

    @property
    def summary(self) -> str:
        """How often the stop was resized, and for how long less than what was left had a stop."""
        if not self.resizes and not self.unprotected_ns:
            return ""
        resized = f"stop resized {self.resizes} time{'' if self.resizes == 1 else 's'}, "
        return f"{resized if self.resizes else ''}unprotected {self.unprotected_ns / MS_NS:.1f} ms in all"

    # --- inside -----------------------------------------------------------------------------------

    def _ask(self, order: Order) -> None:
        due_ms = self._asked_ms.get(order.client_order_id, -ASK_AGAIN_MS) + ASK_AGAIN_MS
        if self._ctx.now_ms >= due_ms:
            self._asked_ms[order.client_order_id] = self._ctx.now_ms
            self._ctx.ask(order)
        self._ctx.wake_by((self._asked_ms[order.client_order_id] + ASK_AGAIN_MS) * MS_NS)

    def _measure(self, target: Decimal, *, from_start: bool) -> None:
        legs, now_ns = Legs(self._pair, target, self._ctx.orders), self._ctx.now_ns
        if legs.left <= legs.covered:
            if self._uncovered_since_ns is not None:
                self._gap_ns += now_ns - self._uncovered_since_ns
                self.unprotected_ns += now_ns - self._uncovered_since_ns
                self._uncovered_since_ns = None
        elif self._uncovered_since_ns is None and (from_start or self._stop is not None):
            self._uncovered_since_ns = now_ns
        resting = [stop for stop in legs.waiting_stops if not _is_under_way(stop)]
        if not resting or resting[-1] is self._stop or self._uncovered_since_ns is not None:
            return
        if self._stop is not None:
            self.resizes += 1
            was, now = self._stop.quantity, resting[-1].quantity
            gap_ms = self._gap_ns / MS_NS
            self._news = f"; stop of {was} replaced by one of {now}, unprotected {gap_ms:.1f} ms"
        self._stop, self._gap_ns = resting[-1], 0

    def _words(self, target: Decimal) -> str:
        pair, left = self._pair, Legs(self._pair, target, self._ctx.orders).left
        limit = f" (limit {pair.stop_limit})" if pair.stop_limit is not None else ""
        prices = f"take-profit {pair.take_profit}, stop {pair.stop}{limit}"
        return f"{max(left, Decimal(0))} left: {prices}{self._news}"


def ways_out(legs: Legs, unit: str) -> list[str]:
    """How much went which way, in words."""
    ways = (("take-profit", legs.take_profits), ("stop", legs.stops), ("market order", legs.exits))
    return [f"{done} {unit} by {name}" for name, orders in ways if (done := executed(orders))]


def kept(ctx: Context, legs: Legs) -> JobResult:
    """Leave the orders where they are and say so: nobody cancels the other one now until a resume."""
    names = ", ".join(f"{o.client_order_id} ({o.request.type})" for o in live(ctx.orders))
    what = f"{ctx.stop_reason}; on the exchange and not watched: {names or 'nothing'}"
    if legs.left > legs.covered:
        what += f"; {legs.left - legs.covered} without a stop"
    return JobResult(JobStatus.RUNNING, f"{what}; bot.py resume {ctx.job_id} goes on", ctx.interrupted)


def in_doubt(ctx: Context) -> JobResult | None:
    """How a job ends where the exchange cannot say what became of its orders: what else rests is left so."""
    doubt = doubts(ctx.orders)
    if doubt is None:
        return None
    resting = [o.client_order_id for o in live(ctx.orders) if not o.unresolved]
    also = f"; on the exchange and not watched: {', '.join(resting)}" if resting else ""
    return JobResult(JobStatus.UNKNOWN, f"{doubt}{also}", ctx.interrupted)


def _is_under_way(order: Order) -> bool:
    return is_unanswered(order) or order.status is OrderStatus.PENDING_CANCEL
