"""How every order command runs: check, ask, journal, execute, report, exit code."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
import typer

from orderkit.config import Settings
from orderkit.console import invocation
from orderkit.console.beginning import announce, checked_job_id, checked_timeout_ms, prepared
from orderkit.console.documents import JobDocument, plan_document, print_document
from orderkit.console.options import RunOptions
from orderkit.console.outcome import document_of, exit_code, show_job
from orderkit.console.report import print_plan
from orderkit.console.terminal import print_warnings, say
from orderkit.console.views import told, view_of
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord, JobStatus
from orderkit.domain.order import OrderRequest
from orderkit.errors import (
    RiskRefused,
    ValidationError,
)
from orderkit.journal.locks import JobBusy
from orderkit.journal.sqlite import JobExists
from orderkit.orders.executor import (
    Executor,
    FollowsQuotes,
    FollowsTrades,
    NeedsFees,
    NeedsVolumes,
    check_control,
)
from orderkit.orders.registry import executor_of, request_of
from orderkit.risk.gate import Refused
from orderkit.runtime.desk import Desk, new_job_id
from orderkit.runtime.jobs import execute
from orderkit.runtime.risk import RiskGuard
from orderkit.utils import closed_leg

# Among a job's parameters, beside those of its request.
DEAD_MAN = "dead_man_ms"
TIMEOUT = "stop_after_ms"
# Rejections that say that our picture of the contract's filters is out of date.
FILTER_CODES = frozenset({-1111, -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4023, -4164, -4140, -4141})


def run_order(build: Callable[[Instrument], Executor], symbol: str, options: RunOptions) -> NoReturn:
    """Run one order command from its parsed arguments to the exit code.

    Raises:
        OrderKitError: nothing was sent; the caller prints it.
        typer.Exit: everything is printed.
    """
    settings = prepared(options)
    job_id = checked_job_id(options.job_id)
    checked_timeout_ms(options)
    announce(settings, options)
    with Desk(settings) as desk:
        if job_id is not None and (known := desk.journal.load_job(job_id)) is not None:
            raise typer.Exit(_same_job(desk, known, build, symbol, options))
        executor, snapshot, warnings = _checked(desk, build, symbol, options)
        guard = desk.guard(snapshot)
        check_risk(executor, snapshot, guard)
        for remark in executor.remarks(snapshot):
            say(remark)
        if options.dead_man_ms:
            warnings.append(_switch_warning(snapshot.instrument.symbol, options.dead_man_ms))
        print_warnings(warnings)
        if options.plan:
            _show_plan(executor, snapshot, settings, warnings, job_id)
            raise typer.Exit(0)
        record = JobRecord(
            job_id=job_id or new_job_id(executor.kind),
            kind=executor.kind,
            environment=settings.environment.value,
            parameters=_parameters(executor, options),
            started_ns=0,
            arrival_price=str(snapshot.quote.mid),
        )
        try:
            if options.detach:
                from orderkit.console.detach import detach

                code = detach(desk, executor, record, snapshot.instrument, warnings, new=True)
            else:
                code = run_job(desk, executor, record, guard, warnings, new=True)
        except (JobBusy, JobExists):  # the same --job-id, started at the same moment
            code = _same_job(desk, _appearing(desk, record.job_id), build, symbol, options)
        raise typer.Exit(code)


def _parameters(executor: Executor, options: RunOptions) -> dict[str, Any]:
    """What a later process needs to go on: the request, the switch that it has to hold, when to stop."""
    others = {DEAD_MAN: options.dead_man_ms, TIMEOUT: checked_timeout_ms(options)}
    given = {name: value for name, value in others.items() if value is not None}
    return {**msgspec.to_builtins(executor.request), **given}


def _switch_warning(symbol: str, dead_man_ms: int) -> str:
    return (
        f"dead man's switch: once this process is silent for {dead_man_ms / 1000:g} s the exchange cancels"
        f" all open orders of {symbol}, other jobs' and other people's too; conditional orders (stops) may"
        " not be covered"
    )


def check_risk(executor: Executor, snapshot: TradingSnapshot, guard: RiskGuard) -> None:
    """Hold the job as a whole against the risk limits; its orders are held against them one by one later.

    Raises:
        RiskRefused: nothing was sent.
    """
    totals: dict[Side, Decimal] = {}
    planned = executor.plan(snapshot)
    for order in planned:
        if order.alternative:
            continue
        totals[order.side] = totals.get(order.side, Decimal(0)) + order.quantity
    for side, quantity in totals.items():
        single = planned[0] if len(planned) == 1 else None
        whole = OrderRequest(
            symbol=snapshot.instrument.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=quantity,
            price=single.price if single else None,
            position_side=getattr(executor.request, "position_side", PositionSide.BOTH),
            reduce_only=getattr(executor.request, "reduce_only", False),
        )
        verdict = guard(whole, (), parent=single is None)
        if isinstance(verdict, Refused):
            raise RiskRefused(verdict.message, hint=verdict.hint)


def run_job(
    desk: Desk,
    executor: Executor,
    record: JobRecord,
    guard: RiskGuard,
    warnings: Sequence[str] = (),
    *,
    new: bool,
    show: Callable[[JobDocument, Instrument], None] | None = None,
) -> int:
    """Run a job from its beginning, or from where the journal leaves off; print its report; its exit code."""
    instrument = guard.snapshot.instrument
    if new:
        _set_leverage(desk, executor, guard)
    symbols = [executor.request.symbol]
    dead_man_ms = record.parameters.get(DEAD_MAN)
    # A job that its timeout ended, and that somebody takes up again, is not timed out at once.
    timeout_ms = record.parameters.get(TIMEOUT) if record.status is JobStatus.RUNNING else None
    with told(
        view_of(executor, record, instrument, lambda: desk.gateway.endpoints.stream),
        record,
        executor.request,
        instrument,
    ) as view:
        result = execute(
            desk,
            record,
            executor.run,
            view,
            new=new,
            timeout_ms=timeout_ms,
            uses_user_stream=executor.uses_user_stream,
            quotes_of=symbols if isinstance(executor, FollowsQuotes) and executor.follows_quotes else (),
            trades_of=symbols if isinstance(executor, FollowsTrades) and executor.follows_trades else (),
            guard=guard,
            check=functools.partial(check_control, executor),
            dead_man=(instrument.symbol, dead_man_ms) if dead_man_ms else None,
        )
    print_warnings(record.notices)
    if any(o.rejection and o.rejection.code in FILTER_CODES for o in record.orders):
        desk.gateway.instruments(refresh=True)
    (show or show_job)(document_of(executor.request, record, instrument, warnings), instrument)
    return exit_code(record, interrupted=result.interrupted)


def _set_leverage(desk: Desk, executor: Executor, guard: RiskGuard) -> None:
    """As the request wants it, before its first order."""
    wanted, account = getattr(executor.request, "leverage", None), guard.snapshot.account
    symbol = executor.request.symbol
    if wanted is None or (account is not None and account.leverage.get(symbol) == wanted):
        return
    desk.gateway.administration.set_leverage(symbol, wanted)
    say(f"leverage of {symbol}: {wanted}x")
    if account is not None:
        levels = {**account.leverage, symbol: wanted}
        guard.snapshot = dataclasses.replace(
            guard.snapshot, account=dataclasses.replace(account, leverage=levels)
        )


def _same_job(
    desk: Desk,
    known: JobRecord,
    build: Callable[[Instrument], Executor],
    symbol: str,
    options: RunOptions,
) -> int:
    """The job id is taken: go on with that job or report it, never do it twice.

    Raises:
        ValidationError: the id belongs to a job with other parameters.
    """
    instrument = desk.instrument(symbol)
    executor = build(instrument)
    wanted = (executor.kind, executor.request.symbol, executor.request.side)
    kept = request_of(known.kind, known.parameters)
    given, had = executor.request.quantity, kept.quantity
    differs = given not in (had, 0) and not options.rounding  # 0: worked out when the job began
    if wanted != (known.kind, kept.symbol, kept.side) or differs:
        raise ValidationError(
            f"JOB_ID: {known.job_id} is the id of another job: {known.kind} {kept.side} {had} {kept.symbol}",
            rule="JOB_ID",
            hint="Choose another --job-id, or repeat the job's own command.",
        )
    say(f"job {known.job_id} exists: {known.status.value}")
    if known.status is not JobStatus.RUNNING:
        show_job(document_of(kept, known, instrument), instrument)
        return exit_code(known, interrupted=False)
    if options.detach:
        from orderkit.console.detach import detach

        executor = executor_of(known.kind, kept, instrument)
        return detach(desk, executor, known, instrument, new=False)
    return resume_job(desk, known)


def _appearing(desk: Desk, job_id: str) -> JobRecord:
    """The job that another process is just writing down."""
    for _ in range(40):
        if (known := desk.journal.load_job(job_id)) is not None:
            return known
        time.sleep(0.05)
    raise JobBusy(f"job {job_id} is being started by another process", hint="try again in a moment")


def resume_job(
    desk: Desk,
    record: JobRecord,
    show: Callable[[JobDocument, Instrument], None] | None = None,
) -> int:
    """Go on with a job of an earlier process; where another process is at it, report it as it stands."""
    request = request_of(record.kind, record.parameters)
    instrument = desk.instrument(request.symbol)
    executor = executor_of(record.kind, request, instrument)
    try:
        guard = desk.guard(desk.snapshot(instrument), record.orders)
        return run_job(desk, executor, record, guard, new=False, show=show)
    except JobBusy as busy:
        say(busy.message)
        record = desk.journal.load_job(record.job_id) or record
        (show or show_job)(document_of(request, record, instrument), instrument)
        return 0


def _checked(
    desk: Desk, build: Callable[[Instrument], Executor], symbol: str, options: RunOptions
) -> tuple[Executor, TradingSnapshot, list[str]]:
    """The executor, having passed the chain; a filter's refusal is believed of fresh filters only."""
    instrument = desk.instrument(symbol)
    executor = build(instrument)
    snapshot = desk.snapshot(instrument, fees=options.plan or isinstance(executor, NeedsFees))
    if isinstance(executor, NeedsVolumes):
        volumes = desk.volumes(instrument.symbol, executor.volume_periods(snapshot.now_ms))
        snapshot = dataclasses.replace(snapshot, volumes=volumes)
    try:
        return executor, snapshot, executor.validate(snapshot, rounding=options.rounding)
    except ValidationError:
        fresh = desk.gateway.instruments(refresh=True).get(instrument.symbol, instrument)
        if fresh == instrument:
            raise
        snapshot = dataclasses.replace(snapshot, instrument=fresh)
        executor = build(fresh)
        return executor, snapshot, executor.validate(snapshot, rounding=options.rounding)


def _show_plan(
    executor: Executor, snapshot: TradingSnapshot, settings: Settings, warnings: list[str], job_id: str | None
) -> None:
    request = executor.request
    position_side = getattr(request, "position_side", PositionSide.BOTH)
    document = plan_document(
        settings.environment.value,
        executor.kind,
        request.side,
        executor.plan(snapshot),
        snapshot,
        warnings,
        job_id,
        position_side,
        closes=getattr(request, "reduce_only", False) or position_side is closed_leg(request.side),
    )
    if invocation.current.json:
        print_document(document)
    else:
        print_plan(document, snapshot.instrument.base_asset, snapshot.instrument.quote_asset)
