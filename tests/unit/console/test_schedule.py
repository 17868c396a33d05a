"""What a schedule expects of a running job, and how late it is."""

from decimal import Decimal
from typing import cast

import pytest

from orderkit.console.schedule import Standing, standing
from orderkit.domain.enums import Side
from orderkit.domain.job import Control, ControlKind, JobRecord
from orderkit.orders.executor import Executor
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from tests.virtual import BTC

D = Decimal


class Even:
    """An even schedule of ten seconds."""

    def __init__(self, duration_ms: int) -> None:
        self.duration_ms = duration_ms


START_NS = 1_000_000_000
TWAP = TWAPExecutor(TWAPRequest("BTCUSDT", Side.BUY, D(1), 10, 1000), BTC)


def job(*controls: Control) -> JobRecord:
    return JobRecord("job", "twap", "paper", {}, START_NS, controls=list(controls))


def at(ms: int) -> int:
    return START_NS + ms * 1_000_000


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
    where = standing(TWAP, job(), D(done), D(done), at(elapsed_ms))
    assert where == Standing(D(expected), late_ms)


def test_a_pause_makes_nothing_late() -> None:
    paused = job(Control(ControlKind.PAUSE, at(500)), Control(ControlKind.RESUME, at(8500)))
    assert standing(TWAP, paused, D("0.1"), D("0.1"), at(9500)) == Standing(D("0.2"), 500)
    still = job(Control(ControlKind.PAUSE, at(500)))
    assert standing(TWAP, still, D("0.1"), D("0.1"), at(9500)) == Standing(D("0.1"), 0)


def test_another_schedule_counts_as_even() -> None:
    even = cast(Executor, Even(10_000))
    assert standing(even, job(), D(2), D("0.2"), at(5000)) == Standing(D("0.5"), 3000)
    assert standing(even, job(), D(7), D("0.7"), at(5000)) == Standing(D("0.5"), 0)


def test_a_single_order_has_no_schedule() -> None:
    assert standing(cast(Executor, Even(0)), job(), D(0), D(0), at(5000)) is None
