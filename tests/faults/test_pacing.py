"""Many processes on one exchange: none exceeds the limits, and what one is told all obey."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from orderkit.config import Settings
from orderkit.domain.enums import Environment, OrderType, Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.domain.order import Fill, Order, OrderRef, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.engine.watch import WatchPolicy
from orderkit.errors import RateLimited
from orderkit.exchange import pacing
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.gateway import Gateway
from orderkit.journal.sqlite import SqliteJournal
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.timing import run
from tests.support import Desk

# Places orders (and asks for quotes in between, with QUOTES) until all are through, as a job would.
CLIENT = """
import json, sys, time
from decimal import Decimal
from orderkit.config import Settings
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.order import OrderRequest
from orderkit.errors import RateLimited
from orderkit.exchange.binance_gateway import BinanceGateway

name, orders, quotes, patience_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
gateway = BinanceGateway(Settings.load("paper"))
request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.001"))
deadline = time.monotonic() + patience_s
refusals = []
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()

def persist(act):
    while True:
        try:
            return act()
        except RateLimited as error:
            refusals.append([error.retry_after_s, error.banned])
            print("refused", flush=True)
            if time.monotonic() + error.retry_after_s > deadline:
                return None
            time.sleep(error.retry_after_s)

for n in range(orders):
    persist(lambda: gateway.submit(f"{name}-{n}", request))
for n in range(quotes):
    persist(lambda: gateway.quote("BTCUSDT"))
gateway.close()
print(json.dumps({"refusals": refusals, "seconds": time.monotonic() - began}))
"""

# Sets the limits for all processes, as an answer of exchangeInfo would.
LEARN = """
import json, sys
from orderkit.config import Settings
from orderkit.exchange.binance_gateway import BinanceGateway
gateway = BinanceGateway(Settings.load("paper"))
gateway._transport.pacer.learn(json.loads(sys.argv[1]))
gateway.close()
"""


@dataclass
class Machine:
    """Processes of one user, whose budget is in ``temporary``; each may have a home of its own."""

    desk: Desk
    temporary: Path

    def client(self, name: str, orders: int = 0, quotes: int = 0, patience_s: float = 60) -> "Client":
        arguments = [name, str(orders), str(quotes), str(patience_s)]
        return Client(self._python(CLIENT, *arguments))

    def set_limits(self, weight: int, orders_10s: int, orders_1m: int) -> None:
        """In the exchange, and as the clients know them."""
        keys = ("weight_per_minute", "orders_per_10s", "orders_per_minute")
        self.desk.control(
            "POST", "/paper/limits", dict(zip(keys, (weight, orders_10s, orders_1m), strict=True))
        )
        rows = [("REQUEST_WEIGHT", "MINUTE", 1, weight), ("ORDERS", "SECOND", 10, orders_10s)]
        rows.append(("ORDERS", "MINUTE", 1, orders_1m))
        names = ("rateLimitType", "interval", "intervalNum", "limit")
        learn = self._python(LEARN, json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
        assert learn.wait(30) == 0
        Client.close_pipes(learn)

    def _python(self, program: str, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=self.desk.environ | {"TMPDIR": str(self.temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


@dataclass
class Client:
    process: "subprocess.Popen[str]"

    def ready(self) -> "Client":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        return self

    def refused(self) -> "Client":
        """Wait until it has been told no, and has told all others."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "refused\n"
        return self

    def go(self) -> "Client":
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self

    def result(self, timeout_s: float = 60) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=timeout_s)
        assert self.process.returncode == 0
        document: dict[str, Any] = json.loads(out.splitlines()[-1])
        return document

    @staticmethod
    def close_pipes(process: "subprocess.Popen[str]") -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def machine(desk: Desk, tmp_path: Path) -> Iterator[Machine]:
    yield Machine(desk, tmp_path)
    desk.control(
        "POST",
        "/paper/limits",
        {"weight_per_minute": 2400, "orders_per_10s": 300, "orders_per_minute": 1200},
    )


def statuses(desk: Desk) -> list[int]:
    return [row["status"] for row in desk.all_requests()]


@pytest.mark.slow
def test_twenty_processes_at_once_never_exceed_the_limits_and_all_orders_get_through(
    machine: Machine,
) -> None:
    machine.set_limits(weight=160, orders_10s=40, orders_1m=1200)
    before = len(machine.desk.all_requests())
    clients = [machine.client(f"p{n}", orders=5, quotes=2) for n in range(20)]
    for client in clients:
        client.ready()
    begun = time.monotonic()
    for client in clients:
        client.go()
    for client in clients:
        client.result(110)
    seconds = time.monotonic() - begun
    rows = machine.desk.all_requests()[before:]
    assert not [row for row in rows if row["status"] != 200]
    placed = [row for row in rows if (row["method"], row["path"]) == ("POST", "/fapi/v1/order")]
    assert len(placed) == 100
    assert seconds > 10  # 40 in ten seconds: the limit was felt
    print(f"100 orders and 40 queries of 20 processes in {seconds:.1f} s, none refused")


def test_a_429_in_one_process_makes_another_wait(machine: Machine) -> None:
    machine.desk.fault(
        "GET", "/fapi/v1/ticker/bookTicker", "error", nth=1, status=429, headers={"Retry-After": "3"}
    )
    first, second = machine.client("a", quotes=1).ready(), machine.client("b", orders=1).ready()
    first.go().refused()
    second.go().result()
    first.result()
    refused, *later = machine.desk.all_requests()
    assert [refused["status"], *(row["status"] for row in later)] == [429, 200, 200]
    assert min(row["time"] for row in later) - refused["time"] >= 3_000


def test_a_418_stops_every_process_without_another_request(machine: Machine) -> None:
    machine.desk.fault("POST", "/fapi/v1/order", "error", nth=1, status=418, headers={"Retry-After": "100"})
    names = ("a", "b", "c")
    first, *others = [machine.client(name, orders=1, patience_s=5).ready() for name in names]
    first.go().result()
    for other in others:
        result = other.go().result()
        ((retry_after_s, banned),) = result["refusals"]
        assert banned
        assert 40 < retry_after_s <= 100
    assert statuses(machine.desk) == [418]


def test_a_killed_process_leaves_no_lock_behind(machine: Machine) -> None:
    victims = [machine.client(f"v{n}", orders=200).ready() for n in range(2)]
    for victim in victims:
        victim.go()
    while len(statuses(machine.desk)) < 10:
        time.sleep(0.01)
    for victim in victims:
        victim.process.kill()
        victim.process.wait()
        Client.close_pipes(victim.process)
    survivor = machine.client("s", orders=3).ready().go().result()
    assert survivor["refusals"] == []
    assert survivor["seconds"] < 30


def test_queries_give_way_to_orders_when_the_weight_runs_out(machine: Machine) -> None:
    machine.set_limits(weight=16, orders_10s=300, orders_1m=1200)
    asking = machine.client("q", quotes=20, patience_s=1).ready().go()
    while len(statuses(machine.desk)) < 6:
        time.sleep(0.01)
    placing = machine.client("o", orders=20).ready().go().result()
    assert placing["refusals"] == []
    asking.process.kill()
    asking.process.wait()
    Client.close_pipes(asking.process)
    paths = [row["path"] for row in machine.desk.all_requests()]
    # Six of weight 2 are three quarters of 16; the minute may turn meanwhile.
    assert paths.count("/fapi/v1/ticker/bookTicker") in range(6, 13)
    assert paths.count("/fapi/v1/order") == 20
    assert set(statuses(machine.desk)) == {200}


class Crowded:
    """A gateway whose first queries of trades find the weight used up by other processes."""

    def __init__(self, gateway: BinanceGateway, times: int) -> None:
        self._gateway = gateway
        self._left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def fills(self, ref: OrderRef) -> Sequence[Fill]:
        self._left -= 1
        with contextlib.suppress(RateLimited):
            while self._left >= 0:
                self._gateway.quote(ref.symbol)
        if self._left == -1:
            self._gateway._transport.pacer.learn([weight(2400)])
        return self._gateway.fills(ref)


def weight(limit: int) -> dict[str, object]:
    return {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}


def test_trades_are_not_given_up_while_our_own_requests_leave_no_room_to_ask_for_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(desk.home))
    monkeypatch.setattr(pacing, "QUERY_WAIT_S", 0)
    gateway = BinanceGateway(Settings(environment=Environment.PAPER, home=desk.home))
    gateway._transport.pacer.learn([weight(16)])
    journal = SqliteJournal(desk.home / "crowded.sqlite")
    journal.open_job(JobRecord("crowd", "market", "paper", {}, 0))
    request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.001"))
    orders: list[Order] = []

    def flow(ctx: Context) -> Flow[JobResult]:
        orders.append(ctx.submit(request))
        yield from ctx.wait_done(*orders)
        return JobResult(JobStatus.COMPLETED)

    async def job() -> JobResult:
        engine = Engine(WatchPolicy(give_up_after_ms=1, trades_alone_ms=(0, 10)))
        async with LiveRuntime(engine, cast(Gateway, Crowded(gateway, 5)), journal) as runtime:
            return await runtime.start("crowd", flow)

    assert run(job()).status is JobStatus.COMPLETED
    gateway.close()
    journal.close()
    (order,) = orders
    assert not order.trades_unavailable
    assert order.filled_by_trades == Decimal("0.001")


def test_the_budget_does_not_depend_on_the_state_directory(tmp_path: Path) -> None:
    program = (
        "import time; from orderkit.exchange import pacing; from orderkit.exchange.pacing import Pacer; "
        "from orderkit.exchange.budget import Limits; from orderkit.exchange.weights import Cost; "
        "p = Pacer('https://exchange.test', 'key', Limits(0, 2, 2), lambda: time.time_ns() // 10**6); "
        "pacing.URGENT_WAIT_S = 0; p.take(Cost(0, 1, True), 'order'); print('sent')"
    )

    def place(home: str) -> str:
        environ = os.environ | {"TMPDIR": str(tmp_path), "ORDERKIT_HOME": str(tmp_path / home)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return "sent" if done.stdout == "sent\n" else done.stderr.strip().splitlines()[-1]

    assert [place("one"), place("two")] == ["sent", "sent"]
    assert "2/2 orders" in place("three")
