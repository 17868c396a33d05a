"""Whatever the market does and however late answers come, the two legs of a pair are one."""

from collections.abc import Iterator
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.domain.market import DepthUpdate
from orderkit.orders.bracket import BracketExecutor, BracketRequest
from orderkit.orders.oco import OCOExecutor, OCORequest, OnDoubleFill
from orderkit.runtime.backtest import Latency
from tests.virtual import BTC, Venue, book

QUANTITY = Decimal("0.5")
PRICES = st.sampled_from(["57900", "58000", "59000", "60000", "61999.9", "62000", "62000.1", "62500"])
SIZES = st.sampled_from(["0.01", "0.1", "0.2", "0.5", "50"])
LATENCIES = st.builds(Latency, st.integers(0, 60), st.integers(0, 60))


@st.composite
def markets(draw: st.DrawFn, prices: st.SearchStrategy[str] = PRICES) -> list[DepthUpdate]:
    at_ms, events = 0, []
    for _ in range(draw(st.integers(1, 25))):
        at_ms += draw(st.sampled_from([1, 3, 20, 100, 400, 3_000]))
        events.append(book(at_ms, draw(prices), draw(SIZES), draw(SIZES)))
    end = draw(st.sampled_from(["57900", "62500"]))  # one leg is sure to be reached
    return [*events, book(at_ms + 20_000, end), book(at_ms + 90_000, "60000")]


def sell(stop_limit: str | None = None, on_double_fill: OnDoubleFill = OnDoubleFill.REPORT) -> OCORequest:
    return OCORequest(
        symbol="BTCUSDT",
        side=Side.SELL,
        quantity=QUANTITY,
        take_profit=Decimal(62_000),
        stop=Decimal(58_000),
        stop_limit=None if stop_limit is None else Decimal(stop_limit),
        on_double_fill=on_double_fill,
    )


@settings(max_examples=150, deadline=None)
@given(markets(), LATENCIES, st.sampled_from([None, "58000", "57950"]), st.sampled_from(["0.5", "0.8"]))
def test_a_closing_pair_does_no_more_than_was_asked_and_leaves_nothing_behind(
    market: list[DepthUpdate], latency: Latency, stop_limit: str | None, held: str
) -> None:
    venue = Venue(latency)
    venue.hold(held)
    executor = OCOExecutor(sell(stop_limit), BTC)
    assert executor.validate(venue.snapshot) == []
    assert executor.request.reduce_only
    ran = venue.run(executor.run, market)
    sold = Decimal(held) - venue.position
    assert venue.position >= 0
    assert ran.result is not None
    assert venue.resting == []
    assert venue.waiting == 0
    executed = sum(order.executed_quantity for order in ran.context.orders)
    assert executed == sold
    if ran.result.status is JobStatus.COMPLETED:
        assert sold == QUANTITY
    elif sold > QUANTITY:
        assert f"BOTH LEGS FILLED: {sold - QUANTITY}" in (ran.result.reason or "")
    else:
        assert ran.result.reason


@settings(max_examples=150, deadline=None)
@given(markets(st.sampled_from(["59000", "61999.9", "62000", "62500"])), LATENCIES)
def test_the_stop_never_covers_less_than_what_is_left_of_a_position(
    market: list[DepthUpdate], latency: Latency
) -> None:
    venue = Venue(latency)
    venue.hold("0.5")
    executor = OCOExecutor(sell(), BTC)
    executor.validate(venue.snapshot)
    seen = False

    def watched() -> Iterator[DepthUpdate]:
        nonlocal seen
        for event in market:
            yield event
            if event in market[-2:]:  # the end that was chosen may be the stop
                continue
            stops = venue.exchange.open_algo_orders("me", "BTCUSDT")
            seen = seen or bool(stops)
            if seen and venue.position:
                assert sum(stop.quantity for stop in stops) >= venue.position

    venue.run(executor.run, watched())


@settings(max_examples=150, deadline=None)
@given(markets(), LATENCIES, st.sampled_from(list(OnDoubleFill)))
def test_an_opening_pair_opens_once_or_says_what_is_too_much_or_trades_it_back(
    market: list[DepthUpdate], latency: Latency, policy: OnDoubleFill
) -> None:
    venue = Venue(latency)
    executor = OCOExecutor(sell(on_double_fill=policy), BTC)
    assert "opens a short one" in executor.validate(venue.snapshot)[0]
    ran = venue.run(executor.run, market)
    opened = -venue.position
    assert venue.resting == []
    assert venue.waiting == 0
    assert ran.result is not None
    if ran.result.status is JobStatus.COMPLETED:
        assert opened == QUANTITY
    elif opened > QUANTITY:
        assert f"BOTH LEGS FILLED: {opened - QUANTITY}" in (ran.result.reason or "")


@settings(max_examples=150, deadline=None)
@given(markets(), LATENCIES, st.sampled_from([None, "59999.9", "59000"]), st.sampled_from([None, "57950"]))
def test_a_bracket_ends_flat_with_nothing_left_and_says_what_it_entered(
    market: list[DepthUpdate], latency: Latency, entry: str | None, stop_limit: str | None
) -> None:
    venue = Venue(latency)
    request = BracketRequest(
        symbol="BTCUSDT",
        side=Side.BUY,
        quantity=QUANTITY,
        take_profit=Decimal(62_000),
        stop=Decimal(58_000),
        stop_limit=None if stop_limit is None else Decimal(stop_limit),
        entry=None if entry is None else Decimal(entry),
        entry_timeout_ms=60_000,
    )
    executor = BracketExecutor(request, BTC)
    assert executor.validate(venue.snapshot) == []
    ran = venue.run(executor.run, market)
    assert ran.result is not None, ran.context.message
    assert venue.position == 0
    assert venue.resting == []
    assert venue.waiting == 0
    entered = sum(o.executed_quantity for o in ran.context.orders if o.request.side is Side.BUY)
    assert (ran.result.status is JobStatus.COMPLETED) == (entered == QUANTITY)
    assert (ran.result.reason or "").startswith(f"{entered} of ")
