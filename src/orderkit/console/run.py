"""How every order command runs: check, ask, journal, execute, report, exit code."""

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NoReturn

import msgspec
import typer

from orderkit.config import Settings, setup_logging, validate_environment
from orderkit.console import invocation
from orderkit.console.documents import job_document, plan_document, print_document
from orderkit.console.options import RunOptions
from orderkit.console.progress import LivePanel, PlainLines, Silence, View
from orderkit.console.report import print_job, print_plan, print_warnings, say
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import Environment
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.engine.engine import Engine
from orderkit.errors import (
    ConfigurationError,
    Incomplete,
    OrderRejected,
    OutcomeUnknown,
    UsageError,
    ValidationError,
)
from orderkit.orders.executor import Executor
from orderkit.runtime.desk import Desk, new_job_id
from orderkit.runtime.live import LiveRuntime, run

log = logging.getLogger(__name__)

INTERRUPTED = 130
JOB_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
JOB_ID_LENGTH = 24
# Rejections that say that our picture of the contract's filters is out of date.
FILTER_CODES = frozenset({-1111, -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4023, -4164, -4140, -4141})
_EXIT_OF_KIND = {"unreachable": 7, "rate_limited": 7, "authentication": 6, "configuration": 6, "absent": 7}


def run_order(build: Callable[[Instrument], Executor], symbol: str, options: RunOptions) -> NoReturn:
    """Run one order command from its parsed arguments to the exit code.

    Raises:
        OrderKitError: nothing was sent; the caller prints it.
        typer.Exit: everything is printed.
    """
    settings = Settings.load(checked_environment(options.environment))
    invocation.current.json, invocation.current.quiet = options.json, options.quiet
    invocation.current.environment = settings.environment.value
    validate_environment(settings)
    setup_logging(settings)
    job_id = checked_job_id(options.job_id)
    _announce(settings, options)
    with Desk(settings) as desk:
        executor, snapshot, warnings = _checked(desk, build, symbol, options)
        for remark in executor.remarks(snapshot):
            say(remark)
        print_warnings(warnings)
        if options.plan:
            _show_plan(executor, snapshot, settings, warnings, job_id)
            raise typer.Exit(0)
        record = JobRecord(
            job_id=job_id or new_job_id(executor.kind),
            kind=executor.kind,
            environment=settings.environment.value,
            parameters=msgspec.to_builtins(executor.request),
            started_ns=0,
            arrival_price=str(snapshot.quote.mid),
        )
        result = run(_execute(desk, executor, record, snapshot))
        record.status, record.reason = result.status, result.reason
        if any(o.rejection and o.rejection.code in FILTER_CODES for o in record.orders):
            desk.gateway.instruments(refresh=True)
        _show_job(executor, record, snapshot.instrument, warnings)
        raise typer.Exit(exit_code(record, interrupted=result.interrupted))


def checked_environment(name: str | None) -> str | None:
    """The --env option, where given, as one of the environments' names.

    Raises:
        UsageError: no such environment.
    """
    accepted = [environment.value for environment in Environment]
    if name is not None and name.strip().lower() not in accepted:
        raise UsageError(f"--env {name!r} is not an environment", hint=f"one of {', '.join(accepted)}")
    return name


def checked_job_id(job_id: str | None) -> str | None:
    """A job id becomes part of every client order id, which the exchange limits to 36 plain characters.

    Raises:
        UsageError: too long, or other characters.
    """
    if job_id is not None and not (0 < len(job_id) <= JOB_ID_LENGTH and set(job_id) <= JOB_ID_CHARACTERS):
        raise UsageError(
            f"job id {job_id!r} cannot be used",
            hint=f"1 to {JOB_ID_LENGTH} letters, digits, dots, dashes and underscores",
        )
    return job_id


def exit_code(record: JobRecord, *, interrupted: bool) -> int:
    """The published exit code of a job's end."""
    match record.status:
        case _ if interrupted:
            return INTERRUPTED
        case JobStatus.COMPLETED | JobStatus.OPEN:
            return 0
        case JobStatus.UNKNOWN:
            return OutcomeUnknown.exit_code
        case JobStatus.REJECTED:
            last = record.orders[-1].rejection if record.orders else None
            return _EXIT_OF_KIND.get(last.kind, OrderRejected.exit_code) if last else OrderRejected.exit_code
        case JobStatus.STOPPED:
            return Incomplete.exit_code
        case _:
            return 1


def _announce(settings: Settings, options: RunOptions) -> None:
    if settings.environment is not Environment.LIVE:
        say(f"environment: {settings.environment.value}")
        return
    print("LIVE: this trades real money", file=sys.stderr)
    if options.yes or options.plan:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "live trading needs --yes in a script", hint="add --yes, or use --env testnet"
        )
    if not typer.confirm("Send this to the live exchange?", err=True):
        raise typer.Exit(INTERRUPTED)


def _checked(
    desk: Desk, build: Callable[[Instrument], Executor], symbol: str, options: RunOptions
) -> tuple[Executor, TradingSnapshot, list[str]]:
    """The executor, having passed the chain; a filter's refusal is believed of fresh filters only."""
    instrument = desk.instrument(symbol)
    snapshot = desk.snapshot(instrument, fees=options.plan)
    executor = build(instrument)
    try:
        return executor, snapshot, executor.validate(snapshot, rounding=options.rounding)
    except ValidationError:
        fresh = desk.gateway.instruments(refresh=True).get(instrument.symbol, instrument)
        if fresh == instrument:
            raise
        snapshot = dataclasses.replace(snapshot, instrument=fresh)
        executor = build(fresh)
        return executor, snapshot, executor.validate(snapshot, rounding=options.rounding)


async def _execute(desk: Desk, executor: Executor, record: JobRecord, snapshot: TradingSnapshot) -> JobResult:
    stream = None
    if executor.uses_user_stream:
        from orderkit.exchange.user_stream import UserStream

        stream = UserStream(desk.gateway, desk.endpoints.stream)
    view = _view_of(executor, record, snapshot)
    engine = Engine()
    async with LiveRuntime(
        engine, desk.gateway, desk.journal, user_stream=stream, on_step=view.step
    ) as runtime:
        record.started_ns = runtime.clock.now_ns()
        desk.journal.open_job(record)
        log.info("job %s: %s", record.job_id, json.dumps(record.parameters))
        with _interrupts(runtime.stop):
            ending = runtime.start(
                record.job_id, executor.run, started_ns=record.started_ns, orders=record.orders
            )
            job = engine.jobs.get(record.job_id)
            if job is not None:
                record.orders = job.context.orders
                view.begin(job.context)
            try:
                result = await ending
            finally:
                view.end()
        record.finished_ns = runtime.clock.now_ns()
    log.info("job %s: %s %s", record.job_id, result.status, result.reason or "")
    return result


def _view_of(executor: Executor, record: JobRecord, snapshot: TradingSnapshot) -> View:
    request = executor.request
    planned = executor.plan(snapshot)
    if invocation.current.quiet or len(planned) < 2:
        return Silence()
    if not invocation.to_terminal():
        return PlainLines(request.side, request.quantity, snapshot.instrument)
    return LivePanel(
        request.side,
        request.quantity,
        snapshot.instrument,
        title=f"{executor.kind} {request.side} {request.symbol}",
        arrival_price=Decimal(record.arrival_price) if record.arrival_price else None,
        duration_ns=max((order.offset_ms or 0) for order in planned) * 1_000_000,
    )


@contextlib.contextmanager
def _interrupts(stop: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the job in order, the second one leaves at once: all is journaled."""
    loop = asyncio.get_running_loop()
    asked = False

    def handle(name: str) -> None:
        nonlocal asked
        if asked:
            sys.stderr.write("\nleft at once; the journal has all orders\n")
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


def _show_plan(
    executor: Executor, snapshot: TradingSnapshot, settings: Settings, warnings: list[str], job_id: str | None
) -> None:
    document = plan_document(
        settings.environment.value,
        executor.kind,
        executor.request.side,
        executor.plan(snapshot),
        snapshot,
        warnings,
        job_id,
    )
    if invocation.current.json:
        print_document(document)
    else:
        print_plan(document, snapshot.instrument.base_asset, snapshot.instrument.quote_asset)


def _show_job(executor: Executor, record: JobRecord, instrument: Instrument, warnings: list[str]) -> None:
    document = job_document(record, instrument, executor.request.side, executor.request.quantity, warnings)
    if invocation.current.json:
        print_document(document)
    else:
        print_job(document, instrument.base_asset, instrument.quote_asset)
