"""What every order type offers: a check, a plan, a flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.job import Control, ControlKind, JobRecord, JobResult, is_paused
from orderkit.domain.market import Period, Quote
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError

if TYPE_CHECKING:
    from orderkit.orders.schedule import Schedule

OPEN_END = -1


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order that would be sent: ``offset_ms`` after the start, None where it goes out at once.

    ``alternative``: it may fill instead of the others, never besides them, and adds nothing to their sum.
    """

    offset_ms: int | None
    type: OrderType
    side: Side
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None = None
    alternative: bool = False


class Request(Protocol):
    """The part of every order type's parameters that reports need. A frozen dataclass that JSON can hold."""

    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Decimal: ...


class Executor(Protocol):
    """One order type. Built from its request, it is checked, planned and run, in that order."""

    kind: ClassVar[str]
    request: Any

    @property
    def uses_user_stream(self) -> bool:
        """False where asking once is cheaper than listening: a single order that ends at once."""

    @property
    def duration_ms(self) -> int:
        """How long the schedule is; 0 for what has none, OPEN_END for what waits for something."""

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        """Pass the validation chain; ``rounding`` adapts the request to step and tick.

        Returns warnings that a trader should see before the order goes out.

        Raises:
            ValidationError: nothing may be sent.
        """

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        """Where the order stands against the market, for a person to read along."""

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        """The orders as far as they are known in advance."""

    def run(self, ctx: Context) -> Flow[JobResult]:
        """The flow. After a crash it is started again with the orders of the earlier run in ``ctx``."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a job stands, for a person to read: named facts, and a table."""

    facts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@runtime_checkable
class ShowsStatus(Protocol):
    """An executor that says more of itself than its orders do."""

    def display_status(self, orders: Sequence[Order], quote: Quote | None) -> Status: ...


@runtime_checkable
class FollowsQuotes(Protocol):
    """An executor whose flow is to be told of the best bid and ask while it runs."""

    @property
    def follows_quotes(self) -> bool: ...


@runtime_checkable
class FollowsTrades(Protocol):
    """An executor whose flow is to be told how much trades on the market: ``ctx.traded_quantity`` moves."""

    @property
    def follows_trades(self) -> bool: ...


@runtime_checkable
class NeedsFees(Protocol):
    """An executor whose checks need the account's own commission rates."""

    needs_fees: ClassVar[bool]


@runtime_checkable
class NeedsVolumes(Protocol):
    """An executor that is sized by what traded in earlier periods: `TradingSnapshot.volumes` brings them."""

    def volume_periods(self, now_ms: int) -> Sequence[Period]: ...


@runtime_checkable
class TakesControls(Protocol):
    """An executor whose flow heeds ``ctx.paused``, ``ctx.finishing`` and amendments in ``ctx.controls``."""

    def check_control(self, control: Control, record: JobRecord) -> None:
        """Raises ValidationError where the job, as it stands, cannot do what it is asked."""


@runtime_checkable
class HasSchedule(Protocol):
    """An executor that says when how much of its quantity should be done."""

    def schedule(self, record: JobRecord) -> "Schedule | None":
        """With the amendments that the job took; None while its time has not begun."""


@runtime_checkable
class Amendable(Protocol):
    """A request that a running job's amendments can change."""

    def amended(self, changes: Mapping[str, str]) -> Any: ...


def as_amended(request: Any, controls: Sequence[Control]) -> Any:
    """The request with the amendments that its job took."""
    for control in controls:
        if control.kind is ControlKind.AMEND and isinstance(request, Amendable):
            request = request.amended(control.changes)
    return request


def check_control(executor: Executor, control: Control, record: JobRecord) -> None:
    """Whether a job can do what it is asked while it runs; a stop it always can.

    Raises:
        ValidationError: it cannot, and why.
    """
    if control.kind is ControlKind.STOP:
        return
    if not isinstance(executor, TakesControls):
        raise ValidationError(
            f"CONTROL: a {record.kind} job takes no {control.kind}: its orders rest on the exchange or are"
            " done at once",
            rule="CONTROL",
            hint=f"bot.py stop {record.job_id} ends it in order",
        )
    paused = is_paused(record.controls)
    if control.kind is ControlKind.PAUSE and paused:
        raise ValidationError(
            f"CONTROL: job {record.job_id} is paused already",
            rule="CONTROL",
            hint=f"bot.py resume {record.job_id} lets it go on",
        )
    if control.kind is ControlKind.RESUME and not paused:
        raise ValidationError(f"CONTROL: job {record.job_id} is not paused", rule="CONTROL")
    executor.check_control(control, record)
