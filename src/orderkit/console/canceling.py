"""What cancel does: finds the orders, ends them at the exchange, and lets the journal know."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

import typer

from orderkit.console import tables
from orderkit.console.acting_documents import CancelDocument, CancelRow
from orderkit.console.beginning import announce, prepared
from orderkit.console.controlling import loaded
from orderkit.console.ending import end_order
from orderkit.console.looking import contract, jobs_of, present, reader
from orderkit.console.options import RunOptions
from orderkit.console.recovery import settle_job
from orderkit.console.rows import in_steps
from orderkit.console.terminal import warn
from orderkit.domain.enums import OrderStatus
from orderkit.domain.order import OrderRef, OrderReport
from orderkit.engine.journal import JobNoted
from orderkit.errors import (
    OrderKitError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    UsageError,
)
from orderkit.exchange.details import ListedOrder
from orderkit.journal.locks import is_locked
from orderkit.runtime.desk import Desk

log = logging.getLogger(__name__)

ZERO = Decimal(0)
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Target:
    """An order to end; ``job_id`` where it is ours."""

    ref: OrderRef
    algo_id: int | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a target: where ``error`` is set it may still be open."""

    target: Target
    status: OrderStatus
    executed: Decimal
    error: OrderKitError | None = None


def cancel_orders(
    names: Sequence[str], job_id: str | None, symbol: str | None, options: RunOptions, *, everything: bool
) -> NoReturn:
    """Cancel what was named; 0 when all of it is over unfilled, else the worst of what happened."""
    if sum((bool(names), job_id is not None, symbol is not None, everything)) != 1:
        raise UsageError(
            "cancel needs orders, or one of --job, --symbol, --all",
            hint="bot.py cancel ORDER, or bot.py cancel --symbol BTCUSDT",
        )
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        if names:
            results = _each(desk, _named(desk, names))
        elif job_id is not None:
            results = _each(desk, _of_job(desk, job_id))
        else:
            name = contract(desk, symbol).symbol if symbol else None
            results = _wholesale(desk, name)
        tell_the_journal(desk, [r.target.job_id for r in results if r.target.job_id])
        rows = [_row(desk, result) for result in results]
        present(CancelDocument(env=settings.environment.value, orders=rows), _print_canceled)
        filled_counts = bool(names)
        raise typer.Exit(max((_code(r, filled_counts) for r in results), default=0))


def _named(desk: Desk, names: Sequence[str]) -> list[Target]:
    """Orders by client order id, order id or algo id: of the journal, else among all open ones.

    Raises:
        OrderNotFound: neither; nothing is canceled.
    """
    targets, listed = [], None
    for name in dict.fromkeys(names):
        ours = reader(desk).order_named(name)
        if ours is not None:
            client_order_id, job_id = ours
            record = loaded(desk, job_id)
            order = next(o for o in record.orders if o.client_order_id == client_order_id)
            targets.append(Target(order.ref, order.algo_id, job_id))
            continue
        listed = desk.gateway.inquiry.open_orders() if listed is None else listed
        targets.append(_target(_foreign(listed, name), None))
    return targets


def _foreign(listed: Sequence[ListedOrder], name: str) -> ListedOrder:
    for order in listed:
        if name in (order.client_order_id, str(order.order_id), str(order.algo_id)):
            return order
    import difflib

    near = difflib.get_close_matches(name, [order.client_order_id for order in listed], n=1)
    raise OrderNotFound(
        f"no order {name!r} is open, and none of this journal has that id",
        hint=f"did you mean {near[0]}?" if near else "bot.py orders lists what is open",
        code=-2011,
    )


def _of_job(desk: Desk, job_id: str) -> list[Target]:
    record = loaded(desk, job_id)
    if is_locked(desk.settings.home, job_id):
        warn(f"job {job_id} is running and may place new orders; bot.py stop {job_id} ends it")
    return [Target(o.ref, o.algo_id, job_id) for o in record.orders if not o.is_terminal]


def _target(order: ListedOrder, job_id: str | None) -> Target:
    return Target(order.ref, order.algo_id, job_id)


def _each(desk: Desk, targets: Sequence[Target]) -> list[Ended]:
    note_cancel(desk, [(t.job_id, t.ref.client_order_id) for t in targets if t.job_id])
    return _all(targets, lambda target: end_order(desk.gateway, target.ref))


def _wholesale(desk: Desk, symbol: str | None) -> list[Ended]:
    """Everything of a symbol, or of all, in two requests a symbol; then each order's end is looked up."""
    listed = desk.gateway.inquiry.open_orders(symbol)
    jobs = jobs_of(desk, listed)
    targets = [_target(order, jobs.get(order.client_order_id)) for order in listed]
    note_cancel(desk, [(t.job_id, t.ref.client_order_id) for t in targets if t.job_id])
    cancel_symbols(desk, {order.symbol for order in listed})

    def outcome(target: Target) -> OrderReport:
        report = desk.gateway.query(target.ref)
        return report if report.status.is_terminal else end_order(desk.gateway, target.ref)

    return _all(targets, outcome)


def cancel_symbols(desk: Desk, symbols: Iterable[str]) -> None:
    """Cancel all orders of these symbols; what did not work is logged, the caller looks what is left."""
    for symbol in sorted(symbols):
        try:
            desk.gateway.administration.cancel_all(symbol)
        except OrderKitError as error:
            log.warning("%s", error)


def _all(targets: Sequence[Target], end: Callable[[Target], OrderReport]) -> list[Ended]:
    def one(target: Target) -> Ended:
        name = target.ref.client_order_id
        try:
            report = end(target)
        except OrderKitError as error:
            log.warning("cancel of %s: %s", name, error)
            return Ended(target, OrderStatus.UNKNOWN, ZERO, error)
        log.info("cancel of %s: %s %s", name, report.status, report.executed_quantity)
        return Ended(target, report.status, report.executed_quantity)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cancel") as pool:
        return list(pool.map(one, targets))


def note_cancel(desk: Desk, orders: Sequence[tuple[str, str]]) -> None:
    """Write down, before anything is sent, which orders (job id, client order id) somebody cancels."""
    if orders:
        now_ns = time.time_ns()
        desk.journal.append(
            [JobNoted(job_id, now_ns, "CANCEL_ASKED", name) for job_id, name in orders]
        ).result()


def tell_the_journal(desk: Desk, job_ids: Iterable[str]) -> None:
    """Settle the jobs whose orders were ended; one that runs elsewhere hears of it by itself."""
    for job_id in dict.fromkeys(job_ids):
        if is_locked(desk.settings.home, job_id):
            continue
        record = loaded(desk, job_id)
        try:
            settle_job(desk, record)
        except OrderKitError as error:
            warn(f"the journal does not know yet what became of job {job_id} ({error}): bot.py reconcile")


def _code(result: Ended, filled_counts: bool) -> int:
    if result.error is not None:
        return result.error.exit_code
    if result.status is OrderStatus.FILLED and filled_counts:
        return OrderRejected.exit_code
    return 0 if result.status.is_terminal else OutcomeUnknown.exit_code


def _row(desk: Desk, result: Ended) -> CancelRow:
    ref, error = result.target.ref, result.error
    reason = error.message if error else None
    if result.status is OrderStatus.FILLED:
        reason = "it was filled before"
    return CancelRow(
        symbol=ref.symbol,
        client_order_id=ref.client_order_id,
        order_id=ref.order_id,
        algo_id=result.target.algo_id,
        job_id=result.target.job_id,
        status=result.status.value,
        executed_quantity=in_steps(result.executed, desk.gateway.instruments().get(ref.symbol)),
        code=error.code if error else None,
        reason=reason,
    )


def _print_canceled(document: CancelDocument) -> None:
    if not document.orders:
        tables.show(tables.text("no order is open"))
        return
    table = tables.table("symbol", "client order id", "status", ">executed", "")
    for row in document.orders:
        table.add_row(
            row.symbol,
            row.client_order_id,
            tables.status(row.status),
            row.executed_quantity,
            row.reason or "",
        )
    tables.show(table)
