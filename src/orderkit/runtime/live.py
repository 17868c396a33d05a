"""The live runtime: one asyncio inbox in real time, every blocking call on a thread of its own."""

import asyncio
import contextlib
import logging
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from orderkit.domain.commands import (
    CancelOrder,
    Command,
    ListOpenOrders,
    LookAt,
    QueryFills,
    QueryOrder,
    SearchOrder,
    SetTimer,
    SubmitOrder,
)
from orderkit.domain.events import (
    CancelRefused,
    Input,
    ListingFailed,
    LookedAt,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryAnswered,
    QueryFailed,
    StopRequested,
    SubmitRefused,
    SubmitUnknown,
    TimerFired,
    TradeReported,
    UserStreamUp,
)
from orderkit.domain.job import Control, JobResult
from orderkit.domain.looks import AccountFor, BalanceOf, ContractOf, Look, PriceAt, QuoteOf, Seen
from orderkit.domain.order import Order, OrderReport, Rejection
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine, Output
from orderkit.engine.journal import Journal, Ticket
from orderkit.errors import ExchangeUnreachable, OrderKitError, OrderNotFound, OutcomeUnknown, RateLimited
from orderkit.exchange.gateway import Gateway
from orderkit.runtime.batches import in_batches
from orderkit.runtime.strangers import Strangers

log = logging.getLogger(__name__)

STREAM_START_S = 5.0
JOURNAL_DELAY_S = 0.02

R = TypeVar("R")


class EventStream(Protocol):
    """A source of events that runs until it is cancelled and heals itself."""

    async def run(self, emit: Callable[[Input], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses before a request that certainly was not executed is made again; then it is refused."""

    pauses_s: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6, 3.2)
    longest_rate_limit_s: float = 65.0


class Clock:
    """UTC nanoseconds that never jump: the wall clock once, the monotonic clock from there on."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return time.monotonic_ns() + self._offset_ns


class LiveRuntime:
    """Carries out the engine's commands and feeds it what comes back.

    The loop thread alone touches the engine. Orders, cancels and queries have a thread pool each, so that
    none stands in another's way; an order is sent by its worker only once the journal's ticket is done.
    """

    def __init__(
        self,
        engine: Engine,
        gateway: Gateway,
        journal: Journal,
        *,
        user_stream: EventStream | None = None,
        market_streams: Sequence[EventStream] = (),
        on_step: Callable[[], None] | None = None,
        strangers: Strangers | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        order_threads: int = 8,
    ) -> None:
        self._engine = engine
        self._gateway = gateway
        self._journal = journal
        self._user_stream = user_stream
        self._market_streams = market_streams
        self._on_step = on_step
        self._strangers = strangers
        self._retry = retry or RetryPolicy()
        self.clock = clock or Clock()
        self._orders = ThreadPoolExecutor(order_threads, thread_name_prefix="order")
        self._cancels = ThreadPoolExecutor(4, thread_name_prefix="cancel")
        self._queries = ThreadPoolExecutor(2, thread_name_prefix="query")
        self._inbox: deque[Input] = deque()
        self._draining = False
        self._results: dict[str, asyncio.Future[JobResult]] = {}
        self._stopping = False
        self._stream_up = asyncio.Event()
        self.stream_starts = 0  # how often the user stream has come up: once, and again after each gap
        self._unwritten: Ticket | None = None
        self._journal_timer: asyncio.TimerHandle | None = None

    # --- the caller's side, on the loop thread ----------------------------------------------------

    async def __aenter__(self) -> "LiveRuntime":
        self._loop = asyncio.get_running_loop()
        streams = [*self._market_streams, *([] if self._user_stream is None else [self._user_stream])]
        self._stream_tasks = [asyncio.create_task(stream.run(self.post)) for stream in streams]
        if self._user_stream is not None:
            with contextlib.suppress(TimeoutError):  # without it, the engine asks instead of listening
                await asyncio.wait_for(self._stream_up.wait(), STREAM_START_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._stream_tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OrderKitError):
                await task
        if self._journal_timer is not None:
            self._journal_timer.cancel()
        if self._unwritten is not None:
            with contextlib.suppress(OrderKitError):  # logged where it failed
                await self._loop.run_in_executor(self._queries, self._unwritten.result)
        for pool in (self._orders, self._cancels):
            pool.shutdown(wait=False, cancel_futures=True)
        self._queries.shutdown(wait=False, cancel_futures=True)

    def start(
        self,
        job_id: str,
        flow: Callable[[Context], Flow[JobResult]],
        *,
        started_ns: int | None = None,
        orders: Sequence[Order] = (),
        controls: Sequence[Control] = (),
    ) -> "asyncio.Future[JobResult]":
        """Begin a job; the future brings its result, or the exception that its flow raised."""
        result = self._results[job_id] = self._loop.create_future()
        self._carry_out(
            self._engine.start(
                job_id,
                flow,
                self.clock.now_ns(),
                started_ns=started_ns,
                orders=orders,
                controls=controls,
            )
        )
        return result

    def post(self, event: Input) -> None:
        """Put an event into the inbox. Events are processed one by one in the order of their arrival."""
        if isinstance(event, UserStreamUp):
            self.stream_starts += 1
            self._stream_up.set()
        self._inbox.append(event)
        if self._draining:
            return
        self._draining = True
        try:
            while self._inbox:
                self._carry_out(self._engine.process(self._inbox.popleft(), self.clock.now_ns()))
        except Exception as error:
            log.exception("the engine failed")
            self._fail(error)
        finally:
            self._draining = False

    def stop(self, reason: str, *, interrupted: bool = False) -> None:
        """Ask every job to end in order; ``interrupted`` by a signal to this process."""
        self._stopping = True
        self.post(StopRequested(reason, interrupted=interrupted))

    # --- inside -----------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        for future in self._results.values():
            if not future.done():
                future.set_exception(error)

    def _carry_out(self, output: Output) -> None:
        ticket = self._journal.append(output.entries) if output.entries else None
        if ticket is not None and self._unwritten is None:
            self._journal_timer = self._loop.call_later(JOURNAL_DELAY_S, self._write_journal)
        self._unwritten = ticket or self._unwritten
        for command in in_batches(output.commands):
            if isinstance(command, list):
                self._orders.submit(self._submit_batch, command, ticket)
            else:
                self._dispatch(command, ticket)
        if self._strangers is not None and (output.foreign_fills or output.strangers):
            self._strangers.met(output.foreign_fills, output.strangers)
        if self._on_step is not None:
            self._on_step()
        for job_id, result in output.ended.items():
            self._loop.create_task(self._settle(job_id, result, output.failed.get(job_id), ticket))

    def _write_journal(self) -> None:
        """What no order is waiting for goes to disk in company, soon after it happened."""
        ticket, self._unwritten = self._unwritten, None
        if ticket is not None:
            self._queries.submit(ticket.result)

    async def _settle(
        self, job_id: str, result: JobResult, failure: Exception | None, ticket: Ticket | None
    ) -> None:
        """Tell the caller only once the job's end is on disk."""
        try:
            if ticket is not None:
                await self._loop.run_in_executor(self._queries, ticket.result)
        except Exception as error:  # whatever it is: the caller waits for the result
            log.error("the end of job %s could not be journaled: %s", job_id, error)
        future = self._results.pop(job_id)
        if future.done():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)

    def _dispatch(self, command: Command, ticket: Ticket | None) -> None:
        match command:
            case SubmitOrder():
                self._orders.submit(self._submit, command, ticket, 0)
            case CancelOrder():
                self._cancels.submit(self._cancel, command)
            case QueryOrder() | QueryFills() | SearchOrder():
                self._queries.submit(self._query, command)
            case ListOpenOrders(symbol):
                self._queries.submit(self._list_open_orders, symbol)
            case LookAt(look):
                self._queries.submit(self._look, look)
            case SetTimer(timer_id, at_ns):
                delay_s = (at_ns - self.clock.now_ns()) / 1e9
                self._loop.call_later(max(delay_s, 0.0), self.post, TimerFired(timer_id))

    def _tell(self, *events: Input) -> None:
        """From a worker thread: put events into the inbox."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._post_all, events)

    def _post_all(self, events: tuple[Input, ...]) -> None:
        for event in events:
            self.post(event)

    # --- on worker threads ------------------------------------------------------------------------

    def _submit(self, command: SubmitOrder, ticket: Ticket | None, attempt: int) -> None:
        try:
            if ticket is not None:
                ticket.result()
            early_s = (command.not_before_ns - self.clock.now_ns()) / 1e9
            if early_s > 0 and not self._stopping:
                time.sleep(early_s)
            report = self._gateway.submit(command.client_order_id, command.request)
        except Exception as error:
            self._failed(command, error, attempt)
        else:
            self._tell(OrderReported(report))

    def _submit_batch(self, commands: Sequence[SubmitOrder], ticket: Ticket | None) -> None:
        """Several orders in one request; what fails as if it had been sent alone goes on alone."""
        try:
            if ticket is not None:
                ticket.result()
            answers = self._gateway.submit_batch([(c.client_order_id, c.request) for c in commands])
        except Exception as error:
            for command in commands:
                self._failed(command, error, 0)
        else:
            for command, answer in zip(commands, answers, strict=True):
                if isinstance(answer, OrderReport):
                    self._tell(OrderReported(answer))
                else:
                    self._failed(command, answer, 0)

    def _failed(self, command: SubmitOrder, error: Exception, attempt: int) -> None:
        """An order's request brought no report: send it again, or say what is known of its fate."""
        cid = command.client_order_id
        match error:
            case ExchangeUnreachable():
                pause_s = self._pause_s(error, attempt)
                if pause_s is None or self._stopping:
                    self._tell(SubmitRefused(cid, rejection_of(error)))
                else:
                    log.warning("order %s not sent (%s), again in %.1f s", cid, error.message, pause_s)
                    self._tell_later(pause_s, command, attempt + 1)
            case OutcomeUnknown():
                log.warning("order %s: %s", cid, error.message)
                self._tell(SubmitUnknown(cid, error.message))
            case OrderKitError():
                self._tell(SubmitRefused(cid, rejection_of(error)))
            case _:
                log.error("order %s: unexpected error, outcome not known", cid, exc_info=error)
                self._tell(SubmitUnknown(cid, repr(error)))

    def _tell_later(self, pause_s: float, command: SubmitOrder, attempt: int) -> None:
        def again() -> None:
            self._orders.submit(self._submit, command, None, attempt)

        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.call_later, pause_s, again)

    def _pause_s(self, error: ExchangeUnreachable, attempt: int) -> float | None:
        """How long to wait before the request is made again; None when it is not."""
        if attempt >= len(self._retry.pauses_s):
            return None
        pause_s = self._retry.pauses_s[attempt]
        if isinstance(error, RateLimited):
            if error.banned or error.retry_after_s > self._retry.longest_rate_limit_s:
                return None
            return max(pause_s, error.retry_after_s)
        return pause_s

    def _cancel(self, command: CancelOrder) -> None:
        cid = command.ref.client_order_id
        for attempt in range(len(self._retry.pauses_s) + 1):
            try:
                report = self._gateway.cancel(command.ref)
            except ExchangeUnreachable as error:
                pause_s = self._pause_s(error, attempt)
                if pause_s is None:
                    self._tell(CancelRefused(cid, rejection_of(error)))
                    return
                time.sleep(pause_s)
            except OrderKitError as error:
                self._tell(CancelRefused(cid, rejection_of(error)))
                return
            except Exception as error:
                log.exception("cancel of %s: unexpected error", cid)
                self._tell(CancelRefused(cid, Rejection(kind="internal", message=repr(error))))
                return
            else:
                self._tell(OrderReported(report))
                return

    def _query(self, command: QueryOrder | QueryFills | SearchOrder) -> None:
        cid = command.ref.client_order_id
        try:
            answer = self._answer(command)
        except OrderNotFound:
            self._tell(OrderAbsent(cid))
        except Exception as error:
            self._log_query(cid, error)
            held_back = isinstance(error, RateLimited) and not error.banned
            self._tell(QueryFailed(cid, str(error), held_back))
        else:
            self._tell(*answer, QueryAnswered(cid))

    def _answer(self, command: QueryOrder | QueryFills | SearchOrder) -> Sequence[Input]:
        match command:
            case QueryOrder(ref):
                return [OrderReported(self._gateway.query(ref))]
            case SearchOrder(ref, since_ms):
                return [OrderReported(self._gateway.search(ref, since_ms))]
            case QueryFills(ref):
                return [TradeReported(fill) for fill in self._gateway.fills(ref)]

    def _list_open_orders(self, symbol: str) -> None:
        asked_ns = self.clock.now_ns()
        try:
            reports = self._gateway.open_orders(symbol)
        except Exception as error:
            self._log_query(f"open orders of {symbol}", error)
            self._tell(ListingFailed(symbol, str(error)))
        else:
            self._tell(OpenOrdersListed(symbol, asked_ns, tuple(reports)))

    def _look(self, look: Look) -> None:
        try:
            value = self._seen(look)
        except Exception as error:
            self._log_query(str(look), error)
            self._tell(LookedAt(look, None, str(error)))
        else:
            self._tell(LookedAt(look, value))

    def _seen(self, look: Look) -> Seen:
        match look:
            case AccountFor(symbol):
                return self._gateway.account([symbol])
            case BalanceOf(asset):
                return self._gateway.balance(asset)
            case ContractOf(symbol):
                return self._gateway.instruments(refresh=True)[symbol]
            case QuoteOf(symbol):
                return self._gateway.quote(symbol)
            case PriceAt(venue, pair):
                return self._gateway.reference_price(venue, pair)

    @staticmethod
    def _log_query(cid: str, error: Exception) -> None:
        if isinstance(error, OrderKitError):
            log.warning("query of %s: %s", cid, error.message)
        else:
            log.exception("query of %s: unexpected error", cid)


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on a loop whose timers are exact to some 0.1 ms.

    asyncio's usual selector, epoll, rounds a wait up to the next whole millisecond; select does not. Its
    limit of 1,024 file descriptors is far from what one process of ours holds.
    """
    with asyncio.Runner(loop_factory=_precise_loop) as runner:
        return runner.run(main)


def _precise_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def rejection_of(error: OrderKitError) -> Rejection:
    return Rejection(kind=error.kind, message=error.message, code=error.code, hint=error.hint)
