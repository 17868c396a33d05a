"""A machine that fails its user: a wrong clock, a full disk, a state directory that cannot be written to."""

import sqlite3
import time
from decimal import Decimal

import pytest

from tests.faults.cells import CellDesk, document
from tests.faults.truth import assert_executed_once, assert_true

TWAP = "twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms --job-id job --json"
ORDER = ("POST", "/fapi/v1/order")

# Shifts this process's wall clock, as a machine without NTP has it.
WRONG_CLOCK = """
import os, time
offset = float(os.environ["WRONG_BY_S"])
true_time, true_time_ns = time.time, time.time_ns
time.time = lambda: true_time() + offset
time.time_ns = lambda: true_time_ns() + int(offset * 1e9)
"""

# Leaves no room for files beyond some bytes: every write past that fails, as on a full disk.
FULL_DISK = """
import os, resource
room = int(os.environ["ROOM"])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
"""

# Takes away the power to write where permissions forbid it, which root has.
UNPRIVILEGED = """
import ctypes
header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
"""


@pytest.mark.parametrize("offset_s", [-5, 5, -3600])
def test_a_wrong_clock_neither_stops_nor_doubles_a_twap(cell: CellDesk, offset_s: int) -> None:
    with cell.spoilt(WRONG_CLOCK, WRONG_BY_S=str(offset_s)):
        done = cell.bot(TWAP)
    assert (done.code, document(done)["executed_quantity"]) == (0, "0.300"), done
    assert 400 in {row["status"] for row in cell.all_requests()}, "the exchange never minded the clock"
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


@pytest.mark.parametrize("offset_s", [-5, 5])
def test_a_job_is_taken_over_by_a_process_with_another_clock(cell: CellDesk, offset_s: int) -> None:
    process = cell.start(TWAP.replace("300ms", "700ms"))
    while not cell.received(*ORDER):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    with cell.spoilt(WRONG_CLOCK, WRONG_BY_S=str(offset_s)):
        done = cell.bot("resume job --json")
    assert done.code == 0, done
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


def intents(desk: CellDesk) -> set[str]:
    """What a later command finds in the journal."""
    path = desk.home / "journal.sqlite"
    if not path.exists():
        return set()
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT client_order_id FROM orders")}
    except sqlite3.OperationalError:  # the tables were not made
        return set()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "room",
    [
        0,
        60_000,
        80_000,
        *(pytest.param(room, marks=pytest.mark.slow) for room in range(10_000, 170_000, 14_000)),
    ],
)
def test_on_a_full_disk_nothing_is_sent_whose_intent_is_not_written(cell: CellDesk, room: int) -> None:
    with cell.spoilt(FULL_DISK, ROOM=str(room)):
        done = cell.bot(TWAP)
    assert "Traceback" not in done.err
    sent = {row["params"]["newClientOrderId"] for row in cell.requests(*ORDER)}
    assert sent <= intents(cell), f"{sent} went out unwritten"
    assert done.code in (0, 6), done
    assert cell.bot(TWAP).code == 0, "with room again the same command completes the job"
    assert_true(cell, executed=Decimal("0.3"))
    assert_executed_once(cell)


def test_with_enough_room_the_same_run_completes(cell: CellDesk) -> None:
    with cell.spoilt(FULL_DISK, ROOM="100000000"):
        done = cell.bot(TWAP)
    assert done.code == 0, done


def test_in_a_read_only_state_directory_nothing_is_sent_and_the_reason_is_named(
    cell: CellDesk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cell.temporary = str(tmp_path_factory.mktemp("tmp"))
    folders = [cell.home, *(path for path in cell.home.rglob("*") if path.is_dir())]
    with cell.spoilt(UNPRIVILEGED):
        for folder in folders:
            folder.chmod(0o555)
        try:
            done = cell.bot(TWAP)
        finally:
            for folder in folders:
                folder.chmod(0o755)
    assert done.code == 6, done
    assert "Traceback" not in done.err
    error = done.json["error"]
    assert str(cell.home) in f"{error['message']} {error['hint']}"
    assert cell.requests(*ORDER) == []
