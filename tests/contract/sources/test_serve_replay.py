"""A served replay stands ready with its whole book and keeps real time, faster or in a loop if asked to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.paper.server import Server, serve
from tests.support import Desk
from tests.unit.sources.frames import Frame, diff, record, snapshot, ticker
from tests.waiting import until

ROUND_MS = 2000
STEP_MS = 100


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A bid that grows by 1 every 100 ms for two seconds, from 1 on; the ask stays."""
    frames: list[Frame | str] = [snapshot(100, 0, {"60000.0": "1", "59990.0": "50"}, {"60000.1": "3"})]
    for number in range(1, ROUND_MS // STEP_MS + 1):
        at, quantity, update_id = number * STEP_MS, str(number + 1), 100 + number
        frames.append(ticker(update_id, at, "60000.0", quantity, "60000.1", "3"))
        frames.append(diff(update_id, update_id, update_id - 1, at, {"60000.0": quantity}, {}))
    directory = tmp_path / "recordings"
    directory.mkdir()
    record(directory / "usdm_btcusdt.gz", frames)
    return directory


@contextmanager
def served(home: Path, recordings: Path, *arguments: str) -> Iterator[Server]:
    server = serve(home, "--data", str(recordings), *arguments, market="replay")
    try:
        yield server
    finally:
        server.stop()


def bid_quantity(server: Server) -> float:
    document = server.raw("GET", "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT").json()
    return float(document["bidQty"])


def test_the_book_is_whole_and_the_recording_at_its_beginning_when_the_server_is_ready(
    tmp_path: Path, recorded: Path
) -> None:
    with served(tmp_path, recorded, "--speed", "0.1") as server:
        depth = server.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5").json()
        assert [float(price) for price, _ in depth["bids"]] == [60_000, 59_990]
        assert [[float(x) for x in level] for level in depth["asks"]] == [[60_000.1, 3]]
        assert float(depth["bids"][0][1]) <= 8
        status = server.raw("GET", "/fapi/v1/exchangeInfo").json()["symbols"]
        assert [s["symbol"] for s in status if s["status"] == "TRADING"] == ["BTCUSDT"]


@pytest.mark.parametrize(("speed", "least_s"), [("1", 0.9), ("4", 0.22)])
def test_ten_steps_of_100_ms_take_a_second_or_what_the_speed_makes_of_it(
    tmp_path: Path, recorded: Path, speed: str, least_s: float
) -> None:
    with served(tmp_path, recorded, "--speed", speed) as server:
        started = time.monotonic()
        first = bid_quantity(server)
        until(lambda: bid_quantity(server) >= first + 10)
        assert time.monotonic() - started > least_s


def test_hours_pass_in_seconds_when_the_market_is_that_much_faster(tmp_path: Path) -> None:
    hours: list[Frame | str] = [snapshot(100, 0, {"60000.0": "1"}, {"60000.1": "3"})]
    hours += [
        ticker(100 + hour, hour * 3_600_000, "60000.0", str(hour + 1), "60000.1", "3") for hour in range(1, 5)
    ]
    directory = tmp_path / "recordings"
    directory.mkdir()
    record(directory / "usdm_btcusdt.gz", hours)
    with served(tmp_path, directory, "--speed", "10000") as server:
        until(lambda: bid_quantity(server) == 5)


def test_at_its_end_the_market_stands_still(tmp_path: Path, recorded: Path) -> None:
    with served(tmp_path, recorded, "--speed", "10") as server:
        last = 1 + ROUND_MS / STEP_MS
        until(lambda: bid_quantity(server) == last)
        time.sleep(0.3)
        assert bid_quantity(server) == last


def test_a_loop_begins_again(tmp_path: Path, recorded: Path) -> None:
    with served(tmp_path, recorded, "--speed", "4", "--loop") as server:
        for _ in range(2):
            until(lambda: bid_quantity(server) > 15)
            until(lambda: bid_quantity(server) < 5)


def test_a_broken_recording_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    record(tmp_path / "recorded.gz", [diff(1, 2, 0, 0, {}, {})])
    done = Desk(home).run("paper", "serve", "--market", "replay", "--data", str(tmp_path))
    assert done.code == 6
    assert "no depth snapshot" in done.err
