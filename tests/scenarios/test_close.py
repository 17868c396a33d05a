"""Close: a position or a part of it, one or all, at the market or at a limit, without ever opening one."""

from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.orders.close import CloseExecutor, CloseRequest
from tests.support import Desk, Done
from tests.virtual import BTC, Venue, book


def document(done: Done) -> dict[str, Any]:
    assert done.code == 0, f"{done.out} {done.err}"
    return done.json


def positions(desk: Desk) -> dict[str, str]:
    rows = document(desk.bot("positions --json"))["positions"]
    return {f"{row['symbol']} {row['position_side']}": row["quantity"] for row in rows}


def test_a_part_then_the_rest_of_a_position_is_closed_and_nothing_opened(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT SELL 0.015").code == 0
    plan = document(desk.bot("close BTCUSDT --percent 50 --plan --json"))
    assert [(o["side"], o["quantity"]) for o in plan["plan"]["orders"]] == [("BUY", "0.007")]
    half = document(desk.bot("close BTCUSDT --percent 50 --json"))
    assert (half["kind"], half["side"], half["executed_quantity"]) == ("close", "BUY", "0.007")
    assert positions(desk) == {"BTCUSDT BOTH": "-0.008"}
    again = "close BTCUSDT --job-id rest --json"
    assert document(desk.bot(again))["executed_quantity"] == "0.008"
    assert positions(desk) == {}
    assert document(desk.bot(again))["executed_quantity"] == "0.008"  # reported, not done again


def test_too_small_a_part_is_refused(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.001").code == 0
    done = desk.bot("close BTCUSDT --percent 50")
    assert (done.code, "smallest order" in done.err) == (3, True), done.err
    assert positions(desk) == {"BTCUSDT BOTH": "0.001"}


def test_what_closes_can_only_reduce(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT SELL 0.015").code == 0
    assert desk.bot("close BTCUSDT --percent 50").code == 0
    assert desk.bot("close BTCUSDT").code == 0
    closing = [row["params"] for row in desk.requests("POST", "/fapi/v1/order")][1:]
    assert [order["reduceOnly"] for order in closing] == ["true", "true"]


def test_a_limit_rests_and_only_reduces(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01").code == 0
    done = document(desk.bot("close BTCUSDT --limit 60500 --json"))
    assert (done["kind"], done["status"], done["orders"][0]["price"]) == ("limit", "OPEN", "60500.0")
    desk.market("60510", "60510.1")
    assert positions(desk) == {}


def test_all_positions_are_closed_at_once_and_orders_stay(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01").code == 0
    assert desk.bot("market ETHUSDT SELL 1").code == 0
    assert desk.bot("limit BTCUSDT BUY 0.01 59000").code == 0
    assert desk.bot("close --all").code == 6  # a script has to say --yes
    part = document(desk.bot("close --all --percent 50 --yes --json"))
    assert sorted(job["executed_quantity"] for job in part["jobs"]) == ["0.005", "0.500"]
    assert len(part["positions_left"]) == 2
    done = desk.bot("close --all --yes")
    assert (done.code, "no position is open" in done.out) == (0, True)
    assert len(document(desk.bot("orders --json"))["orders"]) == 1


def test_hedge_mode_closes_the_leg_that_is_named(desk: Desk) -> None:
    assert desk.bot("position-mode hedge").code == 0
    assert desk.bot("market BTCUSDT BUY 0.02 --position-side LONG").code == 0
    assert document(desk.bot("close BTCUSDT --percent 50 --json"))["executed_quantity"] == "0.010"
    assert desk.bot("market BTCUSDT SELL 0.03 --position-side SHORT").code == 0
    both = desk.bot("close BTCUSDT")
    assert (both.code, "--position-side" in both.err) == (3, True)
    assert document(desk.bot("close BTCUSDT --position-side SHORT --json"))["side"] == "BUY"
    assert positions(desk) == {"BTCUSDT LONG": "0.010"}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("close", 2, "--all"),
        ("close BTCUSDT --all", 2, "one of the two"),
        ("close --all --limit 60000", 2, "--limit"),
        ("close BTCUSDT --percent 120", 2, "at most 100"),
        ("close BTCUSDT", 3, "no position"),
    ],
)
def test_what_cannot_be_closed_is_refused(desk: Desk, line: str, code: int, said: str) -> None:
    done = desk.bot(line)
    assert (done.code, said in done.err) == (code, True), done.err
    assert desk.requests("POST", "/fapi/v1/order") == []


def test_more_than_one_order_may_have_goes_in_several_and_the_rest_of_a_thin_book_is_named() -> None:
    venue = Venue()
    venue.exchange.deposit("me", "USDT", Decimal(10_000_000))
    venue.exchange.apply(book(0, "60000", "300", "300"))
    for _ in range(2):
        venue.hold("100")
        venue.exchange.apply(book(0, "60000", "150", "300"))
    request = CloseRequest("BTCUSDT", Side.SELL, Decimal(200))
    executor = CloseExecutor(request, BTC)
    executor.validate(venue.snapshot)
    ran = venue.run(executor.run)
    assert [order.quantity for order in ran.context.orders] == [120, 80]  # MARKET_LOT_SIZE allows 120
    assert ran.result is not None
    assert ran.result.status is JobStatus.STOPPED
    assert ran.result.reason == "50.000 of 200 BTC not done: the book has no more to offer"
    assert venue.position == 50
