"""The engine: one pure step per event. State first, then the flow, and out come entries and commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.commands import Command, LookAt, SetTimer, SubmitOrder
from orderkit.domain.enums import OrderStatus
from orderkit.domain.events import (
    CancelRefused,
    CancelRejected,
    ControlTaken,
    Event,
    Input,
    JobStarted,
    ListingFailed,
    LookedAt,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QuantityTraded,
    QueryAnswered,
    QueryFailed,
    QuoteUpdated,
    StopRequested,
    SubmitRefused,
    SubmitUnknown,
    TimerFired,
    TradeReported,
    TradesMissed,
    UserStreamDown,
    UserStreamUp,
)
from orderkit.domain.job import Control, ControlKind, JobResult, JobStatus
from orderkit.domain.looks import AccountFor, ContractOf, Look, QuoteOf, Sighting
from orderkit.domain.market import Quote
from orderkit.domain.order import Fill, Order, OrderRequest, Rejection
from orderkit.engine.cancels import Cancels
from orderkit.engine.context import Context, Flow
from orderkit.engine.journal import Entry, FillRecorded, JobEnded, JobNoted, OrderChanged, OrderIntended
from orderkit.engine.monitor import OrderMonitor
from orderkit.engine.questions import Questions, works
from orderkit.engine.watch import WatchPolicy
from orderkit.risk.gate import Approved, Refused

CLIENT_ID_PREFIX = "ok-"
PAUSED = "PAUSED"  # the state of a job that is

Gate = Callable[[OrderRequest, Sequence[Order]], Approved | Refused]
"""Approves or refuses a request beside its job's other orders; nothing refused becomes a command."""


def client_order_id(job_id: str, sequence: int) -> str:
    """Deterministic, and within the exchange's 36 characters for job ids of up to 26."""
    return f"{CLIENT_ID_PREFIX}{job_id}-{sequence}"


@dataclass(slots=True)
class Output:
    """What one step wants: ``entries`` are written, in order, before ``commands`` are carried out.

    ``foreign_fills`` changed the position under a job, ``strangers`` (client order ids) rest beside its
    orders: of no order of this engine, perhaps of another process's.
    """

    entries: list[Entry] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    ended: dict[str, JobResult] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    foreign_fills: list[Fill] = field(default_factory=list)
    strangers: frozenset[str] = frozenset()


@dataclass(slots=True)
class Job:
    context: Context
    flow: Flow[JobResult]
    ended: bool = False


class Engine:
    """Runs any number of jobs. Feed it every event through ``process``; carry out what it returns."""

    def __init__(self, policy: WatchPolicy | None = None, gate: Gate | None = None) -> None:
        self.now_ns = 0
        self.quotes: dict[str, Quote] = {}
        self.traded: dict[str, Decimal] = {}
        self.seen: dict[Look, Sighting] = {}
        self._looking: set[Look] = set()
        self.jobs: dict[str, Job] = {}
        self._gate = gate
        self._monitor = OrderMonitor()
        policy = policy or WatchPolicy()
        self._questions = Questions(self._monitor, policy, self)
        self._cancels = Cancels(self._monitor, self._questions, policy, self)
        self._output = Output()
        self._timers: dict[int, Callable[[], None]] = {}
        self._last_timer_id = 0
        self._journaled: dict[str, OrderChanged] = {}

    @property
    def strangers(self) -> dict[str, frozenset[str]]:
        """Client order ids of open orders, by symbol, that no job of this engine has sent."""
        return self._questions.strangers

    # --- driven by a runtime ----------------------------------------------------------------------

    def learn(self, snapshot: TradingSnapshot, now_ns: int) -> None:
        """What was seen before the first job begins."""
        symbol = snapshot.instrument.symbol
        self.quotes[symbol] = snapshot.quote
        self.seen[QuoteOf(symbol)] = Sighting(now_ns, snapshot.quote)
        self.seen[ContractOf(symbol)] = Sighting(now_ns, snapshot.instrument)
        if snapshot.account is not None:
            self.seen[AccountFor(symbol)] = Sighting(now_ns, snapshot.account)

    def start(
        self,
        job_id: str,
        flow: Callable[[Context], Flow[JobResult]],
        now_ns: int,
        *,
        started_ns: int | None = None,
        orders: Sequence[Order] = (),
        controls: Sequence[Control] = (),
    ) -> Output:
        """Begin a job, or go on with one whose ``orders`` and ``controls`` so far come from the journal.

        An order whose intent was journaled and whose outcome was not is UNKNOWN: it is asked after.
        """
        self._begin(now_ns)
        context = Context(self, job_id, started_ns or now_ns, list(orders), list(controls))
        job = self.jobs[job_id] = Job(context, flow(context))
        for order in orders:
            if order.status is OrderStatus.PENDING_NEW:
                order.status = OrderStatus.UNKNOWN
            order.unresolved = False
            self._monitor.track(order)
            self._monitor.cancel_refused(order.client_order_id)  # a cancel of an earlier run is over
            self._questions.watch(order, at_once=True)
            if works(order):  # what happened to it while nothing was running?
                self._questions.ask_out_of_turn(order)
        self._resume(job, JobStarted(resumed=bool(orders)), first=True)
        return self._output

    def process(self, event: Input, now_ns: int) -> Output:
        """One step: update the state, resume the flows concerned, return what they want done."""
        self._begin(now_ns)
        match event:
            case OrderReported(report):
                reported = self._monitor.get(report.client_order_id)
                if reported is not None:
                    reported.confirmed_ns = self.now_ns
                self.order_changed(report.client_order_id, self._monitor.apply_report(report))
            case TradeReported(fill):
                order = self._monitor.get(fill.client_order_id)
                if order is None and any(o.request.symbol == fill.symbol for o in self._monitor):
                    self._output.foreign_fills.append(fill)
                known = len(order.fills) if order else 0
                events = self._monitor.apply_fill(fill)
                if order and len(order.fills) > known:
                    self._output.entries.append(FillRecorded(fill))
                self.order_changed(fill.client_order_id, events)
            case SubmitRefused(cid, rejection):
                self.order_changed(cid, self._monitor.refuse(cid, rejection))
            case SubmitUnknown(cid, _):
                self.order_changed(cid, self._monitor.lose(cid))
            case CancelRefused(cid, rejection):
                refused = self._cancels.refused(cid, rejection)
                if refused is not None:
                    self._tell_job_of(cid, CancelRejected(refused, rejection))
            case OrderAbsent(cid):
                denied = self._monitor.get(cid)
                if denied is not None:
                    denied.denied_ns = self.now_ns
                self._questions.absent(cid)
            case QueryAnswered(cid):
                self._questions.done(cid, answered=True)
                self._tell_job_of(cid, event)
            case QueryFailed(cid, _, held_back):
                self._questions.done(cid, answered=False, held_back=held_back)
                self._tell_job_of(cid, QueryAnswered(cid))
            case TimerFired(timer_id):
                ring = self._timers.pop(timer_id, None)
                if ring is not None:
                    ring()
            case QuoteUpdated(quote):
                self.quotes[quote.symbol] = quote
                self.seen[QuoteOf(quote.symbol)] = Sighting(self.now_ns, quote)
                self._resume_all(event)
            case LookedAt():
                self._looked_at(event)
            case QuantityTraded(symbol, quantity):
                self.traded[symbol] = self.traded.get(symbol, Decimal(0)) + quantity
                self._resume_all(event)
            case TradesMissed(symbol, message):
                for job in self.jobs.values():
                    self.note(job.context, job.context.state, f"{symbol}: {message}")
            case StopRequested(reason, job_id, interrupted):
                for job in list(self.jobs.values()):
                    if job_id in (None, job.context.job_id):
                        job.context.stop_reason = job.context.stop_reason or reason
                        job.context.interrupted = job.context.interrupted or interrupted
                        self._resume(job, event)
            case ControlTaken(job_id, control):
                self._control_taken(self.jobs.get(job_id), control, event)
            case UserStreamUp() | UserStreamDown():
                self._questions.stream_changed(up=isinstance(event, UserStreamUp))
            case OpenOrdersListed():
                self._questions.listed(event)
                self._output.strangers = self.strangers[event.symbol]
            case ListingFailed(symbol, _):
                self._questions.not_listed(symbol)
        return self._output

    # --- called by contexts, inside a step --------------------------------------------------------

    def submit(
        self, context: Context, request: OrderRequest, replaces: Order | None, not_before_ns: int = 0
    ) -> Order:
        order = Order(
            client_order_id=client_order_id(context.job_id, len(context.orders) + 1),
            job_id=context.job_id,
            request=request,
            created_ms=max(self.now_ns, not_before_ns) // 1_000_000,
            replaces=replaces.client_order_id if replaces else None,
        )
        self._monitor.track(order)
        context.orders.append(order)
        self._output.entries.append(
            OrderIntended(order.job_id, order.client_order_id, request, order.created_ms, order.replaces)
        )
        verdict = self._gate(request, context.orders[:-1]) if self._gate else Approved()
        if isinstance(verdict, Refused):
            order.status = OrderStatus.REJECTED
            order.rejection = Rejection(kind="risk", message=verdict.message, hint=verdict.hint)
            self._output.entries.append(OrderChanged.of(order))
        else:
            command = SubmitOrder(order.job_id, order.client_order_id, request, not_before_ns)
            self._output.commands.append(command)
        return order

    def cancel(self, order: Order) -> None:
        self._cancels.want(order)

    def look(self, look: Look) -> None:
        if look not in self._looking:
            self._looking.add(look)
            self._output.commands.append(LookAt(look))

    def ask(self, order: Order) -> None:
        self._questions.ask_out_of_turn(order)

    def inquire(self, order: Order) -> None:
        if order.unresolved:
            order.unresolved = False
            self._questions.watch(order, at_once=True)

    def set_timer(self, context: Context, at_ns: int) -> None:
        def ring() -> None:
            job = self.jobs.get(context.job_id)
            if job is not None:
                self._resume(job, TimerFired(timer_id))

        timer_id = self._set_timer(at_ns, ring)

    def note(self, context: Context, state: str, message: str) -> None:
        if (context.state, context.message) == (state, message):
            return
        context.state, context.message = state, message
        self._output.entries.append(JobNoted(context.job_id, self.now_ns, state, message))

    # --- called by questions and cancels, inside a step -------------------------------------------

    def command(self, command: Command) -> None:
        self._output.commands.append(command)

    def set_alarm(self, at_ns: int, ring: Callable[[], None]) -> None:
        self._set_timer(at_ns, ring)

    def order_changed(self, cid: str, events: list[Event]) -> None:
        """Journal the order's new state, see what is still to be asked, tell its flow."""
        order = self._monitor.get(cid)
        if order is None:
            return
        entry = OrderChanged.of(order)
        if self._journaled.get(cid) != entry:
            self._journaled[cid] = entry
            self._output.entries.append(entry)
        self._cancels.order_changed(order)
        self._questions.watch(order)
        job = self.jobs.get(order.job_id)
        if job is not None:
            for event in events:
                self._resume(job, event)

    # --- inside -----------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> None:
        self.now_ns = max(now_ns, self.now_ns)
        self._output = Output()

    def _tell_job_of(self, cid: str, event: Event) -> None:
        order = self._monitor.get(cid)
        job = None if order is None else self.jobs.get(order.job_id)
        if job is not None:
            self._resume(job, event)

    def _looked_at(self, event: LookedAt) -> None:
        self._looking.discard(event.look)
        before = self.seen.get(event.look)
        if event.value is not None:
            self.seen[event.look] = Sighting(self.now_ns, event.value)
        else:
            value, at_ns = (None, self.now_ns) if before is None else (before.value, before.at_ns)
            self.seen[event.look] = Sighting(at_ns, value, event.failure)
        if isinstance(event.value, Quote):
            self.quotes[event.value.symbol] = event.value
        self._resume_all(event)

    def _control_taken(self, job: Job | None, control: Control, event: ControlTaken) -> None:
        if job is None:
            return
        job.context.controls.append(control)
        if control.kind is ControlKind.PAUSE:
            self.note(job.context, PAUSED, "by another command")
        self._resume(job, event)

    def _set_timer(self, at_ns: int, ring: Callable[[], None]) -> int:
        self._last_timer_id += 1
        self._timers[self._last_timer_id] = ring
        self._output.commands.append(SetTimer(self._last_timer_id, at_ns))
        return self._last_timer_id

    def _resume_all(self, event: Event) -> None:
        for job in list(self.jobs.values()):
            self._resume(job, event)

    def _resume(self, job: Job, event: Any, *, first: bool = False) -> None:
        if job.ended:
            return
        try:
            if first:
                next(job.flow)
            else:
                job.flow.send(event)
        except StopIteration as stop:
            self._end(job, stop.value)
        except Exception as error:  # one job's bug must not take the others down
            self._output.failed[job.context.job_id] = error
            self._end(job, JobResult(JobStatus.FAILED, f"unexpected error: {error!r}"))

    def _end(self, job: Job, result: JobResult) -> None:
        job.ended = True
        job_id = job.context.job_id
        self._output.entries.append(JobEnded(job_id, self.now_ns, result))
        self._output.ended[job_id] = result
        for order in job.context.orders:
            self._monitor.forget(order.client_order_id)
            self._questions.forget(order.client_order_id)
            self._cancels.forget(order.client_order_id)
            self._journaled.pop(order.client_order_id, None)
        del self.jobs[job_id]
