"""Test control: prices, faults of requests and streams, limits, reset, the record of requests."""

import asyncio
import json
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
import requests
from binance.exceptions import BinanceAPIException

from tests.contract.paper.server import LIMIT, MARKET, Server
from tests.contract.paper.streams import listen
from tests.waiting import until

ORDER_PATH = {"method": "POST", "path": "/fapi/v1/order"}


def fault(paper: Server, action: str, apply: str, match: dict[str, Any] | None = None, **more: Any) -> None:
    body = {"match": match or ORDER_PATH, "action": action, "apply": apply, **more}
    paper.control("POST", "/paper/faults", body)


def trades(paper: Server) -> int:
    return len(paper.client().futures_account_trades(symbol="BTCUSDT"))


@pytest.mark.parametrize(("apply", "executed"), [("before", 0), ("after", 1)])
def test_a_dropped_request_leaves_the_client_in_doubt(paper: Server, apply: str, executed: int) -> None:
    fault(paper, "drop", apply, times=1)
    with pytest.raises(requests.ConnectionError):
        paper.client().futures_create_order(**MARKET)
    assert trades(paper) == executed
    paper.client().futures_create_order(**MARKET)
    assert trades(paper) == executed + 1
    assert [r["status"] for r in paper.control("GET", "/paper/requests") if r["method"] == "POST"] == [
        None,
        200,
    ]


@pytest.mark.parametrize(("apply", "executed"), [("before", 0), ("after", 1)])
def test_a_held_request_is_never_answered(paper: Server, apply: str, executed: int) -> None:
    fault(paper, "hold", apply)
    with pytest.raises(requests.ReadTimeout):
        paper.client(requests_params={"timeout": 0.3}).futures_create_order(**MARKET)
    assert trades(paper) == executed


def test_a_held_request_is_dropped_when_the_faults_are_cleared(paper: Server) -> None:
    fault(paper, "hold", "before")
    client, errors = paper.client(), []

    def place() -> None:
        try:
            client.futures_create_order(**MARKET)
        except requests.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=place)
    thread.start()
    until(lambda: paper.control("GET", "/paper/faults")["requests"][0]["hit"])
    paper.control("DELETE", "/paper/faults")
    thread.join(30)
    assert len(errors) == 1
    assert trades(paper) == 0


@pytest.mark.parametrize(("apply", "executed"), [("before", 0), ("after", 1)])
def test_an_error_takes_the_place_of_the_answer(paper: Server, apply: str, executed: int) -> None:
    body = {"code": -1007, "msg": "Timeout waiting for response from backend server."}
    fault(paper, "error", apply, status=408, body=body, headers={"Retry-After": "3"}, times=1)
    with pytest.raises(BinanceAPIException) as refused:
        paper.client().futures_create_order(**MARKET)
    assert (refused.value.status_code, refused.value.code) == (408, -1007)
    assert refused.value.response.headers["Retry-After"] == "3"
    assert trades(paper) == executed


def test_an_error_without_a_body_is_the_exchanges_unknown(paper: Server) -> None:
    fault(paper, "error", "after")
    with pytest.raises(BinanceAPIException, match="Unknown error") as refused:
        paper.client().futures_create_order(**MARKET)
    assert refused.value.status_code == 503


@pytest.mark.parametrize("apply", ["before", "after"])
def test_a_delayed_answer_comes_late(paper: Server, apply: str) -> None:
    fault(paper, "delay", apply, delay_ms=300)
    started = time.monotonic()
    paper.client().futures_create_order(**MARKET)
    assert time.monotonic() - started >= 0.3
    assert trades(paper) == 1


@pytest.mark.parametrize(
    ("match", "more", "hit"),
    [
        ({"nth": 2}, {}, [False, True, False, False]),
        ({"nth": 2}, {"times": 2}, [False, True, True, False]),
        ({}, {"times": 3}, [True, True, True, False]),
        ({}, {}, [True, True, True, True]),
    ],
)
def test_a_fault_hits_the_requests_it_names(
    paper: Server, match: dict[str, int], more: dict[str, int], hit: list[bool]
) -> None:
    paper.client().futures_create_order(**LIMIT)  # before the fault was set: not counted
    fault(paper, "error", "before", ORDER_PATH | match, **more)
    results = []
    for _ in hit:
        answer = paper.signed("POST", "/fapi/v1/order", LIMIT)
        results.append(answer.status_code == 503)
        assert paper.signed("GET", "/fapi/v1/openOrders", {}).status_code == 200
    assert results == hit
    paper.control("DELETE", "/paper/faults")
    assert paper.signed("POST", "/fapi/v1/order", LIMIT).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"match": {}, "action": "explode"},
        {"match": {"nth": 0}, "action": "drop"},
        {"match": {}, "action": "drop", "times": 0},
        {"match": {}, "action": "delay", "delay_ms": -1},
        {"action": "drop"},
        {"streams": "flicker"},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(paper: Server, body: object) -> None:
    answer = paper.raw("POST", "/paper/faults", data=json.dumps(body))
    assert answer.status_code == 400
    assert answer.json()["msg"]


def public(paper: Server) -> Any:
    return listen(f"{paper.ws}/public/ws/btcusdt@bookTicker")


async def move(paper: Server, *bids: int) -> None:
    for bid in bids:
        await asyncio.to_thread(paper.market, bid=str(bid), ask=str(bid + 1))


async def stream_fault(paper: Server, name: str) -> None:
    await asyncio.to_thread(paper.control, "POST", "/paper/faults", {"streams": name})


def test_streams_can_be_disconnected_and_connected_again(paper: Server) -> None:
    async def scenario() -> None:
        async with public(paper) as listener:
            await stream_fault(paper, "disconnect")
            await listener.wait_closed()
        async with public(paper) as listener:
            await move(paper, 60_005)
            await listener.wait(lambda m: m["b"] == "60005.00")

    asyncio.run(scenario())


def test_a_stalled_stream_is_silent_until_the_fault_is_cleared(paper: Server) -> None:
    async def scenario() -> None:
        async with public(paper) as listener:
            await stream_fault(paper, "stall")
            await move(paper, 60_005)
            await asyncio.sleep(0.3)
            assert listener.messages == []
            assert not listener.closed
            await asyncio.to_thread(paper.control, "DELETE", "/paper/faults")
            await listener.wait(lambda m: m["b"] == "60005.00")

    asyncio.run(scenario())


def test_a_duplicating_stream_says_everything_twice(paper: Server) -> None:
    async def scenario() -> None:
        async with public(paper) as listener:
            await stream_fault(paper, "duplicate")
            await move(paper, 60_005, 60_006)
            await listener.received(4)
            assert [m["b"] for m in listener.messages] == ["60005.00"] * 2 + ["60006.00"] * 2

    asyncio.run(scenario())


def test_a_reordering_stream_swaps_neighbours_and_loses_nothing(paper: Server) -> None:
    async def scenario() -> None:
        token = paper.raw("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": paper.api_key}).json()[
            "listenKey"
        ]
        async with listen(f"{paper.ws}/private/ws/{token}") as listener:
            client = await asyncio.to_thread(paper.client)
            await asyncio.to_thread(client.futures_create_order, **MARKET)
            await listener.received(4)
            usual = [(m["e"], m.get("o", {}).get("x")) for m in listener.messages]
            await stream_fault(paper, "reorder")
            await asyncio.to_thread(client.futures_create_order, **MARKET)
            await listener.received(8)
            swapped = [(m["e"], m.get("o", {}).get("x")) for m in listener.messages[len(usual) :]]
            assert sorted(map(str, swapped)) == sorted(map(str, usual))
            assert swapped == [usual[1], usual[0], usual[3], usual[2]]

    asyncio.run(scenario())


def test_prices_can_only_be_set_to_a_market_that_makes_sense(paper: Server) -> None:
    for body in (
        {"symbol": "BTCUSDT", "bid": "60000", "ask": "60000"},
        {"symbol": "BTCUSDT", "bid": "0", "ask": "60000"},
        {"symbol": "NOPE", "bid": "1", "ask": "2"},
        {"symbol": "BTCUSDT", "bid": "x", "ask": "2"},
        {"symbol": "BTCUSDT", "bid": "NaN", "ask": "2"},
        {"symbol": "BTCUSDT", "bid": "1", "ask": "1e500"},
        {"symbol": "BTCUSDT", "bid": "1", "ask": "2", "bid_quantity": "-1"},
        {"symbol": "BTCUSDT"},
    ):
        assert paper.raw("POST", "/paper/market", data=json.dumps(body)).status_code == 400, body


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e99", "x", None])
def test_an_amount_that_is_no_sane_number_is_refused(paper: Server, amount: str | None) -> None:
    deposit = json.dumps({"amount": amount})
    assert paper.raw("POST", "/paper/deposit", data=deposit).status_code == 400
    mark = json.dumps({"symbol": "BTCUSDT", "price": amount})
    assert paper.raw("POST", "/paper/mark", data=mark).status_code == 400


def test_prices_may_be_json_numbers(paper: Server) -> None:
    paper.control("POST", "/paper/market", {"symbol": "BTCUSDT", "bid": 60000.1, "ask": 60000.2})
    assert paper.client().futures_orderbook_ticker(symbol="BTCUSDT")["bidPrice"] == "60000.10"


def test_a_new_price_fills_what_it_crosses(paper: Server) -> None:
    client = paper.client()
    placed = client.futures_create_order(**LIMIT)
    paper.market(bid="58000", ask="58000.1")
    order = client.futures_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.010")
    (trade,) = client.futures_account_trades(symbol="BTCUSDT")
    assert (trade["price"], trade["maker"]) == ("59000.00", True)


def test_a_deposit_moves_the_balance(paper: Server) -> None:
    paper.control("POST", "/paper/deposit", {"asset": "USDT", "amount": "250.5"})
    assert paper.client().futures_account_balance()[0]["balance"] == "100250.50000000"


def test_the_record_shows_what_was_received_without_secrets(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET, newClientOrderId="seen-1")
    key = client.futures_stream_get_listen_key()
    client.futures_stream_keepalive(listenKey=key)
    record = paper.control("GET", "/paper/requests")
    placed = next(r for r in record if r["path"] == "/fapi/v1/order")
    assert (placed["method"], placed["status"]) == ("POST", 200)
    assert placed["params"]["newClientOrderId"] == "seen-1"
    assert abs(placed["time"] - time.time() * 1000) < 10_000
    text = json.dumps(record)
    assert "signature" not in text
    assert key not in text
    assert paper.api_key not in text


def test_a_reset_gives_the_opening_balance_and_forgets_the_rest(paper: Server) -> None:
    client = paper.client()
    first = client.futures_create_order(**MARKET)
    client.futures_create_order(**LIMIT)
    client.futures_change_leverage(symbol="BTCUSDT", leverage="3")
    fault(paper, "drop", "before", {"path": "/fapi/v1/ping"})
    paper.control("POST", "/paper/reset")
    assert client.futures_account_balance()[0]["balance"] == "100000.00000000"
    assert client.futures_get_open_orders() == []
    assert client.futures_get_all_orders(symbol="BTCUSDT") == []
    assert client.futures_position_information() == []
    assert paper.signed("GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"}).json()[0]["leverage"] == 20
    client.futures_ping()
    # the market goes on where it was, and ids are never used twice
    assert client.futures_orderbook_ticker(symbol="BTCUSDT")["bidPrice"] == "60000.00"
    assert client.futures_create_order(**MARKET)["orderId"] > first["orderId"] + 1


def test_a_web_page_cannot_drive_the_exchange(paper: Server) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example:80"}):
        assert paper.raw("POST", "/paper/reset", headers=headers).status_code == 403


def test_usage_is_counted_in_headers(paper: Server) -> None:
    client = paper.client()
    client.futures_order_book(symbol="BTCUSDT", limit=1000)
    used = int(client.response.headers["X-MBX-USED-WEIGHT-1M"])
    client.futures_ping()
    assert int(client.response.headers["X-MBX-USED-WEIGHT-1M"]) in (used + 1, 1)
    client.futures_create_order(**LIMIT)
    assert client.response.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert client.response.headers["X-MBX-ORDER-COUNT-1M"] == "1"


def test_too_much_weight_is_429_and_going_on_is_a_ban(paper: Server) -> None:
    paper.control("POST", "/paper/limits", {"weight_per_minute": 3})
    statuses = [paper.raw("GET", "/fapi/v1/ping") for _ in range(5)]
    limited = next(s for s in statuses if s.status_code == 429)
    assert limited.json()["code"] == -1003
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    for _ in range(450):
        answer = paper.raw("GET", "/fapi/v1/ping")
        if answer.status_code == 418:
            break
    assert answer.status_code == 418
    assert "banned until" in answer.json()["msg"]
    assert int(answer.headers["Retry-After"]) > 60


def test_too_many_orders_are_refused(paper: Server) -> None:
    paper.control("POST", "/paper/limits", {"orders_per_10s": 2})
    answers = [paper.signed("POST", "/fapi/v1/order", LIMIT) for _ in range(5)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert {a.json()["code"] for a in refused} == {-1015}
    assert all(1 <= int(a.headers["Retry-After"]) <= 10 for a in refused)
    assert paper.signed("GET", "/fapi/v1/openOrders", {}).status_code == 200


def test_the_last_price_is_where_the_book_was_set_also_after_a_trade(paper: Server) -> None:
    def last() -> Decimal:
        return Decimal(paper.client().futures_symbol_ticker(symbol="BTCUSDT")["price"])

    paper.market(bid="60010", ask="60010.2")
    assert last() == Decimal("60010.1")
    paper.control("POST", "/paper/trade", {"symbol": "BTCUSDT", "price": "60005", "quantity": "0.1"})
    assert last() == 60005
    paper.market(bid="60020", ask="60020.2")
    assert last() == Decimal("60020.1")
