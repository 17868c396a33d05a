"""POV: follows what trades, in virtual time and on the embedded exchange."""

import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.domain.job import Control, ControlKind, JobRecord, JobStatus
from orderkit.domain.market import MarketEvent, MarketTrade, Quote
from orderkit.domain.order import Order
from orderkit.errors import OrderKitError, ValidationError
from orderkit.orders.pacing import Style
from orderkit.orders.pov import POVExecutor
from orderkit.orders.pov_request import POVRequest
from tests.support import Desk, finish
from tests.virtual import BTC, START_MS, Ran, Venue

REQUEST = POVRequest("BTCUSDT", Side.BUY, Decimal(1), Decimal("0.2"), min_slice=Decimal("0.1"))


def printed(at_ms: int, quantity: str, price: str = "60000.1") -> MarketTrade:
    return MarketTrade("BTCUSDT", 0, Decimal(price), Decimal(quantity), False, START_MS + at_ms)


def quote(at_ms: int, bid: str, size: str = "50") -> Quote:
    price = Decimal(bid)
    return Quote("BTCUSDT", price, Decimal(size), price + Decimal("0.1"), Decimal(size), START_MS + at_ms)


def steady(until_ms: int, quantity: str = "0.5", every_ms: int = 1_000) -> Iterator[MarketEvent]:
    """Others trade ``quantity`` at a time at 60000.1."""
    yield quote(1, "60000")
    for at_ms in range(every_ms, until_ms, every_ms):
        yield printed(at_ms, quantity)


def ran(request: POVRequest, market: Iterator[MarketEvent], **more: int) -> Ran:
    venue = Venue()
    executor = POVExecutor(request, BTC)
    executor.validate(venue.snapshot)
    return venue.run(executor.run, market, tells_trades=True, **more)  # type: ignore[arg-type]


def sent(done: Ran) -> list[tuple[int, Decimal]]:
    return [(order.created_ms - START_MS, order.quantity) for order in done.context.orders]


def executed(done: Ran) -> Decimal:
    return sum((order.executed_quantity for order in done.context.orders), Decimal(0))


def test_it_takes_its_share_of_what_others_trade_to_the_last_unit() -> None:
    done = ran(REQUEST, steady(60_000))
    assert done.result is not None
    assert done.result.status is JobStatus.COMPLETED
    # A fifth of all is a quarter of what others trade: 0.125 a second, in orders of 0.1 or more.
    assert sent(done)[:3] == [(1_100, Decimal("0.125")), (2_100, Decimal("0.125")), (3_100, Decimal("0.125"))]
    assert sent(done)[-1] == (8_100, Decimal("0.125"))
    assert executed(done) == 1


def test_it_gathers_until_an_order_is_worth_it_and_leaves_no_dust() -> None:
    request = replace(REQUEST, quantity=Decimal("0.25"), min_slice=Decimal("0.1"))
    done = ran(request, steady(60_000, quantity="0.08"))  # 0.02 a second for us
    assert [quantity for _, quantity in sent(done)] == [Decimal("0.1"), Decimal("0.1"), Decimal("0.05")]
    assert done.result is not None
    assert done.result.status is JobStatus.COMPLETED


def test_what_trades_beyond_the_limit_is_let_go() -> None:
    def market() -> Iterator[MarketEvent]:
        yield from steady(2_500)  # two prints: 0.25 for us
        yield quote(3_000, "60100")
        yield from (printed(at_ms, "5", "60100.1") for at_ms in range(4_000, 9_000, 1_000))
        yield quote(10_000, "60000")
        yield printed(11_000, "0.5")
        yield quote(20_000, "60000")

    done = ran(replace(REQUEST, limit_price=Decimal(60_050)), market())
    assert [at_ms for at_ms, _ in sent(done)] == [1_100, 2_100, 11_100]
    assert executed(done) == Decimal("0.375")
    assert all(order.request.type is OrderType.LIMIT for order in done.context.orders)


def test_it_ends_at_its_longest_duration_and_says_what_is_missing() -> None:
    done = ran(replace(REQUEST, max_duration_ms=4_500), steady(60_000))
    assert done.result is not None
    assert done.result.status is JobStatus.STOPPED
    assert done.result.reason == "0.500 of 1.000 BTC not done: its time is over"


def test_passive_orders_wait_at_the_best_price_and_follow_it() -> None:
    def market() -> Iterator[MarketEvent]:
        yield from steady(2_500)
        yield quote(5_000, "60010")  # left behind
        yield from (printed(at_ms, "30", "60009.9") for at_ms in range(8_000, 30_000, 1_000))

    done = ran(replace(REQUEST, style=Style.PASSIVE), market())
    assert done.result is not None
    assert done.result.status is JobStatus.COMPLETED
    orders = done.context.orders
    assert executed(done) == 1
    assert {order.request.price for order in orders} == {Decimal(60_000), Decimal(60_010)}
    left_behind = [order for order in orders if order.request.price == Decimal(60_000)]
    assert {order.status for order in left_behind} == {OrderStatus.CANCELED}
    assert all(order.executed_quantity == order.filled_by_trades for order in orders)
    assert all(fill.is_maker for order in orders for fill in order.fills.values())


def test_stopped_it_withdraws_what_rests() -> None:
    done = ran(replace(REQUEST, style=Style.PASSIVE), steady(60_000), stop_at_ms=2_500)
    assert done.result is not None
    assert done.result.status is JobStatus.STOPPED
    assert [order.status for order in done.context.orders] == [OrderStatus.CANCELED] * 2


def test_started_again_it_begins_with_what_is_done_and_counts_anew() -> None:
    venue = Venue()
    executor = POVExecutor(REQUEST, BTC)
    executor.validate(venue.snapshot)
    first = venue.run(executor.run, steady(4_500), tells_trades=True, until_ms=4_500)
    assert executed(first) == Decimal("0.5")
    earlier: list[Order] = list(first.context.orders)
    again = Venue()
    done = again.run(executor.run, steady(60_000), tells_trades=True, orders=earlier)
    assert [quantity for _, quantity in sent(done)][4:] == [Decimal("0.125")] * 4
    assert executed(done) == 1


def told(*controls: Control) -> Ran:
    """A passive job that is asked for something before it begins."""
    request = replace(REQUEST, style=Style.PASSIVE)
    venue = Venue()
    executor = POVExecutor(request, BTC)
    executor.validate(venue.snapshot)
    return venue.run(executor.run, steady(6_500), tells_trades=True, controls=controls, until_ms=7_000)


def test_paused_it_sends_nothing() -> None:
    assert told(Control(ControlKind.PAUSE, 0)).context.orders == []


def test_told_to_finish_it_takes_what_is_left_at_once() -> None:
    done = told(Control(ControlKind.FINISH_NOW, 0))
    assert done.result is not None
    assert done.result.status is JobStatus.COMPLETED
    assert [quantity for _, quantity in sent(done)] == [Decimal(1)]


def test_amended_it_does_another_quantity() -> None:
    done = ran(replace(REQUEST, quantity=Decimal(2)), steady(60_000))
    assert executed(done) == 2
    shorter = told(Control(ControlKind.AMEND, 0, {"quantity": "0.125", "duration_ms": "60000"}))
    assert [quantity for _, quantity in sent(shorter)] == [Decimal("0.125")]


def test_an_amendment_below_what_is_done_is_refused() -> None:
    done = ran(REQUEST, steady(60_000))
    record = JobRecord("p", "pov", "paper", {}, 0, orders=list(done.context.orders))
    executor = POVExecutor(REQUEST, BTC)
    executor.check_control(Control(ControlKind.AMEND, 0, {"quantity": "1.5"}), record)
    for changes, rule in (
        ({"quantity": "0.5"}, "QUANTITY"),
        ({"quantity": "1.00001"}, "QUANTITY"),
        ({"limit_price": "60000.05"}, "PRICE_FILTER"),
        ({"style": "tick-better"}, "tick-better"),
    ):
        with pytest.raises(OrderKitError, match=rule):
            executor.check_control(Control(ControlKind.AMEND, 0, changes), record)


def test_amended_to_another_limit_and_style_it_waits_there() -> None:
    at_limit = told(Control(ControlKind.AMEND, 0, {"limit_price": "59000", "style": "taking"}))
    assert at_limit.context.orders == []
    assert at_limit.context.state == "THRESHOLD_PRICE_BREACH"
    lifted = told(Control(ControlKind.AMEND, 0, {"limit_price": "none", "style": "taking"}))
    assert {order.request.type for order in lifted.context.orders} == {OrderType.MARKET}


def test_a_limit_too_far_away_to_be_an_orders_price_bounds_nothing_and_is_not_sent() -> None:
    done = ran(replace(REQUEST, limit_price=Decimal(90_000)), steady(60_000))
    assert {order.request.type for order in done.context.orders} == {OrderType.MARKET}
    assert executed(done) == 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"rate": Decimal(1)}, "RATE"),
        ({"quantity": Decimal("0.0005")}, "LOT_SIZE"),
        ({"quantity": Decimal(1000)}, "MARGIN"),
        ({"limit_price": Decimal("60000.05")}, "PRICE_FILTER"),
        ({"min_slice": Decimal("0.00001")}, "LOT_SIZE"),
        ({"reduce_only": True}, "REDUCE_ONLY"),
    ],
)
def test_what_the_exchange_would_refuse_is_refused_before(change: dict[str, object], rule: str) -> None:
    executor = POVExecutor(replace(REQUEST, **change), BTC)  # type: ignore[arg-type]
    with pytest.raises(ValidationError) as refused:
        executor.validate(Venue().snapshot)
    assert refused.value.rule == rule


# --- on the embedded exchange ---------------------------------------------------------------------


def test_its_whole_life_on_the_exchange(desk: Desk) -> None:
    process = desk.start(
        "pov BTCUSDT BUY 0.3 --rate 50% --min-slice 0.1 --limit-price 60010 --job-id p --json"
    )
    prices = ("60000", "60000.1")
    for number in count():
        if process.poll() is not None:
            break
        bid, ask = prices if number % 6 else ("60020", "60020.1")
        desk.market(bid, ask)
        desk.trade("60000.1", "0.05")
        time.sleep(0.15)
    done = finish(process)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    orders = done.json["orders"]
    assert sum(Decimal(order["executed_quantity"]) for order in orders) == Decimal("0.3")
    assert {order["type"] for order in orders} == {"LIMIT"}
    assert all(Decimal(order["price"]) <= 60010 for order in orders)
    sends = desk.requests("POST", "/fapi/v1/order")
    assert len(sends) == len(orders)


def test_a_plan_sends_nothing(desk: Desk) -> None:
    done = desk.bot("pov BTCUSDT SELL 0.5 --rate 10% --min-slice 0.1 --plan --json")
    assert done.code == 0, done.err
    assert [order["quantity"] for order in done.json["plan"]["orders"]] == ["0.100", "0.400"]
    assert desk.requests("POST", "/fapi/v1/order") == []
