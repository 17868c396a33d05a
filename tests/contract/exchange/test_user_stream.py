"""The user stream against a WebSocket server that drops, repeats, garbles and expires."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from orderkit.domain.events import Input, OrderReported, TradeReported, UserStreamDown, UserStreamUp
from orderkit.errors import ExchangeUnreachable, OrderRejected
from orderkit.exchange.user_events import decode
from orderkit.exchange.user_socket import EVENTS, StreamTiming
from orderkit.exchange.user_stream import UserStream
from tests.waiting import eventually

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
    async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        stream = UserStream(keys, f"ws://127.0.0.1:{port}", **options)
        task = asyncio.create_task(stream.run(received.append))
        try:
            yield received
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def stay(connection: ServerConnection, _path: str) -> None:
    await connection.wait_closed()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orderkit.exchange.connection.FIRST_PAUSE_S", 0.01)


def test_orders_and_trades_arrive_in_order_and_the_rest_is_passed_over() -> None:
    async def script(connection: ServerConnection, path: str) -> None:
        assert path.endswith(f"&events={EVENTS}")
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
            await eventually(lambda: len(received) == 6)
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
            await eventually(lambda: len(received) == 3)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, TradeReported, OrderReported]
    assert caplog.text.count("frame skipped") == len(garbled)


@pytest.mark.parametrize("manner", ["close", "abort"])
def test_a_lost_connection_is_reported_and_opened_again(manner: str) -> None:
    async def script(connection: ServerConnection, path: str) -> None:
        if "listenKey=key1&" in path:
            if manner == "abort":
                connection.transport.abort()
            return
        await connection.send(json.dumps(frames.NEW))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await eventually(lambda: len(received) == 4)
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
            await eventually(lambda: len(received) == 3)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, UserStreamDown, UserStreamUp]
    assert paths == [f"/private/ws?listenKey=key{number}&events={EVENTS}" for number in (1, 2)]


def test_a_key_is_extended_while_it_lives_and_replaced_when_it_is_found_dead() -> None:
    keys = ListenKeys()

    async def run() -> list[Input]:
        async with streaming(keys, stay, timing=StreamTiming(keep_alive_s=0.02)) as received:
            await eventually(lambda: keys.extended.count("key1") >= 2)
            keys.dead.add("key1")
            await eventually(lambda: "key2" in keys.extended)
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp, UserStreamDown, UserStreamUp]


def test_an_exchange_that_gives_no_key_is_asked_again() -> None:
    keys = ListenKeys()
    keys.refusals = [ExchangeUnreachable("no connection"), ExchangeUnreachable("no connection")]

    async def run() -> list[Input]:
        async with streaming(keys, stay) as received:
            await eventually(lambda: bool(received))
            return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp]


FAST = StreamTiming(life_s=0.3, overlap_s=0.1, ping_s=10.0)


class Exchange:
    """Sends every event to all open connections, as the exchange does; counts what it opened."""

    def __init__(self) -> None:
        self.open: list[ServerConnection] = []
        self.opened = 0
        self.most_open = 0
        self.sent = 0

    async def serve(self, connection: ServerConnection, _path: str) -> None:
        self.open.append(connection)
        self.opened += 1
        self.most_open = max(self.most_open, len(self.open))
        await connection.wait_closed()
        self.open.remove(connection)

    async def trade(self) -> None:
        """The next fill, with the number of the trade as its id. A client may be leaving as it is told."""
        self.sent += 1
        frame = json.dumps(frames.order_update(x="TRADE", X="PARTIALLY_FILLED", l="1", L="1", t=self.sent))
        for connection in tuple(self.open):
            with suppress(ConnectionClosed):
                await connection.send(frame)


def trades_in(received: list[Input]) -> list[int]:
    return [item.fill.trade_id for item in received if isinstance(item, TradeReported)]


def phases_in(received: list[Input]) -> list[type]:
    return [type(item) for item in received if isinstance(item, UserStreamUp | UserStreamDown)]


def test_a_connection_is_renewed_before_its_end_without_missing_an_event() -> None:
    exchange, keys = Exchange(), ListenKeys()

    async def run() -> list[Input]:
        async with streaming(keys, exchange.serve, timing=FAST) as received:
            await eventually(lambda: bool(received))
            while exchange.opened < 5:
                await exchange.trade()
                await asyncio.sleep(0.001)
            sent = exchange.sent
            await eventually(lambda: set(trades_in(received)) >= set(range(1, sent + 1)))
            return received

    received = asyncio.run(run())
    assert phases_in(received) == [UserStreamUp]
    assert exchange.most_open == 2  # the old one is closed each time
    assert len(trades_in(received)) > len(set(trades_in(received)))  # both are read for a while


def test_a_renewal_that_fails_leaves_the_connection_at_hand_alone() -> None:
    exchange, keys = Exchange(), ListenKeys()

    async def run() -> list[Input]:
        async with streaming(keys, exchange.serve, timing=FAST) as received:
            await eventually(lambda: bool(received))
            keys.refusals = [ExchangeUnreachable("no connection")] * 2
            await eventually(lambda: exchange.opened == 2)
            await exchange.trade()
            await eventually(lambda: bool(trades_in(received)))
            return received

    assert phases_in(asyncio.run(run())) == [UserStreamUp]
    assert keys.refusals == []


async def never_answer(connection: ServerConnection) -> None:
    """Stay connected and read nothing more, as a host that vanished."""
    connection.transport.pause_reading()
    await connection.wait_closed()


def test_a_connection_found_dead_when_it_is_renewed_counts_as_a_gap() -> None:
    exchange = Exchange()

    async def script(connection: ServerConnection, path: str) -> None:
        if exchange.opened == 0:
            exchange.opened += 1
            await never_answer(connection)
        else:
            await exchange.serve(connection, path)

    async def run() -> list[Input]:
        timing = StreamTiming(life_s=0.1, overlap_s=0.1, ping_s=0.5)
        async with streaming(ListenKeys(), script, timing=timing) as received:
            await eventually(lambda: len(phases_in(received)) == 3)
            return received

    assert phases_in(asyncio.run(run()))[:3] == [UserStreamUp, UserStreamDown, UserStreamUp]


def test_a_connection_that_answers_no_ping_is_replaced() -> None:
    connections = 0

    async def script(connection: ServerConnection, path: str) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await never_answer(connection)
        else:
            await stay(connection, path)

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script, timing=StreamTiming(ping_s=0.2)) as received:
            async with asyncio.timeout(15):
                await eventually(lambda: len(received) == 3)
            return list(received)

    assert phases_in(asyncio.run(run())) == [UserStreamUp, UserStreamDown, UserStreamUp]


def test_silence_is_no_reason_to_give_a_connection_up() -> None:
    async def run() -> list[Input]:
        async with streaming(ListenKeys(), stay, timing=StreamTiming(ping_s=1)) as received:
            await asyncio.sleep(2.2)
            return list(received)

    assert phases_in(asyncio.run(run())) == [UserStreamUp]


@pytest.mark.parametrize("clock_off_ms", [0, -7_200_000, 7_200_000])
def test_events_that_come_ever_later_mean_a_new_connection(clock_off_ms: int) -> None:
    connections = 0

    async def script(connection: ServerConnection, _path: str) -> None:
        nonlocal connections
        connections += 1
        now_ms = int(time.time() * 1000) + clock_off_ms
        ages_ms = [50, 0, 900, 5_000] if connections > 1 else [50, 0, 900, 11_000, 12_000]
        for n, age_ms in enumerate(ages_ms):
            await connection.send(json.dumps(frames.order_update(T=now_ms - age_ms, i=n)))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await eventually(lambda: len(received) == 11)
            await asyncio.sleep(0.05)
            return received

    kinds = [type(item) for item in asyncio.run(run())]
    assert kinds == [
        UserStreamUp,
        *[OrderReported] * 4,  # the late one is passed on all the same
        UserStreamDown,
        UserStreamUp,
        *[OrderReported] * 4,
    ]


def test_a_storm_of_disconnects_is_ridden_out_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[float] = []

    async def script(connection: ServerConnection, _path: str) -> None:
        opened.append(asyncio.get_running_loop().time())
        if len(opened) <= 6:
            await connection.send(json.dumps(frames.order_update(i=len(opened))))
            connection.transport.abort()
            return
        await connection.send(json.dumps(frames.FILL))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await eventually(lambda: bool(trades_in(received)))
            return received

    monkeypatch.setattr("orderkit.exchange.connection.FIRST_PAUSE_S", 0.01)
    phases = phases_in(asyncio.run(run()))
    assert phases == [UserStreamUp, UserStreamDown] * 6 + [UserStreamUp]
    pauses = [later - earlier for earlier, later in itertools.pairwise(opened)]
    assert pauses[-1] > 0.3  # 0.01 s doubled six times, halved at most by the jitter
    assert min(pauses) < 0.1


def test_reordered_and_repeated_events_pass_through_as_they_come() -> None:
    order = [3, 1, 1, 2, 3]

    async def script(connection: ServerConnection, _path: str) -> None:
        for n in order:
            frame = frames.order_update(x="TRADE", X="PARTIALLY_FILLED", l="1", L="1", t=n)
            await connection.send(json.dumps(frame))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            await eventually(lambda: len(trades_in(received)) == len(order))
            return received

    received = asyncio.run(run())
    assert trades_in(received) == order
    assert phases_in(received) == [UserStreamUp]


def test_a_slow_consumer_loses_nothing_of_a_burst() -> None:
    burst = 3_000

    async def script(connection: ServerConnection, _path: str) -> None:
        for n in range(1, burst + 1):
            frame = frames.order_update(x="TRADE", X="PARTIALLY_FILLED", l="1", L="1", t=n)
            await connection.send(json.dumps(frame))
        await connection.wait_closed()

    async def run() -> list[Input]:
        async with streaming(ListenKeys(), script) as received:
            while len(trades_in(received)) < burst:
                time.sleep(0.02)  # the loop is held up: something else computes
                await asyncio.sleep(0)
            return received

    assert trades_in(asyncio.run(run())) == list(range(1, burst + 1))


def test_the_address_is_asked_for_at_each_connection() -> None:
    first, second = Exchange(), Exchange()

    async def run() -> list[Input]:
        received: list[Input] = []

        async def handler(connection: ServerConnection) -> None:
            await (first if not bases[1:] else second).serve(connection, "")

        async with serve(handler, "127.0.0.1", 0) as one, serve(handler, "127.0.0.1", 0) as two:
            ports = [server.sockets[0].getsockname()[1] for server in (one, two)]
            stream = UserStream(ListenKeys(), lambda: bases[-1])
            bases.append(f"ws://127.0.0.1:{ports[0]}")
            task = asyncio.create_task(stream.run(received.append))
            await eventually(lambda: bool(received))
            bases.append(f"ws://127.0.0.1:{ports[1]}")
            one.close()
            await eventually(lambda: len(received) == 3)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return received

    bases: list[str] = []
    assert phases_in(asyncio.run(run())) == [UserStreamUp, UserStreamDown, UserStreamUp]
    assert (first.opened, second.opened) == (1, 1)


def test_both_spellings_of_a_frame_mean_the_same() -> None:
    for frame in (frames.NEW, frames.FILL, frames.ALGO_NONSENSE | {"o": frames.algo_update()["o"]}):
        compact = json.dumps(frame, separators=(",", ":")).encode()
        assert decode(compact) == decode(json.dumps(frame).encode()) != []


def test_cancelling_ends_it_without_a_further_word() -> None:
    async def run() -> list[Input]:
        async with streaming(ListenKeys(), stay) as received:
            await eventually(lambda: bool(received))
        return received

    assert [type(item) for item in asyncio.run(run())] == [UserStreamUp]
