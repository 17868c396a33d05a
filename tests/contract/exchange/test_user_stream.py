"""The user stream against a WebSocket server that drops, repeats, garbles and expires."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import pytest
from websockets.asyncio.server import ServerConnection, serve

from orderkit.domain.events import Input, OrderReported, TradeReported, UserStreamDown, UserStreamUp
from orderkit.errors import ExchangeUnreachable, OrderRejected
from orderkit.exchange import user_stream
from orderkit.exchange.gateway import Gateway
from orderkit.exchange.user_stream import UserStream

from . import frames


class ListenKeys:
    """The part of a gateway that the stream uses, counting what is asked of it."""

    def __init__(self) -> None:
        self.created = 0
        self.extended: list[str] = []
        self.refusals: list[Exception] = []
        self.dead: set[str] = set()

    def create_listen_key(self) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.created += 1
        return f"key{self.created}"

    def keep_listen_key_alive(self, listen_key: str) -> None:
        self.extended.append(listen_key)
        if listen_key in self.dead:
            raise OrderRejected("This listenKey does not exist.", code=-1125)


Script = Callable[[ServerConnection, str], Awaitable[None]]


@asynccontextmanager
async def streaming(keys: ListenKeys, script: Script, **options: Any) -> AsyncIterator[list[Input]]:
    """Run the stream against ``script``, called per connection with the path it asked for."""

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        await script(connection, connection.request.path)

    received: list[Input] = []
    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stream = UserStream(cast(Gateway, keys), f"ws://127.0.0.1:{port}", **options)
        task = asyncio.create_task(stream.run(received.append))
        try:
            yield received
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def stay(connection: ServerConnection, _path: str) -> None:
    await connection.wait_closed()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_stream, "FIRST_PAUSE_S", 0.01)


def test_orders_and_trades_arrive_in_order_and_the_rest_is_passed_over() -> None:
    async def script(connection: ServerConnection, path: str) -> None:
        assert path == "/private/ws?listenKey=key1"
        for frame in (
            frames.TRADE_LITE,
            frames.NEW,
            frames.FILL,
            frames.FILL,
            frames.ACCOUNT_UPDATE,
            frames.UNHEARD_OF,
        ):
            await connection.send(json.dumps(frame))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await until(lambda: len(received) == 6)
            await asyncio.sleep(0.02)
            return received

    up, new, trade, filled, trade_again, filled_again = asyncio.run(run())
    assert isinstance(up, UserStreamUp)
    assert isinstance(new, OrderReported)
    assert isinstance(trade, TradeReported)
    assert trade.fill.price == Decimal("84146.50")
    assert trade.fill.commission == Decimal("3.36586")
    assert isinstance(filled, OrderReported)
    assert (trade_again, filled_again) == (trade, filled)  # the order monitor sorts duplicates out


def test_a_garbled_frame_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    garbled = [
        "{",
        "[]",
        '"x"',
        '{"e":1}',
        '{"e":"ORDER_TRADE_UPDATE","o":{}}',
        json.dumps(frames.ALGO_NONSENSE),
    ]

    async def script(connection: ServerConnection, _path: str) -> None:
        for frame in garbled:
            await connection.send(frame)
        await connection.send(json.dumps(frames.FILL))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await until(lambda: len(received) == 3)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, TradeReported, OrderReported]
    assert caplog.text.count("frame skipped") == len(garbled)


@pytest.mark.parametrize("manner", ["close", "abort"])
def test_a_lost_connection_is_reported_and_opened_again(manner: str) -> None:
    async def script(connection: ServerConnection, path: str) -> None:
        if path.endswith("key1"):
            if manner == "abort":
                connection.transport.abort()
            return
        await connection.send(json.dumps(frames.NEW))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await until(lambda: len(received) == 4)
            return received

    kinds = [type(item) for item in asyncio.run(run())]
    assert kinds == [UserStreamUp, UserStreamDown, UserStreamUp, OrderReported]


def test_an_expired_key_is_replaced_at_once() -> None:
    paths: list[str] = []

    async def script(connection: ServerConnection, path: str) -> None:
        paths.append(path)
        if len(paths) == 1:
            await connection.send(json.dumps({"e": "listenKeyExpired", "E": 1, "listenKey": "key1"}))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await until(lambda: len(received) == 3)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, UserStreamDown, UserStreamUp]
    assert paths == ["/private/ws?listenKey=key1", "/private/ws?listenKey=key2"]


def test_a_key_is_extended_while_it_lives_and_replaced_when_it_is_found_dead() -> None:
    keys = ListenKeys()

    async def run() -> list[Input]:
        async with streaming(keys, stay, keep_alive_s=0.02) as received:
            await until(lambda: keys.extended.count("key1") >= 2)
            keys.dead.add("key1")
            await until(lambda: "key2" in keys.extended)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, UserStreamDown, UserStreamUp]


def test_an_exchange_that_gives_no_key_is_asked_again() -> None:
    keys = ListenKeys()
    keys.refusals = [ExchangeUnreachable("no connection"), ExchangeUnreachable("no connection")]

    async def run() -> list[Input]:
        async with streaming(keys, stay) as received:
            await until(lambda: bool(received))
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp]


def test_cancelling_ends_it_without_a_further_word() -> None:
    async def run() -> list[Input]:
        async with streaming(ListenKeys(), stay) as received:
            await until(lambda: bool(received))
        return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp]
