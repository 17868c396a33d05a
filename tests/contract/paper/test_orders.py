"""The life of orders over REST: answers, queries, refusals, batches, conditional orders."""

from decimal import Decimal
from typing import Any

import pytest
from binance.exceptions import BinanceAPIException

from tests.contract.paper.server import LIMIT, MARKET, Server

STOP = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "stopPrice": "58000",
    "clientAlgoId": "stop-1",
}


def refusal(call: Any, **parameters: Any) -> tuple[int, int]:
    """HTTP status and code of a request that must be refused."""
    with pytest.raises(BinanceAPIException) as refused:
        call(**parameters)
    return refused.value.status_code, refused.value.code


@pytest.mark.parametrize(
    ("more", "status", "executed"),
    [
        ({}, "NEW", "0.000"),
        ({"newOrderRespType": "ACK"}, "NEW", "0.000"),
        ({"newOrderRespType": "RESULT"}, "FILLED", "0.010"),
    ],
)
def test_an_acknowledgement_says_new_and_a_result_says_what_happened(
    paper: Server, more: dict[str, str], status: str, executed: str
) -> None:
    answer = paper.client().futures_create_order(**MARKET, **more)
    assert (answer["status"], answer["executedQty"]) == (status, executed)


def test_a_response_has_no_average_price_and_a_query_has(paper: Server) -> None:
    client = paper.client()
    placed = client.futures_create_order(**MARKET, newOrderRespType="RESULT")
    assert not {"avgPrice", "cumQuote"} & set(placed)
    queried = client.futures_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert Decimal(queried["avgPrice"]) == Decimal("60000.1")
    assert Decimal(queried["cumQuote"]) == Decimal("600.001")
    assert queried["status"] == "FILLED"


def test_a_fill_shows_in_trades_position_and_balance(paper: Server) -> None:
    client = paper.client()
    placed = client.futures_create_order(**MARKET)
    (trade,) = client.futures_account_trades(symbol="BTCUSDT")
    assert (trade["orderId"], trade["price"], trade["qty"]) == (placed["orderId"], "60000.10", "0.010")
    assert (trade["side"], trade["buyer"], trade["maker"]) == ("BUY", True, False)
    assert Decimal(trade["commission"]) == Decimal("0.3000005")  # 5 basis points of 600.001
    (position,) = client.futures_position_information()
    assert (position["positionAmt"], Decimal(position["entryPrice"])) == ("0.010", Decimal("60000.1"))
    (balance,) = client.futures_account_balance()
    assert Decimal(balance["balance"]) == 100_000 - Decimal("0.3000005")


def test_a_resting_order_is_open_until_it_is_cancelled(paper: Server) -> None:
    client = paper.client()
    placed = client.futures_create_order(**LIMIT, newClientOrderId="rest-1")
    assert [o["clientOrderId"] for o in client.futures_get_open_orders(symbol="BTCUSDT")] == ["rest-1"]
    cancelled = client.futures_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED"
    assert client.futures_get_open_orders() == []
    assert refusal(client.futures_cancel_order, symbol="BTCUSDT", orderId=placed["orderId"]) == (400, -2011)
    answer = paper.signed("GET", "/fapi/v1/openOrder", {"symbol": "BTCUSDT", "origClientOrderId": "rest-1"})
    assert answer.json()["code"] == -2013
    assert [o["status"] for o in client.futures_get_all_orders(symbol="BTCUSDT")] == ["CANCELED"]


def test_a_modified_order_keeps_its_ids(paper: Server) -> None:
    client = paper.client()
    placed = client.futures_create_order(**LIMIT)
    changed = client.futures_modify_order(
        symbol="BTCUSDT", side="BUY", orderId=placed["orderId"], quantity="0.02", price="58000", modifyId="7"
    )
    assert changed["orderId"] == placed["orderId"]
    assert (changed["origQty"], changed["price"], changed["modifyId"]) == ("0.020", "58000.00", 7)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"symbol": None}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"timeInForce": "FOREVER"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"quantity": "x"}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "-0"}, -1102),
        ({"quantity": "1e999999"}, -1102),
        ({"quantity": None}, -1102),
        ({"quantity": "-1"}, -4003),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.0005"}, -1111),
        ({"quantity": "2000"}, -4005),
        ({"price": "59000.05"}, -4014),
        ({"price": "59000.001"}, -1111),
        ({"price": "90000"}, -4016),
        ({"quantity": "0.001", "price": "45000"}, -4164),
        ({"price": "59000", "quantity": "900"}, -2019),
        ({"side": "SELL", "reduceOnly": "true", "price": "61000"}, -2022),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"newOrderRespType": "FULL"}, -1130),
        ({"reduceOnly": "maybe"}, -1130),
        ({"positionSide": "LONG"}, -4061),
        ({"timeInForce": "GTX", "price": "60500"}, -5022),
        ({"timeInForce": "FOK"}, -5021),
        ({"type": "STOP_MARKET"}, -4120),
        ({"stopPrice": "1"}, -1106),
    ],
)
def test_an_order_that_breaks_a_rule_gets_the_exchanges_code(
    paper: Server, change: dict[str, str | None], code: int
) -> None:
    parameters = {k: v for k, v in (LIMIT | change).items() if v is not None}
    # a stop placed through python-binance would go to the algo service
    answer = paper.signed("POST", "/fapi/v1/order", parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.json()["msg"]
    assert paper.client().futures_get_all_orders(symbol="BTCUSDT") == []


def test_a_python_boolean_is_understood(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET)
    closing = client.futures_create_order(**MARKET | {"side": "SELL"}, reduceOnly=True)
    assert closing["reduceOnly"] is True
    assert client.futures_position_information() == []


def test_a_test_order_is_checked_and_not_placed(paper: Server) -> None:
    client = paper.client()
    assert client.futures_create_test_order(**LIMIT) == {}
    assert refusal(client.futures_create_test_order, **LIMIT | {"price": "59000.05"}) == (400, -4014)
    assert client.futures_get_all_orders(symbol="BTCUSDT") == []


def test_a_batch_answers_each_order_on_its_own(paper: Server) -> None:
    client = paper.client()
    answers = client.futures_place_batch_order(
        batchOrders=[dict(LIMIT), LIMIT | {"price": "59000.05"}, LIMIT | {"newClientOrderId": "third"}]
    )
    assert [a.get("status", a.get("code")) for a in answers] == ["NEW", -4014, "NEW"]
    ids = [answers[0]["orderId"], 1]
    cancelled = client.futures_cancel_orders(symbol="BTCUSDT", orderidlist=ids)
    assert [a.get("status", a.get("code")) for a in cancelled] == ["CANCELED", -2011]
    by_name = client.futures_cancel_orders(symbol="BTCUSDT", origclientorderidlist=["third"])
    assert [a["status"] for a in by_name] == ["CANCELED"]


def test_a_batch_of_more_than_five_is_refused(paper: Server) -> None:
    assert refusal(paper.client().futures_place_batch_order, batchOrders=[dict(LIMIT)] * 6) == (400, -4082)


def test_cancelling_everything_leaves_waiting_stops(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**LIMIT)
    client.futures_create_order(**STOP)
    assert client.futures_cancel_all_open_orders(symbol="BTCUSDT")["code"] == 200
    assert client.futures_get_open_orders() == []
    assert [o["clientAlgoId"] for o in client.futures_get_open_algo_orders()] == ["stop-1"]
    assert client.futures_cancel_all_algo_open_orders(symbol="BTCUSDT")["code"] == 200
    assert client.futures_get_open_algo_orders() == []


def test_a_stop_becomes_an_order_of_its_own_when_it_triggers(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET)
    placed = client.futures_create_order(**STOP)
    assert (placed["orderType"], placed["algoStatus"]) == ("STOP_MARKET", "NEW")
    assert not {"orderId", "status", "clientOrderId", "type"} & set(placed)
    paper.market(bid="57999", ask="58000")
    finished = client.futures_get_algo_order(clientAlgoId="stop-1")
    assert finished["algoStatus"] == "FINISHED"
    assert Decimal(finished["actualPrice"]) == 57_999
    child = client.futures_get_order(symbol="BTCUSDT", orderId=int(finished["actualOrderId"]))
    assert (child["clientOrderId"], child["status"], child["origType"]) == ("stop-1", "FILLED", "STOP_MARKET")
    assert client.futures_position_information() == []


def test_a_stop_beyond_its_trigger_is_refused_and_one_can_be_cancelled(paper: Server) -> None:
    client = paper.client()
    assert refusal(client.futures_create_order, **STOP | {"stopPrice": "61000"}) == (400, -2021)
    client.futures_create_order(**STOP)
    cancelled = client.futures_cancel_algo_order(clientAlgoId="stop-1")
    assert (cancelled["code"], cancelled["msg"]) == ("200", "success")
    assert client.futures_get_algo_order(clientAlgoId="stop-1")["algoStatus"] == "CANCELED"
    assert refusal(client.futures_cancel_algo_order, clientAlgoId="stop-1") == (400, -2011)


def test_settings_are_kept_and_unchanged_ones_refused(paper: Server) -> None:
    client = paper.client()
    assert client.futures_change_leverage(symbol="BTCUSDT", leverage="7")["leverage"] == 7
    assert client.futures_change_margin_type(symbol="BTCUSDT", marginType="ISOLATED")["code"] == 200
    assert refusal(client.futures_change_margin_type, symbol="BTCUSDT", marginType="ISOLATED") == (400, -4046)
    (config,) = paper.signed("GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"}).json()
    assert (config["leverage"], config["marginType"]) == (7, "ISOLATED")
    assert client.futures_change_position_mode(dualSidePosition="true")["code"] == 200
    assert client.futures_get_position_mode() == {"dualSidePosition": True}
    assert refusal(client.futures_change_position_mode, dualSidePosition="true") == (400, -4059)


def test_an_order_reaches_a_known_and_an_unknown_order_id(paper: Server) -> None:
    client = paper.client()
    assert refusal(client.futures_get_order, symbol="BTCUSDT", orderId=1) == (400, -2013)
    assert refusal(client.futures_get_order, symbol="BTCUSDT") == (400, -1102)
