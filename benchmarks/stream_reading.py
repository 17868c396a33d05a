"""How fast the user stream is read, decoded and routed, beside the bare library in the same run.

    python benchmarks/stream_reading.py [--messages 200000] [--rounds 3]

A process of its own sends ready-made frames over loopback: flat out, and at 1,000 a second. "bare" takes
them off the socket with websockets and nothing else; "orderkit" is UserStream from its connection to the
engine's inputs. The two take turns; medians are printed, and of them trust the ratios.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from websockets.asyncio.client import connect

from orderkit.domain.events import Input, OrderReported, TradeReported
from orderkit.exchange.user_events import decode
from orderkit.exchange.user_stream import UserStream

PACE_PER_S = 1_000
PACED_MESSAGES = 5_000
BATCH = 400
_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3

ORDER: dict[str, Any] = {
    "s": "BTCUSDT", "c": "ok-twap-7k3m9q2x-12", "S": "BUY", "o": "MARKET", "f": "GTC", "q": "0.100",
    "p": "0", "ap": "0", "sp": "0", "x": "NEW", "X": "NEW", "i": 4129479931, "l": "0", "z": "0", "L": "0",
    "n": "0", "N": "USDT", "T": 1795000000123, "t": 0, "b": "0", "a": "0", "m": False, "R": False,
    "wt": "CONTRACT_PRICE", "ot": "MARKET", "ps": "BOTH", "cp": False, "rp": "0", "pP": False, "si": 0,
    "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0, "er": "0",
}  # fmt: skip
FILLED = ORDER | {
    "x": "TRADE", "X": "FILLED", "ap": "84146.50000", "l": "0.100", "z": "0.100", "L": "84146.50",
    "n": "3.36586000", "t": 310194316,
}  # fmt: skip
HEAD = {"T": 1795000000123, "E": 1795000000124}
NEW_FRAME = {"e": "ORDER_TRADE_UPDATE", **HEAD, "o": ORDER}
FILL_FRAME = {"e": "ORDER_TRADE_UPDATE", **HEAD, "o": FILLED}
LITE_FRAME = {
    "e": "TRADE_LITE", **HEAD, "s": "BTCUSDT", "q": "0.100", "p": "0", "m": False,
    "c": "ok-twap-7k3m9q2x-12", "S": "BUY", "L": "84146.50", "l": "0.100", "t": 310194316, "i": 4129479931,
}  # fmt: skip
BALANCE = {"a": "USDT", "wb": "99996.63414000", "cw": "99996.63414000", "bc": "0"}
POSITION = {
    "s": "BTCUSDT", "pa": "0.100", "ep": "84146.5", "bep": "84180.15", "cr": "0", "up": "0", "mt": "cross",
    "iw": "0", "ps": "BOTH",
}  # fmt: skip
ACCOUNT_FRAME = {"e": "ACCOUNT_UPDATE", **HEAD, "a": {"m": "ORDER", "B": [BALANCE], "P": [POSITION]}}

# What the exchange sends for one market order, and the dearest of it alone.
MIXES = {
    "market orders": [LITE_FRAME, NEW_FRAME, FILL_FRAME, ACCOUNT_FRAME],
    "fills only": [FILL_FRAME],
}


@dataclass(frozen=True, slots=True)
class Measured:
    per_s: float
    cpu_us: float


class Keys:
    """The gateway's part; the listen key tells the server what to send."""

    def __init__(self, key: str) -> None:
        self._key = key

    def create_listen_key(self) -> str:
        return self._key

    def keep_listen_key_alive(self, listen_key: str) -> None:
        raise NotImplementedError(listen_key)


# --- the sending process --------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """Serve one connection after the other until the parent ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    _send_all(client)
                except OSError:
                    continue


def _send_all(client: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    key = next(
        line.partition(b": ")[2]
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    listen_key = request.partition(b"listenKey=")[2].partition(b" ")[0].decode()
    mix, pace, count = listen_key.replace("%20", " ").split("-")
    frames = [_frame(json.dumps(event, separators=(",", ":")).encode()) for event in MIXES[mix]]
    if pace == "flat":
        batch = b"".join(frames) * (BATCH // len(frames))
        for _ in range(int(count) // BATCH):
            client.sendall(batch)
    else:
        begun = time.monotonic()
        for n in range(int(count)):
            time.sleep(max(0.0, begun + n / PACE_PER_S - time.monotonic()))
            client.sendall(frames[n % len(frames)])
    client.recv(65536)  # until the client closes


def _frame(payload: bytes) -> bytes:
    """An unmasked text frame (RFC 6455, section 5.2)."""
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + payload


# --- the readers ----------------------------------------------------------------------------------


async def bare(base: str, key: str, messages: int) -> Measured:
    async with connect(
        f"{base}/private/ws?listenKey={key.replace(' ', '%20')}", compression=None, proxy=None
    ) as stream:
        await stream.recv(decode=False)
        clock = Clock()
        for _ in range(messages - 1):
            await stream.recv(decode=False)
        return clock.over(messages - 1)


async def ours(base: str, key: str, messages: int) -> Measured:
    events = [decode(json.dumps(event).encode()) for event in MIXES[key.partition("-")[0]]]
    expected = sum(len(inputs) for inputs in events if isinstance(inputs, list)) * messages // len(events)
    done = asyncio.Event()
    counts = {OrderReported: 0, TradeReported: 0}
    clock: Clock | None = None
    result: list[Measured] = []

    def route(item: Input) -> None:
        nonlocal clock
        kind = type(item)
        if kind in counts:
            counts[kind] += 1
            if clock is None:
                clock = Clock()
            elif counts[OrderReported] + counts[TradeReported] == expected:
                result.append(clock.over(messages - 1))
                done.set()

    stream = UserStream(Keys(key.replace(" ", "%20")), base)
    task = asyncio.create_task(stream.run(route))
    await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return result[0]


class Clock:
    """Wall and CPU time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def over(self, messages: int) -> Measured:
        wall_s, cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Measured(messages / wall_s, cpu_s / messages * 1e6)


def decoding(mix: str, messages: int) -> Measured:
    """Frames to inputs without a socket."""
    frames = [json.dumps(event, separators=(",", ":")).encode() for event in MIXES[mix]]
    clock = Clock()
    for _ in range(messages // len(frames)):
        for frame in frames:
            decode(frame)
    return clock.over(messages)


def median(results: list[Measured], value: Callable[[Measured], float]) -> float:
    return statistics.median(map(value, results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    messages = options.messages // BATCH * BATCH
    ours_pipe, server_pipe = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(server_pipe,), daemon=True)
    server.start()
    base = f"ws://127.0.0.1:{ours_pipe.recv()}"
    for pace, count in (("flat", messages), ("paced", PACED_MESSAGES)):
        for mix in MIXES:
            rounds: dict[str, list[Measured]] = {"bare": [], "orderkit": []}
            key = f"{mix}-{pace}-{count}"
            for _ in range(options.rounds):
                rounds["bare"].append(asyncio.run(bare(base, key, count)))
                rounds["orderkit"].append(asyncio.run(ours(base, key, count)))
            speed = {name: median(results, lambda m: m.per_s) for name, results in rounds.items()}
            cpu = {name: median(results, lambda m: m.cpu_us) for name, results in rounds.items()}
            print(
                f"{pace:6}{mix:15}"
                f"bare {speed['bare'] / 1e3:6.1f}k msg/s {cpu['bare']:5.1f} µs CPU   "
                f"orderkit {speed['orderkit'] / 1e3:6.1f}k msg/s {cpu['orderkit']:5.1f} µs CPU   "
                f"ratio {speed['orderkit'] / speed['bare']:.2f}"
            )
    for mix in MIXES:
        results = [decoding(mix, messages) for _ in range(options.rounds)]
        print(f"decode {mix:15}{median(results, lambda m: m.cpu_us):5.2f} µs a message")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
