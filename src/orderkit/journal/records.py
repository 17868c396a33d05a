"""The journal's rows: entries as statements, and rows as what they stand for."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import Control, ControlKind, JobRecord, JobStatus
from orderkit.domain.order import Fill, Order, OrderRequest, Rejection
from orderkit.engine.journal import Entry, FillRecorded, JobEnded, JobNoted, OrderChanged, OrderIntended

_encode = msgspec.json.Encoder(decimal_format="string").encode


def text(value: Any) -> str | None:
    """The value as JSON; None stays what it is, as with ``decimal``."""
    return None if value is None else _encode(value).decode()


def decimal(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def latest(batch: Sequence[Entry]) -> Iterator[Entry]:
    """The entries without those states of an order that another one of the batch takes the place of."""
    last = {entry.client_order_id: entry for entry in batch if isinstance(entry, OrderChanged)}
    for entry in batch:
        if not isinstance(entry, OrderChanged) or last[entry.client_order_id] is entry:
            yield entry


def write_job(connection: sqlite3.Connection, record: JobRecord) -> None:
    """Put a new job into its table. Raises sqlite3.IntegrityError where its id is taken."""
    connection.execute(
        "INSERT INTO jobs (job_id, kind, environment, parameters, arrival_price, started_ns, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.job_id,
            record.kind,
            record.environment,
            text(record.parameters),
            record.arrival_price,
            record.started_ns,
            record.status.value,
        ),
    )


def write(connection: sqlite3.Connection, entry: Entry) -> None:
    """Put an entry into its table. Raises sqlite3.IntegrityError for an intent that is there already."""
    match entry:
        case OrderIntended():
            connection.execute(
                "INSERT INTO orders"
                " (client_order_id, job_id, sequence, request, created_ms, replaces, status)"
                " VALUES (?, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM orders WHERE job_id = ?),"
                " ?, ?, ?, ?)",
                (
                    entry.client_order_id,
                    entry.job_id,
                    entry.job_id,
                    text(entry.request),
                    entry.created_ms,
                    entry.replaces,
                    OrderStatus.PENDING_NEW.value,
                ),
            )
        case OrderChanged():
            connection.execute(
                "UPDATE orders SET status = ?, order_id = ?, algo_id = ?, executed_quantity = ?,"
                " average_price = ?, price = ?, updated_ms = ?, rejection = ?, reason = ?"
                " WHERE client_order_id = ?",
                (
                    entry.status.value,
                    entry.order_id,
                    entry.algo_id,
                    str(entry.executed_quantity),
                    decimal(entry.average_price),
                    decimal(entry.price),
                    entry.updated_ms,
                    text(entry.rejection),
                    entry.reason,
                    entry.client_order_id,
                ),
            )
        case FillRecorded(fill):
            connection.execute(
                "INSERT OR IGNORE INTO fills (symbol, trade_id, client_order_id, fill) VALUES (?, ?, ?, ?)",
                (fill.symbol, fill.trade_id, fill.client_order_id, text(fill)),
            )
        case JobNoted():
            connection.execute(
                "INSERT INTO notes (job_id, at_ns, state, message) VALUES (?, ?, ?, ?)",
                (entry.job_id, entry.at_ns, entry.state, entry.message),
            )
        case JobEnded():
            connection.execute(
                "UPDATE jobs SET status = ?, reason = ?, finished_ns = ? WHERE job_id = ?",
                (
                    entry.result.status.value,
                    entry.result.reason,
                    None if entry.result.status is JobStatus.RUNNING else entry.at_ns,
                    entry.job_id,
                ),
            )


def control_of(row: sqlite3.Row, at_ns: int) -> Control:
    """The command as it was asked for, or taken, at ``at_ns``."""
    changes = msgspec.json.decode(row["argument"], type=dict[str, str]) if row["argument"] else {}
    return Control(ControlKind(row["command"]), at_ns, changes)


def job_of(row: sqlite3.Row, orders: Iterable[Order], controls: Iterable[Control] = ()) -> JobRecord:
    return JobRecord(
        job_id=row["job_id"],
        kind=row["kind"],
        environment=row["environment"],
        parameters=msgspec.json.decode(row["parameters"]),
        arrival_price=row["arrival_price"],
        started_ns=row["started_ns"],
        status=JobStatus(row["status"]),
        reason=row["reason"],
        finished_ns=row["finished_ns"],
        orders=list(orders),
        controls=list(controls),
    )


def fill_of(raw: str) -> Fill:
    return msgspec.json.decode(raw, type=Fill)


def order_of(row: sqlite3.Row) -> Order:
    """The order without its fills."""
    order = Order(
        client_order_id=row["client_order_id"],
        job_id=row["job_id"],
        request=msgspec.json.decode(row["request"], type=OrderRequest),
        created_ms=row["created_ms"],
        replaces=row["replaces"],
    )
    order.status = OrderStatus(row["status"])
    order.order_id, order.algo_id = row["order_id"], row["algo_id"]
    order.executed_quantity = Decimal(row["executed_quantity"])
    order.reported_average_price = Decimal(row["average_price"]) if row["average_price"] else None
    order.price = Decimal(row["price"]) if row["price"] else order.price
    order.updated_ms = row["updated_ms"]
    order.rejection = msgspec.json.decode(row["rejection"], type=Rejection) if row["rejection"] else None
    order.reason = row["reason"]
    return order
