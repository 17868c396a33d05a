"""bot.py scaled from the command to the book."""

from decimal import Decimal

import pytest

from tests.faults.truth import assert_true
from tests.scenarios.looking import resting
from tests.support import Desk, finish
from tests.waiting import until

BATCH = "/fapi/v1/batchOrders"
LADDER = "scaled BTCUSDT BUY 0.3 59000 58000 --orders 3"
RUNGS = [("58000", "0.150"), ("58500", "0.100"), ("59000", "0.050")]


def test_a_ladder_is_planned_placed_and_watched_until_its_last_rung_is_filled(desk: Desk) -> None:
    line = f"{LADDER} --sizes increasing --wait --json"
    planned = desk.bot(f"{line} --plan")
    assert planned.code == 0, planned.err
    assert [(o["price"], o["quantity"]) for o in planned.json["plan"]["orders"]] == [
        (f"{price}.0", quantity) for price, quantity in reversed(RUNGS)
    ]
    waiting = desk.start(line)
    until(lambda: len(resting(desk)) == 3, "the ladder")
    assert [(str(int(Decimal(price))), quantity) for price, quantity in resting(desk)] == RUNGS
    for price in ("58900", "58400", "57900"):
        desk.market(price, str(Decimal(price) + Decimal("0.1")))
    done = finish(waiting)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert Decimal(done.json["average_price"]).quantize(Decimal(1)) == 58_333
    assert_true(desk, executed=Decimal("0.3"))


def test_a_ladder_is_left_on_the_book_unless_told_to_wait(desk: Desk) -> None:
    done = desk.bot(f"{LADDER} --job-id ladder --json")
    assert (done.code, done.json["status"]) == (0, "OPEN"), done.err
    again = desk.bot(f"{LADDER} --job-id ladder --json")
    assert again.json["orders"] == done.json["orders"]
    assert len(resting(desk)) == 3
    assert (len(desk.requests("POST", BATCH)), desk.requests("POST", "/fapi/v1/order")) == (1, [])


@pytest.mark.slow  # it takes eight seconds to be sure
def test_rungs_that_never_arrived_are_sent_again(desk: Desk) -> None:
    desk.fault("POST", BATCH, "drop", apply="before", nth=2, times=1)
    done = desk.bot("scaled BTCUSDT BUY 0.3 59000 58000 --orders 8 --json")
    assert done.code == 0, done.err
    assert len(resting(desk)) == 8
    assert [order["status"] for order in done.json["orders"]] == ["NEW"] * 5 + ["REJECTED"] * 3 + ["NEW"] * 3
    assert all(order["replaces"] for order in done.json["orders"][-3:])


def test_a_rung_that_the_exchange_refuses_is_named_and_the_others_rest(desk: Desk) -> None:
    done = desk.bot("scaled BTCUSDT BUY 0.3 60500 58500 --orders 3 --post-only --json")
    assert (done.code, done.json["status"]) == (9, "STOPPED"), done.err
    assert "1 of 3 orders were refused" in done.json["reason"]
    assert [order["code"] for order in done.json["orders"]] == [-5022, None, None]
    assert len(resting(desk)) == 2


def test_a_ladder_that_cannot_be_sends_nothing(desk: Desk) -> None:
    done = desk.bot("scaled BTCUSDT BUY 0.003 59000 58000 --orders 5 --json")
    assert done.code == 3, done.err
    assert "accepted: at most 3 orders" in done.json["error"]["message"]
    assert not desk.requests("POST", BATCH)
