"""A job: one command's work from its start to its end, however many orders and runs it takes."""

from collections.abc import Mapping
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


@dataclass(slots=True)
class JobRecord:
    """A job as the journal holds it. ``parameters`` rebuild the flow, ``orders`` are in submission order.

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
    notices: list[str] = field(default_factory=list)
