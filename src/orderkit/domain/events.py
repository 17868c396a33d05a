"""What happened, in the past tense: facts that reach the engine, and those it passes on to flows."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.job import Control
from orderkit.domain.looks import Look, Seen
from orderkit.domain.market import Quote
from orderkit.domain.order import Fill, Order, OrderReport, Rejection

# --- facts from outside, fed to the engine by a runtime -------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The exchange's word on an order: an answer, a stream event or a query's result."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class TradeReported:
    """A trade of ours, from the user stream or a query; may be told more than once."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class SubmitRefused:
    """The order certainly does not exist: refused by the exchange, or never sent."""

    client_order_id: str
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class SubmitUnknown:
    """The order was sent and the answer is missing."""

    client_order_id: str
    message: str


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The exchange did not cancel (already done, triggering, unknown) or could not be asked."""

    client_order_id: str
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class OrderAbsent:
    """A query found no such order. Provisional: an order can appear late."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """A query of the order's state or trades brought no answer.

    ``held_back``: it was not for the exchange's silence, but because too many requests are made already.
    """

    client_order_id: str
    message: str
    held_back: bool = False


@dataclass(frozen=True, slots=True)
class QueryAnswered:
    """A query's facts have all been told."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class OpenOrdersListed:
    """All orders of ``symbol`` that were open when asked at ``asked_ns`` (the engine's time), ours or not."""

    symbol: str
    asked_ns: int
    reports: tuple[OrderReport, ...]


@dataclass(frozen=True, slots=True)
class ListingFailed:
    """The open orders of ``symbol`` could not be had."""

    symbol: str
    message: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer_id: int


@dataclass(frozen=True, slots=True)
class QuoteUpdated:
    quote: Quote


@dataclass(frozen=True, slots=True)
class QuantityTraded:
    """Base quantity that printed on the market since it was last told of; many trades come as one."""

    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class TradesMissed:
    """What printed on the market of ``symbol`` for a time is not known, and is counted nowhere."""

    symbol: str
    message: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody asks the job to end in order (all jobs where job_id is None); ``interrupted`` by a signal."""

    reason: str
    job_id: str | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What a look brought; None, with the reason, where it could not be had."""

    look: Look
    value: Seen | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class ControlTaken:
    """Somebody asks something else of the job; it is journaled already."""

    job_id: str
    control: Control


@dataclass(frozen=True, slots=True)
class UserStreamUp:
    """User events arrive from here on."""


@dataclass(frozen=True, slots=True)
class UserStreamDown:
    """User events may be missed from here on."""


# --- facts for flows ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobStarted:
    """The first event of every flow; ``resumed`` when an earlier run of the job is in the journal."""

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    order: Order


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """Some of the order was filled; the order is done when ``order.is_terminal``."""

    order: Order
    fill: Fill


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """The order reached a terminal status: FILLED, CANCELED, EXPIRED or EXPIRED_IN_MATCH."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderRejected:
    """The order does not exist on the exchange and never will."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderUnknown:
    """The order's outcome is not known yet; with ``order.unresolved`` it is given up for this run."""

    order: Order


@dataclass(frozen=True, slots=True)
class CancelRejected:
    order: Order
    rejection: Rejection


Input = (
    OrderReported
    | TradeReported
    | SubmitRefused
    | SubmitUnknown
    | CancelRefused
    | OrderAbsent
    | QueryAnswered
    | QueryFailed
    | OpenOrdersListed
    | ListingFailed
    | TimerFired
    | QuoteUpdated
    | QuantityTraded
    | TradesMissed
    | StopRequested
    | ControlTaken
    | LookedAt
    | UserStreamUp
    | UserStreamDown
)
Event = (
    JobStarted
    | OrderAccepted
    | OrderFilled
    | OrderEnded
    | OrderRejected
    | OrderUnknown
    | CancelRejected
    | QueryAnswered
    | TimerFired
    | QuoteUpdated
    | QuantityTraded
    | StopRequested
    | ControlTaken
    | LookedAt
)
