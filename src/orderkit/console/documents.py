"""The JSON documents of the command line: a published contract, one class each.

Quantities, prices and money are decimal strings, times ISO 8601 UTC with milliseconds. A field keeps its
meaning for good; new ones may be added.
"""

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from orderkit.analytics.execution import commission_of, execution_report
from orderkit.console.durations import iso_time
from orderkit.console.figures import average_text, money_text, price_text, quantity_text
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.domain.margin import initial_margin
from orderkit.domain.order import Order
from orderkit.errors import OrderKitError
from orderkit.orders.executor import PlannedOrder

SCHEMA = 1


class OrderRow(msgspec.Struct, kw_only=True):
    """One order sent to the exchange."""

    client_order_id: str
    order_id: int | None
    algo_id: int | None
    type: str
    side: str
    status: str
    quantity: str
    price: str | None
    trigger_price: str | None
    executed_quantity: str
    average_price: str | None
    commission: str
    created_at: str
    replaces: str | None
    code: int | None
    reason: str | None


class JobDocument(msgspec.Struct, kw_only=True):
    """What an order command did; ``details`` are the sums of types that do more than fill a quantity.

    ``trades_missing``: it ended before the exchange told all of its trades, so that average price, cost and
    commission are not complete yet; ``reconcile`` fetches them.
    """

    schema: int = SCHEMA
    env: str
    job_id: str
    kind: str
    symbol: str
    side: str
    status: str
    reason: str | None
    quantity: str
    executed_quantity: str
    average_price: str | None
    cost: str
    commission: str
    commissions: dict[str, str]
    trades_missing: bool
    arrival_price: str | None
    slippage_bps: str | None
    started_at: str
    finished_at: str | None
    warnings: list[str]
    details: dict[str, str] = {}
    orders: list[OrderRow]


class PlannedRow(msgspec.Struct, kw_only=True):
    """One order that would be sent; ``at`` null where it goes out at once."""

    at: str | None
    type: str
    side: str
    quantity: str
    price: str | None
    trigger_price: str | None = None


class PlanBody(msgspec.Struct, kw_only=True):
    """``liquidation_price``: of the position once the orders of the plan's side are filled, if any."""

    orders: list[PlannedRow]
    notional: str
    margin: str
    estimated_commission: str
    liquidation_price: str | None = None


class PlanDocument(msgspec.Struct, kw_only=True):
    """What an order command would do: checked, not sent."""

    schema: int = SCHEMA
    env: str
    job_id: str | None = None
    kind: str
    symbol: str
    side: str
    status: str = "PLANNED"
    reason: str | None = None
    quantity: str
    warnings: list[str]
    plan: PlanBody


class JobsDocument(msgspec.Struct, kw_only=True):
    """Several jobs, each as its own command would have reported it."""

    schema: int = SCHEMA
    env: str
    jobs: list[JobDocument]


class StopDocument(msgspec.Struct, kw_only=True):
    """Whether a job was ``asked`` to stop; it was not where nothing runs it."""

    schema: int = SCHEMA
    env: str
    job_id: str
    status: str
    asked: bool


class ControlDocument(msgspec.Struct, kw_only=True):
    """What a job was asked; ``taken`` is false while the process that runs it has not answered yet."""

    schema: int = SCHEMA
    env: str
    job_id: str
    command: str
    changes: dict[str, str]
    status: str
    taken: bool


class ReconcileDocument(msgspec.Struct, kw_only=True):
    """What every job with open or doubtful orders came to; ``other_orders`` are open and not ours."""

    schema: int = SCHEMA
    env: str
    jobs: list[JobDocument]
    other_orders: dict[str, list[str]]


class ErrorBody(msgspec.Struct, kw_only=True):
    kind: str
    code: int | None
    message: str
    hint: str | None


class ErrorDocument(msgspec.Struct, kw_only=True):
    """Why a command did not do what it was asked."""

    schema: int = SCHEMA
    env: str | None
    error: ErrorBody


def print_document(document: msgspec.Struct) -> None:
    """One JSON document, one line, on stdout."""
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def error_document(error: OrderKitError, environment: str | None) -> ErrorDocument:
    body = ErrorBody(kind=error.kind, code=error.code, message=error.message, hint=error.hint)
    return ErrorDocument(env=environment, error=body)


def job_document(
    record: JobRecord,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    warnings: Sequence[str] = (),
    details: Mapping[str, str] | None = None,
) -> JobDocument:
    """The document of a job as the journal, or the running engine, has it."""
    arrival = Decimal(record.arrival_price) if record.arrival_price else None
    report = execution_report(side, quantity, record.orders, arrival)
    commissions = {asset: money_text(amount) for asset, amount in report.commission.items()}
    return JobDocument(
        env=record.environment,
        job_id=record.job_id,
        kind=record.kind,
        symbol=instrument.symbol,
        side=side.value,
        status=record.status.value,
        reason=record.reason,
        quantity=quantity_text(quantity, instrument),
        executed_quantity=quantity_text(report.executed_quantity, instrument),
        average_price=average_text(report.average_price, instrument),
        cost=money_text(report.cost),
        commission=money_text(report.commission.get(instrument.margin_asset, Decimal(0))),
        commissions=commissions,
        trades_missing=record.misses_trades,
        arrival_price=average_text(report.arrival_price, instrument),
        slippage_bps=None if report.slippage_bps is None else f"{report.slippage_bps:.2f}",
        started_at=iso_time(record.started_ns // 1_000_000),
        finished_at=iso_time(record.finished_ns // 1_000_000) if record.finished_ns else None,
        warnings=[*warnings, *record.notices],
        details={name.replace(" ", "_"): value for name, value in (details or {}).items()},
        orders=[_order_row(order, instrument) for order in record.orders],
    )


def plan_document(
    environment: str,
    kind: str,
    side: Side,
    planned: Sequence[PlannedOrder],
    snapshot: TradingSnapshot,
    warnings: Sequence[str],
    job_id: str | None,
    position_side: PositionSide = PositionSide.BOTH,
    *,
    closes: bool = False,
) -> PlanDocument:
    """The plan at the present mark price: notional, initial margin at the symbol's leverage, fees.

    Orders of which it is certain that they close (``closes``) need no margin.
    """
    from orderkit.analytics.liquidation import liquidation_price

    instrument = snapshot.instrument
    counted = [order for order in planned if not order.alternative]
    total = sum((order.quantity for order in counted), Decimal(0))
    notional = sum((o.quantity * (o.price or snapshot.mark_price) for o in counted), Decimal(0))
    leverage = snapshot.account.leverage.get(instrument.symbol, 1) if snapshot.account else 1
    touch = (snapshot.quote.ask if side is Side.BUY else snapshot.quote.bid) or snapshot.mark_price
    fills = [(order.quantity, order.price or touch) for order in counted if order.side is side]
    liquidation = liquidation_price(side, fills, snapshot, position_side)
    return PlanDocument(
        env=environment,
        job_id=job_id,
        kind=kind,
        symbol=instrument.symbol,
        side=side.value,
        quantity=quantity_text(total, instrument),
        warnings=list(warnings),
        plan=PlanBody(
            orders=[
                PlannedRow(
                    at=None if o.offset_ms is None else iso_time(snapshot.now_ms + o.offset_ms),
                    type=o.type.value,
                    side=o.side.value,
                    quantity=quantity_text(o.quantity, instrument),
                    price=price_text(o.price, instrument),
                    trigger_price=price_text(o.trigger_price, instrument),
                )
                for o in planned
            ],
            notional=money_text(notional),
            margin=money_text(Decimal(0) if closes else initial_margin(notional, leverage)),
            estimated_commission=money_text(notional * snapshot.taker_rate),
            liquidation_price=average_text(liquidation, instrument),
        ),
    )


def _order_row(order: Order, instrument: Instrument) -> OrderRow:
    reason = order.rejection.message if order.rejection else order.reason
    return OrderRow(
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        algo_id=order.algo_id,
        type=order.request.type.value,
        side=order.request.side.value,
        status=order.status.value,
        quantity=quantity_text(order.quantity, instrument),
        price=price_text(order.price, instrument),
        trigger_price=price_text(order.request.trigger_price, instrument),
        executed_quantity=quantity_text(order.executed_quantity, instrument),
        average_price=average_text(order.average_price, instrument),
        commission=money_text(sum(commission_of(order).values(), Decimal(0))),
        created_at=iso_time(order.created_ms),
        replaces=order.replaces,
        code=order.rejection.code if order.rejection else None,
        reason=reason,
    )
