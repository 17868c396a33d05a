"""A thousand orders under random faults: 50 jobs at once in one process, then 20 processes on one journal."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orderkit.config import Settings
from orderkit.domain.enums import Environment, Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.engine.engine import Engine
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.user_stream import UserStream
from orderkit.journal.sqlite import SqliteJournal
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.timing import run
from tests.faults.cells import CellDesk, document, open_desk
from tests.faults.truth import assert_executed_once, assert_true
from tests.support import finish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 20_261_121
ORDERS = 1_000
SLICE = Decimal("0.01")
ORDER = ("POST", "/fapi/v1/order")
QUERY = ("GET", "/fapi/v1/order")
TRADES = ("GET", "/fapi/v1/userTrades")
FAULTS: list[dict[str, Any]] = [
    {"action": "drop"},
    {"action": "drop", "apply": "after"},
    {"action": "error", "status": 503},
    {"action": "error", "status": 503, "apply": "after"},
    {"action": "error", "status": 503, "body": {"code": -1008, "msg": "Request throttled."}},
    {"action": "error", "status": 408, "body": {"code": -1007, "msg": "Timeout."}, "apply": "after"},
    {"action": "error", "status": 500, "body": "<html>", "apply": "after"},
    {"action": "error", "status": 400, "body": {"code": -2019, "msg": "Margin is insufficient."}},
    {"action": "delay", "apply": "after", "delay_ms": 700},
    {"action": "delay", "delay_ms": 700},
]
STREAM_FAULTS = ["disconnect", "duplicate", "reorder", "stall", None]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CellDesk]:
    made = open_desk(tmp_path)
    made.renew()
    made.control(
        "POST", "/paper/limits", {"weight_per_minute": 0, "orders_per_10s": 0, "orders_per_minute": 0}
    )
    made.market("60000", "60000.1", quantities=("900", "900"))
    made.control("POST", "/paper/deposit", {"amount": "10000000"})
    yield made
    made.close()


class Weather:
    """Puts a random fault on a random request every 50 ms, and on the streams now and then."""

    def __init__(self, desk: CellDesk, seed: int) -> None:
        self._desk = desk
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow)
        self.faults = 0

    def __enter__(self) -> "Weather":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._desk.control("DELETE", "/paper/faults")

    def _blow(self) -> None:
        while not self._over.wait(0.05):
            method, path = self._random.choice([ORDER, ORDER, ORDER, QUERY, TRADES])
            self._desk.fault(method, path, nth=self._random.randint(1, 3), **self._random.choice(FAULTS))
            self.faults += 1
            if self.faults % 25 == 0:
                self._desk.control("DELETE", "/paper/faults")
                fault = self._random.choice(STREAM_FAULTS)
                if fault is not None:
                    self._desk.control("POST", "/paper/faults", {"streams": fault})


def resident_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def placed(desk: CellDesk) -> int:
    """Orders that the exchange has in its history."""
    rows = desk.requests(*ORDER)
    return len({row["params"]["newClientOrderId"] for row in rows})


def test_fifty_jobs_at_once_in_one_process_lose_and_double_nothing(
    desk: CellDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(desk.home))
    settings = Settings(environment=Environment.PAPER, home=desk.home)
    gateway = BinanceGateway(settings)
    journal = SqliteJournal(desk.home / "journal.sqlite")
    instrument = gateway.instruments()["BTCUSDT"]
    memory: list[int] = []
    results: list[JobResult] = []
    chunks, jobs = 5, 50

    async def round_of_jobs(runtime: LiveRuntime, number: int) -> None:
        async def job(index: int) -> None:
            request = TWAPRequest("BTCUSDT", Side.BUY, SLICE * chunks, chunks, interval_ms=400)
            job_id = f"r{number}j{index}"
            started_ns = runtime.clock.now_ns()
            journal.open_job(
                JobRecord(
                    job_id=job_id, kind="twap", environment="paper", parameters={}, started_ns=started_ns
                )
            )
            flow = TWAPExecutor(request, instrument).run
            results.append(await runtime.start(job_id, flow, started_ns=started_ns))

        await asyncio.gather(*(job(index) for index in range(jobs)))

    async def main() -> int:
        stream = UserStream(gateway, lambda: gateway.endpoints.stream)
        rounds = 0
        async with LiveRuntime(Engine(), gateway, journal, user_stream=stream) as runtime:
            while placed(desk) < ORDERS:
                await round_of_jobs(runtime, rounds)
                rounds += 1
                memory.append(resident_kb())
        return rounds

    begun = time.monotonic()
    with Weather(desk, SEED) as weather:
        rounds = run(main())
    seconds = time.monotonic() - begun
    gateway.close()
    journal.close()
    assert {result.status for result in results} == {JobStatus.COMPLETED}
    assert_true(desk, executed=SLICE * chunks * jobs * rounds)
    assert_executed_once(desk)
    grown_mb = (memory[-1] - memory[0]) / 1024
    print(
        f"\n{len(results)} jobs, 50 at once: {placed(desk)} orders in {seconds:.0f} s under {weather.faults}"
        f" faults; memory {memory[0] / 1024:.0f} MB after the first round, {grown_mb:+.1f} MB in the"
        f" {rounds - 1} rounds after it"
    )
    assert grown_mb < 15


def test_twenty_processes_at_once_on_one_journal_lose_and_double_nothing(desk: CellDesk) -> None:
    lines: Callable[[int], str] = lambda n: (  # noqa: E731
        f"twap BTCUSDT BUY 0.6 --chunks 60 --interval 300ms --job-id p{n} --json"
    )
    begun = time.monotonic()
    with Weather(desk, SEED + 1) as weather:
        processes = [desk.start(lines(n)) for n in range(20)]
        ended = [finish(process, 300) for process in processes]
    seconds = time.monotonic() - begun
    unfinished = sum(done.code != 0 for done in ended)
    for number, done in enumerate(ended):
        if done.code:  # with the weather over, what a person would do
            if done.code == 8:
                desk.bot("reconcile --json")
            done = desk.bot(lines(number))
        assert (done.code, document(done)["executed_quantity"]) == (0, "0.600"), done
    assert placed(desk) >= ORDERS
    # A job ends without trades that could not be had within a minute: they are to be had now.
    assert desk.bot("reconcile --json").code == 0
    assert_true(desk, executed=Decimal(12))
    assert_executed_once(desk)
    print(
        f"\n20 processes on one journal: {placed(desk)} orders in {seconds:.0f} s under {weather.faults}"
        f" faults; {unfinished} processes were repeated afterwards"
    )
