"""bot.py iceberg from the command to the book: one chunk at a time, to the exact quantity."""

import signal
import time
from decimal import Decimal

from tests.faults.truth import assert_true
from tests.scenarios.looking import resting
from tests.support import Desk, finish
from tests.waiting import until

LINE = "iceberg BTCUSDT BUY 0.1 59000 --chunk-size 30%"


def visible(desk: Desk) -> list[str]:
    """The open orders' quantities."""
    return [quantity for _, quantity in resting(desk)]


def fill(desk: Desk, size: str) -> None:
    """Trade so much at the price, then let the market go again."""
    desk.market("58999.9", "59000", quantities=("50", size))
    desk.market("60000", "60000.1")


def test_one_chunk_is_visible_at_a_time_until_all_is_done(desk: Desk) -> None:
    iceberg = desk.start(f"{LINE} --json")
    for size in ("0.030", "0.030", "0.030", "0.010"):
        until(lambda size=size: visible(desk) == [size], f"the chunk of {size}")  # type: ignore[misc]
        fill(desk, size)
    done = finish(iceberg)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert done.json["average_price"] == "59000.000"
    assert_true(desk, executed=Decimal("0.1"))


def test_a_part_of_a_chunk_brings_no_next_one_and_a_resume_goes_on_with_what_is_left(desk: Desk) -> None:
    iceberg = desk.start(f"{LINE} --job-id ice --json")
    until(lambda: visible(desk) == ["0.030"], "the first chunk")
    fill(desk, "0.012")
    time.sleep(0.3)
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1
    iceberg.send_signal(signal.SIGINT)
    done = finish(iceberg)
    assert done.code == 130
    assert done.json["executed_quantity"] == "0.012"
    assert visible(desk) == []
    resumed = desk.start("resume ice --json")
    until(lambda: visible(desk) == ["0.030"], "the next chunk")
    desk.market("58000", "58000.1")
    done = finish(resumed)
    assert (done.code, done.json["executed_quantity"]) == (0, "0.100"), done.err
    assert [o["quantity"] for o in done.json["orders"]] == ["0.030", "0.030", "0.030", "0.028"]
    assert_true(desk, executed=Decimal("0.1"))


def test_a_paused_iceberg_shows_no_next_chunk_until_it_may_go_on(desk: Desk) -> None:
    iceberg = desk.start(f"{LINE} --job-id still --json")
    until(lambda: visible(desk) == ["0.030"], "the first chunk")
    assert desk.bot("pause still --json").json["taken"] is True
    fill(desk, "0.030")
    refused = desk.bot("finish-now still")
    assert refused.code == 3
    assert "accepted: pause, resume, stop" in refused.err
    assert visible(desk) == []
    assert desk.bot("resume still").code == 0
    until(lambda: visible(desk) == ["0.030"], "the second chunk")
    desk.market("58000", "58000.1")
    done = finish(iceberg)
    assert (done.code, done.json["executed_quantity"]) == (0, "0.100"), done.err


def test_a_refused_chunk_is_sent_again(desk: Desk) -> None:
    margin = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=margin, nth=1, times=1)
    done = desk.bot("iceberg BTCUSDT BUY 0.01 60000.1 --chunk-size 50% --json")
    assert (done.code, done.json["executed_quantity"]) == (0, "0.010"), done.err
    assert [o["status"] for o in done.json["orders"]] == ["REJECTED", "FILLED", "FILLED"]


def test_a_share_is_a_percentage(desk: Desk) -> None:
    done = desk.bot("iceberg BTCUSDT BUY 0.1 59000 --chunk-size 120% --json")
    assert done.code == 2, done.err
    assert "share" in done.json["error"]["message"]
    assert not desk.requests("POST", "/fapi/v1/order")
