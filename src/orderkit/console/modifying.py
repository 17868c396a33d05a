"""What modify does: another price or quantity for an open limit order, checked, sent, and journaled."""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NoReturn

import msgspec
import typer

from orderkit.console import tables
from orderkit.console.acting_documents import ModifyDocument
from orderkit.console.beginning import announce, prepared
from orderkit.console.canceling import tell_the_journal
from orderkit.console.controlling import loaded
from orderkit.console.looking import jobs_of, present, reader
from orderkit.console.options import RunOptions
from orderkit.console.rows import in_steps, in_ticks, listed_row
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, TimeInForce
from orderkit.domain.job import JobRecord
from orderkit.domain.order import Order, OrderRef, OrderRequest
from orderkit.engine.journal import JobNoted
from orderkit.errors import (
    ExchangeUnreachable,
    OrderKitError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RiskRefused,
    UsageError,
    ValidationError,
)
from orderkit.exchange.details import ListedOrder
from orderkit.journal.locks import is_locked, job_lock
from orderkit.orders.registry import request_of
from orderkit.orders.single import SingleRequest
from orderkit.risk.gate import Refused
from orderkit.runtime.desk import Desk
from orderkit.utils import validate_notional, validate_price, validate_quantity

log = logging.getLogger(__name__)

LOOKS_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True, slots=True)
class Change:
    """An open order and what it is to become."""

    order: ListedOrder
    quantity: Decimal
    price: Decimal


def modify_order(name: str, price: Decimal | None, quantity: Decimal | None, options: RunOptions) -> NoReturn:
    """Change the order; its document shows it as the exchange has it afterwards.

    Raises:
        ValidationError, RiskRefused: nothing was sent.
        OutcomeUnknown: whether the change took is not known.
    """
    if price is None and quantity is None:
        raise UsageError("modify needs a new price or quantity", hint="add --price or --quantity")
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        order = _open_order(desk, name)
        instrument = desk.instrument(order.symbol)
        snapshot = desk.snapshot(instrument)
        change = _checked(order, price, quantity, snapshot, rounding=options.rounding)
        _check_risk(desk, change, snapshot)
        job_id = jobs_of(desk, [order]).get(order.client_order_id)
        if job_id is None:
            after = _send(desk, change)
        else:
            with _journaled(desk, loaded(desk, job_id), change):
                after = _send(desk, change)
            if after.status.is_terminal:
                tell_the_journal(desk, [job_id])
        document = ModifyDocument(
            env=settings.environment.value,
            previous_quantity=in_steps(order.quantity, instrument),
            previous_price=in_ticks(order.price, instrument),
            order=listed_row(after, instrument, job_id),
        )
        present(document, _print_modified)
        # The exchange cancels an order whose change would make it take (GTX).
        raise typer.Exit(
            OrderRejected.exit_code if after.status.is_terminal and not after.executed_quantity else 0
        )


def _open_order(desk: Desk, name: str) -> ListedOrder:
    """Raises OrderNotFound, or ValidationError for an order that the exchange does not change."""
    ours = reader(desk).order_named(name)
    symbol = None
    if ours is not None:
        record = loaded(desk, ours[1])
        symbol = next(o.request.symbol for o in record.orders if o.client_order_id == ours[0])
    names = {name} if ours is None else {name, ours[0]}
    for order in desk.gateway.inquiry.open_orders(symbol):
        if names & {order.client_order_id, str(order.order_id), str(order.algo_id)}:
            return _changeable(order)
    raise OrderNotFound(f"no order {name!r} is open", hint="bot.py orders lists what is open", code=-2013)


def _changeable(order: ListedOrder) -> ListedOrder:
    if order.is_conditional or order.order_type != OrderType.LIMIT or order.price is None:
        raise ValidationError(
            f"ORDER_TYPE: {order.client_order_id} is a {order.order_type} order; accepted: open LIMIT orders",
            rule="ORDER_TYPE",
            hint="Cancel it and place another one.",
        )
    return order


def _checked(
    order: ListedOrder,
    price: Decimal | None,
    quantity: Decimal | None,
    snapshot: TradingSnapshot,
    *,
    rounding: bool,
) -> Change:
    instrument = snapshot.instrument
    assert order.price is not None
    if quantity is not None:
        quantity = validate_quantity(quantity, instrument, market=False, rounding=rounding)
        if quantity <= order.executed_quantity:
            raise ValidationError(
                f"QUANTITY: {quantity} is not more than the {order.executed_quantity} already executed, and"
                f" would cancel the order; accepted: more than {order.executed_quantity}",
                rule="QUANTITY",
                hint="Cancel the order instead, or name the whole quantity, executed part included.",
            )
    if price is not None:
        price = validate_price(
            price, instrument, order.side, mark_price=snapshot.mark_price, rounding=rounding
        )
    change = Change(order, quantity or order.quantity, price or order.price)
    if (change.quantity, change.price) == (order.quantity, order.price):
        raise ValidationError(
            f"UNCHANGED: {order.client_order_id} is {in_steps(order.quantity, instrument)} at"
            f" {in_ticks(order.price, instrument)} already;"
            " accepted: another quantity or price",
            rule="UNCHANGED",
            hint="Name what is to change.",
        )
    validate_notional(change.quantity, change.price, instrument, reduce_only=order.reduce_only)
    return change


def _check_risk(desk: Desk, change: Change, snapshot: TradingSnapshot) -> None:
    """As if what is left of the order were placed anew; raises RiskRefused."""
    order, guard = change.order, desk.guard(snapshot)
    guard.open_orders = max(0, guard.open_orders - 1)
    request = OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type=OrderType.LIMIT,
        quantity=change.quantity - order.executed_quantity,
        price=change.price,
        time_in_force=TimeInForce.GTC,
        position_side=order.position_side,
        reduce_only=order.reduce_only,
    )
    verdict = guard(request, ())
    if isinstance(verdict, Refused):
        raise RiskRefused(verdict.message, hint=verdict.hint)


def _send(desk: Desk, change: Change) -> ListedOrder:
    """The order after its change, as the exchange has it.

    Raises:
        OutcomeUnknown: the change may come yet, or not; nothing is sent again.
    """
    order = change.order
    log.info("modify %s: %s at %s", order.client_order_id, change.quantity, change.price)
    ref = OrderRef(order.symbol, order.client_order_id, order_id=order.order_id)
    try:
        desk.gateway.administration.modify(order, change.quantity, change.price)
    except OutcomeUnknown as unknown:
        for pause_s in LOOKS_S:
            time.sleep(pause_s)
            try:
                found = desk.gateway.inquiry.order(ref)
            except ExchangeUnreachable:
                continue
            if found.status.is_terminal or (found.quantity, found.price) == (change.quantity, change.price):
                return found
        raise OutcomeUnknown(
            f"whether {order.client_order_id} was changed is not known: {unknown.message}",
            hint="bot.py orders shows it; the same command again is safe",
            code=unknown.code,
        ) from unknown
    return desk.gateway.inquiry.order(ref)


@contextlib.contextmanager
def _journaled(desk: Desk, record: JobRecord, change: Change) -> Iterator[None]:
    """Write the change down around its sending, so that the journal never counts too few.

    Before it the order gets the larger of both quantities, after it what the exchange has.

    Raises:
        ValidationError: the order belongs to a job that plans more than this one order, or whose process
            counts on its quantity.
    """
    order = next(o for o in record.orders if o.client_order_id == change.order.client_order_id)
    request = request_of(record.kind, record.parameters)
    if not isinstance(request, SingleRequest):
        raise ValidationError(
            f"JOB: {order.client_order_id} belongs to the {record.kind} job {record.job_id}, which plans its"
            " orders itself; accepted: orders of single-order jobs",
            rule="JOB",
            hint=f"Cancel the order, or stop the job: bot.py stop {record.job_id}.",
        )
    running = is_locked(desk.settings.home, record.job_id)
    if running and change.quantity != change.order.quantity:
        raise ValidationError(
            f"JOB: job {record.job_id} is running and counts on {change.order.quantity};"
            " accepted: a new price",
            rule="JOB",
            hint=f"Stop the job first: bot.py stop {record.job_id}.",
        )
    note = JobNoted(record.job_id, time.time_ns(), "MODIFY_ASKED", f"{change.quantity} at {change.price}")
    desk.journal.append([note]).result()
    if running:
        yield  # its process hears of the price by itself
        return
    with job_lock(desk.settings.home, record.job_id):
        larger = max(change.quantity, change.order.quantity)
        if larger > order.quantity:
            _rewrite(desk, record, order, request, larger, order.request.price)
        try:
            yield
        except OutcomeUnknown:
            raise
        except OrderKitError:
            _rewrite(desk, record, order, request, change.order.quantity, order.request.price)
            raise
        _rewrite(desk, record, order, request, change.quantity, change.price)


def _rewrite(
    desk: Desk,
    record: JobRecord,
    order: Order,
    request: SingleRequest,
    quantity: Decimal,
    price: Decimal | None,
) -> None:
    changed = replace(order.request, quantity=quantity, price=price)
    parameters = {**record.parameters, **msgspec.to_builtins(replace(request, order=changed))}
    desk.journal.rewrite_order(record.job_id, order.client_order_id, changed, parameters)


def _print_modified(document: ModifyDocument) -> None:
    order = document.order
    line = tables.text(f"{order.symbol} ", "bold")
    line.append_text(tables.side(order.side))
    line.append(
        f" {order.client_order_id}: {document.previous_quantity} at {document.previous_price} is now "
    )
    line.append(f"{order.quantity} at {order.price}", "bold")
    line.append(" ")
    line.append_text(tables.status(order.status))
    tables.show(line)
