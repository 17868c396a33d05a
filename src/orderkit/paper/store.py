"""The paper account on disk: API keys and every record of the simulator's state, in one SQLite file."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orderkit.paper.keys import ApiKey
from orderkit.paper.signature import KeyKind

SECTIONS = (
    *("counters", "accounts", "orders", "algo_orders", "trades"),
    *("income", "margin_changes", "fundings"),
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS api_key (
    api_key TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind TEXT NOT NULL, material TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    section TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (section, key)
) WITHOUT ROWID;
"""


class Store:
    """Writes are committed before the call returns.

    The log is not forced to the platter on each commit: a killed process loses nothing, a machine that
    loses power may lose the last moments of a rehearsal, never the file's consistency.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)

    def load_keys(self) -> list[ApiKey]:
        rows = self._database.execute("SELECT api_key, account_id, kind, material FROM api_key")
        return [ApiKey(key, account, KeyKind(kind), material) for key, account, kind, material in rows]

    def add_key(self, key: ApiKey) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO api_key VALUES (?, ?, ?, ?)",
            (key.api_key, key.account_id, key.kind.value, key.material),
        )

    def load_state(self) -> dict[str, dict[str, Any]]:
        """The state in the form of ``SimulatedExchange.export_state``; empty sections when new."""
        state: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for section, key, value in self._database.execute("SELECT section, key, value FROM record"):
            state.setdefault(section, {})[key] = msgspec.json.decode(value)
        return state

    def save(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Upsert the records of ``SimulatedExchange.export_changes``, delete those that are None."""
        kept = [
            (section, str(key), msgspec.json.encode(value))
            for section, records in changes.items()
            for key, value in records.items()
            if value is not None
        ]
        gone = [
            (section, str(key))
            for section, records in changes.items()
            for key, value in records.items()
            if value is None
        ]
        if not (kept or gone):
            return
        self._database.execute("BEGIN")
        try:
            self._database.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", kept)
            if gone:
                self._database.executemany("DELETE FROM record WHERE section = ? AND key = ?", gone)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def wipe_state(self) -> None:
        """Forget every account, order and trade; the API keys stay."""
        self._database.execute("DELETE FROM record")

    def close(self) -> None:
        self._database.close()
