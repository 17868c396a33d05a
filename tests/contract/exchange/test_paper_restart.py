"""A gateway and a stream on a paper exchange that dies and comes back, and a stream that is renewed there."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from orderkit.config import Endpoints, Settings
from orderkit.domain.enums import Environment, OrderStatus, OrderType, Side
from orderkit.domain.events import Input, TradeReported, UserStreamDown, UserStreamUp
from orderkit.domain.order import OrderRef, OrderRequest
from orderkit.errors import ExchangeUnreachable
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.user_socket import StreamTiming
from orderkit.exchange.user_stream import UserStream
from orderkit.paper import process
from tests.waiting import eventually

MARKET = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.01"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    process.stop(tmp_path)


def gateway_of(home: Path) -> BinanceGateway:
    return BinanceGateway(Settings(environment=Environment.PAPER, home=home))


def kill(home: Path) -> None:
    """End the exchange as a power cut does."""
    info = process.status(home)
    assert info is not None
    os.kill(info.pid, signal.SIGKILL)
    while process._is_alive(info.pid):
        time.sleep(0.01)


def test_a_job_goes_on_with_the_exchange_that_somebody_has_restarted(home: Path) -> None:
    gateway = gateway_of(home)
    before = gateway.submit("job-1", MARKET)
    rest = gateway.endpoints.rest
    kill(home)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
    process.start(home, port=port)
    again = gateway.submit("job-2", MARKET)
    assert gateway.endpoints.rest != rest
    assert (before.status, again.status) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert gateway.query(OrderRef("BTCUSDT", "job-1")).executed_quantity == Decimal("0.01")
    gateway.close()


def test_many_threads_that_find_it_gone_restart_it_once(home: Path) -> None:
    gateway = gateway_of(home)
    gateway.quote("BTCUSDT")
    kill(home)
    with ThreadPoolExecutor(8) as threads:
        reports = list(threads.map(lambda n: gateway.submit(f"job-{n}", MARKET), range(8)))
    assert {report.status for report in reports} == {OrderStatus.FILLED}
    gateway.close()


def test_it_is_not_looked_for_at_every_failure(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_of(home)
    kill(home)
    looked = 0

    def look(_: Settings) -> Endpoints:
        nonlocal looked
        looked += 1
        raise ExchangeUnreachable("cannot be started")

    monkeypatch.setattr(Endpoints, "of", look)
    for _ in range(5):
        with pytest.raises(ExchangeUnreachable):
            gateway.submit("job-1", MARKET)
    assert looked == 1
    gateway.close()


def test_the_user_stream_follows_it_too(home: Path) -> None:
    gateway = gateway_of(home)
    received: list[Input] = []

    def phases() -> list[type]:
        return [type(item) for item in received if isinstance(item, UserStreamUp | UserStreamDown)]

    async def run() -> None:
        stream = UserStream(gateway, lambda: gateway.endpoints.stream)
        task = asyncio.create_task(stream.run(received.append))
        await eventually(lambda: bool(phases()))
        await asyncio.to_thread(kill, home)
        await eventually(lambda: len(phases()) == 3)
        await asyncio.to_thread(gateway.submit, "job-1", MARKET)
        await eventually(lambda: any(isinstance(item, TradeReported) for item in received))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert phases() == [UserStreamUp, UserStreamDown, UserStreamUp]
    gateway.close()


def test_a_stream_that_is_renewed_misses_no_fill(home: Path) -> None:
    gateway = gateway_of(home)
    received: list[Input] = []
    timing = StreamTiming(life_s=0.2, overlap_s=0.05)

    def filled() -> set[str]:
        return {item.fill.client_order_id for item in received if isinstance(item, TradeReported)}

    async def run() -> None:
        stream = UserStream(gateway, lambda: gateway.endpoints.stream, timing=timing)
        task = asyncio.create_task(stream.run(received.append))
        await eventually(lambda: bool(received))
        begun, placed = time.monotonic(), 0
        while placed <= 10 or time.monotonic() - begun < 2:
            await asyncio.to_thread(gateway.submit, f"job-{placed}", MARKET)
            placed += 1
            await asyncio.sleep(0.02)
        await eventually(lambda: len(filled()) == placed, "a fill was missed")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert sum(isinstance(item, UserStreamUp) for item in received) == 1
    gateway.close()
