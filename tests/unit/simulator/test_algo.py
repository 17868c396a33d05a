"""Conditional orders: acceptance, triggers, life cycle, trailing, close-position."""

from typing import Any

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce, WorkingType
from orderkit.simulator.types import AlgoStatus, AlgoUpdate, OrderUpdate
from tests.unit.simulator.desk import BUY, MARKET, SELL, SYMBOL, D, Desk, refusal_of

STOP, STOP_MARKET = OrderType.STOP, OrderType.STOP_MARKET
TAKE, TAKE_MARKET = OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET
GTD = TimeInForce.GTD
TRAILING = OrderType.TRAILING_STOP_MARKET


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    move(desk, "60000")
    return desk


def move(desk: Desk, price: str) -> None:
    """The market quotes and trades at a price; the mark follows."""
    ask = str(D(price) + D("0.1"))
    desk.depth([(price, "100")], [(ask, "100")], snapshot=True)
    desk.trade(price, "0.001", seller_hits=True)


TRIGGERS: list[tuple[OrderType, Side, str, str]] = [
    (STOP_MARKET, BUY, "60500", "60499.9"),
    (STOP_MARKET, SELL, "59500", "59500.1"),
    (TAKE_MARKET, BUY, "59500", "59500.1"),
    (TAKE_MARKET, SELL, "60500", "60499.9"),
]


@pytest.mark.parametrize(("kind", "side", "trigger", "just_short"), TRIGGERS)
def test_a_conditional_order_triggers_at_its_price_and_not_before(
    desk: Desk, kind: OrderType, side: Side, trigger: str, just_short: str
) -> None:
    algo = desk.algo(side, kind, trigger, "0.1")
    move(desk, just_short)
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    move(desk, trigger)
    done = desk.algo_now(algo)
    assert (done.status, done.actual_quantity) == (AlgoStatus.FINISHED, D("0.1"))
    child = desk.exchange.order("a", SYMBOL, order_id=done.actual_order_id)
    assert child.client_order_id == algo.client_algo_id
    assert (child.type, child.original_type, child.stop_price) == (MARKET, kind, D(trigger))
    assert done.actual_price == child.average_price


@pytest.mark.parametrize(("kind", "side", "trigger", "just_short"), TRIGGERS)
def test_a_trigger_that_is_already_past_is_refused(
    desk: Desk, kind: OrderType, side: Side, trigger: str, just_short: str
) -> None:
    move(desk, trigger)
    assert refusal_of(lambda: desk.algo(side, kind, trigger, "0.1")) == (
        -2021,
        "Order would immediately trigger.",
    )
    move(desk, just_short)
    assert desk.algo(side, kind, trigger, "0.1").status is AlgoStatus.NEW


def test_the_life_cycle_is_told_step_by_step(desk: Desk) -> None:
    desk.algo(BUY, STOP_MARKET, "60500", "0.1", client_algo_id="guard")
    move(desk, "60500")
    seen = [
        (e.order.status.value, e.order.actual_order_id != 0)
        if isinstance(e, AlgoUpdate)
        else e.execution_type.value
        for e in desk.drain()
        if isinstance(e, AlgoUpdate | OrderUpdate)
    ]
    assert seen == [
        ("NEW", False),
        ("TRIGGERING", False),
        ("TRIGGERED", True),
        "NEW",
        "TRADE",
        ("FINISHED", True),
    ]


def test_the_mark_price_can_be_what_is_watched(desk: Desk) -> None:
    algo = desk.algo(SELL, STOP_MARKET, "59500", "0.1", working_type=WorkingType.MARK_PRICE)
    desk.mark("60000")
    move(desk, "59000")
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    desk.mark("59500")
    assert desk.algo_now(algo).status is AlgoStatus.FINISHED


def test_a_stop_limit_becomes_a_limit_order_that_is_cancelled_like_any_other(desk: Desk) -> None:
    algo = desk.algo(BUY, STOP, "60500", "0.1", "60400", client_algo_id="entry")
    assert refusal_of(lambda: desk.exchange.order("a", SYMBOL, client_order_id="entry"))[0] == -2013
    assert refusal_of(lambda: desk.exchange.cancel("a", SYMBOL, client_order_id="entry"))[0] == -2011
    move(desk, "60500")
    child = desk.exchange.order("a", SYMBOL, client_order_id="entry")
    assert (child.status, child.price, child.original_type) == (OrderStatus.NEW, D(60400), STOP)
    assert desk.algo_now(algo).status is AlgoStatus.TRIGGERED
    assert refusal_of(lambda: desk.exchange.cancel_algo("a", client_algo_id="entry"))[0] == -2011
    desk.exchange.cancel("a", SYMBOL, client_order_id="entry")
    done = desk.algo_now(algo)
    assert (done.status, done.actual_quantity) == (AlgoStatus.FINISHED, D(0))


def test_margin_is_looked_at_only_when_it_triggers(desk: Desk) -> None:
    algo = desk.algo(BUY, STOP_MARKET, "60500", "100")
    assert desk.available() == D(100_000)
    move(desk, "60500")
    done = desk.algo_now(algo)
    assert (done.status, done.reject_reason) == (AlgoStatus.REJECTED, "Margin is insufficient.")
    assert desk.exchange.all_orders("a") == []


def test_reduce_only_without_a_position_is_rejected_at_the_trigger(desk: Desk) -> None:
    algo = desk.algo(SELL, STOP_MARKET, "59500", "0.1", reduce_only=True)
    move(desk, "59500")
    assert desk.algo_now(algo).reject_reason == "ReduceOnly Order is rejected."


def test_close_position_closes_all_of_it_and_knocks_out_resting_closers(desk: Desk) -> None:
    desk.order(BUY, "0.7")
    profit = desk.order(SELL, "0.7", "61000", reduce_only=True)
    stop = desk.algo(SELL, STOP_MARKET, "59500", close_position=True)
    desk.order(BUY, "0.2")
    move(desk, "59500")
    assert desk.position().amount == 0
    assert desk.algo_now(stop).actual_quantity == D("0.9")
    assert desk.now(profit).status is OrderStatus.EXPIRED


def test_close_position_expires_with_its_position(desk: Desk) -> None:
    desk.order(BUY, "0.7")
    stop = desk.algo(SELL, STOP_MARKET, "59500", close_position=True)
    desk.order(SELL, "0.7")
    assert desk.algo_now(stop).status is AlgoStatus.EXPIRED
    assert desk.exchange.open_algo_orders("a") == []


ALGO_REFUSALS: list[tuple[str, dict[str, Any], int]] = [
    ("not conditional", {"type": MARKET}, -1116),
    ("no trigger", {"trigger_price": None}, -1102),
    ("negative trigger", {"trigger_price": D(-1)}, -4006),
    ("fine trigger", {"trigger_price": D("61000.001")}, -1111),
    ("no quantity", {"quantity": None}, -1102),
    ("off step", {"quantity": D("0.0001")}, -1111),
    ("small notional", {"quantity": D("0.001"), "trigger_price": D("61000"), "type": STOP_MARKET}, 0),
    ("limit without price", {"type": STOP}, -1102),
    ("market with price", {"price": D("61000")}, -1106),
    ("limit far above", {"type": STOP, "price": D("64050.1")}, -4183),
    ("hedge side", {"position_side": PositionSide.LONG}, -4061),
    ("odd id", {"client_algo_id": "ä"}, -1100),
    ("GTD undated", {"type": STOP, "price": D("61000"), "time_in_force": TimeInForce.GTD}, -1102),
    ("closing when flat", {"close_position": True, "quantity": None}, -4509),
    ("closing with quantity", {"close_position": True}, -4137),
    ("closing limit", {"close_position": True, "quantity": None, "type": STOP, "price": D("61000")}, -4136),
    ("no callback", {"type": TRAILING, "trigger_price": None}, -1102),
    ("callback too small", {"type": TRAILING, "callback_rate": D("0.09")}, -2007),
    ("callback too large", {"type": TRAILING, "callback_rate": D("20.1")}, -2007),
    ("wrong side", {"type": TRAILING, "callback_rate": D(1), "activation_price": D("60000.1")},
     -4135),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "code"), ALGO_REFUSALS, ids=[r[0] for r in ALGO_REFUSALS])
def test_a_bad_conditional_order_is_refused(desk: Desk, name: str, change: dict[str, Any], code: int) -> None:
    values: dict[str, Any] = {
        "type": STOP_MARKET,
        "trigger_price": D("61000"),
        "quantity": D("0.1"),
        "price": None,
        **change,
    }
    kind, trigger, quantity = values.pop("type"), values.pop("trigger_price"), values.pop("quantity")
    price = values.pop("price")

    def place() -> object:
        return desk.algo(BUY, kind, trigger, quantity, price, **values)

    if code:
        assert refusal_of(place)[0] == code, name
        assert desk.exchange.open_algo_orders("a") == []
    else:
        assert place()


def test_a_trigger_price_need_not_lie_on_the_tick(desk: Desk) -> None:
    assert desk.algo(BUY, STOP_MARKET, "60500.05", "0.1").trigger_price == D("60500.05")


def test_only_one_close_position_order_per_direction_and_kind(desk: Desk) -> None:
    desk.order(BUY, "0.5")
    desk.algo(SELL, STOP_MARKET, "59000", close_position=True)
    assert refusal_of(lambda: desk.algo(SELL, STOP_MARKET, "58000", close_position=True))[0] == -4130
    assert desk.algo(SELL, TAKE_MARKET, "62000", close_position=True)
    assert desk.algo(SELL, STOP_MARKET, "58000", "0.1")


def test_at_most_two_hundred_conditional_orders_wait(desk: Desk) -> None:
    for _ in range(200):
        desk.algo(BUY, STOP_MARKET, "61000", "0.01")
    assert refusal_of(lambda: desk.algo(BUY, STOP_MARKET, "61000", "0.01")) == (
        -4045,
        "Reach max stop order limit.",
    )
    assert len(desk.exchange.cancel_all_algo("a", SYMBOL)) == 200
    assert desk.exchange.open_algo_orders("a") == []


def test_cancelling_all_orders_leaves_conditional_ones_waiting(desk: Desk) -> None:
    algo = desk.algo(BUY, STOP_MARKET, "61000", "0.01")
    desk.exchange.cancel_all("a", SYMBOL)
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    assert desk.exchange.cancel_algo("a", algo_id=algo.algo_id).status is AlgoStatus.CANCELED
    assert refusal_of(lambda: desk.exchange.cancel_algo("a", algo_id=algo.algo_id))[0] == -2011


def test_a_trailing_sell_follows_the_high_and_triggers_on_the_pullback(desk: Desk) -> None:
    desk.order(BUY, "0.5")
    algo = desk.algo(
        SELL, TRAILING, None, "0.5", callback_rate=D(1), activation_price=D(61000), reduce_only=True
    )
    move(desk, "60300")
    move(desk, "59650")
    assert not desk.algo_now(algo).activated
    move(desk, "61000")
    assert desk.algo_now(algo).activated
    move(desk, "62000")
    move(desk, "61380.1")
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    move(desk, "61380")
    assert desk.algo_now(algo).status is AlgoStatus.FINISHED
    assert desk.algo_now(algo).trigger_price == D(61380)


def test_a_trailing_buy_follows_the_low_and_triggers_on_the_rebound(desk: Desk) -> None:
    algo = desk.algo(BUY, TRAILING, None, "0.5", callback_rate=D(2), activation_price=D(59000))
    move(desk, "60300")
    assert not desk.algo_now(algo).activated
    move(desk, "59000")
    move(desk, "58000")
    move(desk, "59159.9")
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    move(desk, "59160")
    assert desk.algo_now(algo).status is AlgoStatus.FINISHED


def test_a_trailing_stop_without_activation_price_is_active_at_once(desk: Desk) -> None:
    algo = desk.algo(BUY, TRAILING, None, "0.5", callback_rate=D(1))
    assert desk.algo_now(algo).activated


def test_price_protection_holds_the_trigger_back_while_mark_and_last_are_apart(desk: Desk) -> None:
    desk.order(BUY, "0.5")
    desk.mark("60000")
    algo = desk.algo(SELL, STOP_MARKET, "57500", "0.5", reduce_only=True, price_protect=True)
    move(desk, "56900")
    assert desk.algo_now(algo).status is AlgoStatus.NEW
    desk.mark("57500")
    assert desk.algo_now(algo).status is AlgoStatus.FINISHED


def test_one_trigger_can_set_off_the_next_through_the_price_it_makes(desk: Desk) -> None:
    desk.order(BUY, "1")
    desk.depth([("59900", "0.5"), ("59800", "10")], [("60000.1", "1")], snapshot=True)
    desk.trade("60000", "0.001", seller_hits=True)
    second = desk.algo(SELL, STOP_MARKET, "59800", "0.1", reduce_only=True)
    first = desk.algo(SELL, STOP_MARKET, "59950", "0.6", reduce_only=True)
    desk.trade("59950", "0.001", seller_hits=True)
    assert desk.algo_now(first).status is AlgoStatus.FINISHED
    assert desk.algo_now(second).status is AlgoStatus.FINISHED


def test_a_gtd_conditional_order_expires(desk: Desk) -> None:
    till = (desk.exchange.now_ms + 700_000) // 1000 * 1000
    algo = desk.algo(
        BUY, STOP, "61000", "0.1", "61000", time_in_force=TimeInForce.GTD, good_till_date_ms=till
    )
    desk.exchange.advance(till)
    assert desk.algo_now(algo).status is AlgoStatus.EXPIRED
