"""What close does: finds the position, and ends it by one job; flatten closes its positions here too."""

from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

import msgspec
import typer

from orderkit.console import tables
from orderkit.console.account_views import position_rows, print_positions
from orderkit.console.acting_documents import ClosedDocument
from orderkit.console.beginning import ask_once, need_yes, prepared
from orderkit.console.documents import JobDocument
from orderkit.console.looking import present
from orderkit.console.looking_documents import PositionsDocument
from orderkit.console.options import RunOptions
from orderkit.console.protection import closing_side
from orderkit.console.run import check_risk, run_job
from orderkit.console.terminal import say
from orderkit.domain.account import Account, Position
from orderkit.domain.enums import PositionSide
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.errors import Incomplete, OrderKitError, ValidationError
from orderkit.exchange.details import HeldPosition
from orderkit.orders.close import CloseExecutor, CloseRequest
from orderkit.orders.limit import LimitExecutor
from orderkit.orders.registry import request_of
from orderkit.runtime.desk import Desk, new_job_id

WHOLE = Decimal(100)


def request_to_close(
    symbol: str, percent: Decimal, leg: PositionSide | None, run: RunOptions
) -> CloseRequest:
    """What closes so much of a contract's position, of its ``leg`` in hedge mode.

    A job that exists keeps what it was to close, whatever the position is by now.

    Raises:
        ValidationError: no such position, or two of them.
    """
    settings = prepared(run)
    need_yes(settings, run)
    with Desk(settings) as desk:
        known = None if run.job_id is None else desk.journal.load_job(run.job_id)
        if known is not None and known.kind in (CloseExecutor.kind, LimitExecutor.kind):
            kept = request_of(known.kind, known.parameters)
            return CloseRequest(kept.symbol, kept.side, kept.quantity, kept.position_side)
        instrument = desk.instrument(symbol)
        position = _held(desk.gateway.account([instrument.symbol]), instrument, leg)
        return part_of(position, percent, instrument)


def close_all(percent: Decimal, run: RunOptions) -> NoReturn:
    """Close every position at the market: exit 0 once each is done as asked, else what went wrong.

    Raises:
        ConfigurationError: a script without --yes.
    """
    settings = prepared(run)
    need_yes(settings, run)
    say(f"environment: {settings.environment.value}")
    with Desk(settings) as desk:
        held = desk.gateway.inquiry.positions()
        if held:
            ask_once(settings, run, "close --all", lambda: _question(desk, held, percent))
        jobs: list[JobDocument] = []
        code, reason = 0, None
        for position in held:
            try:
                ended = close_held(desk, position, jobs.append, percent)
            except OrderKitError as error:
                code, reason = max(code, error.exit_code), error.message
                continue
            if ended:
                code, reason = max(code, ended), jobs[-1].reason
        document = ClosedDocument(
            env=settings.environment.value, jobs=jobs, positions_left=position_rows(desk), reason=reason
        )
        present(document, _print_closed)
    raise typer.Exit(code if code != 1 else Incomplete.exit_code)


def close_held(
    desk: Desk,
    position: HeldPosition,
    keep: Callable[[JobDocument], None],
    percent: Decimal = WHOLE,
    name: str = "close",
) -> int:
    """Close a position by a job, through the same checks, risk gate and journal as every order; its code.

    ``keep`` is given the job's document.

    Raises:
        OrderKitError: nothing was sent.
    """
    instrument = desk.instrument(position.symbol)
    executor = CloseExecutor(part_of(position, percent, instrument), instrument)
    snapshot = desk.snapshot(instrument)
    executor.validate(snapshot)
    guard = desk.guard(snapshot)
    check_risk(executor, snapshot, guard)
    record = JobRecord(
        job_id=new_job_id(name),
        kind=executor.kind,
        environment=desk.settings.environment.value,
        parameters=msgspec.to_builtins(executor.request),
        started_ns=0,
        arrival_price=str(snapshot.quote.mid),
    )
    return run_job(desk, executor, record, guard, new=True, show=lambda document, _: keep(document))


def part_of(position: Position | HeldPosition, percent: Decimal, instrument: Instrument) -> CloseRequest:
    """What closes so much of a position, rounded down to the step.

    Raises:
        ValidationError: the part is less than the contract's smallest order.
    """
    held = quantity = abs(position.quantity)
    if percent != WHOLE:
        quantity = instrument.round_quantity(held * percent / 100, market=True)
    least = instrument.lot_size_for(market=True).min_quantity
    if quantity < least:
        raise ValidationError(
            f"LOT_SIZE: {percent:f} % of the {instrument.symbol} position of {held} is less than the smallest"
            f" order; accepted: what makes {least} or more",
            rule="LOT_SIZE",
            hint="Close a larger part, or all of it.",
        )
    return CloseRequest(
        symbol=instrument.symbol,
        side=closing_side(position.quantity),
        quantity=quantity,
        position_side=position.position_side,
    )


def _held(account: Account, instrument: Instrument, leg: PositionSide | None) -> Position:
    held = [p for p in account.positions if p.symbol == instrument.symbol and p.quantity]
    chosen = [p for p in held if leg in (None, p.position_side)]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise ValidationError(
            f"POSITION_SIDE: {instrument.symbol} has a long and a short position; accepted: LONG or SHORT",
            rule="POSITION_SIDE",
            hint="Add --position-side LONG or SHORT.",
        )
    others = ", ".join(str(p.position_side) for p in held)
    raise ValidationError(
        f"POSITION: {instrument.symbol} has no {'' if leg is None else f'{leg} '}position; accepted: "
        + (others or "a contract with one"),
        rule="POSITION",
        hint="bot.py positions lists what is open.",
    )


def _question(desk: Desk, held: list[HeldPosition], percent: Decimal) -> str:
    """What would go."""
    for position in held:
        say(f"{position.symbol}: {position.quantity} at entry {position.entry_price}")
    return f"Close {percent:f} % of these {len(held)} positions on {desk.settings.environment.value}?"


def show_closed_job(job: JobDocument) -> None:
    """One line: what was closed, at which price, and how it ended."""
    line = tables.text(f"closed {job.symbol}: ")
    line.append_text(tables.side(job.side))
    line.append(f" {job.executed_quantity} at {job.average_price or 'no price'}  {job.job_id} ")
    line.append_text(tables.status(job.status))
    tables.show(line)


def _print_closed(document: ClosedDocument) -> None:
    for job in document.jobs:
        show_closed_job(job)
    if document.reason:
        tables.show(tables.text(f"NOT closed as asked: {document.reason}", "bold red"))
    if not document.positions_left:
        tables.show(tables.text("no position is open", "green"))
        return
    print_positions(PositionsDocument(env=document.env, positions=document.positions_left))
