"""Whatever is asked of a ladder or an iceberg: what passes the checks keeps every filter and adds up."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from orderkit.domain.enums import Side
from orderkit.domain.instrument import Instrument
from orderkit.errors import ValidationError
from orderkit.orders.chance import chance
from orderkit.orders.iceberg import Chunks, IcebergExecutor, IcebergRequest
from orderkit.orders.scaled import ScaledExecutor, ScaledRequest, Sizes, rung_prices, rung_sizes
from tests.virtual import BTC, Venue

SNAPSHOT = replace(Venue().snapshot, account=None)
WHOLE = st.integers(min_value=1, max_value=100_000)
SIDES = st.sampled_from(list(Side))


@st.composite
def contracts(draw: st.DrawFn) -> Instrument:
    """BTCUSDT with another step, minimum, tick and minimum notional."""
    step = draw(st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal("0.5"), Decimal(1)]))
    lot = replace(BTC.lot_size, step_size=step, min_quantity=step * draw(st.integers(1, 20)))
    tick = replace(BTC.price_filter, tick_size=draw(st.sampled_from([Decimal("0.1"), Decimal(5)])))
    notional = Decimal(draw(st.sampled_from([0, 5, 100, 10_000])))
    return replace(BTC, lot_size=lot, price_filter=tick, min_notional=notional)


@given(contracts(), WHOLE, st.integers(2, 200), st.sampled_from(list(Sizes)), SIDES, WHOLE, WHOLE)
def test_a_ladder_that_passes_the_checks_keeps_every_filter_and_adds_up(
    contract: Instrument, total: int, count: int, sizes: Sizes, side: Side, first: int, last: int
) -> None:
    step, tick = contract.lot_size.step_size, contract.price_filter.tick_size
    start, end = (57_500 + tick * (n % 1_000) for n in (first, last))
    quantity = contract.lot_size.min_quantity % step + total * step
    request = ScaledRequest("BTCUSDT", side, quantity, start, end, count, sizes)
    executor = ScaledExecutor(request, contract)
    try:
        executor.validate(replace(SNAPSHOT, instrument=contract))
    except ValidationError as refusal:
        assume(refusal.rule in ("LOT_SIZE", "LADDER", "MIN_NOTIONAL"))
        return
    rungs = executor.rungs()
    assert sum(size for _, size in rungs) == quantity
    assert len({price for price, _ in rungs}) == len(rungs) == count
    for price, size in rungs:
        assert (size - contract.lot_size.min_quantity) % step == 0
        assert size >= contract.lot_size.min_quantity
        assert size * price >= contract.min_notional
        assert price % tick == 0
    prices = [price for price, _ in rungs]
    assert prices == sorted(prices, reverse=start > end)
    assert (prices[0], prices[-1]) == (start, end)


@given(WHOLE, st.integers(1, 200), st.sampled_from(list(Sizes)))
def test_sizes_keep_their_proportions_to_a_step(total: int, count: int, sizes: Sizes) -> None:
    step = BTC.lot_size.step_size
    made = rung_sizes(total * step, count, sizes, BTC)
    weights = [1] * count if sizes is Sizes.FLAT else list(range(1, count + 1))
    if sizes is Sizes.DECREASING:
        weights.reverse()
    assert sum(made) == total * step
    for size, weight in zip(made, weights, strict=True):
        assert abs(size - total * step * weight / sum(weights)) <= step


@given(WHOLE, WHOLE, st.integers(2, 200))
def test_prices_are_evenly_spaced_to_a_tick(first: int, last: int, count: int) -> None:
    tick = Decimal("0.1")
    made = rung_prices(first * tick, last * tick, count, tick)
    for index, price in enumerate(made):
        even = (first + Decimal(last - first) * index / (count - 1)) * tick
        assert abs(price - even) <= tick / 2


@given(contracts(), WHOLE, WHOLE, st.integers(0, 100), st.text("abc123-", min_size=1, max_size=12), SIDES)
def test_chunks_keep_every_filter_and_their_bounds_and_add_up(
    contract: Instrument, total: int, chunk: int, percent: int, job_id: str, side: Side
) -> None:
    step = contract.lot_size.step_size
    quantity, size = total * step, min(max(chunk, total // 500), total) * step
    varied = Decimal(percent) / 100
    request = IcebergRequest("BTCUSDT", side, quantity, Decimal(59_000), size, randomize=varied)
    executor = IcebergExecutor(request, contract)
    try:
        executor.validate(replace(SNAPSHOT, instrument=contract))
    except ValidationError as refusal:
        assume(refusal.rule in ("LOT_SIZE", "CHUNK_SIZE", "MIN_NOTIONAL"))
        return
    chunks = Chunks(executor.request, contract)
    sizes = chunks.all(job_id)
    assert sum(sizes) == quantity
    assert sizes == chunks.all(job_id)
    for part in sizes:
        assert part % step == 0
        assert contract.lot_size.min_quantity <= part <= contract.lot_size.max_quantity
        assert part * request.price >= contract.min_notional
        assert part <= size * (1 + varied) + chunks.smallest


def test_chance_is_even_and_known_beforehand() -> None:
    drawn = [chance(f"iceberg-1/{number}") for number in range(2_000)]
    assert drawn == [chance(f"iceberg-1/{number}") for number in range(2_000)]
    assert all(-1 <= value < 1 for value in drawn)
    assert abs(sum(drawn, Decimal(0)) / 2_000) < Decimal("0.05")
