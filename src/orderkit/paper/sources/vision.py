"""Reads data.binance.vision files (trades, aggTrades, bookTicker, klines): CSV, gz or zip, header or none."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from orderkit.errors import ConfigurationError
from orderkit.paper.sources.columns import KINDS, KLINES, Kind, Record

_SUFFIXES = (".csv", ".csv.gz", ".zip")
_SYMBOL = re.compile(r"([A-Z0-9]+(?:_\d{6})?)[-_.]")
_INTERVAL = re.compile(r"[-_.]\d+(?:m|h|d|w|mo)[-_.]")  # as in BTCUSDT-1m-2024-03-30.csv
_OTHER_WORDS = ("bookdepth", "metrics", "funding", "markprice", "indexprice", "premiumindex", "liquidation")


@dataclass(frozen=True, slots=True)
class TickFile:
    """A usable recording of one symbol; ``first_ms`` is the time of its first record."""

    path: Path
    symbol: str
    kind: Kind
    first_ms: int

    def records(self) -> Iterator[Record]:
        """The file's records in order, read as they are asked for.

        Raises:
            ConfigurationError: a broken row or file, or a time before the one above it; names file and line.
        """
        last_ms = 0
        for line, record in _records(self.path, self.symbol, self.kind):
            if record.time_ms < last_ms:
                raise ConfigurationError(
                    f"{self.path.name}, line {line}: time {record.time_ms} is before the {last_ms} above it",
                    hint="sort the file by time",
                )
            last_ms = record.time_ms
            yield record


def open_tick_file(path: Path) -> TickFile | None:
    """The file as a recording, or None where its name says that it is something else or it is empty.

    The symbol is what the name begins with; the kind comes from the name, or else from the columns.

    Raises:
        ConfigurationError: it should be a recording, but cannot be read as one.
    """
    name = path.name.lower()
    symbol = _SYMBOL.match(path.name)
    if symbol is None or not name.endswith(_SUFFIXES) or any(word in name for word in _OTHER_WORDS):
        return None
    kind = _kind_by_name(name) or _kind_by_columns(path, symbol[1])
    if kind is None:
        return None
    first = next((record for _, record in _records(path, symbol[1], kind)), None)
    return TickFile(path, symbol[1], kind, first.time_ms) if first else None


def _kind_by_name(name: str) -> Kind | None:
    named = next((kind for kind in KINDS if kind.word in name), None)
    return named or (KLINES if _INTERVAL.search(name) else None)


def _kind_by_columns(path: Path, symbol: str) -> Kind | None:
    with _text(path) as file:
        first = next(csv.reader(file), [])
    return next((k for k in KINDS if set(first) >= set(k.columns) or _parses(k, symbol, first)), None)


def _parses(kind: Kind, symbol: str, row: list[str]) -> bool:
    if len(row) not in kind.widths:
        return False
    try:
        kind.parse(symbol, dict(zip(kind.columns, row, strict=False)))
    except (ValueError, InvalidOperation):
        return False
    return True


def _records(path: Path, symbol: str, kind: Kind) -> Iterator[tuple[int, Record]]:
    columns, widths = kind.columns, kind.widths
    with _text(path) as file:
        reader = csv.reader(file)
        for row in reader:
            if reader.line_num == 1 and row and not row[0].isdigit():
                columns, widths = _header(path, kind, row), (len(row),)
                continue
            if not row:
                continue
            if len(row) not in widths:
                raise _broken(path, reader.line_num, kind, f"has {len(row)} columns")
            try:
                record = kind.parse(symbol, dict(zip(columns, row, strict=False)))
            except (ValueError, InvalidOperation) as error:
                raise _broken(path, reader.line_num, kind, f"does not parse ({error})") from error
            yield reader.line_num, record


def _header(path: Path, kind: Kind, row: list[str]) -> tuple[str, ...]:
    missing = [column for column in kind.columns if column not in row]
    if missing:
        raise _broken(path, 1, kind, f"has no column {', '.join(missing)}")
    return tuple(row)


def _broken(path: Path, line: int, kind: Kind, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name}, line {line} {what}", hint=f"a {kind.word} file has {','.join(kind.columns)}"
    )


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """The file's text, unpacked. Raises ConfigurationError naming the file when it cannot be read."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
                yield file
        elif path.suffix == ".zip":
            with ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.endswith(".csv")]
                if len(names) != 1:
                    raise ConfigurationError(f"{path.name} holds {len(names)} CSV files instead of one")
                with archive.open(names[0]) as member, TextIOWrapper(member, "utf-8-sig", newline="") as file:
                    yield file
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield file
    except (OSError, EOFError, zlib.error, BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path.name} cannot be read: {error}", hint="fetch or unpack it again"
        ) from error
