"""The whole life of orders through each client's own calls, and refusals as its own exceptions."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.clients.strictness import strict_models
from tests.contract.clients.traders import TRADERS, Trader
from tests.contract.paper.server import Server

BTC = "BTCUSDT"
LIMIT = {
    "symbol": BTC,
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "59000",
    "timeInForce": "GTC",
}
MARKET = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
GTD = str((int(time.time()) + 3600) * 1000)


# One client tells soon whether something is amiss; the others take seconds to import alone.
@pytest.fixture(
    params=[
        pytest.param(name, marks=() if name == "python-binance" else pytest.mark.slow) for name in TRADERS
    ]
)
def trader(request: pytest.FixtureRequest, exchange: Server) -> Iterator[Trader]:
    made = TRADERS[request.param](exchange)  # type: ignore[call-arg]
    with strict_models() if made.library == "sdk" else nullcontext():
        yield made
    made.close()


def test_markets_are_loaded_with_their_tick_sizes(trader: Trader) -> None:
    ticks = trader.tick_sizes()
    assert len(ticks) == 20
    assert (ticks[BTC], ticks["ETHUSDT"]) == (Decimal("0.1"), Decimal("0.01"))


def test_leverage_and_margin_type_are_set(trader: Trader, exchange: Server) -> None:
    trader.tick_sizes()
    assert int(trader.set_leverage(BTC, 7)["leverage"]) == 7
    trader.set_margin_type(BTC, "ISOLATED")
    (config,) = exchange.signed("GET", "/fapi/v1/symbolConfig", {"symbol": BTC}).json()
    assert (config["leverage"], config["marginType"]) == (7, "ISOLATED")
    trader.set_margin_type(BTC, "CROSSED")


@pytest.mark.parametrize(
    ("changes", "status", "executed"),
    [
        ({}, "NEW", 0),
        ({"timeInForce": "GTX"}, "NEW", 0),
        ({"timeInForce": "GTD", "goodTillDate": GTD}, "NEW", 0),
        ({"timeInForce": "GTC", "price": "60001"}, "FILLED", "0.01"),
        ({"timeInForce": "IOC"}, "EXPIRED", 0),
        ({"timeInForce": "IOC", "price": "60001"}, "FILLED", "0.01"),
        ({"timeInForce": "IOC", "price": "60001", "quantity": "3"}, "EXPIRED", 2),
        ({"timeInForce": "FOK", "price": "60001"}, "FILLED", "0.01"),
        ({"priceMatch": "QUEUE", "price": None}, "NEW", 0),
        ({"selfTradePreventionMode": "EXPIRE_BOTH"}, "NEW", 0),
        ({"side": "SELL", "price": "61000"}, "NEW", 0),
    ],
)
def test_a_limit_order_of_every_time_in_force(
    trader: Trader, exchange: Server, changes: dict[str, Any], status: str, executed: int | str
) -> None:
    exchange.market(ask_quantity="2")
    trader.set_leverage(BTC, 50)
    order = LIMIT | {"newOrderRespType": "RESULT"} | changes
    placed = trader.place(**{name: value for name, value in order.items() if value is not None})
    assert (placed["status"], Decimal(placed["executedQty"])) == (status, Decimal(executed))
    queried = trader.query(BTC, int(placed["orderId"]))
    assert (queried["status"], queried["timeInForce"]) == (status, order["timeInForce"])


@pytest.mark.parametrize(("answer", "status"), [("ACK", "NEW"), ("RESULT", "FILLED")])
def test_a_market_order_is_acknowledged_or_reported(trader: Trader, answer: str, status: str) -> None:
    placed = trader.place(**MARKET, newOrderRespType=answer)
    assert placed["status"] == status
    assert trader.query(BTC, int(placed["orderId"]))["avgPrice"] == "60000.10000"


def test_an_order_is_queried_modified_listed_and_cancelled(trader: Trader) -> None:
    order_id = int(trader.place(**LIMIT)["orderId"])
    modified = trader.modify(BTC, order_id, "BUY", "0.02", "58000")
    assert (int(modified["orderId"]), modified["origQty"], modified["price"]) == (
        order_id,
        "0.020",
        "58000.00",
    )
    assert [int(o["orderId"]) for o in trader.open_orders(BTC)] == [order_id]
    assert trader.cancel(BTC, order_id)["status"] == "CANCELED"
    assert trader.open_orders(BTC) == []
    assert [o["status"] for o in trader.all_orders(BTC)] == ["CANCELED"]


def test_a_batch_is_placed_in_part_and_cancelled(trader: Trader) -> None:
    good = LIMIT | {"newClientOrderId": "first"}
    placed = trader.place_many([good, good | {"price": "58000"}, LIMIT | {"price": "57000"}])
    # ccxt sorts what it gets by time.
    assert [each["code"] for each in placed if "code" in each] == [-4116]
    ids = [int(each["orderId"]) for each in placed if "orderId" in each]
    assert [o["status"] for o in trader.cancel_many(BTC, ids)] == ["CANCELED", "CANCELED"]


def test_all_open_orders_are_cancelled_but_not_waiting_stops(trader: Trader) -> None:
    for price in ("59000", "58000"):
        trader.place(**LIMIT | {"price": price})
    trader.place_algo(**STOP)
    assert trader.cancel_all(BTC)["code"] == 200
    assert (trader.open_orders(BTC), len(trader.open_algos(BTC))) == ([], 1)
    trader.cancel_all_algos(BTC)
    assert trader.open_algos(BTC) == []


STOP = {
    "symbol": BTC,
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "triggerPrice": "58000",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": "STOP", "price": "57900", "timeInForce": "GTC"},
        {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "62000"},
        {"type": "TAKE_PROFIT", "price": "61900", "triggerPrice": "62000", "timeInForce": "GTC"},
        {
            "type": "TRAILING_STOP_MARKET",
            "triggerPrice": None,
            "callbackRate": "1",
            "activatePrice": "61000",
        },
        {"quantity": None, "closePosition": "true"},
        {"workingType": "MARK_PRICE", "priceProtect": "true", "reduceOnly": "true"},
    ],
)
def test_a_conditional_order_of_every_type_waits_and_is_cancelled(
    trader: Trader, changes: dict[str, Any]
) -> None:
    trader.place(**MARKET)
    order = {name: value for name, value in (STOP | changes).items() if value is not None}
    placed = trader.place_algo(**order)
    assert (placed["orderType"], placed["algoStatus"]) == (order["type"], "NEW")
    algo_id = int(placed["algoId"])
    assert [int(o["algoId"]) for o in trader.open_algos(BTC)] == [algo_id]
    cancelled = trader.cancel_algo(BTC, algo_id)
    assert (int(cancelled["algoId"]), cancelled["code"]) == (algo_id, "200")
    assert trader.query_algo(BTC, algo_id)["algoStatus"] == "CANCELED"


def test_a_conditional_order_becomes_an_order_when_it_triggers(trader: Trader, exchange: Server) -> None:
    trader.place(**MARKET)
    algo_id = int(trader.place_algo(**STOP)["algoId"])
    exchange.market(bid="57999", ask="57999.1")
    finished = trader.query_algo(BTC, algo_id)
    assert finished["algoStatus"] == "FINISHED"
    child = trader.query(BTC, int(finished["actualOrderId"]))
    assert (child["type"], child["status"], child["avgPrice"]) == ("MARKET", "FILLED", "57999.00000")
    assert [p for p in trader.positions() if Decimal(p["positionAmt"])] == []


def test_fills_make_positions_and_cost_commission(trader: Trader) -> None:
    trader.place(**MARKET)
    trader.place(**MARKET | {"side": "SELL", "quantity": "0.03"})
    bought, *sold = trader.fills(BTC)
    assert (bought["price"], bought["side"], bought["commission"]) == ("60000.10", "BUY", "0.30000050")
    (position,) = [p for p in trader.positions() if p["symbol"] == BTC]
    assert (position["positionAmt"], Decimal(position["entryPrice"])) == ("-0.020", Decimal(60000))
    realized = sum(Decimal(fill["realizedPnl"]) for fill in (bought, *sold))
    commission = sum(Decimal(fill["commission"]) for fill in (bought, *sold))
    assert (realized, trader.wallet()) == (Decimal("-0.001"), 100_000 + realized - commission)


def test_both_sides_are_held_in_hedge_mode(trader: Trader) -> None:
    trader.tick_sizes()
    trader.set_hedge_mode(True)
    trader.place(**MARKET, positionSide="LONG")
    trader.place(**MARKET | {"side": "SELL", "quantity": "0.02"}, positionSide="SHORT")
    held = {p["positionSide"]: p["positionAmt"] for p in trader.positions() if p["symbol"] == BTC}
    assert held == {"LONG": "0.010", "SHORT": "-0.020"}


def _twice(trader: Trader) -> None:
    for _ in range(2):
        trader.set_margin_type(BTC, "ISOLATED")


REFUSALS: list[tuple[Callable[[Trader], object], int, str]] = [
    (lambda t: t.place_raw(**MARKET | {"symbol": "NOSUCH"}), -1121, "BadSymbol"),
    (lambda t: t.place_raw(**LIMIT | {"price": "59000.001"}), -1111, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"price": "59000.01"}), -4014, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"quantity": "0.0001"}), -1111, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"side": "SELL", "price": "50000"}), -4024, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"quantity": "2", "price": "70000"}), -4016, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"quantity": "0.001", "price": "40000"}), -4164, "InvalidOrder"),
    (lambda t: t.place_raw(**LIMIT | {"quantity": "500"}), -2019, "InsufficientFunds"),
    (lambda t: t.place_raw(**LIMIT | {"reduceOnly": "true"}), -2022, "InvalidOrder"),
    (lambda t: t.place_raw(**LIMIT | {"price": "60001", "timeInForce": "GTX"}), -5022, "OrderNotFillable"),
    (lambda t: t.place_raw(**LIMIT | {"timeInForce": "FOK"}), -5021, "OrderNotFillable"),
    (lambda t: t.place_raw(**LIMIT | {"side": "UP"}), -1117, "BadRequest"),
    (lambda t: t.place_raw(**LIMIT | {"newClientOrderId": "x" * 37}), -4015, "BadRequest"),
    (lambda t: t.place_algo(**STOP | {"triggerPrice": "61000"}), -2021, "OrderImmediatelyFillable"),
    (lambda t: t.query(BTC, 1), -2013, "OrderNotFound"),
    (lambda t: t.cancel(BTC, 1), -2011, "OrderNotFound"),
    (lambda t: t.cancel_algo(BTC, 1), -2011, "OrderNotFound"),
    (_twice, -4046, "MarginModeAlreadySet"),
    (lambda t: t.set_leverage(BTC, 125) and t.set_hedge_mode(False), -4059, "OperationRejected"),
]


@pytest.mark.parametrize(("provoke", "code", "ccxt_class"), REFUSALS)
def test_a_refusal_is_the_clients_own_exception_with_the_exchanges_code(
    trader: Trader, provoke: Callable[[Trader], object], code: int, ccxt_class: str
) -> None:
    trader.tick_sizes()
    classes = {"python-binance": "BinanceAPIException", "ccxt": ccxt_class, "sdk": "BadRequestError"}
    with pytest.raises(Exception) as refused:
        provoke(trader)
    assert (trader.code_of(refused.value), type(refused.value).__name__) == (code, classes[trader.library])


@pytest.mark.parametrize(
    ("status", "body", "classes"),
    [
        (503, None, ("BinanceAPIException", "OperationFailed", "ServerError")),
        (408, {"code": -1007, "msg": "Timeout"}, ("BinanceAPIException", "RequestTimeout", "ClientError")),
        (
            401,
            {"code": -2015, "msg": "No"},
            ("BinanceAPIException", "AuthenticationError", "UnauthorizedError"),
        ),
        (403, "<html>", ("BinanceAPIException", "ExchangeNotAvailable", "ForbiddenError")),
        (
            429,
            {"code": -1003, "msg": "Slow"},
            ("BinanceAPIException", "DDoSProtection", "TooManyRequestsError"),
        ),
        (
            418,
            {"code": -1003, "msg": "Ban"},
            ("BinanceAPIException", "DDoSProtection", "RateLimitBanError"),
        ),
    ],
)
def test_a_failure_of_the_exchange_is_the_clients_own_exception(
    trader: Trader, exchange: Server, status: int, body: object, classes: tuple[str, str, str]
) -> None:
    trader.tick_sizes()
    match = {"method": "POST", "path": "/fapi/v1/order"}
    exchange.control(
        "POST", "/paper/faults", {"match": match, "action": "error", "status": status, "body": body}
    )
    with pytest.raises(Exception) as failed:
        trader.place_raw(**MARKET)
    expected = dict(zip(("python-binance", "ccxt", "sdk"), classes, strict=True))
    assert type(failed.value).__name__ == expected[trader.library]
