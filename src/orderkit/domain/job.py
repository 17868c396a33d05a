"""A job: one command's work from its start to its end, however many orders and runs it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orderkit.domain.order import Order


class JobStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"  # done as asked
    OPEN = "OPEN"  # done as asked: the order rests on the exchange
    STOPPED = "STOPPED"  # ended before the full quantity was done
    REJECTED = "REJECTED"  # nothing was executed: refused, or never reached the exchange
    UNKNOWN = "UNKNOWN"  # an order's outcome is still in doubt
    FAILED = "FAILED"  # a bug ended it


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended; ``reason`` in words wherever it did not simply complete."""

    status: JobStatus
    reason: str | None = None
    interrupted: bool = False


class ControlKind(StrEnum):
    """What another process may ask of a running job."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    AMEND = "amend"
    FINISH_NOW = "finish-now"


_ENDS_PAUSE = (ControlKind.RESUME, ControlKind.FINISH_NOW)


@dataclass(frozen=True, slots=True)
class Control:
    """What was asked of a job, and when (UTC ns) the job took it. ``changes`` of an amendment by field."""

    kind: ControlKind
    at_ns: int
    changes: Mapping[str, str] = field(default_factory=dict)


def is_paused(controls: Sequence[Control]) -> bool:
    """True after a pause that neither a resume nor a finish-now has followed yet."""
    for control in reversed(controls):
        if control.kind is ControlKind.PAUSE or control.kind in _ENDS_PAUSE:
            return control.kind is ControlKind.PAUSE
    return False


def paused_ns(controls: Sequence[Control], now_ns: int) -> int:
    """How long the job has been paused in all by ``now_ns``, a pause that still lasts included."""
    total, since_ns = 0, None
    for control in controls:
        if control.at_ns > now_ns:
            break
        if control.kind is ControlKind.PAUSE and since_ns is None:
            since_ns = control.at_ns
        elif control.kind in _ENDS_PAUSE and since_ns is not None:
            total, since_ns = total + control.at_ns - since_ns, None
    return total + (0 if since_ns is None else now_ns - since_ns)


def active_ns(controls: Sequence[Control], since_ns: int, now_ns: int) -> int:
    """Time from ``since_ns`` to ``now_ns``, pauses not counted."""
    return now_ns - since_ns - (paused_ns(controls, now_ns) - paused_ns(controls, since_ns))


@dataclass(slots=True)
class JobRecord:
    """A job as the journal holds it. ``parameters`` and ``controls`` rebuild the flow.

    ``orders`` are in submission order, ``controls`` those that the job took, oldest first.

    ``notices``: what others did to its position and symbol while this process ran it; not in the journal's
    own row but among its notes.
    """

    job_id: str
    kind: str
    environment: str
    parameters: Mapping[str, Any]
    started_ns: int
    status: JobStatus = JobStatus.RUNNING
    reason: str | None = None
    finished_ns: int | None = None
    arrival_price: str | None = None
    orders: list[Order] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def misses_trades(self) -> bool:
        """It ended before all trades of its orders could be had; of one that runs they still come."""
        return self.status is not JobStatus.RUNNING and any(order.misses_trades for order in self.orders)

    @property
    def symbols(self) -> set[str]:
        """Where its trades can be told from others'.

        Not where the exchange slices an order of its: the slices have ids of the exchange's making.
        """
        sliced = {order.request.symbol for order in self.orders if order.request.duration_s}
        return {order.request.symbol for order in self.orders} - sliced
