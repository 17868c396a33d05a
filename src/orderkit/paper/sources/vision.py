"""Reads data.binance.vision tick files: trades and bookTicker CSV, plain, gz or zip, header or none."""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from orderkit.domain.market import MarketTrade, Quote
from orderkit.errors import ConfigurationError

Record = Quote | MarketTrade

_SUFFIXES = (".csv", ".csv.gz", ".zip")
_SYMBOL = re.compile(r"([A-Z0-9]+(?:_\d{6})?)[-_.]")
_FIRST_MICROSECOND = 10**14  # as ms this would be the year 5138: such a file counts microseconds


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: the word in its name, its columns in order and what a row means."""

    word: str
    columns: tuple[str, ...]
    parse: Callable[[str, Mapping[str, str]], Record]


def _positive(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{text} is no price or quantity")
    return value


def _time_ms(text: str) -> int:
    value = int(text)
    if not 0 < value < _FIRST_MICROSECOND:
        raise ValueError(f"{text} is no time in milliseconds")
    return value


def _trade(symbol: str, row: Mapping[str, str]) -> MarketTrade:
    return MarketTrade(
        symbol=symbol,
        trade_id=int(row["id"]),
        price=_positive(row["price"]),
        quantity=_positive(row["qty"]),
        buyer_is_maker={"true": True, "false": False}[row["is_buyer_maker"].lower()],
        time_ms=_time_ms(row["time"]),
    )


def _quote(symbol: str, row: Mapping[str, str]) -> Quote:
    quote = Quote(
        symbol=symbol,
        bid=_positive(row["best_bid_price"]),
        bid_quantity=_positive(row["best_bid_qty"]),
        ask=_positive(row["best_ask_price"]),
        ask_quantity=_positive(row["best_ask_qty"]),
        time_ms=_time_ms(row["transaction_time"]),
    )
    if quote.bid >= quote.ask:
        raise ValueError(f"bid {quote.bid} is not below ask {quote.ask}")
    return quote


TRADES = Kind("trades", ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker"), _trade)
BOOK_TICKER = Kind(
    "bookticker",
    (
        "update_id",
        "best_bid_price",
        "best_bid_qty",
        "best_ask_price",
        "best_ask_qty",
        "transaction_time",
        "event_time",
    ),
    _quote,
)
_OTHER_WORDS = ("aggtrades", "klines", "bookdepth", "metrics")


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
    kind = next((k for k in (TRADES, BOOK_TICKER) if k.word in name), None) or _kind_by_columns(path)
    if kind is None:
        return None
    first = next((record for _, record in _records(path, symbol[1], kind)), None)
    return TickFile(path, symbol[1], kind, first.time_ms) if first else None


def _kind_by_columns(path: Path) -> Kind | None:
    with _text(path) as file:
        first = next(csv.reader(file), [])
    named = [k for k in (TRADES, BOOK_TICKER) if set(first) >= set(k.columns)]
    if named:
        return named[0]
    counted = [k for k in (TRADES, BOOK_TICKER) if len(first) == len(k.columns) and first[0].isdigit()]
    return counted[0] if counted else None


def _records(path: Path, symbol: str, kind: Kind) -> Iterator[tuple[int, Record]]:
    columns = kind.columns
    with _text(path) as file:
        reader = csv.reader(file)
        for row in reader:
            if reader.line_num == 1 and row and not row[0].isdigit():
                columns = _header(path, kind, row)
                continue
            if not row:
                continue
            if len(row) != len(columns):
                raise _broken(path, reader.line_num, kind, f"has {len(row)} columns")
            try:
                record = kind.parse(symbol, dict(zip(columns, row, strict=True)))
            except (ValueError, InvalidOperation) as error:
                raise _broken(path, reader.line_num, kind, f"does not parse ({error})") from error
            except KeyError as error:
                raise _broken(path, reader.line_num, kind, f"has {error} for true or false") from error
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
