"""bot.py market, from the command to the account."""

from decimal import Decimal

import pytest

from tests.support import ROOT, Desk


def test_a_market_order_reports_the_price_and_fee_that_its_answer_did_not_carry(desk: Desk) -> None:
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 0
    document = done.json
    assert document["status"] == "COMPLETED"
    assert document["executed_quantity"] == "0.010"
    assert Decimal(document["average_price"]) == Decimal("60000.1")
    assert Decimal(document["cost"]) == Decimal("600.001")
    assert Decimal(document["commission"]) == Decimal("600.001") * Decimal("0.0005")
    (order,) = document["orders"]
    assert order["status"] == "FILLED"
    assert order["client_order_id"] == f"ok-{document['job_id']}-1"


def test_an_order_larger_than_the_book_warns_before_and_says_afterwards_what_is_missing(desk: Desk) -> None:
    desk.market("60000", "60000.1", quantities=("0.005", "0.005"))
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert "0.005" in done.json["warnings"][0]
    assert "warning" in done.err
    assert done.code == 9
    assert done.json["status"] == "STOPPED"
    assert done.json["executed_quantity"] == "0.005"
    assert "0.005 of 0.010" in done.json["reason"]


def test_a_position_opened_by_one_command_is_closed_by_the_next(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02").code == 0
    done = desk.bot("market BTCUSDT SELL 0.02 --reduce-only --json")
    assert done.json["executed_quantity"] == "0.020"
    again = desk.bot("market BTCUSDT SELL 0.02 --reduce-only")
    assert again.code == 3
    assert "REDUCE_ONLY" in again.err


def test_each_order_type_is_also_a_script(desk: Desk) -> None:
    script = ROOT / "src" / "orderkit" / "orders" / "market.py"
    done = desk.run("BTCUSDT", "BUY", "0.01", "--json", script=script)
    assert done.json["executed_quantity"] == "0.010"


def test_what_the_exchange_executed_is_never_sent_twice_when_the_answer_is_lost(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="after", times=1)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.010"
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


def test_an_order_that_is_proven_absent_is_sent_again_under_a_new_id(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="before", times=1)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 0, done.err
    document = done.json
    assert document["executed_quantity"] == "0.010"
    first, second = document["orders"]
    assert (first["status"], second["status"]) == ("REJECTED", "FILLED")
    assert "no such order" in first["reason"]
    assert first["client_order_id"] != second["client_order_id"]
    assert second["replaces"] == first["client_order_id"]


@pytest.mark.slow  # three times the eight seconds in which an order may still appear
def test_an_order_that_never_arrives_ends_with_nothing_in_doubt(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="before", times=3)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 7
    assert done.json["status"] == "REJECTED"
    assert done.json["executed_quantity"] == "0.000"


def test_a_503_that_means_not_executed_is_retried_under_the_same_id(desk: Desk) -> None:
    busy = {"code": 0, "msg": "Service Unavailable."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=503, body=busy, times=2)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.010"
    sent = desk.requests("POST", "/fapi/v1/order")
    assert len(sent) == 3
    assert len({row["params"]["newClientOrderId"] for row in sent}) == 1
