"""The journal in one SQLite file: safe against a killed process, shared by all processes of the machine."""

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orderkit.domain.enums import OrderStatus
from orderkit.domain.job import Control, ControlKind, JobRecord, JobStatus
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.journal import Entry
from orderkit.errors import ConfigurationError, ValidationError
from orderkit.journal import records
from orderkit.journal.schema import MIGRATIONS, SCHEMA_VERSION

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 10.0


class JobExists(ValidationError):
    """The job id is taken."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A promise for the first ``number`` entries. Whoever asks first writes for all who wait."""

    journal: "SqliteJournal"
    number: int

    def result(self) -> None:
        """Return once the entries are on disk. Raises ConfigurationError where they cannot be written."""
        self.journal.flush(self.number)


class SqliteJournal:
    """Entries gather in memory until somebody needs them on disk; then all go in one transaction.

    WAL mode with synchronous=FULL: once a ticket's ``result`` has returned, its entries survive the death
    of the process and, as far as the file system keeps its promise, a power cut. Entries that could not be
    written stay first in line, and so long as they cannot be written no ticket is honoured. Safe to use
    from several threads, and from several processes on one file.

    Raises ConfigurationError where the file cannot be opened, is no journal, or is of a newer version;
    such a file is never written to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: deque[Entry] = deque()
        self._appended = 0
        self._written = 0
        self._append_lock = threading.Lock()
        self._file_lock = threading.RLock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _alone(path):
                self._connection = self._connect()
                self._prepare()

    def close(self) -> None:
        """Write what is left, then close."""
        try:
            self.flush()
        finally:
            self._connection.close()

    # --- jobs -------------------------------------------------------------------------------------

    def open_job(self, record: JobRecord) -> None:
        """Write down a new job, durably. Raises JobExists where the id is taken."""
        with self._file_lock, self._explained():
            try:
                with self._connection as connection:
                    records.write_job(connection, record)
            except sqlite3.IntegrityError as error:
                raise JobExists(
                    f"job {record.job_id} exists already", rule="JOB_ID", hint="choose another --job-id"
                ) from error

    def load_job(self, job_id: str) -> JobRecord | None:
        """The job with its orders and their fills, or None."""
        with self._file_lock, self._explained():
            row = self._connection.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
            if row is None:
                return None
            return records.job_of(row, self._orders(job_id), self._controls(job_id))

    def recent_jobs(self, limit: int = 50) -> list[JobRecord]:
        """The latest jobs, newest first, without their orders."""
        with self._file_lock, self._explained():
            rows = self._connection.execute(
                "SELECT * FROM jobs ORDER BY started_ns DESC LIMIT ?", (limit,)
            ).fetchall()
            return [records.job_of(row, []) for row in rows]

    def unfinished_jobs(self, environment: str) -> list[str]:
        """Ids of an environment's jobs that have not ended, or ended in doubt, or may have open orders.

        Oldest first.
        """
        statuses = [status.value for status in OrderStatus if not status.is_terminal]
        marks = ", ".join("?" * len(statuses))
        with self._file_lock, self._explained():
            rows = self._connection.execute(
                "SELECT job_id FROM jobs WHERE environment = ? AND (status IN (?, ?) OR job_id IN"
                f" (SELECT job_id FROM orders WHERE status IN ({marks}))) ORDER BY started_ns",
                (environment, JobStatus.RUNNING.value, JobStatus.UNKNOWN.value, *statuses),
            ).fetchall()
            return [row["job_id"] for row in rows]

    def jobs_missing_trades(self, environment: str, since_ms: int) -> list[str]:
        """Ids of its ended jobs with orders since then whose executed quantity is not all covered by trades.

        It happens when the exchange cannot be asked for them in time. Oldest first.
        """
        with self._file_lock, self._explained():
            rows = self._connection.execute(
                "SELECT job_id FROM jobs WHERE environment = ?"
                " AND job_id IN (SELECT job_id FROM orders WHERE created_ms >= ?"
                " AND CAST(executed_quantity AS REAL) > 1e-12 + 1.000000001 * (SELECT"
                " total(CAST(json_extract(fill, '$.quantity') AS REAL)) FROM fills"
                " WHERE fills.client_order_id = orders.client_order_id)) AND status NOT IN (?, ?)"
                " ORDER BY started_ns",
                (environment, since_ms, JobStatus.RUNNING.value, JobStatus.UNKNOWN.value),
            ).fetchall()
            return [row["job_id"] for row in rows]

    def knows_order(self, client_order_id: str) -> bool:
        """True where some job of this journal has sent, or is about to send, the order."""
        with self._file_lock, self._explained():
            query = "SELECT 1 FROM orders WHERE client_order_id = ?"
            return self._connection.execute(query, (client_order_id,)).fetchone() is not None

    def order_ids(self) -> set[int]:
        """The exchange's ids of all orders sent, as far as it has told them."""
        with self._file_lock, self._explained():
            query = "SELECT order_id FROM orders WHERE order_id IS NOT NULL"
            return {row[0] for row in self._connection.execute(query)}

    def client_order_ids(self) -> set[str]:
        """Every id that this journal has ever sent."""
        with self._file_lock, self._explained():
            return {row[0] for row in self._connection.execute("SELECT client_order_id FROM orders")}

    def rewrite_order(
        self, job_id: str, client_order_id: str, request: OrderRequest, parameters: Mapping[str, Any]
    ) -> None:
        """An open order was changed at the exchange: its request and its job's parameters, durably."""
        with self._file_lock, self._explained(), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE orders SET request = ?, price = ? WHERE client_order_id = ?",
                (records.text(request), records.decimal(request.price), client_order_id),
            )
            connection.execute(
                "UPDATE jobs SET parameters = ? WHERE job_id = ?", (records.text(parameters), job_id)
            )

    # --- controls ---------------------------------------------------------------------------------

    def send_control(
        self,
        job_id: str,
        kind: ControlKind,
        at_ns: int,
        changes: Mapping[str, str] | None = None,
        *,
        taken: bool = False,
    ) -> int:
        """Leave a command for whichever process runs the job; its number.

        ``taken``: the job is not running and counts it as taken at ``at_ns``.
        """
        with self._file_lock, self._explained():
            cursor = self._connection.execute(
                "INSERT INTO controls (job_id, command, argument, at_ns, handled_ns) VALUES (?, ?, ?, ?, ?)",
                (
                    job_id,
                    kind.value,
                    records.text(changes) if changes else None,
                    at_ns,
                    at_ns if taken else None,
                ),
            )
            number = cursor.lastrowid
        assert number is not None
        return number

    def pending_controls(self, job_id: str) -> list[tuple[int, Control]]:
        """The commands left for the job that nobody has answered yet, oldest first, with their numbers."""
        with self._file_lock, self._explained():
            rows = self._connection.execute(
                "SELECT number, command, argument, at_ns FROM controls"
                " WHERE job_id = ? AND handled_ns IS NULL ORDER BY number",
                (job_id,),
            ).fetchall()
            return [(row["number"], records.control_of(row, row["at_ns"])) for row in rows]

    def answer_control(self, number: int, at_ns: int, refusal: str | None = None) -> None:
        """The command was taken at ``at_ns``, or refused: durable before the job acts on it."""
        with self._file_lock, self._explained():
            self._connection.execute(
                "UPDATE controls SET handled_ns = ?, refusal = ? WHERE number = ?", (at_ns, refusal, number)
            )

    def control_answer(self, number: int) -> tuple[bool, str | None]:
        """Whether the command was answered, and the refusal if it was refused."""
        with self._file_lock, self._explained():
            row = self._connection.execute(
                "SELECT handled_ns, refusal FROM controls WHERE number = ?", (number,)
            ).fetchone()
            return row["handled_ns"] is not None, row["refusal"]

    # --- entries ----------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> Ticket:
        """Take entries into memory; ``Ticket.result`` puts them on disk."""
        with self._append_lock:
            self._pending.extend(entries)
            self._appended += len(entries)
            return Ticket(self, self._appended)

    def flush(self, number: int | None = None) -> None:
        """Put the first ``number`` entries (all, without it) on disk, with whatever has gathered since.

        Raises:
            ConfigurationError: the write failed; the entries are kept and tried again with the next ones.
        """
        with self._file_lock:
            with self._append_lock:
                batch = list(self._pending)
            if not batch or (number is not None and self._written >= number):
                return
            try:
                with self._explained(), self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    for entry in records.latest(batch):
                        records.write(self._connection, entry)
            except sqlite3.IntegrityError as error:
                log.exception("journal write failed")
                raise ConfigurationError(
                    f"the journal {self._path} has an order that this process has not seen: {error}",
                    hint="another process is at the same job; see it with bot.py show",
                ) from error
            except Exception:
                log.exception("journal write failed")
                raise
            with self._append_lock:
                for _ in batch:
                    self._pending.popleft()
            self._written += len(batch)

    # --- the file ---------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: past the disk's own cache; no effect elsewhere
        return connection

    def _prepare(self) -> None:
        """Make or migrate the tables."""
        connection = self._connection
        version = self._version()
        if version > SCHEMA_VERSION:
            raise ConfigurationError(
                f"the journal {self._path} has version {version}; this orderkit knows {SCHEMA_VERSION}",
                hint="use the newer orderkit, or set ORDERKIT_HOME to another directory",
            )
        if version == SCHEMA_VERSION:
            return
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ConfigurationError(
                f"{self._path} is an SQLite file, but not an orderkit journal",
                hint="set ORDERKIT_HOME to another directory",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statements in MIGRATIONS[self._version() :]:
                for statement in statements.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._path.chmod(0o600)
        if version == 0:
            _sync_names(self._path)

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"the journal {self._path} cannot be used: {error}",
                hint="check the disk's space and permissions; a damaged file is left as it is: move it away"
                " or set ORDERKIT_HOME to another directory",
            ) from error

    def _controls(self, job_id: str) -> list[Control]:
        """Those that the job took and that outlast the process that took them."""
        rows = self._connection.execute(
            "SELECT command, argument, handled_ns FROM controls WHERE job_id = ? AND handled_ns IS NOT NULL"
            " AND refusal IS NULL AND command <> ? ORDER BY number",
            (job_id, ControlKind.STOP.value),
        )
        return [records.control_of(row, row["handled_ns"]) for row in rows]

    def _orders(self, job_id: str) -> list[Order]:
        rows = self._connection.execute(
            "SELECT * FROM orders WHERE job_id = ? ORDER BY sequence", (job_id,)
        ).fetchall()
        orders = [records.order_of(row) for row in rows]
        by_id = {order.client_order_id: order for order in orders}
        fills = self._connection.execute(
            "SELECT fill FROM fills JOIN orders USING (client_order_id) WHERE job_id = ? ORDER BY trade_id",
            (job_id,),
        )
        for (raw,) in fills:
            fill = records.fill_of(raw)
            by_id[fill.client_order_id].fills[fill.trade_id] = fill
        return orders


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time opens the file: SQLite does not wait for another that switches it to WAL."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_names(path: Path) -> None:
    """Put the names of the file and of all directories above it on disk, as SQLite does for its own files.

    Whoever made them need not have done so, and a directory that a power cut takes away takes all with it.
    """
    for directory in path.parents:
        with contextlib.suppress(OSError):  # not ours to open: then it has been there for long
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
