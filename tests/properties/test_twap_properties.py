"""Whatever quantity, filters, chance, amendments and market: slices are valid and never too much."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.events import ControlTaken
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, ControlKind, JobResult, JobStatus
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.outcomes import committed
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.schedule import as_asked, even, randomized
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.runtime.backtest import Latency
from tests.virtual import BTC, JOB, START_MS, Venue

D = Decimal
MS_NS = 1_000_000

steps = st.sampled_from([D("0.001"), D("0.002"), D("0.005"), D("0.01")])


@st.composite
def contracts(draw: st.DrawFn) -> Instrument:
    """BTCUSDT with other steps and minima."""
    step = draw(steps)
    least = step * draw(st.integers(1, 5))
    lot = replace(BTC.lot_size, min_quantity=least, step_size=step, max_quantity=D(1000))
    market = replace(lot, max_quantity=step * draw(st.integers(20, 5000)))
    notional = D(draw(st.sampled_from([5, 50, 100])))
    return replace(BTC, lot_size=lot, market_lot_size=market, min_notional=notional)


@st.composite
def markets(draw: st.DrawFn) -> list[MarketEvent]:
    """Moving prices, thin and thick books, and others who trade into them all the time."""
    events: list[MarketEvent] = []
    at_ms, bid = 0, D(60_000)
    for number in range(draw(st.integers(0, 40))):
        at_ms += draw(st.integers(1, 400))
        bid += draw(st.sampled_from([-10, -1, 0, 0, 0, 0, 1, 10]))
        spread = D(draw(st.integers(1, 3))) / 10
        sizes = [D(draw(st.sampled_from([1, 5, 20, 5000]))) / 100 for _ in range(2)]
        sides = ((bid, sizes[0]),), ((bid + spread, sizes[1]),)
        events.append(DepthUpdate("BTCUSDT", *sides, time_ms=START_MS + at_ms, snapshot=True))
        for print_number in range(draw(st.integers(0, 2))):
            seller = draw(st.booleans())
            price = bid if seller else bid + spread
            size = D(draw(st.integers(1, 40))) / 100
            at_ms += draw(st.integers(0, 3))
            trade_id = 10 * number + print_number
            events.append(MarketTrade("BTCUSDT", trade_id, price, size, seller, START_MS + at_ms))
    return events


def controls() -> st.SearchStrategy[list[tuple[int, ControlTaken]]]:
    kinds = st.sampled_from([ControlKind.PAUSE, ControlKind.RESUME, ControlKind.FINISH_NOW])
    return st.lists(st.tuples(st.integers(1, 20_000), kinds), max_size=3).map(
        lambda rows: [
            (at, ControlTaken(JOB, Control(kind, (START_MS + at) * MS_NS))) for at, kind in sorted(rows)
        ]
    )


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    contract=contracts(),
    lots=st.integers(0, 30),
    rest=st.integers(0, 20),
    chunks=st.integers(1, 12),
    interval_ms=st.integers(50, 1_000),
    side=st.sampled_from(Side),
    pacing=st.builds(
        Pacing,
        style=st.sampled_from(Style),
        max_slice_multiplier=st.sampled_from([D(1), D(2), D(5)]),
        catch_up=st.booleans(),
    ),
    share=st.none() | st.just(D("0.2")),
    market=markets(),
    asked=controls(),
    latency_ms=st.sampled_from([2, 60, 200]),
)
def test_slices_are_valid_and_their_sum_is_exact(
    contract: Instrument,
    lots: int,
    rest: int,
    chunks: int,
    interval_ms: int,
    side: Side,
    pacing: Pacing,
    share: Decimal | None,
    market: list[MarketEvent],
    asked: list[tuple[int, ControlTaken]],
    latency_ms: int,
) -> None:
    lot = contract.lot_size
    total = (lot.min_quantity + lot.step_size * lots) * chunks + lot.step_size * rest
    venue = Venue(Latency(latency_ms, latency_ms), [contract])
    request = TWAPRequest(
        "BTCUSDT", side, total, chunks, interval_ms, randomize_size=share, randomize_time=share, pacing=pacing
    )
    executor = TWAPExecutor(request, contract)
    try:
        executor.validate(replace(venue.snapshot, instrument=contract))
    except ValidationError:
        assume(False)
    most = D(0)

    def watched(ctx: Context) -> Flow[JobResult]:
        nonlocal most
        flow = executor.run(ctx)
        next(flow)
        while True:
            most = max(most, committed(ctx.orders))
            event = yield
            try:
                flow.send(event)
            except StopIteration as stop:
                result: JobResult = stop.value
                return result

    ran = venue.run(watched, market, told=asked, until_ms=120_000)
    orders = ran.context.orders
    assert most <= total
    for order in orders:
        price = order.price or D(59_000)
        smallest = contract.lot_size_for(market=order.request.type is OrderType.MARKET)
        assert smallest.min_quantity <= order.quantity <= smallest.max_quantity
        assert (order.quantity - smallest.min_quantity) % smallest.step_size == 0
        assert order.quantity * price * D("1.1") >= contract.min_notional
        assert order.rejection is None or order.rejection.code == -5022, order.rejection
    executed = sum((o.executed_quantity for o in orders), D(0))
    assert executed <= total
    assert abs(venue.position) == executed
    if ran.result is not None and ran.result.status is JobStatus.COMPLETED:
        assert executed == total


@given(
    lots=st.integers(1, 100_000),
    chunks=st.integers(1, 60),
    interval_ms=st.integers(1, 100_000),
    size=st.decimals("0", "1", places=2),
    time=st.decimals("0", "0.5", places=2),
    seed=st.text(min_size=1, max_size=8),
)
def test_chance_keeps_bounds_order_and_sum(
    lots: int, chunks: int, interval_ms: int, size: Decimal, time: Decimal, seed: str
) -> None:
    step = D("0.001")
    base = even(step * lots, chunks, interval_ms, lambda q: q // step * step)
    made = randomized(base, seed, size, time, lambda q: q // step * step, step)
    assert made.total == base.total
    assert made.end_ns == base.end_ns
    pairs = list(zip(base.slices, made.slices, strict=True))
    assert all(abs(a.at_ns - b.at_ns) <= time * interval_ms * MS_NS + len(pairs) for a, b in pairs)
    assert made.slices[-1].at_ns <= max(base.slices[-1].at_ns, len(pairs))
    assert sorted(p.at_ns for p in made.slices) == [p.at_ns for p in made.slices]
    for before, after in zip(base.quantities, made.quantities, strict=True):
        assert abs(after - before) <= size * before
        assert after % step == 0
        assert after >= min(before, step)


@given(
    quantities=st.lists(st.integers(1, 300), max_size=4),
    times=st.lists(st.integers(0, 20_000), min_size=4, max_size=4),
    durations=st.lists(st.integers(100, 40_000), max_size=4),
)
def test_amendments_keep_targets_rising_to_the_last_total(
    quantities: list[int], times: list[int], durations: list[int]
) -> None:
    step = D("0.001")

    def cut(quantity: Decimal) -> Decimal:
        return quantity // step * step

    asked = []
    for index, at_ms in enumerate(sorted(times)):
        changes = {}
        if index < len(quantities):
            changes["quantity"] = str(step * quantities[index])
        if index < len(durations):
            changes["duration_ms"] = str(durations[index])
        asked.append(Control(ControlKind.AMEND, at_ms * MS_NS, changes))
    schedule = as_asked(even(D("0.1"), 10, 1000, cut), asked, 0, cut)
    total = step * quantities[-1] if quantities else D("0.1")
    assert schedule.total == total
    targets = [piece.target for piece in schedule.slices]
    assert targets == sorted(targets)
    assert all(target % step == 0 for target in targets)
    offsets = [piece.at_ns for piece in schedule.slices]
    assert offsets == sorted(offsets)
