"""pause, resume, amend and finish-now, from another terminal than the job's."""

from decimal import Decimal
from typing import Any

import pytest

from tests.cli.normal import wait_for_orders
from tests.faults.truth import assert_true
from tests.support import Desk, finish

D = Decimal


def sent(desk: Desk) -> list[dict[str, Any]]:
    return desk.requests("POST", "/fapi/v1/order")


def state(desk: Desk, job_id: str) -> str:
    (row,) = [row for row in desk.bot("ps --all --json").json["jobs"] if row["job_id"] == job_id]
    assert isinstance(row["state"], str)
    return row["state"]


def test_a_paused_job_sends_nothing_and_ends_later_by_as_much(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.3 --chunks 3 --interval 2 --job-id held --json")
    wait_for_orders(desk, 1)
    assert desk.bot("pause held --json").json["taken"] is True
    count = len(sent(desk))
    assert state(desk, "held").startswith("PAUSED")
    assert "PAUSED" in desk.bot("ps").out
    again = desk.bot("pause held")
    assert again.code == 3
    assert "paused already" in again.err
    assert len(sent(desk)) == count  # three commands later
    assert desk.bot("resume held --json").json["status"] == "RUNNING"
    done = finish(twap)
    assert done.code == 0, done.err
    assert [o["quantity"] for o in done.json["orders"]] == ["0.100"] * 3
    assert_true(desk, executed=D("0.3"))


def test_an_amended_job_does_the_new_quantity_and_finish_now_does_it_at_once(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.5 --chunks 50 --interval 1 --job-id grown --json")
    wait_for_orders(desk, 1)
    too_small = desk.bot("amend grown --quantity 0.001")
    assert too_small.code == 3
    assert "QUANTITY" in too_small.err
    assert desk.bot("amend grown --quantity 0.8 --duration 2m --json").json["changes"] == {
        "quantity": "0.8",
        "duration_ms": "120000",
    }
    (row,) = desk.bot("ps --json").json["jobs"]
    assert row["quantity"] == "0.800"
    assert desk.bot("finish-now grown").code == 0
    done = finish(twap)
    assert done.code == 0, done.err
    assert (done.json["quantity"], done.json["executed_quantity"]) == ("0.800", "0.800")
    assert_true(desk, executed=D("0.8"))


def test_a_killed_job_keeps_its_amendments_and_its_pause(desk: Desk) -> None:
    twap = desk.start("twap BTCUSDT BUY 0.3 --chunks 3 --interval 30 --job-id killed")
    wait_for_orders(desk, 1)
    assert desk.bot("amend killed --quantity 0.2").code == 0
    assert desk.bot("pause killed").code == 0
    twap.kill()
    twap.communicate()
    assert "is paused" in desk.bot("resume --all").out
    assert desk.bot("amend killed --duration 1s").code == 0  # nobody runs it: kept for the next run
    done = desk.bot("resume killed --json")
    assert done.code == 0, done.err
    assert (done.json["quantity"], done.json["executed_quantity"]) == ("0.200", "0.200")
    assert_true(desk, executed=D("0.2"))


@pytest.mark.parametrize("command", ["pause", "finish-now", "amend --quantity 1"])
def test_what_a_type_cannot_do_it_refuses_at_once(desk: Desk, command: str) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id over").code == 0
    over = desk.bot(f"{command} over")
    assert over.code == 3
    assert "is over" in over.err


def test_an_order_that_rests_cannot_be_paused(desk: Desk) -> None:
    limit = desk.start("limit BTCUSDT BUY 0.01 59000 --wait --on-exit cancel --job-id rests")
    wait_for_orders(desk, 1)
    refused = desk.bot("pause rests")
    assert refused.code == 3
    assert "takes no pause" in refused.err
    assert desk.bot("pause nobody").code == 2
    assert desk.bot("amend rests").code == 2
    desk.bot("stop rests")
    finish(limit)
