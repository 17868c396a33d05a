"""A ladder's checks and ends, in virtual time."""

from decimal import Decimal

import pytest

from orderkit.domain.enums import Side, TimeInForce
from orderkit.domain.job import JobStatus
from orderkit.domain.market import MarketEvent
from orderkit.errors import ValidationError
from orderkit.orders.scaled import ScaledExecutor, ScaledRequest, Sizes, rung_prices, rung_sizes
from tests.virtual import BTC, Ran, Venue, book

D = Decimal


def ladder(**changes: object) -> ScaledExecutor:
    """0.3 BTC in three orders from 59000 down to 58000, but for ``changes``."""
    plain: dict[str, object] = {
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "quantity": D("0.3"),
        "first": D(59_000),
        "last": D(58_000),
        "count": 3,
    }
    return ScaledExecutor(ScaledRequest(**{**plain, **changes}), BTC)  # type: ignore[arg-type]


def ran(venue: Venue, made: ScaledExecutor, *market: MarketEvent, stop_at_ms: int | None = None) -> Ran:
    made.validate(venue.snapshot)
    return venue.run(made.run, market, stop_at_ms=stop_at_ms)


@pytest.mark.parametrize(
    ("sizes", "quantities"),
    [
        (Sizes.FLAT, ["0.100", "0.100", "0.100"]),
        (Sizes.INCREASING, ["0.050", "0.100", "0.150"]),
        (Sizes.DECREASING, ["0.150", "0.100", "0.050"]),
    ],
)
def test_the_sizes_are_spread_as_asked(sizes: Sizes, quantities: list[str]) -> None:
    venue = Venue()
    ended = ran(venue, ladder(sizes=sizes)).result
    assert ended is not None
    assert ended.status is JobStatus.OPEN
    resting = sorted(venue.resting, key=lambda order: -order.price)
    assert [o.price for o in resting] == [59_000, 58_500, 58_000]
    assert [o.quantity for o in resting] == [D(quantity) for quantity in quantities]


def test_a_timeout_says_so_and_leaves_or_cancels_what_rests() -> None:
    for cancels, left, status in ((False, 3, JobStatus.OPEN), (True, 0, JobStatus.STOPPED)):
        venue = Venue()
        ended = ran(venue, ladder(wait=True, timeout_ms=5_000, cancel_on_exit=cancels)).result
        assert ended is not None
        assert ended.status is status
        assert ended.reason == f"not done within 5 s; 0 of 0.300 done, {left} orders stay on the exchange"
        assert len(venue.resting) == left


def test_a_rung_that_would_take_is_refused_alone_when_post_only() -> None:
    venue = Venue()
    made = ladder(first=D(60_500), last=D(58_500), time_in_force=TimeInForce.GTX)
    assert made.validate(venue.snapshot) == ["1 of 3 orders cross the market and will be refused"]
    ended = venue.run(made.run).result
    assert ended is not None
    assert ended.status is JobStatus.STOPPED
    assert "1 of 3 orders were refused" in (ended.reason or "")
    assert len(venue.resting) == 2


def test_a_stop_while_it_waits_keeps_the_ladder_unless_told_otherwise() -> None:
    for cancels, left in ((False, 3), (True, 0)):
        venue = Venue()
        ended = ran(venue, ladder(wait=True, cancel_on_exit=cancels), stop_at_ms=1_000).result
        assert ended is not None
        assert "stopped by a test" in (ended.reason or "")
        assert len(venue.resting) == left


def test_what_fills_while_the_rest_is_cancelled_counts() -> None:
    venue = Venue()
    made = ladder(wait=True, timeout_ms=5_000, cancel_on_exit=True)
    ran(venue, made, book(2_000, "58900"), book(3_000, "60000"))
    assert venue.position == D("0.1")
    assert venue.resting == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"quantity": D("0.003"), "count": 5}, "LOT_SIZE"),
        ({"quantity": D("0.005"), "count": 3, "sizes": Sizes.INCREASING}, "LOT_SIZE"),
        ({"quantity": D("0.002"), "count": 3, "side": Side.SELL}, "LOT_SIZE"),
        ({"last": D(59_000)}, "LADDER"),
        ({"last": D("58999.9")}, "LADDER"),
        ({"quantity": D(10), "count": 201}, "MAX_NUM_ORDERS"),
        ({"quantity": D(100), "count": 5}, "MARGIN"),
        ({"side": Side.SELL, "first": D(61_000), "last": D(62_000), "reduce_only": True}, "REDUCE_ONLY"),
        ({"first": D("59000.05")}, "PRICE_FILTER"),
        ({"last": D(70_000)}, "PERCENT_PRICE"),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ladder(**changes).validate(Venue().snapshot)
    assert refused.value.rule == rule


def test_a_quantity_above_one_orders_maximum_goes_out_in_parts() -> None:
    sizes = rung_sizes(D(1_500), 3, Sizes.FLAT, BTC)
    assert sizes == [D(500)] * 3


def test_prices_between_the_ends_lie_on_the_nearest_tick() -> None:
    prices = rung_prices(D(100), D(101), 4, D("0.1"))
    assert prices == [D(100), D("100.3"), D("100.7"), D(101)]
