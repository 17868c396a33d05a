"""bot.py bracket, from the entry to a flat position."""

import signal
from decimal import Decimal

import pytest

from tests.faults.truth import assert_true
from tests.scenarios.test_oco import ALGO, ORDER, position, started
from tests.support import Desk, finish
from tests.waiting import until

BUY = "bracket BTCUSDT BUY 0.5 62000 58000"
LIMITED = f"{BUY} --entry 59000"


def test_a_market_entry_gets_both_legs_and_the_take_profit_ends_it(desk: Desk) -> None:
    process = started(desk, BUY, legs="21")
    desk.market("62000", "62000.1")
    done = finish(process)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    entry, stop, profit = done.json["orders"]
    assert [o["type"] for o in done.json["orders"]] == ["MARKET", "STOP_MARKET", "LIMIT"]
    assert (entry["average_price"], profit["average_price"]) == ("60000.100", "62000.000")
    assert stop["status"] == "CANCELED"
    assert (done.json["executed_quantity"], done.json["average_price"]) == ("0.500", "60000.100")
    sent = [r["params"] for r in desk.all_requests() if r["method"] == "POST" and r["path"] in (ORDER, ALGO)]
    assert [p.get("reduceOnly") for p in sent] == [None, "true", "true"]
    assert_true(desk, executed=Decimal(0))


def test_the_stop_ends_a_short_one(desk: Desk) -> None:
    process = started(desk, "bracket BTCUSDT SELL 0.5 58000 62000 62100", legs="21")
    desk.market("62010", "62010.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert "0.500 BTC by stop" in done.json["reason"]
    assert_true(desk, executed=Decimal(0))


def test_an_entry_that_fills_bit_by_bit_has_a_stop_for_every_bit(desk: Desk) -> None:
    process = started(desk, LIMITED, legs="10")
    assert not desk.requests("POST", ALGO)
    desk.market("58999.9", "59000", quantities=("50", "0.2"))
    until(lambda: desk.taken("POST", ALGO) == 1, "no stop for the first bit")
    until(lambda: desk.taken("POST", ORDER) == 2, "no take-profit for the first bit")
    desk.market("58999.9", "59000", quantities=("50", "0.3"))
    until(lambda: desk.taken("POST", ALGO) == 2, "no stop for the second bit")
    until(lambda: desk.taken("POST", ORDER) == 3, "no take-profit for the second bit")
    until(lambda: desk.taken("DELETE", ALGO) == 1, "the first stop was left")
    stops = [r["params"]["quantity"] for r in desk.requests("POST", ALGO)]
    profits = [r["params"]["quantity"] for r in desk.requests("POST", ORDER)[1:]]
    assert (stops, profits) == (["0.2", "0.5"], ["0.2", "0.3"])
    desk.market("62000", "62000.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert_true(desk, executed=Decimal(0))


def test_once_a_leg_trades_the_rest_of_the_entry_is_cancelled(desk: Desk) -> None:
    process = started(desk, LIMITED, legs="10")
    desk.market("58999.9", "59000", quantities=("50", "0.2"))
    until(lambda: desk.taken("POST", ORDER) == 2, "no take-profit")
    desk.market("62000", "62000.1")
    done = finish(process)
    assert (done.code, done.json["status"]) == (9, "STOPPED"), done.err
    assert "0.200 of 0.500 BTC entered; 0.200 BTC by take-profit" in done.json["reason"]
    assert done.json["orders"][0]["status"] == "CANCELED"
    assert_true(desk, executed=Decimal(0))


def test_an_entry_that_nobody_fills_is_cancelled_in_time(desk: Desk) -> None:
    done = desk.bot(f"{LIMITED} --entry-timeout 1s --json")
    assert (done.code, done.json["status"]) == (9, "STOPPED"), done.err
    assert not desk.requests("POST", ALGO)
    assert_true(desk, executed=Decimal(0))


def test_a_refused_entry_is_all_there_is(desk: Desk) -> None:
    desk.fault("POST", ORDER, "error", status=400, body={"code": -2019, "msg": "Margin is insufficient."})
    done = desk.bot(f"{BUY} --json")
    assert (done.code, done.json["status"]) == (5, "REJECTED")
    assert len(done.json["orders"]) == 1


def test_a_position_whose_stop_is_refused_is_closed_at_market(desk: Desk) -> None:
    desk.fault("POST", ALGO, "error", status=400, body={"code": -4045, "msg": "Reach max stop order limit."})
    done = desk.bot(f"{BUY} --json")
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert "0.500 BTC by market order" in done.json["reason"]
    assert_true(desk, executed=Decimal(0))


@pytest.mark.parametrize(
    ("choice", "status", "held", "open_orders"),
    [("keep", "RUNNING", "0.5", 2), ("cancel", "STOPPED", "0.5", 0), ("flatten", "COMPLETED", "0", 0)],
)
def test_an_interrupt_does_what_was_chosen(
    desk: Desk, choice: str, status: str, held: str, open_orders: int
) -> None:
    process = started(desk, f"{BUY} --on-exit {choice} --job-id b-{choice}", legs="21")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    assert done.json["status"] == status
    assert position(desk) == Decimal(held)
    assert_true(desk, executed=Decimal(held), open_orders=open_orders)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("BUY 0.5 59000 58000", "TAKE_PROFIT"),
        ("BUY 0.5 62000 61000", "TRIGGER_PRICE"),
        ("BUY 0.5 62000 59500 --entry 59000", "TRIGGER_PRICE"),
        ("BUY 0.5 62000 60500 --entry 61000", "TRIGGER_PRICE"),  # the entry fills at 60000.1
        ("SELL 0.5 61000 62000", "TAKE_PROFIT"),
        ("BUY 0.5 62000 58000 58100", "STOP_LIMIT"),
    ],
)
def test_legs_on_the_wrong_side_of_the_entry_are_refused(desk: Desk, line: str, rule: str) -> None:
    done = desk.bot(f"bracket BTCUSDT {line} --json")
    assert done.code == 3
    assert done.json["error"]["message"].startswith(rule)
    assert not desk.requests("POST", ORDER)


def test_an_entry_that_would_close_a_position_is_refused(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT SELL 0.2").code == 0
    done = desk.bot(f"{BUY} --json")
    assert (done.code, done.json["error"]["message"].split(":")[0]) == (3, "POSITION")
