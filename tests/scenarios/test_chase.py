"""bot.py chase from the command to the book: it follows the market, also after a kill."""

from decimal import Decimal

from tests.faults.truth import assert_true
from tests.scenarios.looking import resting
from tests.support import Desk, finish
from tests.waiting import until

LINE = "chase BTCUSDT BUY 0.01 --max-distance 100 --interval 100ms"


def at(desk: Desk, price: str) -> None:
    """Wait until one order rests, at ``price``."""
    until(lambda: [Decimal(p) for p, _ in resting(desk)] == [Decimal(price)], f"an order at {price}")


def test_it_follows_the_market_up_and_is_filled_when_it_turns(desk: Desk) -> None:
    chase = desk.start(f"{LINE} --json")
    at(desk, "60000")
    desk.market("60100", "60100.1")
    at(desk, "60100")
    desk.market("60250.3", "60250.5")
    at(desk, "60250.3")
    desk.market("60200", "60200.1")
    done = finish(chase)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert done.json["average_price"] == "60250.300"
    assert [o["status"] for o in done.json["orders"]] == ["CANCELED", "CANCELED", "FILLED"]
    assert_true(desk, executed=Decimal("0.01"))


def test_a_paused_chase_leaves_its_order_behind_the_market(desk: Desk) -> None:
    chase = desk.start(f"{LINE} --job-id still --json")
    at(desk, "60000")
    assert desk.bot("pause still --json").json["taken"] is True
    desk.market("60100", "60100.1")
    assert desk.bot("ps").code == 0
    at(desk, "60000")
    assert desk.bot("resume still").code == 0
    at(desk, "60100")
    desk.market("60050", "60050.1")
    done = finish(chase)
    assert (done.code, len(done.json["orders"])) == (0, 2), done.err


def test_an_order_that_is_filled_while_it_is_moved_is_not_bought_twice(desk: Desk) -> None:
    chase = desk.start(f"{LINE} --json")
    at(desk, "60000")
    desk.fault("DELETE", "/fapi/v1/order", "delay", apply="before", delay_ms=2_500, nth=1, times=1)
    desk.market("60100", "60100.1")
    until(lambda: desk.requests("DELETE", "/fapi/v1/order"), "the cancel on its way")
    desk.market("59900", "59900.1")
    done = finish(chase)
    assert done.code == 0, done.err
    assert len(done.json["orders"]) == 1
    assert_true(desk, executed=Decimal("0.01"))


def test_a_killed_chase_goes_on_with_the_order_it_left_and_ends_in_time(desk: Desk) -> None:
    line = f"{LINE} --timeout 20s --on-timeout take --job-id c1"
    first = desk.start(line)
    at(desk, "60000")
    first.kill()
    first.communicate()
    again = desk.start(f"{line} --json")
    until(lambda: len(desk.requests("POST", "/fapi/v1/listenKey")) >= 2, "the second one listening")
    desk.market("60100", "60100.1")
    at(desk, "60100")
    desk.market("60000", "60000.1")
    done = finish(again)
    assert done.code == 0, done.err
    assert_true(desk, executed=Decimal("0.01"))


def test_a_bound_that_is_behind_the_market_sends_nothing(desk: Desk) -> None:
    done = desk.bot("chase BTCUSDT BUY 0.01 --limit-price 59000 --json")
    assert done.code == 3, done.err
    assert "BOUND" in done.json["error"]["message"]
    assert not desk.requests("POST", "/fapi/v1/order")
