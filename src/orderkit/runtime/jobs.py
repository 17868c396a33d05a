"""Runs one job on a desk: lock, journal, engine and live runtime around an executor's flow."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from orderkit.domain.job import JobRecord, JobResult
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.errors import ConfigurationError
from orderkit.journal.locks import job_lock
from orderkit.risk.gate import Refused
from orderkit.runtime.dead_man import switch_for
from orderkit.runtime.desk import Desk
from orderkit.runtime.live import EventStream, LiveRuntime, run
from orderkit.runtime.risk import RiskGuard
from orderkit.runtime.strangers import Strangers

log = logging.getLogger(__name__)

INTERRUPTED = 130
CONTROL_PERIOD_S = 0.25


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
) -> JobResult:
    """Run a job to its end in this process; ``record`` gets its orders, times, status and notices.

    The flow is told of the best bid and ask of the symbols ``quotes_of``, and of how much trades in those
    of ``trades_of``.

    A ``new`` job is written down first; another one goes on with the orders that ``record`` has. Every
    order passes ``guard``; None is for flows that send nothing.

    ``dead_man``: a symbol and a time in ms; all open orders there are cancelled when this process has not
    been heard of for so long.

    Raises:
        JobBusy: another process runs it.
        JobExists: a new job's id is taken.
        ConfigurationError: the journal cannot be written: nothing is sent.
    """
    with job_lock(desk.settings.home, record.job_id):
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
            )
        )
    record.status, record.reason = result.status, result.reason
    log.info("job %s: %s %s", record.job_id, result.status, result.reason or "")
    return result


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
    strangers = Strangers(desk.journal, record.job_id)
    runtime = LiveRuntime(
        engine,
        desk.gateway,
        desk.journal,
        user_stream=stream,
        market_streams=markets,
        on_step=view.step,
        strangers=strangers,
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
            ending = runtime.start(record.job_id, flow, started_ns=record.started_ns, orders=record.orders)
            job = engine.jobs.get(record.job_id)
            if job is not None:
                record.orders = job.context.orders
                view.begin(job.context)
            listener = asyncio.create_task(_listen(desk, record.job_id, runtime, guard))
            try:
                result = await ending
            finally:
                listener.cancel()
                view.end()
        record.finished_ns = runtime.clock.now_ns()
        if last_known_ms and any(order.executed_quantity for order in record.orders):
            symbols = {order.request.symbol for order in record.orders}
            for symbol in sorted(symbols):
                await asyncio.to_thread(strangers.search, desk.gateway.inquiry, symbol, last_known_ms)
    record.notices = strangers.notices
    return result


def _refuse_all(request: OrderRequest, orders: Sequence[Order]) -> Refused:
    """The gate of flows that send nothing."""
    del request, orders
    return Refused("NO_ORDERS", "this job sends no orders", "")


async def _listen(desk: Desk, job_id: str, runtime: LiveRuntime, guard: RiskGuard | None) -> None:
    """Take what other processes ask of the job."""
    while True:
        await asyncio.sleep(CONTROL_PERIOD_S)
        if guard is not None:
            guard.refresh()
        try:
            controls = desk.journal.take_controls(job_id, runtime.clock.now_ns())
        except ConfigurationError as error:
            log.warning("no control commands: %s", error.message)
            continue
        for command, _ in controls:
            if command == "stop":
                runtime.stop("stopped by another command")
            else:
                log.warning("job %s: unknown control command %s", job_id, command)


@contextlib.contextmanager
def _interrupts(stop: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the job in order, the second one leaves at once: all is journaled."""
    loop = asyncio.get_running_loop()
    asked = False

    def handle(name: str) -> None:
        nonlocal asked
        if asked:
            sys.stderr.write("\nleft at once; the journal has every order: bot.py resume goes on\n")
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        asked = True
        sys.stderr.write("\nstopping: no new orders, waiting for answers (again to leave at once)\n")
        stop(f"stopped by {name}")

    signals = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
    for number, name in signals.items():
        loop.add_signal_handler(number, handle, name)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
