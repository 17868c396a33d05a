"""Several orders in one request: what is sent, and what each order hears."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses

from orderkit.domain.order import OrderReport
from orderkit.errors import ExchangeUnreachable, OrderRejected, OutcomeUnknown, RateLimited
from orderkit.exchange.binance_gateway import BinanceGateway
from tests.contract.exchange import wire
from tests.contract.exchange.conftest import REST
from tests.contract.exchange.test_gateway import sent

BATCH = f"{REST}/fapi/v1/batchOrders"
ORDERS = [(f"job-{n}", replace(wire.LIMIT, price=Decimal(64_000 - n))) for n in (1, 2, 3)]


def taken(number: int) -> dict[str, Any]:
    return wire.order(clientOrderId=f"job-{number}")


def test_each_order_is_named_and_hears_its_own_answer(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    refusal = {"code": -5022, "msg": "Due to the order could not be executed as maker, the Post Only…"}
    http.post(BATCH, json=[taken(1), refusal, taken(3)])
    first, second, third = gateway.submit_batch(ORDERS)
    assert isinstance(first, OrderReport)
    assert isinstance(third, OrderReport)
    assert (first.client_order_id, third.client_order_id) == ("job-1", "job-3")
    assert isinstance(second, OrderRejected)
    assert second.code == -5022
    elements = json.loads(sent(http)["batchOrders"])
    assert [e["newClientOrderId"] for e in elements] == ["job-1", "job-2", "job-3"]
    assert [e["price"] for e in elements] == ["63999", "63998", "63997"]
    assert all(isinstance(value, str) for element in elements for value in element.values())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-1008, ExchangeUnreachable),  # certainly not executed: sent again
        (-1007, OutcomeUnknown),
        (-1015, RateLimited),
        (-2019, OrderRejected),
    ],
)
def test_an_orders_own_error_means_what_it_would_have_meant_alone(
    gateway: BinanceGateway, http: responses.RequestsMock, code: int, kind: type[Exception]
) -> None:
    http.post(BATCH, json=[taken(1), {"code": code, "msg": "no"}, taken(3)])
    answers = gateway.submit_batch(ORDERS)
    assert type(answers[1]) is kind
    assert isinstance(answers[2], OrderReport)


@pytest.mark.parametrize(
    "answer", [[], [taken(1), taken(2)], [taken(1), taken(3), taken(2)], {"code": 0}, [taken(1), 5, 7]]
)
def test_an_answer_that_is_about_something_else_leaves_all_outcomes_unknown(
    gateway: BinanceGateway, http: responses.RequestsMock, answer: object
) -> None:
    http.post(BATCH, json=answer)
    with pytest.raises(OutcomeUnknown):
        gateway.submit_batch(ORDERS)


def test_a_lost_answer_leaves_all_outcomes_unknown(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(BATCH, body=requests.ReadTimeout())
    with pytest.raises(OutcomeUnknown):
        gateway.submit_batch(ORDERS)
