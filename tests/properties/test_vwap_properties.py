"""VWAP's slices: on the step, above the minimum, as the profile says, and exactly the total."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orderkit.domain.market import BarSize, VolumeBar
from orderkit.orders.schedule import folded, weighted
from orderkit.orders.volume_profile import DAY_MS, periods, weights

STEP = Decimal("0.001")
NOW_MS = 1_800_000_000_000
quantities = st.integers(1, 100_000).map(lambda steps: steps * STEP)
volumes = st.lists(st.integers(0, 10_000).map(Decimal), min_size=1, max_size=60)


def cut(quantity: Decimal) -> Decimal:
    return quantity // STEP * STEP


@given(total=quantities, smallest=quantities, shares=volumes.filter(any), interval_ms=st.integers(1, 10_000))
def test_slices_keep_the_filters_and_sum_to_the_total(
    total: Decimal, smallest: Decimal, shares: list[Decimal], interval_ms: int
) -> None:
    total = max(total, smallest)
    plain = weighted(total, shares, interval_ms, cut)
    schedule = folded(plain, smallest)
    assert sum(schedule.quantities) == schedule.total == total
    assert all(quantity >= smallest for quantity in schedule.quantities)
    assert all(quantity % STEP == 0 for quantity in schedule.quantities)
    assert all(a.at_ns < b.at_ns for a, b in pairwise(schedule.slices))
    assert {piece.at_ns for piece in schedule.slices} <= {piece.at_ns for piece in plain.slices}
    assert schedule.end_ns == plain.end_ns
    # never further from the profile than the smallest slice
    for piece in plain.slices[:-1]:
        due = schedule.due(piece.at_ns)
        done = due.target if due is not None else Decimal(0)
        assert abs(piece.target - done) < smallest


@given(
    volume=st.lists(st.integers(1, 1000).map(Decimal), min_size=60, max_size=60),
    wild=st.integers(1, 1000).map(Decimal),
    count=st.sampled_from([1, 4, 12, 60]),
)
def test_the_shares_sum_to_one_and_days_count_alike(volume: list[Decimal], wild: Decimal, count: int) -> None:
    hour_ms = 3_600_000
    asked = periods(NOW_MS, hour_ms, 2)
    assert [(p.start_ms, p.end_ms, p.bar) for p in asked] == [
        (NOW_MS - n * DAY_MS, NOW_MS + hour_ms - n * DAY_MS, BarSize.MINUTE) for n in (1, 2)
    ]
    days = [
        [VolumeBar(period.start_ms + i * 60_000, period.bar, v * factor) for i, v in enumerate(volume)]
        for period, factor in zip(asked, (Decimal(1), wild), strict=True)
    ]
    shares = weights(days, NOW_MS, hour_ms // count, count)
    assert shares is not None
    assert abs(sum(shares, Decimal(0)) - 1) < Decimal("1e-20")
    size = 60 // count
    for index, share in enumerate(shares):
        part = sum(volume[index * size : (index + 1) * size], Decimal(0))
        assert abs(share - part / sum(volume, Decimal(0))) < Decimal("1e-20")
    assert weights([days[0], []], NOW_MS, hour_ms // count, count) == weights(
        [days[0]], NOW_MS, hour_ms // count, count
    )


@given(start=st.integers(0, DAY_MS), minutes=st.integers(1, 1440), count=st.integers(1, 100))
def test_a_steady_market_makes_equal_slices_however_bars_and_slices_overlap(
    start: int, minutes: int, count: int
) -> None:
    start_ms = NOW_MS + start
    slice_ms = minutes * 60_000 // count
    days = []
    for period in periods(start_ms, slice_ms * count, 3):
        opens = range(period.start_ms, period.end_ms, period.bar.ms)
        days.append([VolumeBar(open_ms, period.bar, Decimal(period.bar.ms)) for open_ms in opens])
        assert len(opens) <= 501
    shares = weights(days, start_ms, slice_ms, count)
    assert shares is not None
    assert all(abs(share * count - 1) < Decimal("1e-15") for share in shares)


def test_no_volume_makes_no_profile() -> None:
    assert weights([], NOW_MS, 1000, 3) is None
    quiet = VolumeBar(NOW_MS - DAY_MS, BarSize.MINUTE, Decimal(0))
    assert weights([[quiet]], NOW_MS, 1000, 3) is None
