"""The live runtime: one asyncio inbox in real time, every blocking call on a thread of its own."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from orderkit.domain.commands import CancelOrder, Command, SetTimer, SubmitOrder
from orderkit.domain.events import Input, StopRequested, TimerFired, UserStreamUp
from orderkit.domain.job import Control, JobResult
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine, Output
from orderkit.engine.journal import Journal, Ticket
from orderkit.errors import OrderKitError
from orderkit.exchange.gateway import Gateway
from orderkit.runtime.batches import in_batches
from orderkit.runtime.gateway_calls import GatewayCalls
from orderkit.runtime.strangers import Strangers
from orderkit.runtime.timing import Clock

log = logging.getLogger(__name__)

STREAM_START_S = 5.0
JOURNAL_DELAY_S = 0.02


class EventStream(Protocol):
    """A source of events that runs until it is cancelled and heals itself."""

    async def run(self, emit: Callable[[Input], None]) -> None: ...


class LiveRuntime:
    """Carries out the engine's commands and feeds it what comes back.

    The loop thread alone touches the engine; ``GatewayCalls`` makes the requests.
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
        clock: Clock | None = None,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._user_stream = user_stream
        self._market_streams = market_streams
        self._on_step = on_step
        self._strangers = strangers
        self.clock = clock or Clock()
        self._calls = GatewayCalls(gateway, self.clock.now_ns, self._tell, self._call_later)
        self._writer = ThreadPoolExecutor(1, "journal")
        self._inbox: deque[Input] = deque()
        self._draining = False
        self._results: dict[str, asyncio.Future[JobResult]] = {}
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
        try:
            for task in self._stream_tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OrderKitError):
                    await task
            if self._journal_timer is not None:
                self._journal_timer.cancel()
            if self._unwritten is not None:
                await asyncio.to_thread(_write, self._unwritten)
        finally:
            self._calls.close()
            self._writer.shutdown(wait=False, cancel_futures=True)

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
        self._calls.stopping = True
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
                self._calls.submit_batch(command, ticket)
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
            with contextlib.suppress(RuntimeError):  # closed: the rest is written on the way out
                self._writer.submit(_write, ticket)

    async def _settle(
        self, job_id: str, result: JobResult, failure: Exception | None, ticket: Ticket | None
    ) -> None:
        """Tell the caller only once the job's end is on disk."""
        try:
            if ticket is not None:
                await asyncio.to_thread(ticket.result)
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
                self._calls.submit(command, ticket)
            case CancelOrder():
                self._calls.cancel(command)
            case SetTimer(timer_id, at_ns):
                delay_s = (at_ns - self.clock.now_ns()) / 1e9
                self._loop.call_later(max(delay_s, 0.0), self.post, TimerFired(timer_id))
            case query:
                self._calls.ask(query)

    # --- for the threads --------------------------------------------------------------------------

    def _tell(self, events: Sequence[Input]) -> None:
        """From any thread: put events into the inbox."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._post_all, events)

    def _post_all(self, events: Sequence[Input]) -> None:
        for event in events:
            self.post(event)

    def _call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        """From any thread: have the loop make the call."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.call_later, delay_s, call)


def _write(ticket: Ticket) -> None:
    try:
        ticket.result()
    except OrderKitError:
        pass  # logged where it failed; kept for the next write
    except Exception:
        log.exception("the journal could not be written")
