"""When the market trades how much: the course of volume over a time of day, from the days before. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.market import BarSize, Period, VolumeBar

DAY_MS = 86_400_000
MOST_BARS = 500  # of one day, so that a request for them weighs 2
ZERO = Decimal(0)


def periods(start_ms: int, duration_ms: int, days: int) -> list[Period]:
    """The same time of day on each of the ``days`` before, in bars as short as one request allows."""
    bar = next((size for size in BarSize if duration_ms / size.ms <= MOST_BARS), BarSize.HOUR)
    first_ms = start_ms // bar.ms * bar.ms
    last_ms = start_ms + duration_ms
    return [Period(first_ms - n * DAY_MS, last_ms - n * DAY_MS, bar) for n in range(1, days + 1)]


def weights(
    days: Sequence[Sequence[VolumeBar]], start_ms: int, slice_ms: int, count: int
) -> tuple[Decimal, ...] | None:
    """Each slice's share of the volume, the mean of the days' shares; None where no day has any.

    ``days``: the bars of the day before, of the one before that, and so on (`periods`). Days count alike, so
    that a wild one does not rule; a day without volume counts for nothing.
    """
    of_days = [_shares(bars, start_ms - n * DAY_MS, slice_ms, count) for n, bars in enumerate(days, 1)]
    known = [(shares, sum(shares, ZERO)) for shares in of_days if any(shares)]
    if not known:
        return None
    return tuple(sum((shares[i] / total for shares, total in known), ZERO) / len(known) for i in range(count))


def _shares(bars: Sequence[VolumeBar], start_ms: int, slice_ms: int, count: int) -> list[Decimal]:
    """What each slice would have seen: a bar counts for those it overlaps, in proportion to the time."""
    shares = [ZERO] * count
    for bar in bars:
        begins_ms, ends_ms = bar.open_ms - start_ms, bar.open_ms - start_ms + bar.size.ms
        for index in range(max(begins_ms // slice_ms, 0), min(-(-ends_ms // slice_ms), count)):
            overlap_ms = min(ends_ms, (index + 1) * slice_ms) - max(begins_ms, index * slice_ms)
            shares[index] += bar.quantity * overlap_ms / bar.size.ms
    return shares
