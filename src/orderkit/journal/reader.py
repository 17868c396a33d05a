"""Looks into the journal without ever writing to it: notes, whose orders are whose, the file's health."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orderkit.errors import ConfigurationError

_AT_ONCE = 500  # SQLite bounds the number of parameters


@dataclass(frozen=True, slots=True)
class Note:
    """A state of a job in words, as its flow said it."""

    at_ns: int
    state: str
    message: str


class JournalReader:
    """A read-only connection for one look at a time; a journal that does not exist yet reads as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def notes(self, job_id: str) -> list[Note]:
        """What the job said of itself, oldest first."""
        query = "SELECT at_ns, state, message FROM notes WHERE job_id = ? ORDER BY at_ns, rowid"
        return [Note(*row) for row in self._rows(query, (job_id,))]

    def last_note(self, job_id: str) -> Note | None:
        query = (
            "SELECT at_ns, state, message FROM notes WHERE job_id = ? ORDER BY at_ns DESC, rowid DESC LIMIT 1"
        )
        return next((Note(*row) for row in self._rows(query, (job_id,))), None)

    def jobs_of(self, client_order_ids: Iterable[str]) -> dict[str, str]:
        """The job of each of these orders that is ours."""
        query = "SELECT client_order_id, job_id FROM orders WHERE client_order_id IN"
        return dict(self._rows_of(query, client_order_ids))

    def order_named(self, text: str) -> tuple[str, str] | None:
        """(client order id, job id) of our order with this client order id, exchange order id or algo id."""
        number = int(text) if text.isdigit() and len(text) < 19 else -1
        query = (
            "SELECT client_order_id, job_id FROM orders"
            " WHERE client_order_id = ? OR order_id = ? OR algo_id = ? LIMIT 1"
        )
        return next(iter(self._rows(query, (text, number, number))), None)

    def clients_of(self, order_ids: Iterable[int]) -> dict[int, str]:
        """The client order id of each of these exchange order ids that is ours."""
        query = "SELECT order_id, client_order_id FROM orders WHERE order_id IN"
        return dict(self._rows_of(query, order_ids))

    def job_ids(self, limit: int, environment: str | None = None) -> list[tuple[str, str]]:
        """(job id, status) of the latest jobs, newest first; of one environment where it is named."""
        where = "" if environment is None else "WHERE environment = ?"
        query = f"SELECT job_id, status FROM jobs {where} ORDER BY started_ns DESC LIMIT ?"
        return self._rows(query, (limit,) if environment is None else (environment, limit))

    def in_doubt(self, environment: str) -> list[tuple[str, str]]:
        """(client order id, job id) of orders whose outcome is not known, or not known yet."""
        query = (
            "SELECT client_order_id, job_id FROM orders JOIN jobs USING (job_id)"
            " WHERE environment = ? AND orders.status IN ('UNKNOWN', 'PENDING_NEW')"
        )
        return self._rows(query, (environment,))

    def damage(self) -> list[str]:
        """What SQLite's own check of the file finds; empty when it is sound."""
        found = [str(row[0]) for row in self._rows("PRAGMA quick_check", ())]
        return [line for line in found if line != "ok"]

    def _rows_of(self, query: str, values: Iterable[object]) -> Iterator[Any]:
        """The rows of a query that ends in ``IN``, for as many values as there are."""
        left = list(values)
        while left:
            part, left = left[:_AT_ONCE], left[_AT_ONCE:]
            yield from self._rows(f"{query} ({', '.join('?' * len(part))})", tuple(part))

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Any]:
        if not self._path.exists():
            return []
        try:
            with contextlib.closing(self._connect()) as connection:
                rows: list[Any] = connection.execute(query, values).fetchall()
                return rows
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"the journal {self._path} cannot be read: {error}",
                hint="check the disk; a damaged file is left as it is: move it away or set ORDERKIT_HOME to"
                " another directory",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
