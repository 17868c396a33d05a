"""How a chase follows, where it stops and how it ends, in virtual time."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.job import JobStatus
from orderkit.domain.market import MarketEvent, Quote
from orderkit.domain.order import Order, Rejection
from orderkit.errors import ValidationError
from orderkit.orders.chase import ChaseExecutor, ChaseRequest, OnTimeout
from orderkit.runtime.backtest import Latency
from tests.virtual import BTC, JOB, START_MS, Ran, Venue

D = Decimal


def chase(**changes: object) -> ChaseExecutor:
    """Buy 0.01 BTC, follow at most 100 basis points and a minute, but for ``changes``."""
    plain = ChaseRequest("BTCUSDT", Side.BUY, D("0.01"), D(100), 60_000)
    return ChaseExecutor(replace(plain, **changes), BTC)  # type: ignore[arg-type]


def at(at_ms: int, bid: str, ask_size: str = "50") -> Quote:
    price = D(bid)
    return Quote("BTCUSDT", price, D(50), price + D("0.1"), D(ask_size), START_MS + at_ms)


def ran(venue: Venue, made: ChaseExecutor, *market: MarketEvent, stop_at_ms: int | None = None) -> Ran:
    made.validate(venue.snapshot)
    return venue.run(made.run, market, stop_at_ms=stop_at_ms)


def prices(ended: Ran) -> list[Decimal | None]:
    return [order.request.price for order in ended.context.orders]


def test_it_follows_towards_the_market_and_never_back() -> None:
    venue = Venue()
    market = at(1_000, "60100"), at(3_000, "60101"), at(5_000, "60050"), at(5_001, "60300")
    ended = ran(venue, chase(), *market)
    assert prices(ended) == [60_000, 60_100, 60_101]
    assert ended.context.orders[-1].average_price == 60_101
    assert venue.position == D("0.01")


def test_between_two_moves_lies_the_interval() -> None:
    venue = Venue()
    market = [at(1_000 + 50 * n, str(60_000 + n)) for n in range(1, 41)]
    ended = ran(venue, chase(interval_ms=1_000), *market, at(10_000, "60600"), at(12_000, "60600"))
    sent = [order.created_ms for order in ended.context.orders]
    assert len(sent) in (4, 5)
    assert all(after - before >= 1_000 for before, after in pairwise(sent[1:]))


@pytest.mark.parametrize(
    ("side", "bound", "market", "rests_at"),
    [
        (Side.BUY, {"distance_bps": D(10)}, "60500", "60060"),
        (Side.BUY, {"bound": D("60033.3")}, "60500", "60033.3"),
        (Side.SELL, {"distance_bps": D(10)}, "59500", "59940.1"),
    ],
)
def test_at_its_bound_it_stays_until_its_time_is_over(
    side: Side, bound: dict[str, object], market: str, rests_at: str
) -> None:
    venue = Venue()
    ended = ran(venue, chase(side=side, **bound), at(1_000, market))
    assert prices(ended)[-1] == D(rests_at)
    assert ended.result is not None
    assert ended.result.status is JobStatus.STOPPED
    assert "its time is over" in (ended.result.reason or "")
    assert venue.resting == []


@pytest.mark.parametrize(
    ("ending", "bound", "executed", "resting"),
    [
        (OnTimeout.CANCEL, "60100", "0", 0),
        (OnTimeout.KEEP, "60100", "0", 1),
        (OnTimeout.TAKE, "60100", "0.01", 0),
        (OnTimeout.TAKE, "60040", "0", 0),
    ],
)
def test_its_time_over_it_cancels_keeps_or_takes_within_the_bound(
    ending: OnTimeout, bound: str, executed: str, resting: int
) -> None:
    venue = Venue()
    made = chase(on_timeout=ending, bound=D(bound), offset_ticks=-10, timeout_ms=5_000)
    ended = ran(venue, made, at(1_000, "60060"))
    assert venue.position == D(executed)
    assert len(venue.resting) == resting
    assert ended.result is not None
    assert (ended.result.status is JobStatus.COMPLETED) == (executed != "0")


@pytest.mark.parametrize(
    ("lost", "sent"),
    [(0, 1), (1, 1), (2, 1), (3, 0)],
    ids=["none", "once", "twice", "as often as it is tried"],
)
def test_a_taking_order_that_never_arrived_is_sent_again_in_its_place(lost: int, sent: int) -> None:
    venue = Venue()
    made = chase(on_timeout=OnTimeout.TAKE, timeout_ms=0)
    made.validate(venue.snapshot)
    taking = made._taking_order(D("0.01"))
    absent = Rejection("absent", "it never arrived")
    orders = [
        Order(f"{JOB}-{n}", JOB, taking, START_MS, OrderStatus.REJECTED, rejection=absent)
        for n in range(1, lost + 1)
    ]
    ended = venue.run(made.run, orders=orders)
    new = ended.context.orders[lost:]
    assert len(new) == sent
    assert venue.position == D("0.01") * sent
    assert [order.replaces for order in new] == [orders[-1].client_order_id if orders else None] * sent


def test_what_is_filled_in_part_is_followed_with_the_rest() -> None:
    venue = Venue()
    ended = ran(venue, chase(), at(1_000, "59999.9", "0.004"), at(2_000, "60050"), at(5_000, "60040"))
    assert [order.quantity for order in ended.context.orders] == [D("0.01"), D("0.006")]
    assert venue.position == D("0.01")


def test_a_rest_too_small_for_another_order_stays_where_it_is() -> None:
    venue = Venue()
    made = chase(quantity=D("0.002"))
    small = replace(BTC, min_notional=D(100))
    made.instrument = small
    ended = ran(venue, made, at(1_000, "59999.9", "0.001"), at(2_000, "60050"), at(9_000, "59990"))
    assert len(ended.context.orders) == 1
    assert venue.position == D("0.002")


def test_an_order_that_somebody_cancels_ends_it() -> None:
    venue = Venue()

    def market() -> Iterator[MarketEvent]:
        yield at(1_000, "60100")
        yield at(2_000, "60100")
        venue.exchange.cancel_all("me", "BTCUSDT")
        yield at(3_000, "60200")

    made = chase()
    made.validate(venue.snapshot)
    ended = venue.run(made.run, market())
    assert prices(ended) == [60_000, 60_100]
    assert ended.result is not None
    assert ended.result.reason == "0.010 of 0.010 BTC not done: its order was cancelled"


def test_a_stop_cancels_its_order() -> None:
    venue = Venue()
    ended = ran(venue, chase(), stop_at_ms=1_000)
    assert ended.context.orders[-1].status is OrderStatus.CANCELED
    assert venue.resting == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 7, 60, 400, 2_000]),
            st.integers(599_000, 607_000),
            st.sampled_from(["0.001", "0.004", "50"]),
        ),
        max_size=40,
    ),
    st.builds(Latency, st.integers(0, 60), st.integers(0, 60)),
    st.sampled_from(list(OnTimeout)),
    st.integers(-20, 20),
    st.booleans(),
)
def test_on_any_path_it_does_no_more_than_asked_and_never_beyond_its_bound(
    path: list[tuple[int, int, str]],
    latency: Latency,
    ending: OnTimeout,
    offset: int,
    post_only: bool,
) -> None:
    venue, now_ms, market = Venue(latency), 0, []
    for pause_ms, tenths, size in path:
        now_ms += pause_ms
        market.append(at(now_ms, str(D(tenths) / 10), size))
    made = chase(on_timeout=ending, offset_ticks=offset, post_only=post_only, interval_ms=100)
    ended = ran(venue, made, *market)
    assert ended.result is not None
    done = sum(order.executed_quantity for order in ended.context.orders)
    assert 0 <= done == venue.position <= D("0.01")
    assert all(price is not None and price <= 60_600 for price in prices(ended))
    assert len(venue.resting) <= (ending is OnTimeout.KEEP)
    for order in ended.context.orders:
        assert all(fill.price <= 60_600 for fill in order.fills.values())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"bound": D(59_000)}, "BOUND"),
        ({"side": Side.SELL, "reduce_only": True}, "REDUCE_ONLY"),
        ({"quantity": D("0.0001")}, "LOT_SIZE"),
        ({"quantity": D(100)}, "MARGIN"),
        ({"distance_bps": D(600)}, "PERCENT_PRICE"),
    ],
)
def test_what_cannot_be_followed_is_refused(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        chase(**changes).validate(Venue().snapshot)
    assert refused.value.rule == rule
