"""Runs one job on a desk: lock, journal, engine and live runtime around an executor's flow."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from orderkit.domain.events import ControlTaken
from orderkit.domain.job import Control, ControlKind, JobRecord, JobResult, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.errors import INTERRUPTED, ConfigurationError, OrderKitError, ValidationError
from orderkit.journal.locks import job_lock
from orderkit.risk.gate import Refused
from orderkit.runtime.dead_man import switch_for
from orderkit.runtime.desk import Desk
from orderkit.runtime.live import EventStream, LiveRuntime
from orderkit.runtime.risk import RiskGuard
from orderkit.runtime.strangers import Strangers
from orderkit.runtime.timing import Clock, run

log = logging.getLogger(__name__)

CONTROL_PERIOD_S = 0.25
SEARCH_PERIOD_S = 60.0


Check = Callable[[Control, JobRecord], None]
"""Raises ValidationError where the job cannot do what it is asked."""


class View(Protocol):
    """Shows a running job; told after every step of the engine, and must be quick."""

    def begin(self, context: Context) -> None: ...

    def step(self) -> None: ...

    def end(self) -> None: ...


def execute(
    desk: Desk,
    record: JobRecord,
    flow: Callable[[Context], Flow[JobResult]],
    view: View,
    *,
    new: bool,
    uses_user_stream: bool,
    quotes_of: Sequence[str] = (),
    trades_of: Sequence[str] = (),
    guard: RiskGuard | None = None,
    dead_man: tuple[str, int] | None = None,
    check: Check | None = None,
    timeout_ms: int | None = None,
) -> JobResult:
    """Run a job to its end in this process; ``record`` gets its orders, times, status and notices.

    The flow is told of the best bid and ask of the symbols ``quotes_of``, and of how much trades in those
    of ``trades_of``.

    A ``new`` job is written down first; another one goes on with the orders that the journal has. Every
    order passes ``guard``; None is for flows that send nothing.

    ``check`` says which control commands the job takes; without it none but a stop.

    ``dead_man``: a symbol and a time in ms; all open orders there are cancelled when this process has not
    been heard of for so long. ``timeout_ms`` after its start the job is asked to stop.

    Raises:
        JobBusy: another process runs it.
        JobExists: a new job's id is taken.
        ConfigurationError: the journal cannot be written: nothing is sent.
    """
    with job_lock(desk.settings.home, record.job_id):
        if not new and _ended_meanwhile(desk, record):
            return JobResult(record.status, record.reason)
        result = run(
            _execute(
                desk,
                record,
                flow,
                view,
                new=new,
                uses_user_stream=uses_user_stream,
                quotes_of=quotes_of,
                trades_of=trades_of,
                guard=guard,
                dead_man=dead_man,
                check=check or _takes_none,
                timeout_ms=timeout_ms,
            )
        )
    record.status, record.reason = result.status, result.reason
    log.info("job %s: %s %s", record.job_id, result.status, result.reason or "")
    return result


def _ended_meanwhile(desk: Desk, record: JobRecord) -> bool:
    """Bring ``record`` up to date, now that nobody else can add to the job; True where nothing is left to do.

    Another process may have gone on with the job, or ended it, between the caller's look and the lock.
    """
    before = record.status
    now = desk.journal.load_job(record.job_id)
    assert now is not None, "jobs are never deleted"
    record.status, record.reason, record.finished_ns = now.status, now.reason, now.finished_ns
    record.orders[:], record.controls[:] = now.orders, now.controls
    return before is JobStatus.RUNNING and record.status is not JobStatus.RUNNING


async def _execute(
    desk: Desk,
    record: JobRecord,
    flow: Callable[[Context], Flow[JobResult]],
    view: View,
    *,
    new: bool,
    uses_user_stream: bool,
    quotes_of: Sequence[str],
    trades_of: Sequence[str],
    guard: RiskGuard | None,
    dead_man: tuple[str, int] | None,
    check: Check,
    timeout_ms: int | None,
) -> JobResult:
    stream = None
    markets: list[EventStream] = []
    if uses_user_stream:
        from orderkit.exchange.user_stream import UserStream

        stream = UserStream(desk.gateway, lambda: desk.gateway.endpoints.stream)
    if quotes_of:
        from orderkit.exchange.market_stream import MarketStream

        markets.append(MarketStream(desk.gateway, lambda: desk.gateway.endpoints.stream, quotes_of))
    if trades_of:
        from orderkit.exchange.trade_stream import TradeStream

        markets.append(TradeStream(desk.gateway.inquiry, lambda: desk.gateway.endpoints.stream, trades_of))
    engine = Engine(gate=guard or _refuse_all)
    clock = Clock()
    if guard is not None:
        engine.learn(guard.snapshot, clock.now_ns())
    strangers = Strangers(desk.journal, record.job_id, desk.gateway.now_ms)
    runtime = LiveRuntime(
        engine,
        desk.gateway,
        desk.journal,
        user_stream=stream,
        market_streams=markets,
        on_step=view.step,
        strangers=strangers,
        clock=clock,
    )
    last_known_ms = max((order.updated_ms for order in record.orders), default=0)
    async with runtime, switch_for(desk.gateway, dead_man):
        if new:
            record.started_ns = runtime.clock.now_ns()
            desk.journal.open_job(record)
        log.info(
            "job %s %s: %s", record.job_id, "starts" if new else "goes on", json.dumps(record.parameters)
        )
        with _interrupts(partial(runtime.stop, interrupted=True)):
            ending = runtime.start(
                record.job_id,
                flow,
                started_ns=record.started_ns,
                orders=record.orders,
                controls=record.controls,
            )
            job = engine.jobs.get(record.job_id)
            if job is not None:
                record.orders, record.controls = job.context.orders, job.context.controls
                view.begin(job.context)
            listening = [asyncio.create_task(_listen(desk, record, runtime, guard, check))]
            if uses_user_stream:
                since_ms = last_known_ms or desk.gateway.now_ms()
                looking = _look_around(desk, record, runtime, strangers, since_ms)
                listening.append(asyncio.create_task(looking))
            if timeout_ms is not None:
                left_s = (record.started_ns - runtime.clock.now_ns()) / 1e9 + timeout_ms / 1000
                why = f"not done within {timeout_ms / 1000:g} s"
                asyncio.get_running_loop().call_later(max(0.0, left_s), runtime.stop, why)
            try:
                result = await ending
            finally:
                for listener in listening:
                    listener.cancel()
                view.end()
        record.finished_ns = runtime.clock.now_ns()
        await asyncio.to_thread(strangers.report)
        if last_known_ms and any(order.executed_quantity for order in record.orders):
            await asyncio.to_thread(strangers.search, desk.gateway.inquiry, record.symbols, last_known_ms)
    record.notices = strangers.notices
    return result


async def _look_around(
    desk: Desk, record: JobRecord, runtime: LiveRuntime, strangers: Strangers, since_ms: int
) -> None:
    """Notice what others trade: as the stream tells it, and asked for once a minute and after each gap."""
    searched_s, starts = time.monotonic(), runtime.stream_starts
    while True:
        await asyncio.sleep(CONTROL_PERIOD_S)
        await asyncio.to_thread(strangers.report)
        if runtime.stream_starts == starts and time.monotonic() - searched_s < SEARCH_PERIOD_S:
            continue
        searched_s, starts = time.monotonic(), runtime.stream_starts
        await asyncio.to_thread(strangers.search, desk.gateway.inquiry, record.symbols, since_ms)


def _refuse_all(request: OrderRequest, orders: Sequence[Order]) -> Refused:
    """The gate of flows that send nothing."""
    del request, orders
    return Refused("NO_ORDERS", "this job sends no orders", "")


def _takes_none(control: Control, record: JobRecord) -> None:
    """The check of flows that heed nothing but a stop."""
    raise ValidationError(
        f"CONTROL: a {record.kind} job takes no {control.kind}",
        rule="CONTROL",
        hint=f"bot.py stop {record.job_id} ends it in order",
    )


async def _listen(
    desk: Desk, record: JobRecord, runtime: LiveRuntime, guard: RiskGuard | None, check: Check
) -> None:
    """Take what other processes ask of the job."""
    while True:
        await asyncio.sleep(CONTROL_PERIOD_S)
        if guard is not None:
            guard.refresh()
        try:
            # Not on the loop's thread: whoever looks waits while a commit is being synced.
            for number, control in await asyncio.to_thread(desk.journal.pending_controls, record.job_id):
                _take(desk, record, runtime, check, number, control)
        except ConfigurationError as error:
            log.warning("no control commands: %s", error.message)


def _take(
    desk: Desk, record: JobRecord, runtime: LiveRuntime, check: Check, number: int, asked: Control
) -> None:
    """Answer one command on disk first, then let the job act on it: a resumed job does the same again."""
    now_ns = runtime.clock.now_ns()
    log.info("job %s: %s %s", record.job_id, asked.kind, dict(asked.changes))
    if asked.kind is ControlKind.STOP:
        desk.journal.answer_control(number, now_ns)
        runtime.stop("stopped by another command")
        return
    control = Control(asked.kind, now_ns, asked.changes)
    try:
        check(control, record)
    except OrderKitError as refused:
        desk.journal.answer_control(number, now_ns, refused.message)
        return
    desk.journal.answer_control(number, now_ns)
    runtime.post(ControlTaken(record.job_id, control))


@contextlib.contextmanager
def _interrupts(stop: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the job in order, the second one leaves at once: all is journaled."""
    loop = asyncio.get_running_loop()
    asked = False

    def tell(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read this may be gone; the signal counts
            sys.stderr.write(f"\n{text}\n")
            sys.stderr.flush()

    def handle(name: str) -> None:
        nonlocal asked
        if asked:
            tell("left at once; the journal has every order: bot.py resume goes on")
            os._exit(INTERRUPTED)
        asked = True
        tell("stopping: no new orders, waiting for answers (again to leave at once)")
        stop(f"stopped by {name}")

    signals = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
    for number, name in signals.items():
        loop.add_signal_handler(number, handle, name)
    try:
        yield
    finally:
        for number, name in signals.items():
            loop.remove_signal_handler(number)
            if asked:  # while the command says how it ended, a second signal means what it meant before
                signal.signal(number, lambda *_, name=name: handle(name))
