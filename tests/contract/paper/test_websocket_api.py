"""The WebSocket API: orders and queries over one connection, its signatures, sessions, limits and faults."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contract.paper.server import LIMIT, Server, hmac_hex
from tests.contract.paper.streams import Listener, listen

STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "triggerPrice": "58000",
}


def signed(paper: Server, parameters: Mapping[str, Any], *, offset_ms: int = 0) -> dict[str, Any]:
    """Parameters with key, timestamp and a signature over what JSON makes of them."""
    whole = dict(parameters) | {
        "apiKey": paper.api_key,
        "timestamp": int(time.time() * 1000) + offset_ms,
    }
    return whole | {"signature": hmac_hex(paper.api_secret, text_to_sign(whole))}


def text_to_sign(parameters: Mapping[str, Any]) -> str:
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
    return "&".join(f"{name}={texts[name]}" for name in sorted(texts))


def converse(paper: Server, talk: Callable[[Listener], Any], query: str = "") -> Any:
    """Run ``talk`` on a fresh connection and return what it returns."""

    async def run() -> Any:
        async with listen(f"{paper.ws}/ws-fapi/v1{query}") as connection:
            return await talk(connection)

    return asyncio.run(run())


def ask(paper: Server, method: str, parameters: Mapping[str, Any] | None = None, query: str = "") -> Any:
    """The answer to a single request."""
    given = dict(parameters) if parameters is not None else None

    async def talk(connection: Listener) -> Any:
        await connection.socket.send(json.dumps({"id": "q", "method": method, "params": given}))
        return await connection.wait(lambda m: m["id"] == "q")

    return converse(paper, talk, query)


def test_an_order_is_placed_changed_queried_and_cancelled(paper: Server) -> None:
    def of(answer: Any, *names: str) -> list[Any]:
        assert answer["status"] == 200, answer
        return [answer["result"][name] for name in names]

    placed = ask(paper, "order.place", signed(paper, LIMIT | {"newClientOrderId": "over-ws"}))
    (order_id,) = of(placed, "orderId")
    reference = {"symbol": "BTCUSDT", "orderId": order_id}
    changed = ask(paper, "order.modify", signed(paper, LIMIT | reference | {"price": "58000"}))
    assert of(changed, "orderId", "price") == [order_id, "58000.00"]
    queried = ask(paper, "order.status", signed(paper, reference))
    assert of(queried, "clientOrderId", "status", "avgPrice") == ["over-ws", "NEW", "0.00000"]
    cancelled = ask(paper, "order.cancel", signed(paper, reference))
    assert of(cancelled, "status") == ["CANCELED"]
    assert paper.client().futures_get_order(**reference)["status"] == "CANCELED"


def test_a_conditional_order_is_placed_and_cancelled(paper: Server) -> None:
    placed = ask(paper, "algoOrder.place", signed(paper, STOP | {"clientAlgoId": "stop-ws"}))
    assert placed["result"]["algoStatus"] == "NEW"
    cancelled = ask(paper, "algoOrder.cancel", signed(paper, {"clientAlgoId": "stop-ws"}))
    algo_id = placed["result"]["algoId"]
    assert cancelled["result"] == {
        "algoId": algo_id,
        "clientAlgoId": "stop-ws",
        "code": "200",
        "msg": "success",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("account.balance", "/fapi/v2/balance"),
        ("v2/account.balance", "/fapi/v3/balance"),
        ("account.status", "/fapi/v2/account"),
        ("v2/account.status", "/fapi/v3/account"),
        ("account.position", "/fapi/v2/positionRisk"),
        ("v2/account.position", "/fapi/v3/positionRisk"),
    ],
)
def test_an_account_query_answers_as_its_route_does(paper: Server, method: str, path: str) -> None:
    paper.signed("POST", "/fapi/v1/order", LIMIT)
    assert ask(paper, method, signed(paper, {}))["result"] == paper.signed("GET", path, {}).json()


@pytest.mark.parametrize(
    ("method", "one", "all_"),
    [
        ("ticker.price", {"symbol": "BTCUSDT", "price": "60000.05"}, 20),
        ("ticker.book", {"symbol": "BTCUSDT", "bidPrice": "60000.00", "askPrice": "60000.10"}, 20),
        ("depth", {"bids": [["60000.00", "1000.000"]], "asks": [["60000.10", "1000.000"]]}, None),
    ],
)
def test_market_data_needs_no_key(
    paper: Server, method: str, one: dict[str, object], all_: int | None
) -> None:
    result = ask(paper, method, {"symbol": "BTCUSDT"})["result"]
    assert one.items() <= result.items()
    if all_ is not None:
        assert len(ask(paper, method)["result"]) == all_


def test_a_user_data_stream_is_started_kept_and_stopped(paper: Server) -> None:
    key = {"apiKey": paper.api_key}
    started = ask(paper, "userDataStream.start", key)["result"]
    assert started == ask(paper, "userDataStream.ping", key)["result"]
    assert ask(paper, "userDataStream.stop", key)["result"] == {}
    assert ask(paper, "userDataStream.ping", key)["error"]["code"] == -1125


@pytest.mark.parametrize("identity", [1, 0, -7, "1", "c6f0a7be-1d", "", 2**53 + 1])
def test_an_id_is_echoed_as_it_came(paper: Server, identity: int | str) -> None:
    async def talk(connection: Listener) -> Any:
        return await connection.command("ticker.price", None, identity)

    answer = converse(paper, talk)
    assert (type(answer["id"]), answer["id"]) == (type(identity), identity)


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        (lambda p: signed(p, LIMIT | {"price": "59000.01"}), 400, -4014),
        (lambda p: signed(p, LIMIT | {"type": "STOP_MARKET"}), 400, -4120),
        (lambda p: signed(p, LIMIT | {"symbol": "NOSUCH"}), 400, -1121),
        (lambda p: signed(p, LIMIT, offset_ms=-6_000), 400, -1021),
        (lambda p: signed(p, LIMIT) | {"signature": "0" * 64}, 400, -1022),
        (lambda p: signed(p, LIMIT) | {"quantity": "0.02"}, 400, -1022),
        (lambda p: signed(p, LIMIT) | {"apiKey": "unknown"}, 401, -2015),
        (lambda _: dict(LIMIT), 401, -2014),
        (lambda p: {"apiKey": p.api_key, "timestamp": 1}, 400, -1102),
    ],
)
def test_a_refusal_carries_status_and_code(
    paper: Server, parameters: Callable[[Server], dict[str, Any]], status: int, code: int
) -> None:
    answer = ask(paper, "order.place", parameters(paper))
    assert (answer["status"], answer["error"]["code"]) == (status, code)
    assert "result" not in answer
    assert answer["id"] == "q"


@pytest.mark.parametrize(
    "value",
    [True, False, 0.01, 1, "a b&c", "ä", None, [1, "x"]],
)
def test_a_value_is_signed_as_json_writes_it(paper: Server, value: object) -> None:
    """Booleans lower-case, numbers as they stand, strings un-encoded, null not at all."""
    given = {"anything": value}
    whole = signed(paper, {} if value is None else given) | given
    if isinstance(value, list):
        # json.dumps puts a space after the comma, here as in the signed text.
        assert '[1, "x"]' in text_to_sign(given)
    assert ask(paper, "v2/account.balance", whole)["status"] == 200


def test_a_percent_encoded_text_may_be_signed(paper: Server) -> None:
    """The official SDK signs what urlencode makes of the sorted parameters."""
    given = {"apiKey": paper.api_key, "note": "a:b/c", "timestamp": int(time.time() * 1000)}
    text = f"apiKey={paper.api_key}&note=a%3Ab%2Fc&timestamp={given['timestamp']}"
    answer = ask(paper, "v2/account.balance", given | {"signature": hmac_hex(paper.api_secret, text)})
    assert answer["status"] == 200


def test_an_order_is_answered_with_order_counts_and_weight(paper: Server) -> None:
    limits = ask(paper, "order.place", signed(paper, LIMIT))["rateLimits"]
    assert [(x["rateLimitType"], x["interval"], x["intervalNum"], x["limit"]) for x in limits] == [
        ("ORDERS", "SECOND", 10, 300),
        ("ORDERS", "MINUTE", 1, 1200),
        ("REQUEST_WEIGHT", "MINUTE", 1, 2400),
    ]
    assert limits[0]["count"] == 1
    (weight,) = ask(paper, "ticker.price", {"symbol": "BTCUSDT"})["rateLimits"]
    assert (weight["rateLimitType"], weight["count"]) == ("REQUEST_WEIGHT", 5 + 5 + 1)


@pytest.mark.parametrize(
    ("query", "parameters", "shown"),
    [
        ("", {}, True),
        ("", {"returnRateLimits": False}, False),
        ("?returnRateLimits=false", {}, False),
        ("?returnRateLimits=false", {"returnRateLimits": True}, True),
    ],
)
def test_rate_limits_are_left_out_on_request(
    paper: Server, query: str, parameters: dict[str, bool], shown: bool
) -> None:
    answer = ask(paper, "ticker.price", {"symbol": "BTCUSDT"} | parameters, query)
    assert ("rateLimits" in answer) is shown


def test_too_many_orders_are_refused_with_the_time_to_retry(paper: Server) -> None:
    paper.control("POST", "/paper/limits", {"orders_per_10s": 1})
    before_ms = int(time.time() * 1000)
    ask(paper, "order.place", signed(paper, LIMIT))
    refused = ask(paper, "order.place", signed(paper, LIMIT))
    assert (refused["status"], refused["error"]["code"]) == (429, -1015)
    assert before_ms < refused["error"]["data"]["retryAfter"] <= before_ms + 12_000


def test_a_handshake_over_the_limit_is_refused(paper: Server) -> None:
    paper.control("POST", "/paper/limits", {"weight_per_minute": 4})
    answer = paper.raw(
        "GET",
        "/ws-fapi/v1",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (429, -1003)
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"id":1}',
        '{"id":{},"method":"depth"}',
        '{"id":1.5,"method":"depth"}',
        '{"id":1,"method":7}',
        '{"id":1,"method":"depth","params":[]}',
        '{"id":"' + "x" * 300 + '","method":"depth"}',
    ],
)
def test_a_message_that_is_no_request_is_refused_and_the_connection_goes_on(paper: Server, text: str) -> None:
    async def talk(connection: Listener) -> Any:
        await connection.socket.send(text)
        refused = await connection.wait(lambda m: m["id"] is None)
        after = await connection.command("ticker.price", None, 2)
        return refused, after

    refused, after = converse(paper, talk)
    assert (refused["status"], refused["error"]["code"], after["status"]) == (400, -1013, 200)


def test_an_unknown_method_is_refused(paper: Server) -> None:
    answer = ask(paper, "order.invent", {})
    assert (answer["id"], answer["status"], answer["error"]["code"]) == ("q", 400, -5000)


def test_requests_sent_at_once_are_all_answered_in_order(paper: Server) -> None:
    async def talk(connection: Listener) -> list[Any]:
        for number in range(200):
            request = {"id": number, "method": "order.place", "params": signed(paper, LIMIT)}
            await connection.socket.send(json.dumps(request))
        await connection.wait(lambda m: m["id"] == 199)
        return connection.messages

    answers = converse(paper, talk)
    assert [a["id"] for a in answers] == list(range(200))
    order_ids = [a["result"]["orderId"] for a in answers]
    assert order_ids == sorted(order_ids)


class Pair:
    """An Ed25519 key pair, known to the exchange under ``name``."""

    def __init__(self, paper: Server, name: str) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.generate()
        public = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        paper.control("POST", "/paper/keys", {"api_key": name, "public_key": public.decode()})

    def signed(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        whole = dict(parameters) | {"apiKey": self.name, "timestamp": int(time.time() * 1000)}
        signature = self._private.sign(text_to_sign(whole).encode())
        return whole | {"signature": base64.b64encode(signature).decode()}


def test_a_session_needs_to_sign_only_once(paper: Server) -> None:
    pair = Pair(paper, "session-key")

    async def talk(connection: Listener) -> dict[str, Any]:
        async def call(name: str, parameters: Any = None) -> Any:
            message = {"id": len(connection.messages), "method": name, "params": parameters}
            await connection.socket.send(json.dumps(message))
            return await connection.wait(lambda m: m["id"] == message["id"])

        now = {"timestamp": int(time.time() * 1000)}
        return {
            "before": await call("session.status"),
            "unsigned": await call("v2/account.balance", now),
            "logon": await call("session.logon", pair.signed({})),
            "status": await call("session.status"),
            "place": await call("order.place", LIMIT | now),
            "late": await call("order.place", LIMIT | {"timestamp": 1}),
            "other": await call("v2/account.balance", signed(paper, {})),
            "logout": await call("session.logout"),
            "after": await call("order.place", LIMIT | now),
        }

    said = converse(paper, talk)
    assert (said["before"]["result"]["apiKey"], said["unsigned"]["status"]) == (None, 401)
    logon = said["logon"]["result"]
    assert (logon["apiKey"], logon["returnRateLimits"]) == ("session-key", True)
    assert logon["connectedSince"] <= logon["authorizedSince"] <= logon["serverTime"]
    assert said["status"]["result"]["authorizedSince"] == logon["authorizedSince"]
    assert said["place"]["result"]["status"] == "NEW"
    assert said["late"]["error"]["code"] == -1021
    # A request with a key of its own is signed with that key, whoever is logged on.
    assert said["other"]["result"][0]["availableBalance"] == "100000.00000000"
    assert said["logout"]["result"]["apiKey"] is None
    assert said["after"]["status"] == 401


def test_only_an_ed25519_key_can_log_on(paper: Server) -> None:
    refused = ask(paper, "session.logon", signed(paper, {}))
    assert (refused["status"], refused["error"]["code"]) == (400, -4056)


@pytest.mark.parametrize(("apply", "orders"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("action", ["drop", "error", "delay"])
def test_a_fault_hits_a_request_before_or_after_execution(
    paper: Server, action: str, apply: str, orders: int
) -> None:
    paper.control(
        "POST",
        "/paper/faults",
        {
            "match": {"method": "WS", "path": "order.place", "nth": 1},
            "action": action,
            "apply": apply,
            "delay_ms": 150,
        },
    )

    async def talk(connection: Listener) -> Any:
        begun = time.monotonic()
        request = {"id": 1, "method": "order.place", "params": signed(paper, LIMIT)}
        await connection.socket.send(json.dumps(request))
        if action == "drop":
            await connection.wait_closed()
            return None
        answer = await connection.wait(lambda m: m["id"] == 1)
        return answer["status"], time.monotonic() - begun

    outcome = converse(paper, talk)
    if action == "error":
        assert outcome[0] == 503
    if action == "delay":
        assert (outcome[0], outcome[1] >= 0.15, orders) == (200, True, orders)
        orders = 1
    assert len(paper.client().futures_get_open_orders()) == orders


def test_a_held_request_is_never_answered(paper: Server) -> None:
    fault = {"match": {"method": "WS", "path": "order.place"}, "action": "hold", "apply": "after"}
    paper.control("POST", "/paper/faults", fault)

    async def talk(connection: Listener) -> int:
        request = {"id": 1, "method": "order.place", "params": signed(paper, LIMIT)}
        await connection.socket.send(json.dumps(request))
        await connection.command("ticker.price", None, 2)
        answered = len(connection.messages)
        await asyncio.to_thread(paper.control, "DELETE", "/paper/faults")
        await connection.wait_closed()
        return answered

    assert converse(paper, talk) == 1
    assert len(paper.client().futures_get_open_orders()) == 1


def test_the_record_shows_requests_without_their_signatures(paper: Server) -> None:
    ask(paper, "order.place", signed(paper, LIMIT))
    (shown,) = [r for r in paper.control("GET", "/paper/requests") if r["method"] == "WS"]
    assert (shown["path"], shown["status"], shown["params"]["price"]) == ("order.place", 200, "59000")
    assert not {"signature", "apiKey"} & set(shown["params"])
