"""How a trailing stop follows, turns and ends, in virtual time."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, PositionSide, Side, WorkingType
from orderkit.domain.job import JobStatus
from orderkit.domain.order import OrderRequest
from orderkit.errors import ValidationError
from orderkit.exchange.mapping import algo_order_params
from orderkit.orders.conditional import ConditionalExecutor
from orderkit.orders.single import SingleRequest
from orderkit.orders.stop_limit import StopLimitExecutor
from orderkit.orders.trailing_stop import TrailingStopExecutor
from tests.virtual import BTC, Venue, book

D = Decimal
SELL = OrderRequest(
    "BTCUSDT",
    Side.SELL,
    OrderType.TRAILING_STOP_MARKET,
    D("0.5"),
    reduce_only=True,
    working_type=WorkingType.CONTRACT_PRICE,
    callback_rate=D(1),
)
BUY = replace(SELL, side=Side.BUY)


def trailing(order: OrderRequest = SELL, *, timeout_ms: int | None = None) -> TrailingStopExecutor:
    return TrailingStopExecutor(SingleRequest(order, wait=True, timeout_ms=timeout_ms), BTC)


def turns_at(order: OrderRequest, *prices: str) -> Decimal | None:
    """At which bid of a market that moves through ``prices``, a second each, the position is closed."""
    venue = Venue()
    venue.hold("0.5" if order.side is Side.SELL else "-0.5")
    made = trailing(order)
    assert made.validate(venue.snapshot) == []
    ran = venue.run(made.run, [book(1_000 * n, price) for n, price in enumerate(prices, 1)])
    if ran.result is None:
        assert venue.waiting == 1
        return None
    assert ran.result.status is JobStatus.COMPLETED
    assert venue.position == 0
    return ran.context.orders[0].average_price


@pytest.mark.parametrize(
    ("order", "prices", "turned"),
    [
        (SELL, ("61000", "62000", "61381", "61379", "63000"), "61379"),  # 62000 less 1 %: 61380
        (SELL, ("59500", "59399", "61000"), "59399"),
        (SELL, ("61000", "62000"), None),
        (replace(SELL, trigger_price=D(61_000)), ("60900", "59000", "60990"), None),
        (replace(SELL, trigger_price=D(61_000)), ("60900", "59000", "61001", "60300"), "60300"),
        (BUY, ("59000", "58000", "58579", "58581"), "58581.1"),  # 58000.1 and 1 %: 58580.1
    ],
)
def test_it_turns_where_the_market_has_come_back_by_the_callback_rate(
    order: OrderRequest, prices: tuple[str, ...], turned: str | None
) -> None:
    assert turns_at(order, *prices) == (None if turned is None else D(turned))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(58_000, 62_000), max_size=25), st.sampled_from(["0.1", "0.5", "1", "2.5"]))
def test_it_turns_at_the_first_price_that_is_the_callback_below_the_highest(
    path: list[int], rate: str
) -> None:
    highest, expected = D(60_000), None
    for price in map(D, path):
        highest = max(highest, price)
        if price <= highest * (1 - D(rate) / 100):
            expected = price
            break
    turned = turns_at(replace(SELL, callback_rate=D(rate)), *map(str, path))
    assert turned == expected


def test_its_time_over_it_stays_on_the_exchange() -> None:
    venue = Venue()
    venue.hold("0.5")
    made = trailing(timeout_ms=5_000)
    made.validate(venue.snapshot)
    ended = venue.run(made.run).result
    assert ended is not None
    assert ended.status is JobStatus.OPEN
    assert ended.reason == "not done within 5 s; the order stays on the exchange"
    assert venue.waiting == 1


def test_it_says_where_it_would_turn_and_what_it_does_not_check() -> None:
    venue = Venue()
    made = trailing(replace(SELL, trigger_price=D(66_000), reduce_only=False))
    assert "margin is checked when the stop triggers" in made.validate(venue.snapshot)[0]
    assert "at about 65340.00" in made.remarks(venue.snapshot)[0]


@pytest.mark.parametrize("kind", [StopLimitExecutor, TrailingStopExecutor])
def test_a_stop_that_can_only_close_a_leg_warns_of_no_margin(kind: type[ConditionalExecutor]) -> None:
    closing = replace(SELL, reduce_only=False, position_side=PositionSide.LONG)
    assert kind(SingleRequest(closing), BTC).warnings(Venue().snapshot) == []
    assert kind(SingleRequest(replace(closing, side=Side.BUY)), BTC).warnings(Venue().snapshot)


def test_the_exchange_is_told_the_rate_and_the_activation_price_in_its_own_words() -> None:
    params = algo_order_params("ok-1", replace(SELL, trigger_price=D("66000.00")))
    assert params["callbackRate"] == "1"
    assert params["activatePrice"] == "66000"
    assert "triggerPrice" not in params


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        (replace(SELL, callback_rate=D("0.05")), "CALLBACK_RATE"),
        (replace(SELL, trigger_price=D(59_000)), "ACTIVATION_PRICE"),
        (replace(BUY, trigger_price=D(61_000)), "ACTIVATION_PRICE"),
        (replace(SELL, trigger_price=D("66000.05")), "PRICE_FILTER"),
        (replace(SELL, quantity=D("0.0005")), "LOT_SIZE"),
    ],
)
def test_what_cannot_be_followed_is_refused(order: OrderRequest, rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        trailing(order).validate(Venue().snapshot)
    assert refused.value.rule == rule
