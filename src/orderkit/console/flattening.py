"""What flatten does: ends running jobs, cancels every order, closes every position, and looks again."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import typer

from orderkit.console import tables
from orderkit.console.account_views import orders_table, position_rows, print_positions
from orderkit.console.acting_documents import FlattenDocument
from orderkit.console.beginning import ask_once, prepared
from orderkit.console.canceling import cancel_symbols, note_cancel, tell_the_journal
from orderkit.console.closing import close_held, show_closed_job
from orderkit.console.documents import JobDocument
from orderkit.console.looking import jobs_of, present
from orderkit.console.looking_documents import PositionsDocument
from orderkit.console.options import RunOptions
from orderkit.console.rows import listed_rows
from orderkit.console.terminal import say, warn
from orderkit.domain.job import ControlKind
from orderkit.errors import Incomplete, OrderKitError, RiskRefused
from orderkit.exchange.details import HeldPosition, ListedOrder
from orderkit.journal.locks import is_locked
from orderkit.risk.gate import TradingState
from orderkit.runtime.desk import Desk
from orderkit.runtime.risk import load_state

log = logging.getLogger(__name__)

ROUNDS = 3  # an order that filled while it was canceled leaves a position that the next round closes
STOP_PATIENCE_S = 10.0
SETTLE_S = 0.3


@dataclass(slots=True)
class Work:
    """What has been done so far, and the worst exit code of it."""

    stopped: list[str] = field(default_factory=list)
    canceled: list[ListedOrder] = field(default_factory=list)
    jobs: list[JobDocument] = field(default_factory=list)
    code: int = 0
    reason: str | None = None

    def failed(self, error: OrderKitError) -> None:
        log.warning("flatten: %s", error)
        self.code, self.reason = max(self.code, error.exit_code), error.message


def flatten(options: RunOptions) -> NoReturn:
    """Exit 0 once nothing is open any more, 9 where something is left, else what went wrong.

    Raises:
        RiskRefused: trading is halted: closing orders would be refused.
        ConfigurationError: a script without --yes.
    """
    settings = prepared(options)
    environment = settings.environment
    say(f"environment: {environment.value}")
    if load_state(settings.home) is TradingState.HALTED:
        raise RiskRefused(
            "trading is halted: positions could not be closed",
            hint="bot.py halt --reduce lets orders through that reduce a position",
        )
    with Desk(settings) as desk:
        ask_once(settings, options, "flatten", lambda: _question(desk))
        work = Work(stopped=_stop_jobs(desk))
        orders, held = _look(desk)
        for _ in range(ROUNDS):
            if not orders and not held:
                break
            _cancel(desk, orders, work)
            for position in _look(desk)[1]:
                _close(desk, position, work)
            time.sleep(SETTLE_S)
            orders, held = _look(desk)
        flat = not orders and not held
        instruments = desk.gateway.instruments()
        document = FlattenDocument(
            env=environment.value,
            flat=flat,
            stopped_jobs=work.stopped,
            canceled_orders=listed_rows(work.canceled, instruments, jobs_of(desk, work.canceled)),
            jobs=work.jobs,
            orders_left=listed_rows(orders, instruments, jobs_of(desk, orders)),
            positions_left=position_rows(desk) if held else [],
            reason=None if flat else work.reason,
        )
        present(document, _print_flattened)
    raise typer.Exit(0 if flat else max(work.code, Incomplete.exit_code))


def _look(desk: Desk) -> tuple[list[ListedOrder], list[HeldPosition]]:
    return desk.gateway.inquiry.open_orders(), desk.gateway.inquiry.positions()


def _question(desk: Desk) -> str:
    """What would go."""
    orders, held = _look(desk)
    for position in held:
        say(f"{position.symbol}: {position.quantity} at entry {position.entry_price} would be closed")
    count = f"Cancel {len(orders)} orders and close {len(held)} positions"
    return f"{count} on {desk.settings.environment.value}?"


def _stop_jobs(desk: Desk) -> list[str]:
    """Ask every running job of this environment to end, and wait for it: it would go on trading."""
    home, environment = desk.settings.home, desk.settings.environment.value
    running = []
    for job_id in desk.journal.unfinished_jobs(environment):
        if is_locked(home, job_id):
            desk.journal.send_control(job_id, ControlKind.STOP, time.time_ns())
            running.append(job_id)
    deadline = time.monotonic() + STOP_PATIENCE_S
    while (alive := [job for job in running if is_locked(home, job)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for job_id in alive:
        warn(f"job {job_id} has not ended yet and may place new orders")
    return running


def _cancel(desk: Desk, orders: Sequence[ListedOrder], work: Work) -> None:
    jobs = jobs_of(desk, orders)
    note_cancel(
        desk, [(jobs[o.client_order_id], o.client_order_id) for o in orders if o.client_order_id in jobs]
    )
    cancel_symbols(desk, {order.symbol for order in orders})
    work.canceled += [order for order in orders if order not in work.canceled]
    tell_the_journal(desk, jobs.values())


def _close(desk: Desk, position: HeldPosition, work: Work) -> None:
    try:
        code = close_held(desk, position, work.jobs.append, name="flatten")
    except OrderKitError as error:
        work.failed(error)
        return
    if code:
        work.code = max(work.code, code)
        work.reason = work.jobs[-1].reason


def _print_flattened(document: FlattenDocument) -> None:
    for job_id in document.stopped_jobs:
        tables.show(tables.text(f"stopped job {job_id}"))
    if document.canceled_orders:
        tables.show(tables.text(f"canceled {len(document.canceled_orders)} orders"))
    for job in document.jobs:
        show_closed_job(job)
    if document.flat:
        tables.show(tables.text("flat: no order and no position is open", "green"))
        return
    tables.show(tables.text(f"NOT flat: {document.reason or 'something is left'}", "bold red"))
    if document.orders_left:
        tables.show(orders_table(document.orders_left))
    if document.positions_left:
        print_positions(PositionsDocument(env=document.env, positions=document.positions_left))
