"""Whatever is thrown at the exchange, it goes on, stays small, and its books balance."""

import asyncio
import contextlib
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from websockets.asyncio.client import connect

from orderkit.paper.server import ENDPOINTS
from orderkit.paper.websocket_api.methods import METHODS
from tests.contract.paper.server import Server, hmac_hex, serve
from tests.contract.paper.streams import listen

NO_LIMITS = {"weight_per_minute": 0, "orders_per_10s": 0, "orders_per_minute": 0}
# Parameters that every endpoint finds something in, so that garbage is reached behind the first check.
SOUND = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "59000",
    "timeInForce": "GTC",
    "interval": "1m",
    "contractType": "PERPETUAL",
    "leverage": "5",
    "marginType": "ISOLATED",
    "amount": "1",
    "algoType": "CONDITIONAL",
    "triggerPrice": "58000",
    "limit": "10",
    "orderId": "1",
    "algoId": "1",
    "orderIdList": "[1]",
    "batchOrders": '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":0.01}]',
    "dualSidePosition": "true",
    "multiAssetsMargin": "true",
    "countdownTime": "0",
}
OTHERS = (
    *("newClientOrderId", "origClientOrderId", "clientAlgoId", "positionSide", "reduceOnly", "stopPrice"),
    *("closePosition", "workingType", "callbackRate", "activatePrice", "priceProtect", "priceMatch"),
    *("selfTradePreventionMode", "goodTillDate", "newOrderRespType", "origClientOrderIdList", "page"),
    *("startTime", "endTime", "fromId", "incomeType", "recvWindow", "modifyId", "autoCloseType"),
)
GARBAGE = (
    *("", "0", "-1", "-0", "1.5", "1e5", "1e999", "1e-30", "NaN", "Infinity", "0x10", "1_000", " 1", "+1"),
    *("9" * 40, "9223372036854775807", "-9223372036854775808", "0." + "0" * 29 + "1", "253402300799000"),
    *("true", "True", "null", "None", "[]", "{}", "[[[[", "[1,2", "[null]", '[{"a":1}]', '["x",{}]'),
    *("[1e400]", '{"a":' * 50, "[" * 5000, "\x00", "€", "١٢", "%00", "%ZZ", "a" * 5000, "'; DROP TABLE"),
    *("MARKET", "STOP", "TRAILING_STOP_MARKET", "GTX", "GTD", "FOK", "LONG", "QUEUE", "btcusdt", "SELL"),
)
JSON_GARBAGE: tuple[Any, ...] = (
    *GARBAGE,
    0,
    -1,
    1.5,
    1e300,
    2**70,
    True,
    False,
    None,
    [],
    {},
    [[]],
    {"a": [None]},
    ["1"],
)


@pytest.fixture(scope="module")
def _battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("garbage"))
    yield server
    server.stop()


@pytest.fixture
def battered(_battered: Server) -> Iterator[Server]:
    """An exchange that only these tests use; it must be alive and sound after each of them."""
    _battered.control("POST", "/paper/reset")
    _battered.control("POST", "/paper/limits", NO_LIMITS)
    _battered.market()
    yield _battered
    assert _battered.process.poll() is None
    assert_sound(_battered)
    _battered.close_clients()


def assert_sound(server: Server) -> None:
    """Wallet = opening balance + income, positions = the net of the fills, and no crossed book."""
    (balance,) = server.signed("GET", "/fapi/v3/balance", {}).json()
    entries: list[Any] = []
    for page in range(1, 100):
        more = server.signed("GET", "/fapi/v1/income", {"limit": "1000", "page": str(page)}).json()
        entries += more
        if len(more) < 1000:
            break
    assert 100_000 + sum(Decimal(e["income"]) for e in entries) == Decimal(balance["balance"])
    held = {
        (p["symbol"], p["positionSide"]): Decimal(p["positionAmt"])
        for p in server.signed("GET", "/fapi/v3/positionRisk", {}).json()
        if Decimal(p["positionAmt"])
    }
    net: dict[tuple[str, str], Decimal] = {}
    for trade in fills(server):
        quantity = Decimal(trade["qty"]) * (1 if trade["side"] == "BUY" else -1)
        key = (trade["symbol"], trade["positionSide"])
        net[key] = net.get(key, Decimal(0)) + quantity
    assert held == {key: amount for key, amount in net.items() if amount}
    for quote in server.raw("GET", "/fapi/v1/ticker/bookTicker").json():
        bid, ask = Decimal(quote["bidPrice"]), Decimal(quote["askPrice"])
        assert bid < ask or not (bid and ask)


def fills(server: Server) -> Iterator[Any]:
    """All fills of the account, page by page."""
    for each in server.raw("GET", "/fapi/v1/exchangeInfo").json()["symbols"]:
        query = {"symbol": each["symbol"], "limit": "1000", "fromId": "0"}
        while page := server.signed("GET", "/fapi/v1/userTrades", query).json():
            yield from page
            query["fromId"] = str(page[-1]["id"] + 1)


def resident_mb(server: Server) -> float:
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def settled(value: Callable[[], int], expected: int, timeout_s: float = 10) -> bool:
    """Whether ``value`` comes down to ``expected`` in time."""
    deadline = time.monotonic() + timeout_s
    while value() > expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return value() <= expected


def spoilt(chance: random.Random, garbage: tuple[Any, ...]) -> dict[str, Any]:
    """Parameters, some of them missing and some replaced by garbage."""
    given: dict[str, Any] = dict(SOUND)
    for name in chance.sample((*SOUND, *OTHERS), chance.randint(0, 6)):
        given[name] = chance.choice(garbage)
    for name in chance.sample(sorted(given), chance.randint(0, 3)):
        del given[name]
    return given


@pytest.mark.parametrize(
    ("seed", "requests_sent"), [(1, 1_500), pytest.param(2, 20_000, marks=pytest.mark.slow)]
)
def test_signed_garbage_is_refused_and_never_breaks_a_route(
    battered: Server, seed: int, requests_sent: int
) -> None:
    """Signed correctly, so that it gets past the signature and into the endpoints."""
    chance = random.Random(seed)
    with requests.Session() as session:
        session.headers["X-MBX-APIKEY"] = battered.api_key
        for _ in range(requests_sent):
            endpoint = chance.choice(ENDPOINTS)
            given = spoilt(chance, GARBAGE) | {"timestamp": str(int(time.time() * 1000))}
            text = urlencode(given)
            text += f"&signature={hmac_hex(battered.api_secret, text)}"
            url, body = f"{battered.rest}{endpoint.path}", text
            if chance.random() < 0.5:
                url, body = f"{url}?{text}", ""
            answer = session.request(endpoint.method, url, data=body, timeout=10)
            assert answer.status_code in (200, 400, 401), (endpoint.path, given, answer.text)
            assert answer.status_code == 200 or {"code", "msg"} == set(answer.json())


@pytest.mark.parametrize(
    ("seed", "messages_sent"), [(1, 1_500), pytest.param(2, 20_000, marks=pytest.mark.slow)]
)
def test_every_garbage_message_of_the_websocket_api_is_answered(
    battered: Server, seed: int, messages_sent: int
) -> None:
    chance = random.Random(seed)

    def message(number: int) -> str:
        kind = chance.random()
        if kind < 0.1:
            return chance.choice(GARBAGE)
        params = spoilt(chance, JSON_GARBAGE) | {"apiKey": battered.api_key}
        params["timestamp"] = int(time.time() * 1000)
        text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items() if v is not None}
        signed = "&".join(f"{name}={text[name]}" for name in sorted(text))
        params["signature"] = hmac_hex(battered.api_secret, signed)
        name = chance.choice((*METHODS, "no.such"))
        request: dict[str, Any] = {"id": number, "method": name, "params": params}
        if kind < 0.2:
            request[chance.choice(["id", "method", "params"])] = chance.choice(JSON_GARBAGE)
        return json.dumps(request)

    async def scenario() -> list[Any]:
        async with listen(f"{battered.ws}/ws-fapi/v1") as connection:
            for number in range(messages_sent):
                await connection.socket.send(message(number))
            await connection.command("ticker.price", None, "last")
            return connection.messages

    answers = asyncio.run(scenario())
    assert len(answers) == messages_sent + 1
    assert {answer["status"] for answer in answers} <= {200, 400, 401}


@pytest.mark.parametrize("path", ["/public/ws", "/market/stream", "/private/ws"])
def test_garbage_on_a_stream_socket_is_answered_or_ends_that_socket_alone(
    battered: Server, path: str
) -> None:
    commands = [
        *GARBAGE,
        *(json.dumps(value) for value in JSON_GARBAGE),
        *(
            json.dumps({"method": method, "params": params, "id": 1})
            for method in ("SUBSCRIBE", "UNSUBSCRIBE", "SET_PROPERTY", "LIST_SUBSCRIPTIONS", "x")
            for params in JSON_GARBAGE
        ),
    ]

    async def scenario() -> None:
        async with listen(f"{battered.ws}/public/ws/btcusdt@bookTicker") as bystander:
            for start in range(0, len(commands), 10):
                async with listen(f"{battered.ws}{path}") as connection:
                    for command in commands[start : start + 10]:
                        with contextlib.suppress(Exception):
                            await connection.socket.send(command)
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(battered.market, bid="60000.2", ask="60000.3")
            await bystander.wait(lambda m: m.get("b") == "60000.20")

    asyncio.run(scenario())


def test_garbage_for_the_control_routes_is_refused(battered: Server) -> None:
    chance = random.Random(3)
    routes = ("market", "mark", "keys", "deposit", "faults", "limits", "funding")
    names = (
        *("symbol", "bid", "ask", "price", "amount", "asset", "api_key", "api_secret", "public_key"),
        *("match", "action", "streams", "times", "rate", "orders_per_10s", "delay_ms", "status"),
    )
    with requests.Session() as session:
        for _ in range(1_000):
            fields = {name: chance.choice(JSON_GARBAGE) for name in chance.sample(names, 4)}
            body = json.dumps(fields if chance.random() < 0.8 else chance.choice(JSON_GARBAGE))
            answer = session.post(f"{battered.rest}/paper/{chance.choice(routes)}", data=body, timeout=10)
            assert answer.status_code in (200, 400), (body, answer.text)
            if answer.status_code == 200:
                battered.control("DELETE", "/paper/faults")
    battered.control("POST", "/paper/reset")
    battered.control("POST", "/paper/limits", NO_LIMITS)


def test_json_nested_without_end_is_refused(battered: Server) -> None:
    deep = "[" * 5_000
    batch = battered.signed("POST", "/fapi/v1/batchOrders", {"batchOrders": deep})
    assert (batch.status_code, batch.json()["code"]) == (400, -1130)
    assert battered.raw("POST", "/paper/market", data=deep).status_code == 400


BLOBS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of a TLS handshake
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET " + b"/" * 200_000,
    b"POST /fapi/v1/order HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /fapi/v1/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /fapi/v1/order HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{}",
    b"GET /fapi/v1/time HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"\x00" * 100_000,
    b"GET /ws-fapi/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\xff\xff\xff",
]


@pytest.mark.parametrize("blob", BLOBS)
def test_bytes_that_are_no_request_end_their_connection_only(battered: Server, blob: bytes) -> None:
    port = int(battered.rest.rpartition(":")[2])
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), 5) as connection, contextlib.suppress(OSError):
            connection.sendall(blob)
    assert battered.raw("GET", "/fapi/v1/ping").status_code == 200


def test_huge_bodies_and_messages_are_refused_and_not_kept(battered: Server) -> None:
    before_mb = resident_mb(battered)
    huge = b"a=" + b"x" * (8 * 1024 * 1024)
    for _ in range(10):
        assert battered.raw("POST", "/fapi/v1/order", data=huge).status_code == 413
        assert battered.raw("POST", "/paper/market", data=huge).status_code == 413

    async def send(path: str) -> None:
        async with listen(f"{battered.ws}{path}", max_size=None) as connection:
            with contextlib.suppress(Exception):
                await connection.socket.send("x" * 1_000_000)
            await connection.wait_closed()

    for _ in range(5):
        asyncio.run(send("/ws-fapi/v1"))
        asyncio.run(send("/public/ws"))
    assert resident_mb(battered) - before_mb < 60


def test_a_client_that_does_not_read_its_answers_is_not_served_without_end(battered: Server) -> None:
    """The exchange stops reading when the answers pile up, rather than keeping them all."""
    before_mb = resident_mb(battered)
    request = json.dumps({"id": 1, "method": "ticker.book"}).encode()
    frame = bytes([0x81, 0x80 | len(request)]) + b"\0\0\0\0" + request
    head = (
        "GET /ws-fapi/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    port = int(battered.rest.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(head.encode())
        connection.settimeout(1)
        sent = 0
        with contextlib.suppress(TimeoutError):
            for _ in range(2_000):
                connection.sendall(frame * 500)
                sent += 500
        assert sent < 1_000_000
        assert battered.raw("GET", "/fapi/v1/ping").status_code == 200
        assert resident_mb(battered) - before_mb < 60


@pytest.mark.slow
def test_a_thousand_sockets_opened_and_dropped_leave_nothing_behind(battered: Server) -> None:
    paths = (
        "/public/ws/btcusdt@depth@100ms",
        "/market/stream?streams=!ticker@arr",
        "/ws-fapi/v1",
        "/private/ws",
    )
    before_files = open_files(battered)

    async def flood() -> None:
        async def open_one(number: int) -> Any:
            # Some are closed in order later, most are dropped without a word.
            return await connect(battered.ws + paths[number % len(paths)], proxy=None, open_timeout=30)

        for _ in range(2):
            sockets: list[Any] = []
            for start in range(0, 1_000, 100):
                sockets += await asyncio.gather(*(open_one(start + n) for n in range(100)))
            assert open_files(battered) >= 1_000
            await asyncio.to_thread(battered.market, bid="60000.2", ask="60000.3")
            for number, each in enumerate(sockets):
                if number % 4 == 0:
                    await each.close()
                else:
                    each.transport.abort()

    asyncio.run(flood())
    after_first_mb = resident_mb(battered)
    assert settled(lambda: battered.control("GET", "/paper/status")["streams"], 0)
    assert settled(lambda: open_files(battered), before_files + 5)
    asyncio.run(flood())
    assert settled(lambda: open_files(battered), before_files + 5)
    assert resident_mb(battered) - after_first_mb < 40


@pytest.mark.slow
def test_ten_thousand_open_orders_are_carried_and_filled(battered: Server) -> None:
    """Two hundred per symbol and account, twenty symbols, three accounts."""
    secrets = {battered.api_key: battered.api_secret, "crowd-1": "s", "crowd-2": "s"}
    for key in list(secrets)[1:]:
        battered.control("POST", "/paper/keys", {"api_key": key, "api_secret": "s"})
    grids = [Grid(raw) for raw in battered.raw("GET", "/fapi/v1/exchangeInfo").json()["symbols"]]
    for grid in grids:
        battered.market(grid.symbol, bid=grid.price(0), ask=grid.price(1))
    assert 200 * len(grids) * len(secrets) >= 10_000

    async def crowd(key: str) -> list[Any]:
        async with listen(f"{battered.ws}/ws-fapi/v1") as connection:
            for number in range(200):
                for grid in grids:
                    order = grid.order(-(number % 4)) | {"apiKey": key, "timestamp": int(time.time() * 1000)}
                    text = "&".join(f"{name}={order[name]}" for name in sorted(order))
                    order["signature"] = hmac_hex(secrets[key], text)
                    request = {"id": f"{grid.symbol}-{number}", "method": "order.place", "params": order}
                    await connection.socket.send(json.dumps(request))
                await connection.command("ticker.price", {"symbol": "BTCUSDT"}, f"round-{number}")
            return connection.messages

    before_mb = resident_mb(battered)
    for key in secrets:
        assert [m for m in asyncio.run(crowd(key)) if m["status"] != 200] == []
    begun = time.monotonic()
    assert len(battered.signed("GET", "/fapi/v1/openOrders", {}).json()) == 200 * len(grids)
    assert time.monotonic() - begun < 10
    for grid in grids:
        battered.market(grid.symbol, bid=grid.price(-10), ask=grid.price(-9))
    assert battered.signed("GET", "/fapi/v1/openOrders", {}).json() == []
    assert resident_mb(battered) - before_mb < 400


class Grid:
    """Prices of a contract ten thousand ticks up, and a quantity of twice the smallest notional there."""

    def __init__(self, raw: Any) -> None:
        filters = {f["filterType"]: f for f in raw["filters"]}
        self.symbol = raw["symbol"]
        self._tick = Decimal(filters["PRICE_FILTER"]["tickSize"])
        step = Decimal(filters["LOT_SIZE"]["stepSize"])
        steps = 2 * Decimal(filters["MIN_NOTIONAL"]["notional"]) / (10_000 * self._tick * step)
        self._quantity = (steps.to_integral_value() + 1) * step

    def price(self, ticks: int) -> str:
        return f"{(10_000 + ticks) * self._tick:f}"

    def order(self, ticks: int) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": f"{self._quantity:f}",
            "price": self.price(ticks),
        }
