"""Facts per symbol (filters, brackets) kept on disk, so that one order asks for them at most once a day."""

import json
import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from orderkit.exchange.files import write_atomically

logger = logging.getLogger(__name__)
T = TypeVar("T")
_SCHEMA = 1


class SymbolTable(Mapping[str, T]):
    """Symbols to values, each parsed when first asked for: an order needs one of some nine hundred."""

    def __init__(self, lines: Mapping[str, bytes], parse: Callable[[Mapping[str, Any]], T]) -> None:
        self._lines = lines
        self._parse = parse
        self._parsed: dict[str, T] = {}

    def __getitem__(self, symbol: str) -> T:
        if symbol not in self._parsed:
            self._parsed[symbol] = self._parse(json.loads(self._lines[symbol]))
        return self._parsed[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


class SymbolCache(Generic[T]):
    """One file: a header line (address, age, checksum), then ``SYMBOL<tab>JSON`` lines.

    A file of another address, an old one and a damaged one count as absent. ``fetch`` brings the raw element
    of every symbol; one that cannot be parsed is left out and logged, the others stay usable.
    """

    def __init__(
        self,
        path: Path,
        base_url: str,
        max_age_ms: int,
        fetch: Callable[[], Mapping[str, Any]],
        parse: Callable[[Mapping[str, Any]], T],
    ) -> None:
        self._path = path
        self._base_url = base_url
        self._max_age_ms = max_age_ms
        self._fetch = fetch
        self._parse = parse
        self._lock = threading.Lock()
        self._table: SymbolTable[T] | None = None
        self._fetched_ms = 0

    def get(self, *, refresh: bool = False) -> SymbolTable[T]:
        """The table from memory or disk while it is fresh, else fetched. Raises what ``fetch`` raises."""
        with self._lock:
            if not refresh and self._table is None:
                self._load()
            age_ms = _now_ms() - self._fetched_ms
            if refresh or self._table is None or not 0 <= age_ms <= self._max_age_ms:
                self._table = self._refetch()
            return self._table

    def peek(self) -> Mapping[str, T]:
        """The table where one is at hand, however old; never a request."""
        with self._lock:
            if self._table is None:
                self._load()
            return self._table if self._table is not None else {}

    @property
    def age_ms(self) -> int | None:
        """How old the table at hand is; None where there is none."""
        return _now_ms() - self._fetched_ms if self.peek() else None

    def _load(self) -> None:
        try:
            header_line, _, body = self._path.read_bytes().partition(b"\n")
            header = json.loads(header_line)
            if (header["schema"], header["base"], header["crc"]) != (
                _SCHEMA,
                self._base_url,
                zlib.crc32(body),
            ):
                return
            fetched_ms = int(header["fetched_ms"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        pairs = (line.partition(b"\t") for line in body.splitlines())
        self._table = SymbolTable({symbol.decode(): raw for symbol, _, raw in pairs}, self._parse)
        self._fetched_ms = fetched_ms

    def _refetch(self) -> SymbolTable[T]:
        lines: dict[str, bytes] = {}
        for symbol, raw in self._fetch().items():
            try:
                self._parse(raw)
            except (KeyError, ValueError, TypeError, ArithmeticError) as error:
                logger.warning("%s is left out, its data cannot be read: %r", symbol, error)
            else:
                lines[symbol] = json.dumps(raw, separators=(",", ":")).encode()
        self._fetched_ms = _now_ms()
        body = b"".join(symbol.encode() + b"\t" + raw + b"\n" for symbol, raw in lines.items())
        header = {
            "schema": _SCHEMA,
            "base": self._base_url,
            "fetched_ms": self._fetched_ms,
            "crc": zlib.crc32(body),
        }
        write_atomically(self._path, json.dumps(header).encode() + b"\n" + body)
        return SymbolTable(lines, self._parse)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
