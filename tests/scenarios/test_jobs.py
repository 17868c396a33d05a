"""resume, reconcile and stop, as a person uses them after something went wrong."""

import contextlib
import sqlite3
import time
from decimal import Decimal

import pytest

from orderkit.config import Settings
from orderkit.console.run import resume_job
from orderkit.runtime.desk import Desk as RuntimeDesk
from tests.faults.truth import assert_true, client_of
from tests.launcher import Launched
from tests.support import Desk, finish


def orders_sent(desk: Desk, count: int, process: Launched) -> None:
    """Wait until the exchange has received so many orders."""
    deadline = time.monotonic() + 60
    while len(desk.requests("POST", "/fapi/v1/order")) < count:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


def test_a_killed_twap_is_completed_exactly(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.5 --chunks 5 --interval 400ms --job-id killed-1")
    orders_sent(desk, 2, twap)
    twap.kill()
    twap.communicate()
    done = desk.bot("resume killed-1 --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.500"
    assert max(Decimal(o["quantity"]) for o in done.json["orders"]) <= Decimal("0.200")
    assert_true(desk, executed=None)


def test_cron_may_start_the_same_job_again_while_it_runs(desk: Desk) -> None:
    first = desk.start("twap BTCUSDT BUY 0.4 --chunks 4 --interval 2 --job-id cron-1 --json")
    orders_sent(desk, 1, first)
    second = desk.bot("twap BTCUSDT BUY 0.4 --chunks 4 --interval 2 --job-id cron-1 --json")
    assert second.code == 0
    assert second.json["status"] == "RUNNING"
    assert finish(first).json["executed_quantity"] == "0.400"
    assert len(desk.requests("POST", "/fapi/v1/order")) == 4


def test_twenty_starts_of_one_job_at_once_are_one_job(desk: Desk) -> None:
    line = "market BTCUSDT BUY 0.01 --job-id storm-1 --json"
    done = [finish(process) for process in [desk.start(line) for _ in range(8)]]
    assert {d.code for d in done} == {0}
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


def test_stop_ends_a_job_from_another_terminal(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 1.0 --chunks 10 --interval 1 --job-id stopped-1 --json")
    orders_sent(desk, 2, twap)
    asked = desk.bot("stop stopped-1 --json")
    assert asked.json["asked"] is True
    done = finish(twap)
    assert done.json["status"] == "STOPPED"
    assert done.code == 9
    assert desk.bot("stop stopped-1 --json").json["asked"] is False


def test_fills_that_came_while_nothing_ran_are_found_with_price_and_fee(desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id rest-1").code == 0
    desk.market("58990", "58990.1")
    done = desk.bot("reconcile --json")
    assert done.code == 0
    (job,) = [job for job in done.json["jobs"] if job["job_id"] == "rest-1"]
    assert job["status"] == "COMPLETED"
    assert job["average_price"] == "59000.000"
    assert Decimal(job["commission"]) > 0
    assert_true(desk, executed=None)


def test_an_order_that_the_exchange_denies_is_named_and_kept(desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id gone-1").code == 0
    desk.control("POST", "/paper/reset")
    done = desk.bot("reconcile --json")
    (job,) = done.json["jobs"]
    assert job["status"] == "OPEN"
    assert "does not know ok-gone-1-1" in job["reason"]


def test_orders_that_are_not_ours_are_left_alone_and_reported(desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id rest-2").code == 0
    client = client_of(desk)
    client.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", quantity="0.02", price="58000", timeInForce="GTC",
        newClientOrderId="by-hand",
    )  # fmt: skip
    done = desk.bot("reconcile --json")
    assert done.json["other_orders"] == {"BTCUSDT": ["by-hand"]}
    assert [o["clientOrderId"] for o in client.futures_get_open_orders(symbol="BTCUSDT")].count("by-hand")
    client.close_connection()


@pytest.mark.slow
def test_an_unreachable_exchange_leaves_the_order_in_doubt_and_reconcile_finishes_it(desk: Desk) -> None:
    desk.fault("POST", "/fapi/v1/order", "drop", apply="after", times=1)
    desk.fault("GET", "/fapi/v1/order", "drop", apply="before")
    process = desk.start("market BTCUSDT BUY 0.01 --job-id doubt-1 --json")
    done = finish(process, 120)
    assert done.code == 8
    assert done.json["status"] == "UNKNOWN"
    assert "ok-doubt-1-1" in done.json["reason"]
    desk.control("DELETE", "/paper/faults")
    found = desk.bot("reconcile --json")
    assert found.code == 0, found.err
    (job,) = [job for job in found.json["jobs"] if job["job_id"] == "doubt-1"]
    assert job["status"] == "COMPLETED"
    assert job["executed_quantity"] == "0.010"
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "went on"])
def test_who_looked_before_another_process_did_some_of_the_job_knows_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ended: bool
) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.02 --chunks 2 --interval 2 --job-id looked")
    orders_sent(desk, 1, twap)
    twap.kill()
    twap.communicate()
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    with RuntimeDesk(Settings.load()) as slow:
        early = slow.journal.load_job("looked")
        assert early is not None
        early.orders.clear()  # as it was before the first order
        if ended:
            assert desk.bot("resume looked").code == 0
        assert resume_job(slow, early) == 0
    assert "0.020 of 0.020 BTC" in capsys.readouterr().out
    assert_true(desk, executed=Decimal("0.02"))


def test_trades_that_an_ended_job_went_without_are_told_of_and_fetched_by_reconcile(desk: Desk) -> None:
    assert desk.bot("twap BTCUSDT BUY 0.02 --chunks 2 --interval 50ms --job-id gaps").code == 0
    with contextlib.closing(sqlite3.connect(desk.home / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM fills")
    assert "reconcile fetches them" in desk.bot("show gaps").out
    assert "trades are missing in gaps: bot.py reconcile fetches them" in desk.bot("ps").out
    [row] = desk.bot("ps --all --json").json["jobs"]
    assert row["trades_missing"]
    done = desk.bot("reconcile --json")
    assert (done.code, [job["job_id"] for job in done.json["jobs"]]) == (0, ["gaps"]), done.err
    assert not done.json["jobs"][0]["trades_missing"]
    assert "trades are missing" not in desk.bot("ps").out
    assert desk.bot("show gaps --json").json["job"]["status"] == "COMPLETED"
    assert_true(desk, executed=Decimal("0.02"))
    assert desk.bot("reconcile --json").json["jobs"] == []
