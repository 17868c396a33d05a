"""bot.py twap, the main job, from the command to the account."""

import csv
import gzip
import signal
import time
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from orderkit.journal.sqlite import SqliteJournal
from tests.faults.truth import assert_true, gateway_of
from tests.support import Desk, finish
from tests.waiting import until

# A process that is held up makes up for several slices with one order; each slice is tested in virtual time.


def test_ten_slices_add_up_exactly_and_keep_their_times(desk: Desk) -> None:
    done = desk.bot("twap BTCUSDT BUY 1.0 --chunks 10 --interval 300ms --json")
    assert done.code == 0, done.err
    document = done.json
    assert document["executed_quantity"] == "1.000"
    began = datetime.fromisoformat(document["started_at"])
    slices = 0
    for order in document["orders"]:
        slices += int(Decimal(order["executed_quantity"]) / Decimal("0.1"))
        time = datetime.fromisoformat(order["created_at"]) - began
        assert time >= (slices - 1) * timedelta(milliseconds=299), document["orders"]
    assert slices == 10
    assert len(document["orders"]) > 1


def test_slices_below_the_minimum_are_refused_before_anything_is_sent(desk: Desk) -> None:
    done = desk.bot("twap BTCUSDT BUY 0.005 --chunks 7 --json")
    assert done.code == 3
    assert "LOT_SIZE" in done.json["error"]["message"]
    assert not desk.requests("POST", "/fapi/v1/order")


def test_a_plan_sends_nothing_and_shows_every_slice_with_its_time(desk: Desk) -> None:
    done = desk.bot("twap BTCUSDT BUY 1.0 --chunks 3 --interval 30s --plan --json")
    document = done.json
    assert document["status"] == "PLANNED"
    assert [o["quantity"] for o in document["plan"]["orders"]] == ["0.333", "0.333", "0.334"]
    assert document["plan"]["orders"][0]["at"].endswith("Z")
    assert Decimal(document["plan"]["notional"]) == Decimal("60000.05")  # at the mark price
    assert not desk.requests("POST", "/fapi/v1/order")


def test_binances_own_engine_is_refused_where_it_does_not_exist(desk: Desk) -> None:
    refused = desk.bot("twap BTCUSDT BUY 0.5 --engine binance --duration 1h --json")
    assert refused.code == 3
    assert "live exchange only" in refused.json["error"]["message"]
    mixed = desk.bot("twap BTCUSDT BUY 0.5 --engine binance --duration 1h --style passive")
    assert mixed.code == 2
    assert not desk.requests("POST", "/fapi/v1/order")


@pytest.mark.parametrize("chunks", [3, 12])
def test_n_slices_cost_n_orders_and_a_handful_of_queries(desk: Desk, chunks: int) -> None:
    assert desk.bot(f"twap BTCUSDT BUY 1.0 --chunks {chunks} --interval 300ms").code == 0
    cost = Counter((r["method"], r["path"]) for r in desk.all_requests() if r["path"].startswith("/fapi"))
    assert cost.pop(("POST", "/fapi/v1/order")) <= chunks
    assert cost.total() <= 10, cost


def test_a_rejected_slice_rolls_into_the_next_one(desk: Desk) -> None:
    margin = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=margin, nth=2, times=1)
    done = desk.bot("twap BTCUSDT BUY 0.5 --chunks 5 --interval 200ms --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.500"
    first, refused, following, *rest = done.json["orders"]
    assert {order["status"] for order in (first, following, *rest)} == {"FILLED"}
    assert refused["status"] == "REJECTED"
    assert Decimal(following["quantity"]) >= Decimal(refused["quantity"])


def test_a_rejected_last_slice_is_tried_again(desk: Desk) -> None:
    margin = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=margin, nth=2, times=1)
    done = desk.bot("twap BTCUSDT BUY 0.3 --chunks 2 --interval 100ms --json")
    assert done.code == 0, done.err
    assert [(o["status"], o["quantity"]) for o in done.json["orders"]] == [
        ("FILLED", "0.150"),
        ("REJECTED", "0.150"),
        ("FILLED", "0.150"),
    ]


def test_a_slice_whose_answer_is_lost_is_neither_lost_nor_sent_again(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="after", nth=2, times=1)
    done = desk.bot("twap BTCUSDT BUY 0.5 --chunks 5 --interval 200ms --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.500"
    assert all(o["executed_quantity"] == o["quantity"] for o in done.json["orders"])
    assert len(desk.requests("POST", "/fapi/v1/order")) == len(done.json["orders"])


def test_a_slice_that_never_arrived_is_made_up_for_once_it_is_proven_absent(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="before", nth=2, times=1)
    done = desk.bot("twap BTCUSDT BUY 0.5 --chunks 5 --interval 200ms --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.500"
    assert [o["status"] for o in done.json["orders"]].count("REJECTED") == 1


def test_without_the_user_stream_the_fills_are_asked_for(desk: Desk) -> None:
    down = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
    desk.fault("POST", "/fapi/v1/listenKey", "error", apply="before", status=400, body=down, times=100)
    done = desk.bot("twap BTCUSDT BUY 0.3 --chunks 3 --interval 200ms --json")
    assert done.code == 0, done.err
    assert Decimal(done.json["cost"]) == Decimal("0.3") * Decimal("60000.1")


def test_thin_books_leave_slices_short_and_the_rest_is_carried_on(desk: Desk) -> None:
    desk.market("60000", "60000.1", quantities=("50", "0.05"))
    twap = desk.start("twap BTCUSDT BUY 0.4 --chunks 4 --interval 500ms --json")
    while twap.poll() is None:
        time.sleep(0.2)
        desk.market("60000", "60000.1", quantities=("50", "0.3"))
    done = finish(twap)
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.400"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_job_in_order_and_says_what_is_left(desk: Desk, number: signal.Signals) -> None:
    twap = desk.start("twap BTCUSDT BUY 1.0 --chunks 10 --interval 1 --json")
    until(lambda: len(desk.requests("POST", "/fapi/v1/order")) >= 2)
    twap.send_signal(number)
    done = finish(twap)
    assert done.code == 130
    document = done.json
    assert document["status"] == "STOPPED"
    filled = Decimal(document["executed_quantity"])
    assert filled == sum(Decimal(o["executed_quantity"]) for o in document["orders"])
    assert f"{1 - filled} of 1.000 BTC not done" in document["reason"] or "not done" in document["reason"]


def test_two_commands_at_once_share_one_exchange_and_one_account(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.4 --chunks 4 --interval 300ms --json")
    other = desk.bot("market BTCUSDT BUY 0.1 --json")
    assert other.code == 0
    assert finish(twap).code == 0
    closing = desk.bot("market BTCUSDT SELL 0.5 --reduce-only --json")  # both together, no less
    assert closing.json["executed_quantity"] == "0.500"


def test_the_account_survives_a_restart_of_the_exchange(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.1").code == 0
    desk.close()
    desk.open()
    desk.market("60000", "60000.1")
    closing = desk.bot("market BTCUSDT SELL 0.1 --reduce-only --json")
    assert closing.json["executed_quantity"] == "0.100"


@pytest.mark.parametrize(
    ("symbol", "side"), [("BTCUSDT", "BUY"), pytest.param("ETHUSDT", "SELL", marks=pytest.mark.slow)]
)
def test_on_the_recorded_market_every_fill_is_at_a_price_of_that_day(
    recordings: Path, tmp_path: Path, symbol: str, side: str
) -> None:
    desk = Desk(tmp_path)
    desk.open("--market", "replay", "--data", str(recordings / "tick_csv"), "--speed", "20")
    try:
        done = desk.bot(f"twap {symbol} {side} 1.0 --chunks 5 --interval 1 --json")
    finally:
        desk.close()
    assert done.code == 0, done.err
    document = done.json
    assert document["executed_quantity"] == "1.000"
    assert len(document["orders"]) > 1
    real = recorded_prices(recordings / "tick_csv", symbol)
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    job = journal.load_job(document["job_id"])
    journal.close()
    assert job is not None
    fills = [fill for order in job.orders for fill in order.fills.values()]
    assert sum(fill.quantity for fill in fills) == 1
    assert {fill.price for fill in fills} <= real


def recorded_prices(folder: Path, symbol: str) -> set[Decimal]:
    """Every price traded or quoted in the recording."""
    prices: set[Decimal] = set()
    for kind, columns in (("trades", (1,)), ("bookTicker", (1, 3))):
        (path,) = folder.glob(f"{symbol}_*.{kind}.csv.gz")
        with gzip.open(path, "rt") as file:
            for row in csv.reader(file):
                if row[0].isdigit():
                    prices.update(Decimal(row[column]) for column in columns)
    return prices


def test_a_patient_twap_lives_through_all_that_its_slices_meet(desk: Desk) -> None:
    line = "twap BTCUSDT BUY 0.3 --chunks 2 --interval 6 --style passive --limit-price 60050 --leverage 10"
    twap = desk.start(f"{line} --job-id patient --json")
    gateway = gateway_of(desk)
    try:
        until(lambda: bool(gateway.open_orders("BTCUSDT")))
        (first,) = gateway.open_orders("BTCUSDT")
        assert first.price == Decimal(60000)  # joins the best bid
        assert gateway.account(["BTCUSDT"]).leverage["BTCUSDT"] == 10
        desk.trade("60000", "50.04", seller_began=True)  # all that stood before it, and some of it
        desk.market("60100", "60100.1")
        until(lambda: "THRESHOLD_PRICE_BREACH" in desk.bot("ps").out)
        assert not gateway.open_orders("BTCUSDT")  # its slice was over
        desk.market("60040", "60040.1")
        done = finish(twap)
    finally:
        gateway.close()
    assert done.code == 0, done.err
    document = done.json
    assert document["executed_quantity"] == "0.300"
    orders = document["orders"]
    assert (orders[0]["status"], orders[0]["executed_quantity"]) == ("CANCELED", "0.040")
    assert orders[-1]["type"] == "LIMIT"  # an IOC at the limit price takes what is left
    assert orders[-1]["price"] == "60050.0"
    states = [note["state"] for note in desk.bot("show patient --json").json["notes"]]
    assert states[-1] == "STRATEGY_COMPLETED"
    assert {"ORDER_SUBMITTED", "THRESHOLD_PRICE_BREACH"} <= set(states)
    assert_true(desk, executed=Decimal("0.3"))
