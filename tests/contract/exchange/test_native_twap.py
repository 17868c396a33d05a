"""Binance's own TWAP: what is sent for a parent, how its states and slices are read."""

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from orderkit.domain.enums import Environment, OrderStatus, OrderType, PositionSide, Side
from orderkit.domain.order import OrderRef, OrderRequest
from orderkit.errors import OrderNotFound, OrderRejected, OutcomeUnknown, ValidationError
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.native_twap import client_algo_id
from orderkit.orders.single import SingleRequest
from orderkit.orders.twap_binance import BinanceTWAPExecutor, check_environment
from tests.virtual import BTC, Venue

D = Decimal
HOST = "https://api.binance.com/sapi/v1/algo/futures"
REF = OrderRef("BTCUSDT", "ok-job-1", native=True)
NAME = client_algo_id("ok-job-1")
PARENT = OrderRequest(
    "BTCUSDT", Side.BUY, OrderType.TWAP, D("0.500"), price=D("66000.0"), reduce_only=True, duration_s=3600
)


def row(**changes: Any) -> dict[str, Any]:
    """One order of openOrders and historicalOrders."""
    return {
        "algoId": 14517,
        "symbol": "BTCUSDT",
        "side": "BUY",
        "positionSide": "BOTH",
        "totalQty": "0.500",
        "executedQty": "0.000",
        "executedAmt": "0.00000000",
        "avgPrice": "0.00",
        "clientAlgoId": NAME,
        "bookTime": 1795000000000,
        "endTime": 0,
        "algoStatus": "WORKING",
        "algoType": "TWAP",
        "urgency": "",
    } | changes


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"total": len(rows), "orders": list(rows)}


def sent(http: responses.RequestsMock) -> dict[str, str]:
    request = http.calls[-1].request
    query = str(request.url).partition("?")[2]
    return dict(parse_qsl(query) + parse_qsl(str(request.body or "")))


def test_the_name_has_exactly_32_characters_and_is_the_orders_own() -> None:
    assert len(NAME) == 32
    assert NAME == client_algo_id("ok-job-1") != client_algo_id("ok-job-2")


def test_a_parent_is_handed_over_with_what_it_was_asked(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    answer = {"clientAlgoId": NAME, "success": True, "code": 0, "msg": "OK"}
    http.post(f"{HOST}/newOrderTwap", json=answer)
    report = gateway.submit("ok-job-1", PARENT)
    assert (report.status, report.client_order_id) == (OrderStatus.NEW, "ok-job-1")
    words = sent(http)
    assert {k: words[k] for k in ("symbol", "side", "quantity", "duration", "limitPrice", "reduceOnly")} == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "quantity": "0.5",
        "duration": "3600",
        "limitPrice": "66000",
        "reduceOnly": "true",
    }
    assert words["clientAlgoId"] == NAME
    assert "signature" in words


def test_a_refusal_and_a_lost_answer_are_told_apart(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    url = f"{HOST}/newOrderTwap"
    http.post(url, json={"code": -20124, "msg": "The notional is too small."}, status=400)
    with pytest.raises(OrderRejected):
        gateway.submit("ok-job-1", PARENT)
    http.replace(responses.POST, url, body=requests.exceptions.ReadTimeout())
    with pytest.raises(OutcomeUnknown):
        gateway.submit("ok-job-1", PARENT)


@pytest.mark.parametrize(
    ("changes", "status", "executed"),
    [
        ({}, OrderStatus.NEW, "0"),
        ({"executedQty": "0.200", "avgPrice": "64000.1"}, OrderStatus.PARTIALLY_FILLED, "0.2"),
        (
            {"executedQty": "0.500", "avgPrice": "64000.1", "algoStatus": "FINISHED"},
            OrderStatus.FILLED,
            "0.5",
        ),
        (
            {"executedQty": "0.100", "avgPrice": "64000.1", "algoStatus": "CANCELLED"},
            OrderStatus.CANCELED,
            "0.1",
        ),
        ({"algoStatus": "EXPIRED"}, OrderStatus.EXPIRED, "0"),
    ],
)
def test_states_are_read_from_the_open_and_the_past_ones(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    changes: dict[str, str],
    status: OrderStatus,
    executed: str,
) -> None:
    ended = changes.get("algoStatus", "WORKING") != "WORKING"
    other = row(clientAlgoId="x" * 32)
    http.get(f"{HOST}/openOrders", json=listed(other) if ended else listed(other, row(**changes)))
    http.get(f"{HOST}/historicalOrders", json=listed(other, row(**changes)) if ended else listed())
    report = gateway.query(REF)
    assert (report.status, report.executed_quantity, report.algo_id) == (status, D(executed), 14517)


def test_one_that_is_nowhere_is_not_found(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    http.get(f"{HOST}/openOrders", json=listed())
    http.get(f"{HOST}/historicalOrders", json=listed())
    with pytest.raises(OrderNotFound):
        gateway.query(REF)
    with pytest.raises(OrderNotFound):
        gateway.cancel(REF)


def test_it_is_cancelled_by_its_number(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    http.get(f"{HOST}/openOrders", json=listed(row()))
    http.delete(f"{HOST}/order", json={"algoId": 14517, "success": True, "code": 0, "msg": "OK"})
    http.get(f"{HOST}/openOrders", json=listed())
    http.get(f"{HOST}/historicalOrders", json=listed(row(algoStatus="CANCELLED")))
    assert gateway.cancel(REF).status is OrderStatus.CANCELED
    assert "algoId=14517" in str(http.calls[1].request.url) + str(http.calls[1].request.body)


def test_its_slices_are_its_fills(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    piece = {
        "algoId": 14517, "orderId": 8389765519993908929, "orderStatus": "FILLED", "executedQty": "0.100",
        "executedAmt": "6400.01", "feeAmt": "-3.2", "feeAsset": "USDT", "bookTime": 1795000001000,
        "avgPrice": "64000.1", "side": "BUY", "symbol": "BTCUSDT", "subId": 1,
        "timeInForce": "IMMEDIATE_OR_CANCEL", "origQty": "0.100",
    }  # fmt: skip
    unfilled = piece | {"orderId": 2, "subId": 2, "executedQty": "0.000", "avgPrice": "0"}
    http.get(f"{HOST}/openOrders", json=listed(row()))
    http.get(f"{HOST}/subOrders", json={"total": 2, "subOrders": [piece, unfilled]})
    (fill,) = gateway.fills(REF)
    assert (fill.price, fill.quantity, fill.commission) == (D("64000.1"), D("0.1"), D("3.2"))


@pytest.mark.parametrize(
    ("quantity", "seconds", "words"),
    [
        ("0.5", 299, "durations from 300"),
        ("0.5", 86_401, "86400"),
        ("0.010", 3600, "more than 1000"),
        ("17", 3600, "less than 1000000"),
        ("0.02", 3600, "a minute"),
        ("0.5005", 3600, "on the step"),
    ],
)
def test_its_limits_are_checked_before_anything_is_sent(quantity: str, seconds: int, words: str) -> None:
    parent = OrderRequest("BTCUSDT", Side.BUY, OrderType.TWAP, D(quantity), duration_s=seconds)
    executor = BinanceTWAPExecutor(SingleRequest(parent, wait=True), BTC)
    with pytest.raises(ValidationError) as refused:
        executor.validate(Venue().snapshot)
    assert words in refused.value.message


def test_within_them_it_passes() -> None:
    parent = OrderRequest(
        "BTCUSDT", Side.BUY, OrderType.TWAP, D("0.5"), position_side=PositionSide.BOTH, duration_s=3600
    )
    assert BinanceTWAPExecutor(SingleRequest(parent, wait=True), BTC).validate(Venue().snapshot) == []


@pytest.mark.parametrize("environment", [e for e in Environment if e is not Environment.LIVE])
def test_elsewhere_than_live_it_is_refused_with_the_reason(environment: Environment) -> None:
    with pytest.raises(ValidationError) as refused:
        check_environment(environment)
    assert "live exchange only" in refused.value.message
    check_environment(Environment.LIVE)
