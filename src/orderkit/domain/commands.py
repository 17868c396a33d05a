"""What the engine asks the outside to do. Imperative names; carried out by a runtime, in order."""

from dataclasses import dataclass

from orderkit.domain.looks import Look
from orderkit.domain.order import OrderRef, OrderRequest


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Send an order; where ``not_before_ns`` is still to come, at that time exactly."""

    job_id: str
    client_order_id: str
    request: OrderRequest
    not_before_ns: int = 0


@dataclass(frozen=True, slots=True)
class CancelOrder:
    ref: OrderRef


@dataclass(frozen=True, slots=True)
class QueryOrder:
    """Ask the exchange for the order's state: the way out of UNKNOWN, and the safety net of a lost event."""

    ref: OrderRef


@dataclass(frozen=True, slots=True)
class QueryFills:
    """Ask for the order's trades: prices and fees, which order responses do not carry."""

    ref: OrderRef


@dataclass(frozen=True, slots=True)
class SearchOrder:
    """Look for an order that queries do not find among the account's open and recent orders.

    ``since_ms``: not before this exchange time. OrderAbsent tells that it is nowhere.
    """

    ref: OrderRef
    since_ms: int


@dataclass(frozen=True, slots=True)
class ListOpenOrders:
    """Ask for all open orders of a symbol at once: what a gap in the user stream may have hidden."""

    symbol: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send TimerFired with this id at ``at_ns`` (UTC ns; absolute, so that lateness never adds up)."""

    timer_id: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class LookAt:
    """Ask for something that is no order; ``LookedAt`` brings the answer."""

    look: Look


Query = QueryOrder | QueryFills | SearchOrder | ListOpenOrders | LookAt
Command = SubmitOrder | CancelOrder | Query | SetTimer
