"""What the virtual clock does by itself: countdowns, the end of GTC orders, and what is forgotten when."""

from typing import Any

import pytest

from orderkit.domain.enums import OrderStatus, OrderType
from orderkit.simulator import history
from orderkit.simulator.types import AlgoStatus, OrderView
from tests.unit.simulator.desk import BUY, SELL, SYMBOL, D, Desk, refusal_of

DAY_MS = 86_400_000


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    return desk


def is_found(desk: Desk, order: OrderView) -> bool:
    """Whether the order is listed; being found by its id must agree with that."""
    listed = any(o.order_id == order.order_id for o in desk.exchange.all_orders("a", limit=1000))
    if listed:
        assert desk.now(order).order_id == order.order_id
    else:
        assert refusal_of(lambda: desk.now(order))[0] == -2013
    return listed


def test_orders_that_ended_unfilled_are_found_for_three_days_and_others_for_ninety(desk: Desk) -> None:
    cancelled = desk.order(BUY, "0.1", "59000")
    partly = desk.order(BUY, "0.2", "59990")
    desk.trade("59990", "0.1", seller_hits=True)
    filled = desk.order(BUY, "0.1")
    resting = desk.order(BUY, "0.1", "58000")
    for order in (cancelled, partly):
        desk.exchange.cancel("a", SYMBOL, order_id=order.order_id)
    assert desk.now(partly).executed_quantity == D("0.1")
    desk.pass_time(3 * DAY_MS - 1000)
    assert all(is_found(desk, o) for o in (cancelled, partly, filled, resting))
    desk.pass_time(2000)
    assert [is_found(desk, o) for o in (cancelled, partly, filled, resting)] == [False, True, True, True]
    desk.pass_time(87 * DAY_MS)
    assert [is_found(desk, o) for o in (partly, filled, resting)] == [False, False, True]
    assert desk.exchange.user_trades("a") == []


def test_what_is_no_longer_found_is_no_longer_kept_either(desk: Desk) -> None:
    changes: dict[str, dict[str, Any]] = {}

    def persist() -> None:
        for section, records in desk.exchange.export_changes().items():
            kept = changes.setdefault(section, {})
            kept.update(records)
            for key in [key for key, record in kept.items() if record is None]:
                del kept[key]

    persist()
    for _ in range(3):
        order = desk.order(BUY, "0.1", "59000")
        desk.exchange.cancel("a", SYMBOL, order_id=order.order_id)
    stop = desk.algo(SELL, OrderType.STOP_MARKET, "59000", "0.1")
    desk.exchange.cancel_algo("a", algo_id=stop.algo_id)
    desk.order(BUY, "0.1")
    persist()
    assert (len(changes["orders"]), len(changes["algo_orders"]), len(changes["trades"])) == (4, 1, 1)
    desk.pass_time(4 * DAY_MS)
    persist()
    assert (len(changes["orders"]), len(changes["algo_orders"]), len(changes["trades"])) == (1, 0, 1)
    desk.pass_time(88 * DAY_MS)
    persist()
    assert (len(changes["orders"]), len(changes["trades"])) == (0, 0)
    assert changes == desk.exchange.export_state()


def test_a_flood_of_orders_keeps_only_the_newest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_KEPT", 20)
    monkeypatch.setattr(history, "OVERFULL", 25)
    resting = desk.order(BUY, "0.1", "58000")
    newest = resting
    for _ in range(60):
        newest = desk.order(BUY, "0.1", "59000")
        desk.exchange.cancel("a", SYMBOL, order_id=newest.order_id)
    assert len(desk.exchange.all_orders("a", limit=1000)) <= 26
    assert desk.now(resting).status is OrderStatus.NEW
    assert desk.now(newest).status is OrderStatus.CANCELED


def test_an_order_good_till_cancelled_ends_after_a_year(desk: Desk) -> None:
    order = desk.order(BUY, "0.1", "59000")
    desk.pass_time(364 * DAY_MS)
    assert desk.now(order).status is OrderStatus.NEW
    desk.drain()
    desk.pass_time(2 * DAY_MS)
    (update,) = desk.updates()
    assert (update.order.order_id, update.order.status) == (order.order_id, OrderStatus.EXPIRED)
    assert desk.exchange.depth(SYMBOL).bids == ((D("59999.9"), D(100)),)


def test_a_countdown_that_is_not_renewed_cancels_the_orders_of_its_symbol(desk: Desk) -> None:
    exchange = desk.exchange
    order = desk.order(BUY, "0.1", "59000")
    theirs = desk.order(BUY, "0.1", "59000", account="b")
    stop = desk.algo(SELL, OrderType.STOP_MARKET, "59000", "0.1")
    exchange.countdown_cancel_all("a", SYMBOL, 10_000)
    desk.pass_time(9_000)
    exchange.countdown_cancel_all("a", SYMBOL, 10_000)
    desk.pass_time(9_999)
    assert desk.now(order).status is OrderStatus.NEW
    desk.pass_time(1)
    assert desk.now(order).status is OrderStatus.CANCELED
    assert desk.now(theirs, "b").status is OrderStatus.NEW
    assert desk.algo_now(stop).status is AlgoStatus.NEW
    later = desk.order(BUY, "0.1", "59000")
    desk.pass_time(DAY_MS)
    assert desk.now(later).status is OrderStatus.NEW


def test_a_countdown_of_zero_disarms_and_a_negative_one_is_refused(desk: Desk) -> None:
    order = desk.order(BUY, "0.1", "59000")
    desk.exchange.countdown_cancel_all("a", SYMBOL, 1_000)
    desk.exchange.countdown_cancel_all("a", SYMBOL, 0)
    desk.pass_time(5_000)
    assert desk.now(order).status is OrderStatus.NEW
    assert refusal_of(lambda: desk.exchange.countdown_cancel_all("a", SYMBOL, -1))[0] == -1130
