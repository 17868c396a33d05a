"""The same TWAP over real sockets and in virtual time gives the same commands."""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from orderkit.config import Endpoints, Settings
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.commands import SubmitOrder
from orderkit.domain.enums import Environment, Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.domain.market import DepthUpdate, MarkPrice
from orderkit.engine.engine import Engine
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.user_stream import UserStream
from orderkit.journal.sqlite import SqliteJournal
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.paper.contracts import brackets, instruments
from orderkit.runtime.backtest import BacktestRuntime, Latency
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.simulated import SimulatedAccount
from orderkit.simulator.exchange import SimulatedExchange
from tests.support import Desk

START_MS = 1_800_000_000_000
BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")


def executor(request: TWAPRequest, snapshot: TradingSnapshot) -> TWAPExecutor:
    made = TWAPExecutor(request, BTC)
    made.validate(snapshot)
    return made


class Recorded:
    """A gateway that notes what is submitted."""

    def __init__(self, gateway: BinanceGateway) -> None:
        self._gateway = gateway
        self.submitted: list[SubmitOrder] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)

    def submit(self, client_order_id: str, request: object) -> object:
        self.submitted.append(SubmitOrder("parity", client_order_id, request))  # type: ignore[arg-type]
        return self._gateway.submit(client_order_id, request)  # type: ignore[arg-type]


def live(desk: Desk, request: TWAPRequest, depth: str) -> tuple[list[SubmitOrder], JobResult]:
    settings = Settings(environment=Environment.PAPER, home=desk.home)
    endpoints = Endpoints.of(settings)
    gateway = Recorded(BinanceGateway(settings, endpoints))
    desk.market("60000", "60000.1", quantities=(depth, depth))
    account = gateway._gateway.account(["BTCUSDT"])
    quote, mark = gateway._gateway.quote("BTCUSDT"), gateway._gateway.mark_price("BTCUSDT")
    snapshot = TradingSnapshot(BTC, quote, mark.mark_price, 0, account, brackets()["BTCUSDT"])
    journal = SqliteJournal(desk.home / "parity.sqlite")
    record = JobRecord("parity", "twap", "paper", {}, 0)
    journal.open_job(record)

    async def run() -> JobResult:
        stream = UserStream(gateway, endpoints.stream)  # type: ignore[arg-type]
        engine = Engine()
        engine.learn(snapshot, time.time_ns())
        runtime = LiveRuntime(engine, gateway, journal, user_stream=stream)  # type: ignore[arg-type]
        async with runtime:
            return await runtime.start("parity", executor(request, snapshot).run)

    result = asyncio.run(run())
    journal.close()
    (desk.home / "parity.sqlite").unlink()
    return gateway.submitted, result


def virtual(request: TWAPRequest, depth: str) -> tuple[list[SubmitOrder], JobResult, list[int]]:
    exchange = SimulatedExchange(instruments(), brackets(), now_ms=START_MS)
    exchange.open_account("me", {"USDT": Decimal(100_000)})
    size = Decimal(depth)
    exchange.apply(
        DepthUpdate(
            "BTCUSDT", ((Decimal(60_000), size),), ((Decimal("60000.1"), size),), START_MS, snapshot=True
        )
    )
    exchange.apply(
        MarkPrice("BTCUSDT", Decimal("60000.05"), Decimal("60000.05"), Decimal(0), START_MS + 1, START_MS)
    )
    snapshot = SimulatedAccount(exchange, "me").snapshot(BTC, brackets()["BTCUSDT"])
    runtime = BacktestRuntime(Engine(), exchange, "me", [], latency=Latency(2, 2))
    runtime.start("parity", executor(request, snapshot).run)
    result = runtime.run()["parity"]
    submitted = [(at, c) for at, c in runtime.commands if isinstance(c, SubmitOrder)]
    return (
        [replace(c, not_before_ns=0) for _, c in submitted],  # absolute times, of another clock
        result,
        [(max(at, c.not_before_ns) - START_MS * 1_000_000) // 1_000_000 for at, c in submitted],
    )


def request(side: Side, quantity: str, chunks: int) -> TWAPRequest:
    return TWAPRequest("BTCUSDT", side, Decimal(quantity), chunks, interval_ms=600)


@pytest.mark.parametrize(
    ("twap", "depth", "status"),
    [
        (request(Side.BUY, "1.0", 5), "50", JobStatus.COMPLETED),
        (request(Side.SELL, "1.0", 3), "50", JobStatus.COMPLETED),
        # the book gives out in the second slice: what is left rolls on, is tried again, and stays undone
        (request(Side.BUY, "0.4", 4), "0.15", JobStatus.STOPPED),
    ],
    ids=["buy", "sell", "thin book"],
)
def test_live_and_virtual_runs_emit_the_same_orders(
    desk: Desk, twap: TWAPRequest, depth: str, status: JobStatus
) -> None:
    live_commands, live_result = live(desk, twap, depth)
    virtual_commands, virtual_result, _ = virtual(twap, depth)
    assert live_commands == virtual_commands
    assert live_result.status is virtual_result.status is status


def test_virtual_time_keeps_the_schedule_to_the_millisecond() -> None:
    _, _, times_ms = virtual(request(Side.BUY, "1.0", 5), "50")
    assert times_ms == [index * 600 for index in range(5)]
