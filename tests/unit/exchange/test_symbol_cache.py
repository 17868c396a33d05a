"""Facts on disk: fresh ones are used, old, foreign and damaged ones are fetched again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from orderkit.domain.instrument import Instrument
from orderkit.exchange import symbol_cache
from orderkit.exchange.symbol_cache import SymbolCache

HOUR_MS = 3_600_000


class Exchange:
    """Counts how often it is asked."""

    def __init__(self, *symbols: str) -> None:
        self.symbols: dict[str, Mapping[str, Any]] = {s: raw(s) for s in symbols}
        self.asked = 0

    def fetch(self) -> Mapping[str, Any]:
        self.asked += 1
        return self.symbols


def raw(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": symbol[:-4],
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "filters": [],
    }


@pytest.fixture
def exchange() -> Exchange:
    return Exchange("BTCUSDT", "币安人生USDT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "exchange_info-test.jsonl"


def cache(path: Path, exchange: Exchange, base: str = "https://one") -> SymbolCache[Instrument]:
    return SymbolCache(path, base, HOUR_MS, exchange.fetch, Instrument.from_exchange_info)


def test_a_second_process_reads_what_the_first_fetched(path: Path, exchange: Exchange) -> None:
    first = cache(path, exchange).get()
    second = cache(path, exchange).get()
    assert exchange.asked == 1
    assert dict(first) == dict(second)
    assert second["币安人生USDT"].base_asset == "币安人生"
    assert "NOSUCHUSDT" not in second


def test_a_refresh_asks_whatever_the_age(path: Path, exchange: Exchange) -> None:
    kept = cache(path, exchange)
    kept.get()
    exchange.symbols["NEWUSDT"] = raw("NEWUSDT")
    assert "NEWUSDT" not in kept.get()
    assert "NEWUSDT" in kept.get(refresh=True)
    assert "NEWUSDT" in cache(path, exchange).get()
    assert exchange.asked == 2


@pytest.mark.parametrize(("later_ms", "asked"), [(HOUR_MS - 1, 1), (HOUR_MS + 1, 2), (-1, 2)])
def test_age_decides_on_disk_and_in_memory(
    path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, later_ms: int, asked: int
) -> None:
    monkeypatch.setattr(symbol_cache, "_now_ms", lambda: 1_795_000_000_000)
    kept = cache(path, exchange)
    kept.get()
    monkeypatch.setattr(symbol_cache, "_now_ms", lambda: 1_795_000_000_000 + later_ms)
    kept.get()
    assert exchange.asked == asked
    cache(path, exchange).get()
    assert exchange.asked == asked


DAMAGE = [
    ("empty", lambda text: text[:0]),
    ("cut short", lambda text: text[: len(text) // 2]),
    ("a flipped digit", lambda text: text.replace('"quantityPrecision":3', '"quantityPrecision":4', 1)),
    ("header is no JSON", lambda text: "x" + text),
    ("header is a list", lambda text: "[]\n" + text.partition("\n")[2]),
    ("a newer schema", lambda text: text.replace('"schema": 1', '"schema": 2')),
    ("a binary file", lambda text: "\x00\x01" * len(text)),
]


@pytest.mark.parametrize("damage", [d[1] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_a_damaged_file_is_fetched_again(path: Path, exchange: Exchange, damage: Any) -> None:
    cache(path, exchange).get()
    path.write_text(damage(path.read_text()))
    assert cache(path, exchange).get()["BTCUSDT"].quantity_precision == 3
    assert exchange.asked == 2


def test_another_address_is_another_exchange(path: Path, exchange: Exchange) -> None:
    cache(path, exchange).get()
    cache(path, exchange, base="https://two").get()
    assert exchange.asked == 2


def test_a_place_that_cannot_be_written_only_costs_the_cache(tmp_path: Path, exchange: Exchange) -> None:
    (tmp_path / "file").touch()
    kept = cache(tmp_path / "file" / "cache.jsonl", exchange)
    assert "BTCUSDT" in kept.get()
    assert "BTCUSDT" in kept.get()
    assert exchange.asked == 1


def test_no_half_written_file_is_ever_left(path: Path, exchange: Exchange) -> None:
    cache(path, exchange).get()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_peeking_never_asks(path: Path, exchange: Exchange) -> None:
    assert cache(path, exchange).peek() == {}
    assert exchange.asked == 0
    cache(path, exchange).get()
    assert "BTCUSDT" in cache(path, exchange).peek()
    assert exchange.asked == 1


def test_one_symbol_of_many_is_parsed_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(*(f"C{n}USDT" for n in range(900)))
    cache(path, exchange).get()
    table = cache(path, exchange).get()
    parse = Mock(wraps=json.loads)
    monkeypatch.setattr(json, "loads", parse)
    assert len(table) == 900
    assert table["C7USDT"] is table["C7USDT"]
    assert parse.call_count == 1
