"""bot.py trailing-stop, from the command to the turn of the market."""

from decimal import Decimal

from tests.faults.truth import assert_true
from tests.support import Desk, finish
from tests.waiting import until

ALGO = "/fapi/v1/algoOrder"


def test_it_is_placed_left_and_found_again_where_the_market_turned(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.5").code == 0
    line = "trailing-stop BTCUSDT SELL 0.5 1 --activation 60500 --reduce-only --job-id trail"
    planned = desk.bot(f"{line} --plan --json")
    (row,) = planned.json["plan"]["orders"]
    assert (row["type"], row["trigger_price"], row["price"]) == ("TRAILING_STOP_MARKET", "60500.0", None)
    assert not desk.requests("POST", ALGO)
    done = desk.bot(f"{line} --json")
    assert (done.code, done.json["status"]) == (0, "OPEN"), done.err
    (sent,) = [row["params"] for row in desk.requests("POST", ALGO)]
    assert (sent["callbackRate"], sent["activatePrice"], sent["reduceOnly"]) == ("1", "60500", "true")
    assert "TRAILING" in desk.bot("orders").out
    for bid in ("59000", "61000", "60400", "60350", "60300"):  # 61000 less 1 % is 60390
        desk.market(bid, str(Decimal(bid) + Decimal("0.1")))
    assert desk.bot("reconcile").code == 0
    shown = desk.bot("show trail --json").json["job"]
    assert shown["orders"][0]["average_price"] == "60350.000"
    assert_true(desk, executed=Decimal(0))


def test_waiting_ends_when_the_market_has_turned(desk: Desk) -> None:
    waiting = desk.start("trailing-stop BTCUSDT BUY 0.01 0.5% --wait --json")
    until(lambda: desk.requests("POST", ALGO), "the order")
    until(lambda: "trailing-stop" in desk.bot("ps").out, "the job")
    desk.market("59000", "59000.1")
    desk.market("59300", "59300.1")
    done = finish(waiting)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert done.json["average_price"] == "59300.100"
    assert_true(desk, executed=Decimal("0.01"))


def test_a_callback_out_of_range_sends_nothing(desk: Desk) -> None:
    done = desk.bot("trailing-stop BTCUSDT SELL 0.01 25 --json")
    assert done.code == 3, done.err
    assert "CALLBACK_RATE" in done.json["error"]["message"]
    assert not desk.requests("POST", ALGO)
