"""Binance's public endpoints on loopback, with books that a test moves and failures that it orders."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, web

from tests.unit.sources.frames import levels

Levels = dict[str, str]  # quantity by price


@dataclass
class FakeBook:
    """One symbol's true book and what its stream told of it."""

    bids: Levels
    asks: Levels
    update_id: int = 100
    told_id: int = 100
    unsent: list[tuple[int, str, str, str]] = field(default_factory=list)  # id, side, price, quantity

    def set(self, side: str, price: str, quantity: str) -> None:
        self.update_id += 1
        book = self.bids if side == "b" else self.asks
        book[price] = quantity
        if quantity == "0":
            del book[price]
        self.unsent.append((self.update_id, side, price, quantity))

    def best(self) -> tuple[str, str, str, str]:
        bid, ask = max(self.bids, key=float), min(self.asks, key=float)
        return bid, self.bids[bid], ask, self.asks[ask]

    def snapshot(self) -> dict[str, Any]:
        now_ms = time.time_ns() // 1_000_000
        head = {"lastUpdateId": self.update_id, "E": now_ms, "T": now_ms}
        return head | {"bids": levels(self.bids), "asks": levels(self.asks)}


class FakeBinance:
    """REST depth and the two stream paths. ``answers`` are given, one each, before real depth answers."""

    def __init__(self, books: Mapping[str, FakeBook]) -> None:
        self.books = dict(books)
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.depth_requests: list[tuple[float, dict[str, str]]] = []
        self.connections: list[tuple[str, list[str]]] = []
        self.sockets: dict[str, set[web.WebSocketResponse]] = {"public": set(), "market": set()}
        self.refuse_streams = False
        self.base = ""

    # what a test does

    async def move(self, symbol: str, side: str, price: str, quantity: str, *, told: bool = True) -> None:
        """Change a level; the diff goes out at once, or is lost on the way where not ``told``."""
        self.books[symbol].set(side, price, quantity)
        await self.tell(symbol, told=told)

    async def tell(self, symbol: str, *, told: bool = True) -> None:
        """Send all changes since the last diff as one."""
        book = self.books[symbol]
        now_ms = time.time_ns() // 1_000_000
        first = book.unsent[0][0] if book.unsent else book.update_id
        body = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": symbol, "U": first, "u": book.update_id}
        body |= {"pu": book.told_id}
        body |= {key: [[p, q] for _, side, p, q in book.unsent if side == key] for key in ("b", "a")}
        book.told_id = book.update_id
        book.unsent.clear()
        if told:
            await self.send("public", f"{symbol.lower()}@depth@100ms", body)

    async def show_best(self, symbol: str) -> None:
        bid, bid_quantity, ask, ask_quantity = self.books[symbol].best()
        body = {"e": "bookTicker", "u": self.books[symbol].update_id, "s": symbol, "T": 1, "E": 1}
        body |= {"b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity}
        await self.send("public", f"{symbol.lower()}@bookTicker", body)

    async def print_trade(self, symbol: str, trade_id: int, price: str, quantity: str) -> None:
        body = {"e": "aggTrade", "E": 1, "s": symbol, "a": trade_id, "p": price, "q": quantity, "m": True}
        await self.send("market", f"{symbol.lower()}@aggTrade", body | {"T": 1, "f": 1, "l": 1})

    async def mark(self, symbol: str, price: str) -> None:
        body = {"e": "markPriceUpdate", "E": 1, "s": symbol, "p": price, "i": price, "r": "0.0001"}
        await self.send("market", f"{symbol.lower()}@markPrice@1s", body | {"T": 1_790_006_400_000})

    async def send(self, path: str, stream: str, data: object) -> None:
        await self.send_text(path, json.dumps({"stream": stream, "data": data}))

    async def send_text(self, path: str, text: str) -> None:
        for socket in list(self.sockets[path]):
            with suppress(ConnectionError):  # the client may be leaving as it is told
                await socket.send_str(text)

    async def cut(self, path: str) -> None:
        """Close all connections of a path."""
        for socket in list(self.sockets[path]):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def connected(self, path: str, times: int = 1) -> None:
        """Wait for the so-manieth connection on a path."""
        while sum(where == path for where, _ in self.connections) < times or not self.sockets[path]:
            await asyncio.sleep(0.005)

    async def asked(self, times: int) -> None:
        """Wait for the so-manieth depth request."""
        while len(self.depth_requests) < times:
            await asyncio.sleep(0.005)

    # what it answers

    async def _depth(self, request: web.Request) -> web.Response:
        self.depth_requests.append((time.monotonic(), dict(request.query)))
        if self.answers:
            status, body, headers = self.answers.pop(0)
            return web.json_response(body, status=status, headers=headers)
        return web.json_response(self.books[request.query["symbol"]].snapshot())

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_streams:
            return web.Response(status=503)
        path = request.match_info["path"]
        self.connections.append((path, request.query["streams"].split("/")))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[path].add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self.sockets[path].discard(socket)
        return socket


@asynccontextmanager
async def fake_binance(books: Mapping[str, FakeBook]) -> AsyncIterator[FakeBinance]:
    """A fake serving on a port of its own; ``base`` is its address without the scheme."""
    fake = FakeBinance(books)
    app = web.Application()
    app.router.add_get("/fapi/v1/depth", fake._depth)
    app.router.add_get("/{path:public|market}/stream", fake._streams)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.base = "127.0.0.1:" + site.name.rpartition(":")[2]
    try:
        yield fake
    finally:
        for path in fake.sockets:
            await fake.cut(path)
        await runner.cleanup()
