"""The engine: one pure step per event. State first, then the flow, and out come entries and commands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orderkit.domain.commands import (
    CancelOrder,
    Command,
    ListOpenOrders,
    QueryFills,
    QueryOrder,
    SetTimer,
    SubmitOrder,
)
from orderkit.domain.enums import OrderStatus
from orderkit.domain.events import (
    CancelRefused,
    CancelRejected,
    Event,
    Input,
    JobStarted,
    ListingFailed,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryAnswered,
    QueryFailed,
    QuoteUpdated,
    StopRequested,
    SubmitRefused,
    SubmitUnknown,
    TimerFired,
    TradeReported,
    UserStreamDown,
    UserStreamUp,
)
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.market import Quote
from orderkit.domain.order import Order, OrderReport, OrderRequest, Rejection
from orderkit.engine.context import Context, Flow
from orderkit.engine.journal import Entry, FillRecorded, JobEnded, JobNoted, OrderChanged, OrderIntended
from orderkit.engine.monitor import UNANSWERED, OrderMonitor
from orderkit.engine.watch import Need, Watch, WatchPolicy, need_of
from orderkit.risk.gate import Approved, Refused

CLIENT_ID_PREFIX = "ok-"
FORGOTTEN_AFTER_MS = 3 * 86_400_000
AUDIT = "audit"  # the timer's target; no client order id looks like it


Gate = Callable[[OrderRequest, Sequence[Order]], Approved | Refused]
"""Approves or refuses a request beside its job's other orders; nothing refused becomes a command."""


def client_order_id(job_id: str, sequence: int) -> str:
    """Deterministic, and within the exchange's 36 characters for job ids of up to 26."""
    return f"{CLIENT_ID_PREFIX}{job_id}-{sequence}"


def _works(order: Order) -> bool:
    """True where the order rests on the exchange as far as we know."""
    return not (order.is_terminal or order.request.is_immediate or order.status in UNANSWERED)


@dataclass(slots=True)
class Output:
    """What one step wants: ``entries`` are written, in order, before ``commands`` are carried out."""

    entries: list[Entry] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    ended: dict[str, JobResult] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)


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
        self.jobs: dict[str, Job] = {}
        self._policy = policy or WatchPolicy()
        self._gate = gate
        self._monitor = OrderMonitor()
        self._stream_up = False
        self._output = Output()
        self._timers: dict[int, str | Context] = {}
        self._last_timer_id = 0
        self._watches: dict[str, Watch] = {}
        self._cancel_when_accepted: set[str] = set()
        self._journaled: dict[str, OrderChanged] = {}
        self._listing: set[str] = set()
        self._audit_timer: int | None = None
        self.strangers: dict[str, frozenset[str]] = {}

    # --- driven by a runtime ----------------------------------------------------------------------

    def start(
        self,
        job_id: str,
        flow: Callable[[Context], Flow[JobResult]],
        now_ns: int,
        *,
        started_ns: int | None = None,
        orders: Sequence[Order] = (),
    ) -> Output:
        """Begin a job, or go on with one whose ``orders`` of earlier runs come from the journal.

        An order whose intent was journaled and whose outcome was not is UNKNOWN: it is asked after.
        """
        self._begin(now_ns)
        context = Context(self, job_id, started_ns or now_ns, list(orders))
        job = self.jobs[job_id] = Job(context, flow(context))
        for order in orders:
            if order.status is OrderStatus.PENDING_NEW:
                order.status = OrderStatus.UNKNOWN
            order.unresolved = False
            self._monitor.track(order)
            self._watch(order, at_once=True)
            if _works(order):  # what happened to it while nothing was running?
                self._ask_about(order)
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
                self._order_changed(report.client_order_id, self._monitor.apply_report(report))
            case TradeReported(fill):
                order = self._monitor.get(fill.client_order_id)
                known = len(order.fills) if order else 0
                events = self._monitor.apply_fill(fill)
                if order and len(order.fills) > known:
                    self._output.entries.append(FillRecorded(fill))
                self._order_changed(fill.client_order_id, events)
            case SubmitRefused(cid, rejection):
                self._order_changed(cid, self._monitor.refuse(cid, rejection))
            case SubmitUnknown(cid, _):
                self._order_changed(cid, self._monitor.lose(cid))
            case CancelRefused(cid, rejection):
                self._cancel_refused(cid, rejection)
            case OrderAbsent(cid):
                self._order_absent(cid)
            case QueryAnswered(cid) | QueryFailed(cid, _):
                self._query_done(cid, answered=isinstance(event, QueryAnswered))
                self._tell_job_of(cid, QueryAnswered(cid))
            case TimerFired(timer_id):
                self._timer_fired(timer_id, event)
            case QuoteUpdated(quote):
                self.quotes[quote.symbol] = quote
                self._resume_all(event)
            case StopRequested(reason, job_id, interrupted):
                for job in list(self.jobs.values()):
                    if job_id in (None, job.context.job_id):
                        job.context.stop_reason = job.context.stop_reason or reason
                        job.context.interrupted = job.context.interrupted or interrupted
                        self._resume(job, event)
            case UserStreamUp() | UserStreamDown():
                self._stream_changed(up=isinstance(event, UserStreamUp))
            case OpenOrdersListed():
                self._compare_open_orders(event)
            case ListingFailed(symbol, _):
                self._listing.discard(symbol)
        return self._output

    # --- called by contexts, inside a step --------------------------------------------------------

    def submit(self, context: Context, request: OrderRequest, replaces: Order | None) -> Order:
        order = Order(
            client_order_id=client_order_id(context.job_id, len(context.orders) + 1),
            job_id=context.job_id,
            request=request,
            created_ms=self.now_ns // 1_000_000,
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
            self._output.commands.append(SubmitOrder(order.job_id, order.client_order_id, request))
        return order

    def cancel(self, order: Order) -> None:
        if order.status in UNANSWERED:
            self._cancel_when_accepted.add(order.client_order_id)
        elif self._monitor.begin_cancel(order):
            self._output.commands.append(CancelOrder(order.ref))

    def set_timer(self, context: Context, at_ns: int) -> None:
        self._set_timer(context, at_ns)

    def note(self, context: Context, state: str, message: str) -> None:
        if (context.state, context.message) == (state, message):
            return
        context.state, context.message = state, message
        self._output.entries.append(JobNoted(context.job_id, self.now_ns, state, message))

    # --- inside -----------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> None:
        self.now_ns = max(now_ns, self.now_ns)
        self._output = Output()

    def _order_changed(self, cid: str, events: list[Event]) -> None:
        order = self._monitor.get(cid)
        if order is None:
            return
        entry = OrderChanged.of(order)
        if self._journaled.get(cid) != entry:
            self._journaled[cid] = entry
            self._output.entries.append(entry)
        if cid in self._cancel_when_accepted and order.status not in UNANSWERED:
            self._cancel_when_accepted.discard(cid)
            self.cancel(order)
        self._watch(order)
        job = self.jobs.get(order.job_id)
        if job is not None:
            for event in events:
                self._resume(job, event)

    def _tell_job_of(self, cid: str, event: Event) -> None:
        order = self._monitor.get(cid)
        job = None if order is None else self.jobs.get(order.job_id)
        if job is not None:
            self._resume(job, event)

    def _cancel_refused(self, cid: str, rejection: Rejection) -> None:
        order = self._monitor.cancel_refused(cid)
        if order is None:
            return
        if not order.is_terminal:  # refused because it is done? then the question is what it did
            self._watch(order, anew=True, at_once=True)
        job = self.jobs.get(order.job_id)
        if job is not None:
            self._resume(job, CancelRejected(order, rejection))

    def _order_absent(self, cid: str) -> None:
        order, watch = self._monitor.get(cid), self._watches.get(cid)
        if order is not None and _works(order):
            self._forgotten(order)
        if order is None or watch is None:
            return
        watch.absences += 1
        waited_ms = (self.now_ns - watch.since_ns) // 1_000_000
        if watch.need is Need.FATE and watch.absences >= 2 and waited_ms >= self._policy.absent_after_ms:
            rejection = Rejection(
                kind="absent",
                message=f"the exchange knows no such order {waited_ms / 1000:.0f} s after it was sent",
            )
            self._order_changed(cid, self._monitor.refuse(cid, rejection))
        else:
            self._query_done(cid, answered=True)

    def _forgotten(self, order: Order) -> None:
        """The exchange forgets an order that ended without a fill after three days (-2013)."""
        if self.now_ns // 1_000_000 - order.created_ms > FORGOTTEN_AFTER_MS:
            report = OrderReport(
                client_order_id=order.client_order_id,
                symbol=order.request.symbol,
                status=OrderStatus.CANCELED,
                executed_quantity=order.executed_quantity,
                time_ms=self.now_ns // 1_000_000,
                reason="the exchange does not know the order any more",
            )
            self._order_changed(order.client_order_id, self._monitor.apply_report(report))

    def _query_done(self, cid: str, *, answered: bool) -> None:
        order, watch = self._monitor.get(cid), self._watches.get(cid)
        if order is None or watch is None:
            return
        watch.asking = False
        watch.attempt += 1
        late = self.now_ns - watch.since_ns >= self._policy.give_up_after_ms * 1_000_000
        if late and watch.need is Need.FATE and not answered:
            self._order_changed(cid, self._monitor.give_up(cid))
        elif late and watch.need is Need.TRADES:
            order.trades_unavailable = True
            self._order_changed(cid, [])
        else:
            self._watch(order)

    def _watch(self, order: Order, *, anew: bool = False, at_once: bool = False) -> None:
        """Make sure that a question is scheduled where, and only where, something is to be learned."""
        need = need_of(order, stream_up=self._stream_up)
        self._keep_auditing(order)
        watch = self._watches.get(order.client_order_id)
        if need is Need.NOTHING:
            self._watches.pop(order.client_order_id, None)
            return
        if watch is None or watch.need is not need:
            watch = self._watches[order.client_order_id] = Watch(need, self.now_ns)
        elif anew:
            watch.attempt, watch.timer_id = 0, None
        if watch.asking or watch.timer_id is not None:
            return
        pause_ns = 0 if at_once else self._policy.pause_ns(need, watch.attempt, self._stream_up)
        if pause_ns:
            watch.timer_id = self._set_timer(order.client_order_id, self.now_ns + pause_ns)
        else:
            self._ask(order, watch)

    # --- the safety net: everything that is open, at once -------------------------------------------

    def _stream_changed(self, *, up: bool) -> None:
        self._stream_up = up
        for order in list(self._monitor):
            self._watch(order, anew=True)
        if up:  # the exchange repeats nothing: whatever happened in between has to be asked for
            self._list_open_orders()

    def _keep_auditing(self, order: Order) -> None:
        if self._audit_timer is None and _works(order):
            at_ns = self.now_ns + self._policy.audit_ms * 1_000_000
            self._audit_timer = self._set_timer(AUDIT, at_ns)

    def _list_open_orders(self) -> None:
        symbols = {order.request.symbol for order in self._monitor if _works(order)}
        for symbol in sorted(symbols - self._listing):
            self._listing.add(symbol)
            self._output.commands.append(ListOpenOrders(symbol))

    def _compare_open_orders(self, listed: OpenOrdersListed) -> None:
        """An order of ours that is not in the list any more is asked after; other people's are noted."""
        self._listing.discard(listed.symbol)
        named = {report.client_order_id for report in listed.reports}
        ours = {order.client_order_id for order in self._monitor}
        self.strangers[listed.symbol] = frozenset(named - ours)
        for report in listed.reports:
            if report.client_order_id in ours:
                self._order_changed(report.client_order_id, self._monitor.apply_report(report))
        for order in list(self._monitor):
            absent = order.client_order_id not in named and order.request.symbol == listed.symbol
            if absent and _works(order) and order.created_ms * 1_000_000 < listed.asked_ns:
                self._ask_about(order)

    def _ask_about(self, order: Order) -> None:
        """One question out of turn; its answer, if the order still works, changes no schedule."""
        self._output.commands.append(QueryOrder(order.ref))

    def _ask(self, order: Order, watch: Watch) -> None:
        watch.asking, watch.timer_id = True, None
        query = QueryFills(order.ref) if watch.need is Need.TRADES else QueryOrder(order.ref)
        self._output.commands.append(query)

    def _timer_fired(self, timer_id: int, event: TimerFired) -> None:
        target = self._timers.pop(timer_id, None)
        if target == AUDIT:
            self._audit_timer = None
            self._list_open_orders()
            for order in self._monitor:
                self._keep_auditing(order)
        elif isinstance(target, Context):
            job = self.jobs.get(target.job_id)
            if job is not None:
                self._resume(job, event)
        elif target is not None:
            watched, watch = self._monitor.get(target), self._watches.get(target)
            if watched is not None and watch is not None and watch.timer_id == timer_id:
                self._ask(watched, watch)

    def _set_timer(self, target: str | Context, at_ns: int) -> int:
        self._last_timer_id += 1
        self._timers[self._last_timer_id] = target
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
            self._watches.pop(order.client_order_id, None)
            self._cancel_when_accepted.discard(order.client_order_id)
            self._journaled.pop(order.client_order_id, None)
        del self.jobs[job_id]
