"""What earlier commands left on disk: contracts and jobs, read without a request."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orderkit.domain.instrument import Instrument

JOURNAL_NAME = "journal.sqlite"


def cached_symbols(home: Path) -> list[str]:
    """Symbols of every environment that some command has asked for, in order of the alphabet."""
    files = sorted((home / "cache").glob("exchange_info-*.jsonl"))
    return sorted({symbol for file in files for symbol, _ in _lines(file)})


def cached_instruments(home: Path, environment: str) -> "Mapping[str, Instrument]":
    """The contracts of an environment, however old; empty where none were fetched yet."""
    from orderkit.domain.instrument import Instrument
    from orderkit.exchange.symbol_cache import SymbolTable

    lines = dict(_lines(home / "cache" / f"exchange_info-{environment}.jsonl"))
    return SymbolTable(lines, Instrument.from_exchange_info)


def cached_jobs(home: Path, limit: int) -> list[tuple[str, str]]:
    """(job id, status) of the latest jobs, newest first; empty where the journal cannot be read."""
    import contextlib
    import sqlite3

    path = home / JOURNAL_NAME
    if not path.exists():
        return []
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.2)
        ) as journal:
            query = "SELECT job_id, status FROM jobs ORDER BY started_ns DESC LIMIT ?"
            rows: list[Any] = journal.execute(query, (limit,)).fetchall()
            return [(job_id, status) for job_id, status in rows]
    except sqlite3.Error:
        return []


def _lines(file: Path) -> Iterator[tuple[str, bytes]]:
    """Symbol and raw contract, without the header line; nothing of a file that is no cache."""
    try:
        header, _, body = file.read_bytes().partition(b"\n")
        if "schema" not in json.loads(header):
            return
    except (OSError, ValueError, TypeError):
        return
    for line in body.splitlines():
        symbol, _, raw = line.partition(b"\t")
        yield symbol.decode(), raw
