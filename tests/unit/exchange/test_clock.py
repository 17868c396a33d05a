"""The exchange's clock: measured once for all threads, remembered for an hour."""

import json
import threading
from pathlib import Path

import pytest

from orderkit.exchange import clock as clock_module
from orderkit.exchange.clock import MAX_AGE_MS, ExchangeClock

NOW_MS = 1_795_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def stand_at(monkeypatch: pytest.MonkeyPatch, *times_ms: int) -> None:
    """The local clock says these times in turn, and then the last one for ever."""
    remaining = list(times_ms)
    monkeypatch.setattr(
        clock_module, "_local_ms", lambda: remaining.pop(0) if len(remaining) > 1 else remaining[0]
    )


def test_half_the_round_trip_is_taken_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, NOW_MS, NOW_MS + 200)
    clock = ExchangeClock(path, "https://one")
    clock.resync(0, lambda: NOW_MS + 5100)
    assert clock.offset_ms == 5000
    assert clock.now_ms() == NOW_MS + 5200


@pytest.mark.parametrize(
    ("later_ms", "base", "offset_ms"),
    [
        (MAX_AGE_MS, "https://one", -3000),
        (MAX_AGE_MS + 1, "https://one", 0),
        (-1, "https://one", 0),
        (0, "https://two", 0),
    ],
)
def test_a_measurement_is_remembered_for_its_hour_and_its_exchange(
    path: Path, monkeypatch: pytest.MonkeyPatch, later_ms: int, base: str, offset_ms: int
) -> None:
    stand_at(monkeypatch, NOW_MS)
    ExchangeClock(path, "https://one").resync(0, lambda: NOW_MS - 3000)
    stand_at(monkeypatch, NOW_MS + later_ms)
    assert ExchangeClock(path, base).offset_ms == offset_ms


@pytest.mark.parametrize("content", ["", "[]", '{"base":"https://one","offset_ms":"5","measured_ms":1}', "{"])
def test_a_damaged_memory_counts_as_none(path: Path, content: str) -> None:
    path.write_text(content)
    assert ExchangeClock(path, "https://one").offset_ms == 0


def test_threads_that_complain_together_measure_once(path: Path) -> None:
    clock = ExchangeClock(path, "https://one")
    asked: list[int] = []
    gate = threading.Barrier(8)

    def server_time_ms() -> int:
        asked.append(1)
        return clock_module._local_ms() + 9000

    def complain() -> None:
        gate.wait()
        clock.resync(0, server_time_ms)

    threads = [threading.Thread(target=complain) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert json.loads(path.read_text())["offset_ms"] == clock.offset_ms
