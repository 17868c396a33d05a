"""Resting orders against the market: the queue model and its conservative assumptions."""

import pytest

from orderkit.domain.enums import OrderStatus
from tests.unit.simulator.desk import BUY, SELL, SYMBOL, D, Desk

BIDS = [("59999.9", "2"), ("59999.8", "2")]
ASKS = [("60000.1", "2"), ("60000.2", "2")]


@pytest.fixture
def desk() -> Desk:
    desk = Desk(wallet="10000000")
    desk.depth(BIDS, ASKS, snapshot=True)
    return desk


def test_trades_at_the_price_first_serve_what_was_displayed_ahead(desk: Desk) -> None:
    order = desk.order(BUY, "1", "59999.9")
    desk.trade("59999.9", "2", seller_hits=True)
    assert desk.now(order).executed_quantity == 0
    desk.trade("59999.9", "0.4", seller_hits=True)
    assert desk.now(order).executed_quantity == D("0.4")
    desk.trade("59999.9", "5", seller_hits=True)
    assert desk.now(order).status is OrderStatus.FILLED
    assert desk.fills() == [(D("59999.9"), D("0.4")), (D("59999.9"), D("0.6"))]
    assert all(t.maker for t in desk.trades())


def test_trades_of_the_other_aggressor_do_not_move_our_queue(desk: Desk) -> None:
    order = desk.order(BUY, "1", "59999.9")
    desk.trade("59999.9", "9", seller_hits=False)
    assert desk.now(order).executed_quantity == 0


def test_a_reduced_level_moves_the_queue_only_as_far_as_it_must(desk: Desk) -> None:
    order = desk.order(BUY, "1", "59999.9")
    desk.depth([("59999.9", "5")], [])
    desk.depth([("59999.9", "2.5")], [])
    desk.trade("59999.9", "2", seller_hits=True)
    assert desk.now(order).executed_quantity == 0
    desk.trade("59999.9", "0.1", seller_hits=True)
    assert desk.now(order).executed_quantity == D("0.1")


@pytest.mark.parametrize("trade_first", [True, False])
def test_a_trade_and_the_reduction_it_causes_count_once_in_either_order(
    desk: Desk, trade_first: bool
) -> None:
    order = desk.order(BUY, "1", "59999.9")
    for step in ("trade", "depth") if trade_first else ("depth", "trade"):
        if step == "trade":
            desk.trade("59999.9", "1.5", seller_hits=True)
        else:
            desk.depth([("59999.9", "0.5")], [])
    desk.trade("59999.9", "0.5", seller_hits=True)
    assert desk.now(order).executed_quantity == 0
    desk.trade("59999.9", "0.2", seller_hits=True)
    assert desk.now(order).executed_quantity == D("0.2")


def test_our_orders_at_a_price_fill_in_the_order_they_came(desk: Desk) -> None:
    first = desk.order(BUY, "1", "59999.9")
    second = desk.order(BUY, "1", "59999.9", account="b")
    desk.trade("59999.9", "3.3", seller_hits=True)
    assert desk.now(first).status is OrderStatus.FILLED
    assert desk.now(second, "b").executed_quantity == D("0.3")


def test_a_later_order_never_fills_while_an_earlier_one_at_its_price_waits(desk: Desk) -> None:
    early = desk.order(BUY, "5", "59999.9")
    desk.depth([("59999.9", "0")], [])
    late = desk.order(BUY, "5", "59999.9", account="b")
    desk.trade("59999.9", "3", seller_hits=True)
    assert desk.now(early).executed_quantity == D(1)
    assert desk.now(late, "b").executed_quantity == 0


def test_a_trade_through_the_price_fills_up_to_its_quantity_best_price_first(desk: Desk) -> None:
    better = desk.order(BUY, "1", "59999.9")
    worse = desk.order(BUY, "1", "59999.5")
    desk.trade("59999.0", "1.25", seller_hits=True)
    assert desk.now(better).status is OrderStatus.FILLED
    assert desk.now(worse).executed_quantity == D("0.25")
    assert desk.fills() == [(D("59999.9"), D(1)), (D("59999.5"), D("0.25"))]
    assert desk.exchange.last_price(SYMBOL) == D(59999)


def test_a_crossing_quote_fills_at_our_price_and_its_quantity_is_used_up() -> None:
    desk = Desk(wallet="1000000")
    desk.quote("59999.0", "60001.0")
    order = desk.order(SELL, "1", "60005")
    desk.quote("60006.0", "60007.0", bid_size="0.4")
    assert desk.fills() == [(D(60005), D("0.4"))]
    assert desk.exchange.quote(SYMBOL).ask == D(60005)
    desk.quote("60006.0", "60007.0", bid_size="3")
    assert desk.now(order).status is OrderStatus.FILLED
    assert desk.exchange.quote(SYMBOL).bid_quantity == D("2.4")


def test_with_quotes_only_an_order_behind_the_touch_joins_behind_the_first_displayed_size() -> None:
    desk = Desk()
    desk.quote("60000.0", "60001.0")
    order = desk.order(BUY, "1", "59999.0")
    desk.trade("59999.0", "5", seller_hits=True)
    assert desk.now(order).executed_quantity == 0
    desk.quote("59999.0", "60001.0", bid_size="2")
    desk.trade("59999.0", "2.5", seller_hits=True)
    assert desk.now(order).executed_quantity == D("0.5")


def test_an_order_that_improves_the_touch_is_first_in_its_queue(desk: Desk) -> None:
    order = desk.order(BUY, "1", "60000.0")
    assert desk.exchange.quote(SYMBOL).bid == D(60000)
    desk.trade("60000.0", "0.7", seller_hits=True)
    assert desk.now(order).executed_quantity == D("0.7")


def test_last_and_mark_follow_the_mid_only_while_the_source_gives_neither() -> None:
    desk = Desk()
    desk.quote("59999.0", "60001.0")
    assert (desk.exchange.last_price(SYMBOL), desk.exchange.mark_price(SYMBOL)) == (D(60000), D(60000))
    desk.trade("60001.0", "1", seller_hits=False)
    desk.mark("60010")
    desk.quote("59000.0", "59001.0")
    assert (desk.exchange.last_price(SYMBOL), desk.exchange.mark_price(SYMBOL)) == (D(60001), D(60010))
    assert desk.exchange.mark(SYMBOL).funding_rate == D("0.0001")
