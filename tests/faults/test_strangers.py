"""Others on the same account: their trades and orders are noticed; and the switch for a process that dies."""

import functools
import os
import signal
import sqlite3

import pytest

from tests.faults.cells import CellDesk
from tests.faults.truth import client_of, gateway_of
from tests.support import finish
from tests.waiting import until

LIMIT = "limit BTCUSDT BUY 0.01 59000 --wait --job-id job --json"
HELD = LIMIT + " --dead-man 5s"
TWAP = "twap BTCUSDT BUY 0.3 --chunks 3 --interval 600ms --job-id job --json"
ORDER = ("POST", "/fapi/v1/order")


def notes(desk: CellDesk, state: str) -> list[str]:
    connection = sqlite3.connect(desk.home / "journal.sqlite")
    rows = connection.execute("SELECT message FROM notes WHERE state = ? ORDER BY at_ns", (state,)).fetchall()
    connection.close()
    return [row[0] for row in rows]


def until_sent(desk: CellDesk, count: int = 1) -> None:
    until(lambda: desk.taken(*ORDER) >= count)


def has_listed(desk: CellDesk, count: int) -> bool:
    return desk.received("GET", "/fapi/v1/openOrders") >= count


def by_hand(desk: CellDesk, **order: str) -> None:
    """Somebody at the web page."""
    client = client_of(desk)
    client.futures_create_order(symbol="BTCUSDT", **order)
    client.close_connection()


def test_a_position_that_others_change_under_a_job_is_noticed(cell: CellDesk) -> None:
    process = cell.start(LIMIT)
    until_sent(cell)
    by_hand(cell, side="SELL", type="MARKET", quantity="0.02", newClientOrderId="web-1")
    assert cell.bot("market BTCUSDT BUY 0.03 --job-id other").code == 0  # one of our own
    cell.market("58990", "58990.1")
    done = finish(process)
    assert done.code == 0
    told = "the BTCUSDT position was changed by -0.020 by order web-1, which no job here has sent"
    assert notes(cell, "POSITION_CHANGED") == [told]
    assert done.json["warnings"] == [told]
    assert told in " ".join(done.err.split())


def test_what_others_trade_while_the_stream_is_down_is_asked_for(cell: CellDesk) -> None:
    process = cell.start(LIMIT)
    until_sent(cell)
    cell.fault("POST", "/fapi/v1/listenKey", "error", status=503)
    cell.control("POST", "/paper/faults", {"streams": "disconnect"})
    by_hand(cell, side="BUY", type="LIMIT", quantity="0.02", price="60000.1", timeInForce="IOC")
    cell.control("DELETE", "/paper/faults")
    until(lambda: notes(cell, "POSITION_CHANGED"))
    cell.market("58990", "58990.1")
    assert finish(process).code == 0
    (note,) = notes(cell, "POSITION_CHANGED")
    assert "changed by +0.020 by order x-" in note  # the client library has named it


@pytest.mark.parametrize("command", ["resume job", "reconcile"])
def test_trades_of_others_while_nothing_was_running_are_found(cell: CellDesk, command: str) -> None:
    process = cell.start(TWAP)
    until_sent(cell, 2)
    process.kill()
    process.communicate()
    by_hand(cell, side="SELL", type="MARKET", quantity="0.05", newClientOrderId="web-2")
    assert cell.bot("market BTCUSDT BUY 0.03 --job-id other").code == 0
    assert cell.bot(command).code == 0
    (note,) = notes(cell, "POSITION_CHANGED")
    assert "-0.050" in note
    assert "no job here has sent" in note


def test_an_undisturbed_job_notices_nothing(cell: CellDesk) -> None:
    process = cell.start(TWAP)
    until_sent(cell, 1)
    process.kill()
    process.communicate()
    assert cell.bot("resume job").code == 0
    assert notes(cell, "POSITION_CHANGED") == notes(cell, "STRANGER") == []


def test_an_order_of_somebody_else_beside_ours_is_reported_once(cell: CellDesk) -> None:
    process = cell.start(LIMIT)
    until_sent(cell)
    by_hand(
        cell, side="BUY", type="LIMIT", quantity="0.02", price="58000", timeInForce="GTC",
        newClientOrderId="web-3",
    )  # fmt: skip
    for count in (1, 2):  # each gap of the stream makes it list the open orders
        cell.control("POST", "/paper/faults", {"streams": "disconnect"})
        until(functools.partial(has_listed, cell, count))
        until(lambda: notes(cell, "STRANGER"))
    assert open_orders(cell) == 2, "it is left alone"
    cell.market("57990", "57990.1")
    assert finish(process).code == 0
    assert notes(cell, "STRANGER") == ["order web-3 on this symbol was not sent by any job here"]


# --- the dead man's switch --------------------------------------------------------------------------

COUNTDOWN = ("POST", "/fapi/v1/countdownCancelAll")


def open_orders(desk: CellDesk) -> int:
    gateway = gateway_of(desk)
    try:
        return len(gateway.open_orders("BTCUSDT"))
    finally:
        gateway.close()


def countdowns(desk: CellDesk) -> list[str]:
    return [row["params"]["countdownTime"] for row in desk.requests(*COUNTDOWN)]


def test_orders_stay_while_the_process_lives_and_after_it_ends_in_order(cell: CellDesk) -> None:
    process = cell.start(HELD)
    until_sent(cell)
    until(lambda: len(countdowns(cell)) >= 5)  # by now the first countdown is over
    assert open_orders(cell) == 1
    process.terminate()
    done = finish(process)
    assert done.code == 130
    assert "conditional orders (stops) may not be covered" in " ".join(done.json["warnings"])
    assert set(countdowns(cell)[:-1]) == {"5000"}
    assert countdowns(cell)[-1] == "0"
    assert open_orders(cell) == 1


@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)])
def test_orders_are_cancelled_when_the_process_dies_or_hangs(cell: CellDesk, end: signal.Signals) -> None:
    process = cell.start(HELD)
    until_sent(cell)
    os.kill(process.pid, end)
    assert open_orders(cell) == 1
    until(lambda: open_orders(cell) == 0)
    process.kill()
    process.communicate()
    held = len(countdowns(cell))
    assert cell.bot("resume job").code == 9, "its order was cancelled"
    assert countdowns(cell)[held:] == ["5000", "0"], "who goes on holds the switch again"


def test_without_its_switch_armed_nothing_is_sent(cell: CellDesk) -> None:
    cell.fault(*COUNTDOWN, "error", status=503)
    assert cell.bot(HELD).code == 7
    assert cell.requests(*ORDER) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("limit BTCUSDT BUY 0.01 59000 --dead-man 30s", "--dead-man needs --wait"),
        ("limit BTCUSDT BUY 0.01 59000 --wait --dead-man 2s", "too short"),
        ("grid BTCUSDT 58000 62000 5 0.01 --dead-man soon", "--dead-man"),
    ],
)
def test_a_switch_that_cannot_be_held_is_refused(cell: CellDesk, line: str, told: str) -> None:
    done = cell.bot(line)
    assert done.code == 2
    assert told in done.err
