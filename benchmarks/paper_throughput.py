"""What the paper exchange takes: orders per second over REST and the WebSocket API, and answer times.

    python benchmarks/paper_throughput.py [--seconds 5] [--rounds 3]

The exchange runs in a process of its own on one core, its clients on the others. An order is signed, checked,
matched, charged, on disk and published before it is answered. Requests are signed beforehand, so that the
client's own cost does not count. On a machine with other work the CPU time of the exchange per request says
more than the rate: its inverse is what a core of its own would do. "market orders" fill, in turn buying and
selling; "limit orders" rest among a hundred others and every second request cancels one.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import aiohttp

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import summary

REST_CONNECTIONS = 32
SOCKET_REQUESTS_IN_FLIGHT = 32
PACE_PER_S = 100
SUBSCRIBERS = 50
SYMBOLS = ("btcusdt", "ethusdt", "solusdt", "bnbusdt", "xrpusdt")
NO_LIMITS = {"weight_per_minute": 0, "orders_per_10s": 0, "orders_per_minute": 0}

Parameters = dict[str, str]
Mix = Callable[[], Iterator[tuple[str, Parameters]]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running exchange and the default account's keys."""

    rest: str
    ws: str
    api_key: str
    api_secret: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.rest.rpartition(":")[2])

    def control(self, path: str, body: object) -> None:
        with urlopen(Request(self.rest + path, json.dumps(body).encode(), method="POST")) as answer:
            answer.read()

    def cpu_s(self) -> float:
        """The CPU time that the exchange has had, by proc(5)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sign(self, text: str) -> str:
        return hmac.new(self.api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@contextmanager
def served(market: str) -> Iterator[Exchange]:
    """An exchange pinned to the first core, this process to the others."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "orderkit.paper", "--home", home, "--market", market],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            os.sched_setaffinity(process.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:] or cores)
            del ready["ready"]
            exchange = Exchange(**ready, pid=process.pid)
            exchange.control("/paper/limits", NO_LIMITS)
            if market == "manual":
                deep = {"symbol": "BTCUSDT", "bid": "60000", "ask": "60000.1"}
                exchange.control("/paper/market", deep)
            yield exchange
        finally:
            process.terminate()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()
            os.sched_setaffinity(0, cores)


def market_orders() -> Iterator[tuple[str, Parameters]]:
    """Market orders, in turn buying and selling."""
    for number in count():
        side = "SELL" if number % 2 else "BUY"
        yield "place", {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.01"}


def limit_orders() -> Iterator[tuple[str, Parameters]]:
    """A hundred resting orders; then in turn one more, and the oldest cancelled."""
    resting = 100
    for number in count():
        price = str(59_000 - number % 50)
        yield (
            "place",
            {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.01",
                "price": price,
                "newClientOrderId": f"o-{number}",
            },
        )
        if number >= resting:
            yield "cancel", {"symbol": "BTCUSDT", "origClientOrderId": f"o-{number - resting}"}


MIXES: dict[str, Mix] = {"market orders": market_orders, "limit orders": limit_orders}


def rest_requests(exchange: Exchange, mix: Mix, number: int) -> list[bytes]:
    """Signed requests as they go over the wire, good for a minute."""
    verbs = {"place": "POST", "cancel": "DELETE"}
    requests = []
    for (action, parameters), _ in zip(mix(), range(number), strict=False):
        text = "&".join(f"{name}={value}" for name, value in parameters.items())
        text += f"&recvWindow=60000&timestamp={int(time.time() * 1000)}"
        head = f"{verbs[action]} /fapi/v1/order?{text}&signature={exchange.sign(text)} HTTP/1.1\r\n"
        head += f"Host: 127.0.0.1\r\nX-MBX-APIKEY: {exchange.api_key}\r\nContent-Length: 0\r\n\r\n"
        requests.append(head.encode())
    return requests


def socket_requests(exchange: Exchange, mix: Mix, number: int) -> list[str]:
    """Signed messages of the WebSocket API, good for a minute."""
    messages = []
    for (action, parameters), each in zip(mix(), range(number), strict=False):
        whole = parameters | {"apiKey": exchange.api_key, "recvWindow": "60000"}
        whole["timestamp"] = str(int(time.time() * 1000))
        text = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        params = whole | {"signature": exchange.sign(text)}
        messages.append(json.dumps({"id": each, "method": f"order.{action}", "params": params}))
    return messages


async def answer_of(reader: asyncio.StreamReader) -> int:
    """Read one HTTP answer and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head[9:12])


async def over_rest(exchange: Exchange, mix: Mix, seconds: float) -> tuple[float, int]:
    """Requests answered per second, and in all, over 32 connections, one in flight on each."""
    queue = iter(rest_requests(exchange, mix, int(seconds * 12_000)))
    answered, refused = 0, 0
    ends = 0.0

    async def client() -> None:
        nonlocal answered, refused
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        while time.perf_counter() < ends and (request := next(queue, None)) is not None:
            writer.write(request)
            refused += await answer_of(reader) != 200
            answered += 1
        writer.close()

    begun = time.perf_counter()
    ends = begun + seconds
    await asyncio.gather(*(client() for _ in range(REST_CONNECTIONS)))
    assert refused <= answered * 0.01, f"{refused} of {answered} refused"
    return answered / (time.perf_counter() - begun), answered


async def over_socket(exchange: Exchange, mix: Mix, seconds: float) -> tuple[float, int]:
    """Requests answered per second, and in all, over one connection to the WebSocket API."""
    queue = iter(socket_requests(exchange, mix, int(seconds * 20_000)))
    answered, refused = 0, 0
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{exchange.ws}/ws-fapi/v1", max_msg_size=0) as socket,
    ):
        begun = time.perf_counter()
        ends = begun + seconds
        in_flight = 0
        for _ in range(SOCKET_REQUESTS_IN_FLIGHT):
            await socket.send_str(next(queue))
            in_flight += 1
        while in_flight:
            message = await socket.receive()
            answered += 1
            in_flight -= 1
            refused += '"status":200' not in message.data[:60]
            if time.perf_counter() < ends and (request := next(queue, None)) is not None:
                await socket.send_str(request)
                in_flight += 1
        took = time.perf_counter() - begun
    assert refused <= answered * 0.01, f"{refused} of {answered} refused"
    return answered / took, answered


async def answer_times(exchange: Exchange, seconds: float) -> tuple[list[float], int]:
    """Answer times in ms of market orders sent at 100 a second, and how many stream messages came meanwhile.

    Fifty sockets listen: every tenth to the account, the others to book, trades and quotes of a symbol.
    """
    received = 0

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        nonlocal received
        async for _ in socket:
            received += 1

    times_ms: list[float] = []
    async with aiohttp.ClientSession() as http, AsyncExitStack() as stack:
        headers = {"X-MBX-APIKEY": exchange.api_key}
        async with http.post(f"{exchange.rest}/fapi/v1/listenKey", headers=headers) as answer:
            key = (await answer.json())["listenKey"]
        listening = []
        for number in range(SUBSCRIBERS):
            symbol = SYMBOLS[number % len(SYMBOLS)]
            path = f"/public/stream?streams={symbol}@depth@100ms/{symbol}@bookTicker/{symbol}@trade"
            if number % 10 == 0:
                path = f"/private/ws/{key}"
            socket = await stack.enter_async_context(http.ws_connect(exchange.ws + path))
            listening.append(asyncio.create_task(listen(socket)))
        orders = int(seconds * PACE_PER_S)
        requests = rest_requests(exchange, market_orders, orders)
        connections = [await asyncio.open_connection("127.0.0.1", exchange.port) for _ in range(8)]
        free = list(connections)

        async def send(request: bytes) -> None:
            begun = time.perf_counter()
            if not free:  # every connection waits for an answer
                connections.append(await asyncio.open_connection("127.0.0.1", exchange.port))
                free.append(connections[-1])
            reader, writer = connection = free.pop()
            writer.write(request)
            assert await answer_of(reader) == 200
            times_ms.append((time.perf_counter() - begun) * 1000)
            free.append(connection)

        loop = asyncio.get_running_loop()
        started = loop.time()
        sending = []
        for number, request in enumerate(requests):
            await asyncio.sleep(max(0.0, started + number / PACE_PER_S - loop.time()))
            sending.append(asyncio.create_task(send(request)))
        await asyncio.gather(*sending)
        for task in listening:
            task.cancel()
        for _, writer in connections:
            writer.close()
    return times_ms, received


def measure(seconds: float, rounds: int) -> None:
    """Run everything and print the figures."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _cpu_info() if line.startswith("model name")),
        platform.machine(),
    )
    cores = len(os.sched_getaffinity(0))
    print(f"{cpu}, {cores} cores, {platform.system()}, CPython {platform.python_version()}")
    kinds: dict[str, Any] = {"REST, 32 connections": over_rest, "WebSocket API, 1 connection": over_socket}
    for mix_name, mix in MIXES.items():
        for kind, run in kinds.items():
            rates, costs_us = [], []
            for _ in range(rounds):
                with served("manual") as exchange:
                    before = exchange.cpu_s()
                    rate, answered = asyncio.run(run(exchange, mix, seconds))
                    costs_us.append((exchange.cpu_s() - before) / answered * 1e6)
                    rates.append(rate)
            cost_us = statistics.median(costs_us)
            print(
                f"{mix_name}, {kind}: median {statistics.median(rates):,.0f} requests/s, all "
                + ", ".join(f"{rate:,.0f}" for rate in rates)
                + f"; CPU of the exchange {cost_us:,.0f} us each, {1e6 / cost_us:,.0f}/s of a core"
            )
    with served("synthetic") as exchange:
        times_ms, received = asyncio.run(answer_times(exchange, max(10.0, seconds * 4)))
    print(summary(f"answer to an order at {PACE_PER_S}/s with {SUBSCRIBERS} subscribers", times_ms, "ms"))
    print(f"stream messages sent meanwhile: {received:,}")


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    measure(given.seconds, given.rounds)


if __name__ == "__main__":
    main()
