"""What a schedule expects of a running job, and how late it is."""

from decimal import Decimal
from typing import Any, cast

import pytest

from orderkit.console.schedule import Standing, standing
from orderkit.domain.enums import Side
from orderkit.orders.executor import Executor
from orderkit.orders.twap import TWAPRequest

D = Decimal


class Even:
    """Ten slices in ten seconds, or an even schedule of ten seconds."""

    def __init__(self, request: Any, duration_ms: int) -> None:
        self.request, self.duration_ms = request, duration_ms


TWAP = Even(TWAPRequest("BTCUSDT", Side.BUY, D(1), 10, 1000), 9000)


@pytest.mark.parametrize(
    ("done", "elapsed_ms", "expected", "late_ms"),
    [
        ("0.1", 0, "0.1", 0),
        ("0.1", 999, "0.1", 0),
        ("0.1", 1000, "0.2", 0),  # due this very moment
        ("0.1", 1500, "0.2", 500),
        ("0", 2500, "0.3", 2500),
        ("0.35", 5000, "0.6", 2000),  # the slice that is not whole was due at 3 s
        ("0.9", 60_000, "1", 51_000),
        ("1", 60_000, "1", 0),
    ],
)
def test_a_twap_is_late_since_its_first_missing_slice(
    done: str, elapsed_ms: int, expected: str, late_ms: int
) -> None:
    assert standing(cast(Executor, TWAP), D(done), elapsed_ms) == Standing(D(expected), late_ms)


def test_another_schedule_counts_as_even() -> None:
    even = cast(Executor, Even(None, 10_000))
    assert standing(even, D("0.2"), 5000) == Standing(D("0.5"), 3000)
    assert standing(even, D("0.7"), 5000) == Standing(D("0.5"), 0)


def test_a_single_order_has_no_schedule() -> None:
    assert standing(cast(Executor, Even(None, 0)), D(0), 5000) is None
