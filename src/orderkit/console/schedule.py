"""Where a job's schedule wants it to be by now, and how far behind it is."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.orders.executor import Executor
from orderkit.orders.twap import TWAPRequest

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Standing:
    """``expected``: the share that should be done; ``late_ms``: since when more than is done should be."""

    expected: Decimal
    late_ms: int


def standing(executor: Executor, done: Decimal, elapsed_ms: int) -> Standing | None:
    """Of a running job with the share ``done``; None where there is no schedule.

    A TWAP's share grows by steps, the first at once; of other schedules we know how long they are and take
    them for even.
    """
    if executor.duration_ms <= 0:
        return None
    request = executor.request
    if isinstance(request, TWAPRequest):
        slices = Decimal(min(request.chunks, elapsed_ms // request.interval_ms + 1))
        due_ms = int(done * request.chunks) * request.interval_ms
        expected = slices / request.chunks
    else:
        expected = min(ONE, Decimal(elapsed_ms) / executor.duration_ms)
        due_ms = int(done * executor.duration_ms)
    return Standing(expected, max(0, elapsed_ms - due_ms) if done < expected else 0)
