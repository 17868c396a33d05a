"""A share of the volume: never more than the share, never dust, the sum exact, whatever prints and fills."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orderkit.orders.participation import Participation, next_slice

STEP = Decimal("0.001")
RATES = st.sampled_from([Decimal(text) for text in ("0.01", "0.1", "0.2", "0.333", "0.5", "0.9")])
sizes = st.integers(1, 500).map(lambda steps: steps * STEP)
PRINTS = st.lists(st.tuples(st.integers(0, 2000), st.booleans(), st.integers(0, 100)), max_size=80)


@given(rate=RATES, total=sizes, slice_=sizes, smallest=sizes, prints=PRINTS)
def test_whatever_prints_and_fills_the_share_is_kept_and_no_dust_is_left(
    rate: Decimal, total: Decimal, slice_: Decimal, smallest: Decimal, prints: list[tuple[int, bool, int]]
) -> None:
    total, slice_ = max(total, smallest), max(slice_, smallest)
    share = Participation(rate, Decimal(0))
    done = others = allowed = Decimal(0)
    for steps, following, filled in prints:
        others += steps * STEP
        allowed += steps * STEP if following else 0
        share.count(others, following=following)
        if not following:
            continue
        quantity = next_slice(share.target - done, total - done, slice_, smallest) // STEP * STEP
        assert quantity == 0 or quantity >= min(smallest, total - done)
        if quantity and filled > 50:  # it fills as a whole, or not at all
            done += quantity
            assert total - done == 0 or total - done >= smallest
        assert done <= total
        assert done <= (allowed + done) * rate + Decimal("1e-20")


@given(rate=RATES, prints=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000)), max_size=40))
def test_fills_known_before_their_prints_are_not_counted_as_others(
    rate: Decimal, prints: list[tuple[int, int]]
) -> None:
    seen, certain = Participation(rate, Decimal(0)), Participation(rate, Decimal(0))
    others = Decimal(0)
    for steps, ours in prints:
        others += steps
        certain.count(others, following=True)
        seen.count(others - ours, following=True)  # our fill is known, its print is not
        seen.count(others, following=True)
    assert seen.followed == certain.followed
