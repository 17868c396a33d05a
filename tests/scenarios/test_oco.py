"""bot.py oco, from the command to the last leg's end, with the races that tie two orders badly together."""

import os
import re
import signal
import time
from decimal import Decimal

import pytest

from tests.faults.truth import SYMBOL, assert_true, client_of
from tests.launcher import Launched
from tests.support import Desk, finish
from tests.waiting import until

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"
SELL = "oco BTCUSDT SELL 0.5 62000 58000"


def long(desk: Desk, quantity: str = "0.5") -> None:
    assert desk.bot(f"market BTCUSDT BUY {quantity}").code == 0


def started(desk: Desk, line: str = SELL, *, legs: str = "11") -> Launched:
    """The command once its legs rest; ``legs``: how many orders and conditional orders were taken by then."""
    before = desk.taken("POST", ORDER)
    process = desk.start(f"{line} --json")
    orders, stops = map(int, legs)
    until(
        lambda: (
            process.poll() is not None
            or (desk.taken("POST", ORDER) >= before + orders and desk.taken("POST", ALGO) >= stops)
        ),
        "the legs never rested",
    )
    time.sleep(0.2)
    return process


def position(desk: Desk) -> Decimal:
    client = client_of(desk)
    try:
        held = client.futures_position_information(symbol=SYMBOL)
        return sum((Decimal(p["positionAmt"]) for p in held), Decimal(0))
    finally:
        client.close_connection()


def test_the_stop_fills_and_the_take_profit_is_gone(desk: Desk) -> None:
    long(desk)
    process = started(desk)
    desk.market("57990", "57990.1")
    done = finish(process)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    stop, profit = done.json["orders"]
    assert (stop["type"], stop["status"]) == ("STOP_MARKET", "FILLED")
    assert (profit["type"], profit["status"]) == ("LIMIT", "EXPIRED")
    assert "0.500 BTC by stop" in done.json["reason"]
    assert done.json["warnings"] == []
    assert_true(desk, executed=Decimal(0))


def test_the_take_profit_fills_and_the_stop_is_cancelled(desk: Desk) -> None:
    long(desk)
    process = started(desk)
    desk.market("62000", "62000.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert done.json["average_price"] == "62000.000"
    assert [o["status"] for o in done.json["orders"]] == ["CANCELED", "FILLED"]
    assert_true(desk, executed=Decimal(0))


def test_a_partial_take_profit_gets_a_smaller_stop_before_the_old_one_goes(desk: Desk) -> None:
    long(desk)
    process = started(desk)
    desk.market("62000", "62000.1", quantities=("0.2", "50"))
    until(lambda: desk.taken("DELETE", ALGO) == 1, "the old stop was never cancelled")
    placing = [r for r in desk.all_requests() if r["path"] == ALGO]
    assert [r["method"] for r in placing] == ["POST", "POST", "DELETE"]
    desk.market("57990", "57990.1")
    done = finish(process)
    assert done.code == 0, done.err
    first, _, second = done.json["orders"]
    assert (second["quantity"], second["executed_quantity"]) == ("0.300", "0.300")
    assert second["replaces"] == first["client_order_id"]
    assert "unprotected 0.0 ms" in done.err
    assert "stop resized 1 time, unprotected 0.0 ms in all" in done.json["reason"]
    assert_true(desk, executed=Decimal(0))


def test_legs_that_would_open_a_position_say_so_and_are_resized_without_ever_being_two(desk: Desk) -> None:
    process = started(desk)
    desk.market("62000", "62000.1", quantities=("0.2", "50"))
    until(lambda: desk.taken("POST", ALGO) == 2, "the new stop was never placed")
    placing = [r for r in desk.all_requests() if r["path"] == ALGO]
    assert [r["method"] for r in placing] == ["POST", "DELETE", "POST"]
    desk.market("57990", "57990.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert "opens a short one of 0.500" in done.json["warnings"][0]
    gap_ms = Decimal(re.findall(r"unprotected ([\d.]+) ms in all", done.json["reason"])[0])
    assert 0 < gap_ms < 2_000
    assert_true(desk, executed=Decimal("-0.5"))


@pytest.mark.parametrize(
    ("policy", "code", "executed", "says"),
    [
        ("report", 9, "-1.0", "BOTH LEGS FILLED: 0.500 BTC too much"),
        ("flatten", 0, "-0.5", "both legs filled, 0.500 BTC traded back"),
    ],
)
def test_both_legs_filling_in_a_race_is_told_or_undone(
    desk: Desk, policy: str, code: int, executed: str, says: str
) -> None:
    process = started(desk, f"{SELL} --on-double-fill {policy}")
    desk.fault("DELETE", ALGO, "delay", delay_ms=2_500, times=1)
    desk.market("62000", "62000.1")
    until(lambda: desk.requests("DELETE", ALGO), "the stop's cancel was never sent")
    desk.market("57990", "57990.1")
    done = finish(process)
    assert (done.code, done.json["reason"].split(";")[0]) == (code, says), done.err
    assert_true(desk, executed=Decimal(executed))


def test_a_position_larger_than_the_legs_can_lose_too_much_in_a_race_and_gets_it_back(desk: Desk) -> None:
    long(desk, "1.0")
    process = started(desk, f"{SELL} --on-double-fill flatten")
    desk.fault("DELETE", ALGO, "delay", delay_ms=2_500, times=1)
    desk.market("62000", "62000.1")
    until(lambda: desk.requests("DELETE", ALGO), "the stop's cancel was never sent")
    desk.market("57990", "57990.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert position(desk) == Decimal("0.5")
    assert_true(desk, executed=Decimal("0.5"))


def test_a_stop_that_the_market_has_passed_when_it_arrives_closes_at_market(desk: Desk) -> None:
    long(desk)
    desk.fault("POST", ALGO, "delay", delay_ms=2_500, times=1)
    process = desk.start(f"{SELL} --json")
    until(lambda: desk.requests("POST", ALGO), "the stop was never sent")
    desk.market("57990", "57990.1")
    done = finish(process)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    stop, out = done.json["orders"]
    assert (stop["code"], out["type"], out["status"]) == (-2021, "MARKET", "FILLED")
    (sent,) = [r for r in desk.requests("POST", ORDER) if r["params"]["side"] == "SELL"]
    assert sent["params"]["reduceOnly"] == "true"
    assert_true(desk, executed=Decimal(0))


def test_opening_legs_do_not_chase_a_market_that_has_passed_the_stop(desk: Desk) -> None:
    desk.fault("POST", ALGO, "delay", delay_ms=2_500, times=1)
    process = desk.start(f"{SELL} --json")
    until(lambda: desk.requests("POST", ALGO), "the stop was never sent")
    desk.market("57990", "57990.1")
    done = finish(process)
    assert (done.code, done.json["status"]) == (5, "REJECTED")
    assert_true(desk, executed=Decimal(0))


@pytest.mark.parametrize(("path", "legs"), [(ALGO, 1), (ORDER, 2)], ids=["the stop", "the take-profit"])
def test_a_refused_leg_takes_the_other_one_with_it(desk: Desk, path: str, legs: int) -> None:
    long(desk)
    refusal = {"code": -4045, "msg": "Reach max stop order limit."}
    desk.fault("POST", path, "error", status=400, body=refusal)
    done = desk.bot(f"{SELL} --json")
    assert (done.code, done.json["status"]) == (5, "REJECTED")
    assert len(done.json["orders"]) == legs
    assert re.search(r"was refused: .*Reach max stop order limit. \(-4045\)", done.json["reason"])
    assert_true(desk, executed=Decimal("0.5"))


@pytest.mark.parametrize(
    ("legs", "rule"),
    [
        ("SELL 0.5 59000 58000", "TAKE_PROFIT"),
        ("SELL 0.5 62000 61000", "TRIGGER_PRICE"),
        ("SELL 0.5 62000 58000 58100", "STOP_LIMIT"),
        ("BUY 0.5 61000 62000", "TAKE_PROFIT"),
        ("BUY 0.5 58000 59000", "TRIGGER_PRICE"),
        ("BUY 0.5 58000 62000 61900", "STOP_LIMIT"),
        ("SELL 0.5 62000.05 58000", "PRICE_FILTER"),
        ("SELL 0.0005 62000 58000", "LOT_SIZE"),
        ("SELL 0.6 62000 58000 --reduce-only", "REDUCE_ONLY"),
    ],
)
def test_prices_in_the_wrong_order_are_refused_and_nothing_is_sent(desk: Desk, legs: str, rule: str) -> None:
    long(desk)
    done = desk.bot(f"oco BTCUSDT {legs} --json")
    assert done.code == 3
    assert done.json["error"]["message"].startswith(rule)
    assert not desk.requests("POST", ALGO)


def test_a_buy_with_a_stop_limit_closes_a_short_position(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT SELL 0.5").code == 0
    process = started(desk, "oco BTCUSDT BUY 0.5 58000 62000 62100")
    desk.market("62010", "62010.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert done.json["orders"][0]["type"] == "STOP"
    assert done.json["average_price"] == "62010.100"
    assert_true(desk, executed=Decimal(0))


def test_in_hedge_mode_the_position_side_says_what_is_closed(desk: Desk) -> None:
    client = client_of(desk)
    client.futures_change_position_mode(dualSidePosition="true")
    client.close_connection()
    assert desk.bot("market BTCUSDT BUY 0.5 --position-side LONG").code == 0
    process = started(desk, f"{SELL} --position-side LONG")
    desk.market("62000", "62000.1")
    done = finish(process)
    assert done.code == 0, done.err
    assert done.json["warnings"] == []
    assert_true(desk, executed=Decimal(0))


def test_a_leg_that_somebody_else_cancels_ends_the_other_one(desk: Desk) -> None:
    long(desk)
    process = started(desk, f"{SELL} --job-id theirs")
    client = client_of(desk)
    client.futures_cancel_order(symbol=SYMBOL, origClientOrderId="ok-theirs-2")
    client.close_connection()
    done = finish(process)
    assert (done.code, done.json["status"]) == (9, "STOPPED")
    assert "the take-profit was cancelled" in done.json["reason"]
    assert_true(desk, executed=Decimal("0.5"))


def test_an_interrupt_leaves_both_legs_and_resume_finds_what_happened_meanwhile(desk: Desk) -> None:
    long(desk)
    process = started(desk, f"{SELL} --job-id held")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, done.json["status"]) == (130, "RUNNING")
    assert "not watched: ok-held-1 (STOP_MARKET), ok-held-2 (LIMIT)" in done.json["reason"]
    assert_true(desk, executed=Decimal("0.5"), open_orders=2)
    desk.market("62000", "62000.1")
    settled = desk.bot("reconcile --json")
    assert [job["status"] for job in settled.json["jobs"]] == ["RUNNING"]
    done = desk.bot("resume --all --json")
    assert (done.code, done.json["jobs"][0]["status"]) == (0, "COMPLETED"), done.err
    assert_true(desk, executed=Decimal(0))


def test_an_interrupt_takes_the_legs_away_where_asked_to(desk: Desk) -> None:
    long(desk)
    process = started(desk, f"{SELL} --on-exit cancel")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, done.json["status"]) == (130, "STOPPED")
    assert "no leg is left on the exchange" in done.json["reason"]
    assert_true(desk, executed=Decimal("0.5"))


def test_a_supervisor_may_die_and_the_stop_stays_until_resume_goes_on(desk: Desk) -> None:
    long(desk)
    left = desk.bot(f"{SELL} --detach --job-id bg --json")
    assert (left.code, left.json["status"]) == (0, "RUNNING"), left.err
    assert [o["status"] for o in left.json["orders"]] == ["NEW", "NEW"]
    supervisor = int(re.findall(r"supervised by process (\d+)", left.err)[0])
    again = desk.bot(f"{SELL} --detach --job-id bg --json")
    assert (again.code, again.json["status"]) == (0, "RUNNING")
    os.kill(supervisor, signal.SIGKILL)
    time.sleep(0.3)
    assert_true(desk, executed=Decimal("0.5"), open_orders=2)
    desk.market("57990", "57990.1")
    assert position(desk) == 0
    done = desk.bot("resume bg --json")
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert_true(desk, executed=Decimal(0))


def test_a_supervisor_watches_to_the_end_by_itself(desk: Desk) -> None:
    long(desk)
    assert desk.bot(f"{SELL} --detach --job-id bg2").code == 0
    desk.market("62000", "62000.1")
    until(lambda: desk.taken("DELETE", ALGO) == 1, "nobody cancelled the stop")
    until(lambda: not desk.bot("stop bg2 --json").json["asked"], "the supervisor did not end")
    assert_true(desk, executed=Decimal(0))


def test_a_detached_job_that_is_refused_says_so_at_once(desk: Desk) -> None:
    long(desk)
    refusal = {"code": -4045, "msg": "Reach max stop order limit."}
    desk.fault("POST", ALGO, "error", status=400, body=refusal)
    done = desk.bot(f"{SELL} --detach --json")
    assert (done.code, done.json["status"]) == (5, "REJECTED")


def test_a_plan_shows_both_legs_and_counts_them_once(desk: Desk) -> None:
    long(desk)
    plan = desk.bot(f"{SELL} 57900 --plan --json").json
    assert plan["quantity"] == "0.500"
    assert [(o["type"], o["price"], o["trigger_price"]) for o in plan["plan"]["orders"]] == [
        ("STOP", "57900.0", "58000.0"),
        ("LIMIT", "62000.0", None),
    ]
    assert Decimal(plan["plan"]["notional"]) == Decimal(28950)
    assert not desk.requests("POST", ALGO)
