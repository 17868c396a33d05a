"""The journal file: many processes, an older version, a newer one, damage, and a death in between."""

import shutil
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.domain.job import Control, ControlKind, JobRecord, JobResult, JobStatus
from orderkit.domain.order import OrderRequest
from orderkit.engine.journal import FillRecorded, JobEnded, JobNoted, OrderChanged, OrderIntended
from orderkit.errors import ConfigurationError
from orderkit.journal.schema import MIGRATIONS, SCHEMA_VERSION
from orderkit.journal.sqlite import SqliteJournal
from tests.faults.cells import CellDesk
from tests.fills import bought
from tests.support import BOT

MARKET = '{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.3"}'
REQUEST = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.3"))


def record(job_id: str) -> JobRecord:
    return JobRecord(
        job_id=job_id,
        kind="market",
        environment="paper",
        parameters={"order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.3"}},
        started_ns=1,
    )


def intent(job_id: str, sequence: int) -> OrderIntended:
    return OrderIntended(job_id, f"ok-{job_id}-{sequence}", REQUEST, 1, None)


def changed(cid: str, status: OrderStatus, executed: str) -> OrderChanged:
    return OrderChanged(cid, status, 7, None, Decimal(executed), None, None, 5, None, None)


def fill(cid: str, trade_id: int, quantity: str) -> FillRecorded:
    return FillRecorded(bought(cid, trade_id, quantity))


# --- versions -------------------------------------------------------------------------------------


def first_version(path: Path) -> None:
    """A journal as the first version wrote it, with a finished job and one that was killed."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(MIGRATIONS[0])
    for job_id, status in (("done", "COMPLETED"), ("killed", "RUNNING")):
        connection.execute(
            "INSERT INTO jobs (job_id, kind, environment, parameters, started_ns, status)"
            " VALUES (?, 'market', 'paper', '{}', 1, ?)",
            (job_id, status),
        )
        connection.execute(
            "INSERT INTO orders (client_order_id, job_id, sequence, request, created_ms, status)"
            " VALUES (?, ?, 1, ?, 1, ?)",
            (f"ok-{job_id}-1", job_id, MARKET, "FILLED" if status == "COMPLETED" else "PENDING_NEW"),
        )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def test_a_journal_of_the_first_version_is_brought_up_to_date_with_all_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first_version(path)
    journal = SqliteJournal(path)
    assert journal.unfinished_jobs("paper") == ["killed"]
    done = journal.load_job("done")
    assert done is not None
    assert [(o.status, o.quantity) for o in done.orders] == [(OrderStatus.FILLED, Decimal("0.3"))]
    number = journal.send_control("killed", ControlKind.STOP, 1)
    assert journal.pending_controls("killed") == [(number, Control(ControlKind.STOP, 1))]
    journal.close()
    fresh = tmp_path / "fresh.sqlite"
    SqliteJournal(fresh).close()
    assert layout(path) == layout(fresh)


def layout(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY name").fetchall()
    version = connection.execute("PRAGMA user_version").fetchall()
    connection.close()
    assert version == [(SCHEMA_VERSION,)]
    return rows


OPEN = """
import sys
from pathlib import Path
from orderkit.journal.sqlite import SqliteJournal
print("ready", flush=True)
sys.stdin.readline()
SqliteJournal(Path(sys.argv[1])).close()
"""


def test_many_processes_that_open_an_old_journal_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first_version(path)
    processes = [python(OPEN, str(path)) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.communicate("go\n", timeout=30)[1] == ""
        assert process.returncode == 0
    fresh = tmp_path / "fresh.sqlite"
    SqliteJournal(fresh).close()
    assert layout(path) == layout(fresh)


MAKE = """
import sys
from pathlib import Path
from orderkit.journal.sqlite import SqliteJournal
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    SqliteJournal(Path(sys.argv[1], f"{number}.sqlite")).close()
"""


def test_many_processes_that_make_a_journal_at_once_all_have_it(tmp_path: Path) -> None:
    processes = [python(MAKE, str(tmp_path)) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0


def damaged(path: Path) -> None:
    SqliteJournal(path).close()
    raw = bytearray(path.read_bytes())
    raw[:64] = b"\xff" * 64
    path.write_bytes(raw)


def torn(path: Path) -> None:
    journal = SqliteJournal(path)
    for number in range(50):
        journal.open_job(record(f"job-{number}"))
    journal.close()
    path.write_bytes(path.read_bytes()[:5000])


def newer(path: Path) -> None:
    SqliteJournal(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.commit()
    connection.close()


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.commit()
    connection.close()


def text(path: Path) -> None:
    path.write_text("dear diary, " * 100)


@pytest.mark.parametrize("spoil", [damaged, torn, newer, foreign, text])
def test_a_journal_that_cannot_be_used_is_named_and_not_touched(cell: CellDesk, spoil: Any) -> None:
    path = cell.home / "journal.sqlite"
    spoil(path)
    before = path.read_bytes()
    done = cell.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 6, done
    assert str(path) in done.json["error"]["message"]
    assert done.json["error"]["hint"]
    assert path.read_bytes() == before
    assert cell.requests("POST", "/fapi/v1/order") == []
    for left in cell.home.glob("journal.sqlite*"):
        left.unlink()


def test_an_intent_is_on_the_platter_before_its_order_leaves(cell: CellDesk, tmp_path: Path) -> None:
    """As the kernel saw it: what was written to the journal's log was synced, then the order was sent."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace on this machine")
    trace = tmp_path / "trace"
    watch = [
        strace,
        "-f",
        "-y",
        "-s",
        "5000",
        "-e",
        "trace=fdatasync,fsync,pwrite64,sendto",
        "-o",
        str(trace),
    ]
    order = [sys.executable, str(BOT), "market", "BTCUSDT", "BUY", "0.01", "--job-id", "traced"]
    done = subprocess.run([*watch, *order], env=cell.environ, capture_output=True, text=True, check=False)
    if not trace.exists() or "ptrace" in done.stderr:
        pytest.skip("strace may not be used here")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text().splitlines()
    sent = next(
        n for n, call in enumerate(calls) if "sendto" in call and "newClientOrderId=ok-traced-1" in call
    )
    log = [call for call in calls[:sent] if "journal.sqlite-wal" in call]
    assert any("ok-traced-1" in call for call in log if "pwrite64" in call)
    assert "fdatasync" in log[-1] or "fsync" in log[-1]


# --- processes ------------------------------------------------------------------------------------

WRITE = """
import sys
from pathlib import Path
from orderkit.journal.sqlite import SqliteJournal
from tests.faults.test_journal import changed, fill, intent, record
from orderkit.domain.enums import OrderStatus

journal, name = SqliteJournal(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    job = f"{name}-{number}"
    journal.open_job(record(job))
    for sequence in range(1, 4):
        journal.append([intent(job, sequence)]).result()
        print(f"ok-{job}-{sequence}", flush=True)  # an order would go out now
        cid = f"ok-{job}-{sequence}"
        journal.append([fill(cid, sequence, "0.3"), changed(cid, OrderStatus.FILLED, "0.3")])
journal.close()
print("closed", flush=True)
"""


def python(program: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_write_one_journal_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    writers = [python(WRITE, str(path), f"w{number}", "8") for number in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    results = [writer.communicate("go\n", timeout=60) for writer in writers]
    assert [err for _, err in results] == [""] * 4
    journal = SqliteJournal(path)
    assert len(journal.client_order_ids()) == 4 * 8 * 3
    for job in journal.recent_jobs(1000):
        loaded = journal.load_job(job.job_id)
        assert loaded is not None
        assert [order.filled_by_trades for order in loaded.orders] == [Decimal("0.3")] * 3
    journal.close()


@pytest.mark.parametrize(
    "after", [1, 7, *(pytest.param(after, marks=pytest.mark.slow) for after in (2, 20, 41))]
)
def test_a_writer_that_is_killed_has_every_intent_on_disk_whose_order_went_out(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "journal.sqlite"
    writer = python(WRITE, str(path), "w", "1000")
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.stdin.write("go\n")
    writer.stdin.flush()
    sent = [writer.stdout.readline().strip() for _ in range(after)]
    writer.kill()
    sent += writer.communicate()[0].split()
    journal = SqliteJournal(path)
    assert set(sent) <= journal.client_order_ids()
    for job in journal.recent_jobs(2000):
        for order in (journal.load_job(job.job_id) or job).orders:
            assert order.filled_by_trades == order.executed_quantity, "half of a transaction is there"
    journal.close()


def test_a_crash_at_any_byte_of_the_last_write_leaves_a_whole_journal(tmp_path: Path) -> None:
    """The file and its log as a crash may leave them: the log cut anywhere."""
    path, copy = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite"
    journal = SqliteJournal(path)
    journal.open_job(record("job"))
    journal.append([intent("job", 1)]).result()
    log = path.with_name("journal.sqlite-wal")
    before = log.stat().st_size
    journal.append(
        [
            fill("ok-job-1", 1, "0.3"),
            changed("ok-job-1", OrderStatus.FILLED, "0.3"),
            JobNoted("job", 2, "WAITING", ""),
            JobEnded("job", 3, JobResult(JobStatus.COMPLETED)),
        ]
    ).result()
    raw = log.read_bytes()
    for size in (before, *range(before, len(raw), 997), len(raw) - 1):
        shutil.copy(path, copy)
        copy.with_name("copy.sqlite-wal").write_bytes(raw[:size])
        cut = SqliteJournal(copy)
        loaded = cut.load_job("job")
        assert loaded is not None
        (order,) = loaded.orders
        assert (order.status, order.filled_by_trades, loaded.status) in (
            (OrderStatus.PENDING_NEW, 0, JobStatus.RUNNING),
            (OrderStatus.FILLED, Decimal("0.3"), JobStatus.COMPLETED),
        )
        cut.close()
        for left in tmp_path.glob("copy.sqlite*"):
            left.unlink()
    journal.close()


def test_what_could_not_be_written_is_first_in_line_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    journal.open_job(record("job"))
    with monkeypatch.context() as patch:
        patch.setattr("orderkit.journal.records.write", fail_to_write)
        for sequence in (1, 2):
            with pytest.raises(ConfigurationError, match="disk"):
                journal.append([intent("job", sequence)]).result()
    journal.append([intent("job", 3)]).result()
    loaded = journal.load_job("job")
    assert loaded is not None
    assert [order.client_order_id for order in loaded.orders] == ["ok-job-1", "ok-job-2", "ok-job-3"]
    journal.close()


def fail_to_write(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_ended_jobs_whose_trades_are_not_all_known_are_named(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    for job_id, parts in {"whole": ["0.1", "0.2"], "half": ["0.1"], "none": []}.items():
        journal.open_job(record(job_id))
        cid = f"ok-{job_id}-1"
        fills = [fill(cid, number, part) for number, part in enumerate(parts)]
        ended = JobEnded(job_id, 3, JobResult(JobStatus.COMPLETED))
        journal.append([intent(job_id, 1), *fills, changed(cid, OrderStatus.FILLED, "0.3"), ended]).result()
    assert sorted(journal.jobs_missing_trades("paper", since_ms=0)) == ["half", "none"]
    assert journal.jobs_missing_trades("paper", since_ms=2) == []
    assert journal.jobs_missing_trades("testnet", since_ms=0) == []
    journal.close()
