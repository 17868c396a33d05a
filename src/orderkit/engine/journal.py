"""The journal port: what must be remembered before, and after, anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import JobResult
from orderkit.domain.order import Fill, Order, OrderRequest, Rejection


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """Written before the order is sent: after a crash the order is looked for, not sent again."""

    job_id: str
    client_order_id: str
    request: OrderRequest
    created_ms: int
    replaces: str | None


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """All that is known of an order besides its trades; the latest entry counts.

    Two entries are equal when they differ in nothing but the time.
    """

    client_order_id: str
    status: OrderStatus
    order_id: int | None
    algo_id: int | None
    executed_quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None
    updated_ms: int = field(compare=False)
    rejection: Rejection | None
    reason: str | None

    @classmethod
    def of(cls, order: Order) -> "OrderChanged":
        return cls(
            client_order_id=order.client_order_id,
            status=order.status,
            order_id=order.order_id,
            algo_id=order.algo_id,
            executed_quantity=order.executed_quantity,
            average_price=order.reported_average_price,
            price=order.price,
            updated_ms=order.updated_ms,
            rejection=order.rejection,
            reason=order.reason,
        )


@dataclass(frozen=True, slots=True)
class FillRecorded:
    fill: Fill


@dataclass(frozen=True, slots=True)
class JobNoted:
    """A state a person can read, and why."""

    job_id: str
    at_ns: int
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class JobEnded:
    job_id: str
    at_ns: int
    result: JobResult


Entry = OrderIntended | OrderChanged | FillRecorded | JobNoted | JobEnded


class Ticket(Protocol):
    """A promise of entries on disk."""

    def result(self) -> object:
        """See to it that they are; raises what the write raised."""


class Journal(Protocol):
    """Keeps entries in the order given."""

    def append(self, entries: Sequence[Entry]) -> Ticket:
        """Take the entries; they are safe once the ticket's ``result`` has returned."""
