"""bot.py limit and stop-limit, from the command to the book."""

import pytest

from tests.support import Desk, finish
from tests.waiting import until


def test_a_limit_behind_the_market_rests_and_says_how_far_it_is_away(desk: Desk) -> None:
    done = desk.bot("limit BTCUSDT BUY 0.01 59000")
    assert done.code == 0
    assert "OPEN" in done.out
    assert "166.7 bps behind the best bid" in done.out


def test_a_crossing_limit_warns_and_is_filled(desk: Desk) -> None:
    done = desk.bot("limit BTCUSDT BUY 0.01 60500 --json")
    assert "crosses" in done.json["warnings"][0]
    assert done.json["status"] == "COMPLETED"
    assert done.json["average_price"] == "60000.100"


@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        ("60500 --post-only", 5, "REJECTED"),
        ("59000 --tif FOK", 5, "REJECTED"),
        ("59000 --tif IOC", 9, "STOPPED"),
        ("60000.1 --tif IOC", 0, "COMPLETED"),
        ("60000.1 --tif FOK", 0, "COMPLETED"),
        ("59000 --tif GTD --good-till 2h", 0, "OPEN"),
        ("59000 --post-only", 0, "OPEN"),
        ("--price-match QUEUE", 0, "OPEN"),
        ("--price-match OPPONENT", 0, "COMPLETED"),
    ],
)
def test_each_time_in_force_ends_as_the_exchange_defines_it(
    desk: Desk, options: str, code: int, status: str
) -> None:
    done = desk.bot(f"limit BTCUSDT BUY 0.01 {options} --json")
    assert (done.code, done.json["status"]) == (code, status), done.err


def test_an_immediate_order_that_fills_in_part_says_what_is_missing(desk: Desk) -> None:
    desk.market("60000", "60000.1", quantities=("50", "0.004"))
    done = desk.bot("limit BTCUSDT BUY 0.01 60000.1 --tif IOC --json")
    assert done.code == 9
    assert done.json["executed_quantity"] == "0.004"
    assert "0.004 of 0.010" in done.json["reason"]


def test_waiting_for_a_resting_order_ends_when_the_market_comes_to_it(desk: Desk) -> None:
    waiting = desk.start("limit BTCUSDT BUY 0.01 59000 --wait --json")
    until(lambda: desk.taken("POST", "/fapi/v1/order"))
    desk.market("58990", "58990.1")
    done = finish(waiting)
    assert done.code == 0, done.err
    assert done.json["average_price"] == "59000.000"


def test_a_timeout_cancels_the_order_where_asked_to(desk: Desk) -> None:
    done = desk.bot("limit BTCUSDT BUY 0.01 59000 --wait --timeout 500ms --on-exit cancel --json")
    assert done.code == 9
    assert done.json["orders"][0]["status"] == "CANCELED"


def test_a_timeout_leaves_the_order_where_not_asked_to(desk: Desk) -> None:
    done = desk.bot("limit BTCUSDT BUY 0.01 59000 --wait --timeout 500ms --json")
    assert done.code == 0
    assert done.json["orders"][0]["status"] == "NEW"
    assert "stays on the exchange" in done.json["reason"]


def test_a_stop_limit_rests_in_the_algo_service_and_fills_once_triggered(desk: Desk) -> None:
    waiting = desk.start("stop-limit BTCUSDT BUY 0.01 60500 60600 --wait --json")
    until(lambda: desk.taken("POST", "/fapi/v1/algoOrder"))
    desk.market("60550", "60550.1")
    done = finish(waiting)
    assert done.code == 0, done.err
    document = done.json
    assert document["status"] == "COMPLETED"
    assert document["orders"][0]["trigger_price"] == "60500.0"
    assert document["orders"][0]["algo_id"]
    assert document["orders"][0]["order_id"]
    assert not desk.requests("POST", "/fapi/v1/order")


@pytest.mark.parametrize(
    "relation",
    [
        "SELL 0.01 60500 60400",  # stop above the market
        "SELL 0.01 59000 59100",  # limit above the stop
        "BUY 0.01 59000 59100",  # stop below the market
        "BUY 0.01 61000 60900",  # limit below the stop
    ],
)
def test_a_stop_limit_on_the_wrong_side_is_refused_and_nothing_is_sent(desk: Desk, relation: str) -> None:
    done = desk.bot(f"stop-limit BTCUSDT {relation}")
    assert done.code == 3
    assert not desk.requests("POST", "/fapi/v1/algoOrder")
