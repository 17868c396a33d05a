"""Where a job's schedule wants it to be by now, and how far behind it is."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.job import JobRecord, active_ns
from orderkit.orders.executor import Executor, HasSchedule

ONE = Decimal(1)
MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """``expected``: the share that should be done; ``late_ms``: since when more than is done should be."""

    expected: Decimal
    late_ms: int


def standing(
    executor: Executor, record: JobRecord, executed: Decimal, share: Decimal, now_ns: int
) -> Standing | None:
    """Of a running job with the quantity ``executed``, a ``share`` of all; None where there is no schedule.

    Pauses do not count. Of executors that do not show their schedule we know how long it is and take it for
    even.
    """
    elapsed_ns = max(0, active_ns(record.controls, record.started_ns, now_ns))
    if isinstance(executor, HasSchedule):
        schedule = executor.schedule(record)
        if schedule is None:
            return Standing(Decimal(0), 0)
        expected, due_ns = schedule.expected(elapsed_ns), schedule.due_ns(executed)
    elif executor.duration_ms > 0:
        length_ns = executor.duration_ms * MS_NS
        expected, due_ns = min(ONE, Decimal(elapsed_ns) / length_ns), int(share * length_ns)
    else:
        return None
    return Standing(expected, max(0, elapsed_ns - due_ns) // MS_NS if share < expected else 0)
