"""A TWAP and a waiting limit while the user stream fails, events overtake answers, and fills race cancels."""

import os
import signal
import time
from decimal import Decimal
from typing import NamedTuple

import pytest

from orderkit.paper import process as exchange
from orderkit.paper.state import PaperInfo
from tests.faults.cells import CellDesk, document
from tests.faults.truth import assert_executed_once, assert_true, client_of
from tests.support import Done, finish
from tests.waiting import until

TWAP = "twap BTCUSDT BUY 0.3 --chunks 3 --interval 400ms --job-id job --json"
LIMIT = "limit BTCUSDT BUY 0.01 59000 --wait --job-id job --json"
ORDER = "/fapi/v1/order"


def streams(desk: CellDesk, fault: str) -> None:
    desk.control("POST", "/paper/faults", {"streams": fault})


def until_resting(desk: CellDesk) -> None:
    """Until the exchange has taken an order."""
    until(lambda: desk.taken("POST", ORDER))


def cross(desk: CellDesk, quantity: str = "50") -> None:
    """Move the market through the limit at 59000; ``quantity`` is what it sells there."""
    desk.market("58990", "58990.1", quantities=("50", quantity))


def completed(done: Done, quantity: str) -> None:
    told = document(done)
    assert (done.code, told["status"], Decimal(told["executed_quantity"])) == (
        0,
        "COMPLETED",
        Decimal(quantity),
    ), done


@pytest.mark.parametrize("fault", ["duplicate", "reorder", "stall"])
def test_a_twap_is_exact_whatever_its_stream_does(cell: CellDesk, fault: str) -> None:
    streams(cell, fault)
    completed(cell.bot(TWAP), "0.3")
    cell.control("DELETE", "/paper/faults")
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


def test_a_twap_is_exact_while_its_stream_is_cut_again_and_again(cell: CellDesk) -> None:
    process = cell.start(TWAP)
    while process.poll() is None:
        streams(cell, "disconnect")
        time.sleep(0.15)
    completed(finish(process), "0.3")
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


@pytest.mark.parametrize("fault", ["duplicate", "reorder", "disconnect"])
def test_a_waiting_limit_sees_its_fills_whatever_its_stream_does(cell: CellDesk, fault: str) -> None:
    if fault != "disconnect":
        streams(cell, fault)
    process = cell.start(LIMIT)
    until_resting(cell)
    if fault == "disconnect":
        streams(cell, fault)
    cross(cell, "0.004")
    cross(cell, "0.006")
    completed(finish(process), "0.01")
    cell.control("DELETE", "/paper/faults")
    assert_true(cell, executed=Decimal("0.01"))


@pytest.mark.slow
def test_a_waiting_limit_is_found_done_although_its_stream_is_silent(cell: CellDesk) -> None:
    """The audit of the open orders, once a minute, is what finds it."""
    process = cell.start(LIMIT)
    until_resting(cell)
    streams(cell, "stall")
    cross(cell)
    completed(finish(process, 100), "0.01")
    cell.control("DELETE", "/paper/faults")
    assert_true(cell, executed=Decimal("0.01"))


def test_a_waiting_limit_survives_the_end_of_its_listen_key(cell: CellDesk) -> None:
    process = cell.start(LIMIT)
    until_resting(cell)
    client = client_of(cell)
    client.futures_stream_close(client.futures_stream_get_listen_key())
    client.close_connection()
    streams(cell, "disconnect")  # so that nothing more comes by the old key's connection
    time.sleep(0.3)
    cross(cell)
    completed(finish(process), "0.01")
    assert_true(cell, executed=Decimal("0.01"))


@pytest.mark.parametrize("number", [1, 3])
def test_fills_are_told_before_the_acknowledgement(cell: CellDesk, number: int) -> None:
    cell.fault("POST", ORDER, "delay", apply="after", delay_ms=900, nth=number)
    completed(cell.bot(TWAP), "0.3")
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


class Race(NamedTuple):
    """When the cancel reaches the book, beside a market that sells ``sold`` at the limit meanwhile."""

    apply: str
    sold: str
    executed: str
    code: int


RACES = {
    "the fill is first": Race("before", "50", "0.01", 0),
    "some of the fill is first": Race("before", "0.004", "0.004", 9),
    "the cancel is first": Race("after", "50", "0", 9),
}


@pytest.mark.parametrize("name", list(RACES))
def test_a_fill_that_races_the_cancel_is_counted_as_it_was(cell: CellDesk, name: str) -> None:
    race = RACES[name]
    cell.fault("DELETE", ORDER, "delay", apply=race.apply, delay_ms=2_500)
    process = cell.start(LIMIT + " --timeout 1s --on-exit cancel")
    until(lambda: cell.received("DELETE", ORDER))
    time.sleep(0.1)
    cross(cell, race.sold)
    done = finish(process)
    assert done.code == race.code, done
    assert Decimal(document(done)["executed_quantity"]) == Decimal(race.executed)
    assert_true(cell, executed=Decimal(race.executed))


LOST_CANCELS = {
    "connection dropped": {"action": "drop", "times": 1},
    "answer lost": {"action": "drop", "apply": "after", "times": 1},
    "503 unknown three times": {"action": "error", "status": 503, "times": 3},
    "503 unknown, executed": {"action": "error", "status": 503, "apply": "after", "times": 1},
    "refused as unknown, as while triggering": {
        "action": "error",
        "status": 400,
        "body": {"code": -2011, "msg": "Unknown order sent."},
        "times": 2,
    },
}


@pytest.mark.parametrize(
    "silent", [pytest.param(False, marks=pytest.mark.slow, id="stream"), pytest.param(True, id="stalled")]
)
@pytest.mark.parametrize("name", list(LOST_CANCELS))
def test_a_cancel_that_fails_is_repeated_until_nothing_is_left_on_the_book(
    cell: CellDesk, name: str, silent: bool
) -> None:
    cell.fault("DELETE", ORDER, **LOST_CANCELS[name])  # type: ignore[arg-type]
    process = cell.start(LIMIT + " --timeout 600ms --on-exit cancel")
    until_resting(cell)
    if silent:
        streams(cell, "stall")
    done = finish(process)
    cell.control("DELETE", "/paper/faults")
    assert (done.code, document(done)["status"]) == (9, "STOPPED"), done
    assert_true(cell, executed=Decimal(0))


@pytest.mark.slow
def test_a_cancel_that_cannot_be_done_ends_in_doubt_and_is_finished_by_resume(cell: CellDesk) -> None:
    cell.fault("DELETE", ORDER, "error", status=503)
    done = finish(cell.start(LIMIT + " --timeout 600ms --on-exit cancel"), 110)
    assert done.code == 8, done
    assert "ok-job-1" in document(done)["reason"]
    cell.control("DELETE", "/paper/faults")
    assert_true(cell, executed=Decimal(0), open_orders=1)
    assert cell.bot("resume job --json").code == 9
    assert_true(cell, executed=Decimal(0))


def test_an_order_whose_answer_is_late_is_cancelled_by_an_interrupt_in_between(cell: CellDesk) -> None:
    cell.fault("POST", ORDER, "delay", apply="after", delay_ms=1_500)
    process = cell.start(LIMIT + " --on-exit cancel")
    until(lambda: cell.received("POST", ORDER))
    process.terminate()
    done = finish(process)
    assert done.code == 130, done
    assert_true(cell, executed=Decimal(0))


def test_the_exchange_is_killed_and_comes_back_as_it_was_in_the_middle_of_a_twap(cell: CellDesk) -> None:
    first = exchange.status(cell.home)
    assert first is not None
    process = cell.start(TWAP)
    until_resting(cell)
    os.kill(first.pid, signal.SIGKILL)
    second = running_again(cell, first.pid)
    assert second.market == "manual", "another market came back than the one that ran"
    cell.rest = second.rest
    cell.market("60000", "60000.1")  # by hand, as the first time: slices until now found an empty book
    completed(finish(process, 90), "0.3")
    assert_true(cell, executed=Decimal("0.3"))


def running_again(desk: CellDesk, pid: int) -> PaperInfo:
    """Where the exchange is once the job has started it anew."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = exchange.status(desk.home)
        if found is not None and found.pid != pid:
            return found
        time.sleep(0.05)
    raise AssertionError("nobody has started the exchange again")
