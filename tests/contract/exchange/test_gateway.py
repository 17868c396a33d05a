"""What the gateway sends for each call and how it reads the answers, python-binance in between."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from orderkit.domain.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    Side,
    TimeInForce,
    WorkingType,
)
from orderkit.domain.order import OrderRef, OrderReport, OrderRequest
from orderkit.errors import ClockSkew, OrderNotFound, OrderRejected, OutcomeUnknown, RateLimited
from orderkit.exchange import pacing
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.gateway import Gateway

from . import wire
from .conftest import KEY, REST

ORDER, ALGO = f"{REST}/fapi/v1/order", f"{REST}/fapi/v1/algoOrder"
TRADES = f"{REST}/fapi/v1/userTrades"
REF = OrderRef("BTCUSDT", "job-1")
STOP_REF = OrderRef("BTCUSDT", "job-1", conditional=True)
ABSENT = {"code": -2013, "msg": "Order does not exist."}
NOT_SENT = {"code": -2011, "msg": "Unknown order sent."}
BOOKKEEPING = {"timestamp", "signature", "recvWindow"}


def sent(http: responses.RequestsMock, index: int = -1) -> dict[str, str]:
    """The parameters of one request, from query and body, without time and signature."""
    return {k: v for k, v in everything_sent(http, index).items() if k not in BOOKKEEPING}


def stamp(http: responses.RequestsMock, index: int = -1) -> str | None:
    return everything_sent(http, index).get("timestamp")


def everything_sent(http: responses.RequestsMock, index: int) -> dict[str, str]:
    request = http.calls[index].request
    query = str(request.url).partition("?")[2]
    return dict(parse_qsl(query) + parse_qsl(str(request.body or "")))


def as_gateway(gateway: BinanceGateway) -> Gateway:
    """The type checker's word that the interface is implemented."""
    return gateway


MARKET = OrderRequest("ETHUSDT", Side.SELL, OrderType.MARKET, Decimal("1E+1"))
REQUESTS: list[tuple[str, OrderRequest, dict[str, str]]] = [
    (
        "limit",
        wire.LIMIT,
        {"type": "LIMIT", "quantity": "0.01", "price": "64000", "timeInForce": "GTC", "side": "BUY"},
    ),
    (
        "market, no exponent",
        MARKET,
        {"type": "MARKET", "quantity": "10", "side": "SELL", "symbol": "ETHUSDT"},
    ),
    (
        "tiny quantity, no exponent",
        replace(MARKET, quantity=Decimal("1E-7")),
        {"type": "MARKET", "quantity": "0.0000001", "side": "SELL", "symbol": "ETHUSDT"},
    ),
    (
        "reduce-only",
        replace(MARKET, reduce_only=True),
        {"type": "MARKET", "quantity": "10", "side": "SELL", "symbol": "ETHUSDT", "reduceOnly": "true"},
    ),
    (
        "hedge mode, price match, good till date",
        OrderRequest(
            "BTCUSDT",
            Side.BUY,
            OrderType.LIMIT,
            Decimal("0.5"),
            time_in_force=TimeInForce.GTD,
            position_side=PositionSide.LONG,
            price_match=PriceMatch.QUEUE,
            good_till_date_ms=1795000900000,
        ),
        {
            "type": "LIMIT",
            "side": "BUY",
            "quantity": "0.5",
            "timeInForce": "GTD",
            "positionSide": "LONG",
            "priceMatch": "QUEUE",
            "goodTillDate": "1795000900000",
        },
    ),
]


@pytest.mark.parametrize(("request_", "expected"), [r[1:] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_an_order_is_sent_as_plain_strings(
    gateway: BinanceGateway, http: responses.RequestsMock, request_: OrderRequest, expected: dict[str, str]
) -> None:
    http.post(ORDER, json=wire.order(symbol=request_.symbol))
    gateway.submit("job-1", request_)
    always = {"symbol": "BTCUSDT", "newClientOrderId": "job-1", "newOrderRespType": "RESULT"}
    assert sent(http) == always | expected


def test_a_conditional_order_goes_to_the_algo_service_under_our_id(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ALGO, json=wire.algo())
    request = replace(wire.STOP, working_type=WorkingType.MARK_PRICE, price_protect=True)
    report = gateway.submit("job-1", request)
    assert sent(http) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP",
        "quantity": "0.01",
        "price": "59900",
        "triggerPrice": "60000",
        "workingType": "MARK_PRICE",
        "priceProtect": "true",
        "algoType": "CONDITIONAL",
        "clientAlgoId": "job-1",
        "newOrderRespType": "RESULT",
    }
    assert report == OrderReport(
        client_order_id="job-1",
        symbol="BTCUSDT",
        status=OrderStatus.NEW,
        executed_quantity=Decimal(0),
        time_ms=1795000000123,
        algo_id=1000000000000001,
        price=Decimal(59900),
    )


def test_a_close_position_stop_sends_no_quantity(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ALGO, json=wire.algo(quantity="0", closePosition=True))
    gateway.submit(
        "job-1",
        OrderRequest(
            "BTCUSDT",
            Side.SELL,
            OrderType.STOP_MARKET,
            None,
            trigger_price=Decimal(60000),
            close_position=True,
        ),
    )
    assert sent(http)["closePosition"] == "true"
    assert "quantity" not in sent(http)


def test_every_request_is_signed_by_our_name_and_within_five_seconds(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ORDER, json=wire.order())
    gateway.submit("job-1", wire.LIMIT)
    request = http.calls[0].request
    body = dict(parse_qsl(str(request.body)))
    assert request.headers["X-MBX-APIKEY"] == KEY
    assert request.headers["User-Agent"].startswith("orderkit/")
    assert body["recvWindow"] == "5000"
    assert len(body["signature"]) == 64


def test_a_market_answer_is_final_and_without_a_price(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ORDER, json=wire.order(status="FILLED", type="MARKET", price="0.00", executedQty="0.010"))
    report = gateway.submit(
        "job-1", replace(wire.LIMIT, type=OrderType.MARKET, price=None, time_in_force=None)
    )
    assert (report.status, report.executed_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
    assert report.average_price is None
    assert report.price is None


@pytest.mark.parametrize(
    "answer",
    [
        wire.order(clientOrderId="job-2"),
        wire.order(executedQty="a lot"),
        wire.order(status="HALF_DONE"),
        wire.order(orderId=None),
    ],
)
def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown(
    gateway: BinanceGateway, http: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    http.post(ORDER, json=answer)
    with pytest.raises(OutcomeUnknown):
        gateway.submit("job-1", wire.LIMIT)


def test_a_query_by_client_id_brings_the_average_price(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(ORDER, json=wire.order(status="PARTIALLY_FILLED", executedQty="0.004", avgPrice="63999.5000"))
    report = gateway.query(REF)
    assert sent(http) == {"symbol": "BTCUSDT", "origClientOrderId": "job-1"}
    assert report.average_price == Decimal("63999.5")
    assert report.order_id == 4611686018427387904


def test_a_known_order_id_is_used_and_the_report_keeps_our_client_id(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.delete(ORDER, json=wire.order(status="CANCELED", clientOrderId="renamed"))
    report = gateway.cancel(replace(REF, order_id=77))
    assert sent(http) == {"symbol": "BTCUSDT", "orderId": "77"}
    assert (report.client_order_id, report.status) == ("job-1", OrderStatus.CANCELED)


def test_cancelling_an_unknown_order_says_so(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    http.delete(ORDER, status=400, json=NOT_SENT)
    with pytest.raises(OrderNotFound) as caught:
        gateway.cancel(REF)
    assert caught.value.code == -2011


# --- the life of a conditional order ----------------------------------------------------------------

ALGO_STATES: list[tuple[str, dict[str, Any], dict[str, Any] | None, OrderStatus, str, int | None]] = [
    ("waiting", wire.algo(), None, OrderStatus.NEW, "0", None),
    ("triggering", wire.algo(algoStatus="TRIGGERING"), None, OrderStatus.NEW, "0", None),
    ("cancelled", wire.algo(algoStatus="CANCELED"), None, OrderStatus.CANCELED, "0", None),
    ("expired", wire.algo(algoStatus="EXPIRED"), None, OrderStatus.EXPIRED, "0", None),
    ("no margin", wire.algo(algoStatus="REJECTED"), None, OrderStatus.REJECTED, "0", None),
    (
        "triggered",
        wire.algo(algoStatus="TRIGGERED", actualOrderId="55"),
        wire.order(orderId=55, status="PARTIALLY_FILLED", executedQty="0.004"),
        OrderStatus.PARTIALLY_FILLED,
        "0.004",
        55,
    ),
    (
        "triggered, the order is not to be seen yet",
        wire.algo(algoStatus="TRIGGERED", actualOrderId="55"),
        ABSENT,
        OrderStatus.NEW,
        "0",
        55,
    ),
    (
        "finished, filled",
        wire.algo(algoStatus="FINISHED", actualOrderId="55", actualQty="0.01", actualPrice="59950"),
        wire.order(orderId=55, status="FILLED", executedQty="0.010"),
        OrderStatus.FILLED,
        "0.01",
        55,
    ),
    (
        "finished, expired",
        wire.algo(algoStatus="FINISHED", actualOrderId="55"),
        wire.order(orderId=55, status="EXPIRED"),
        OrderStatus.EXPIRED,
        "0",
        55,
    ),
    (
        "finished long ago, filled",
        wire.algo(algoStatus="FINISHED", actualOrderId="55", actualQty="0.01", actualPrice="59950"),
        ABSENT,
        OrderStatus.FILLED,
        "0.01",
        55,
    ),
    (
        "finished long ago, nothing filled",
        wire.algo(algoStatus="FINISHED", actualOrderId="55"),
        ABSENT,
        OrderStatus.CANCELED,
        "0",
        55,
    ),
]


@pytest.mark.parametrize(
    ("algo", "child", "status", "executed", "order_id"),
    [s[1:] for s in ALGO_STATES],
    ids=[s[0] for s in ALGO_STATES],
)
def test_a_conditional_order_is_one_order_from_the_outside(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    algo: dict[str, Any],
    child: dict[str, Any] | None,
    status: OrderStatus,
    executed: str,
    order_id: int | None,
) -> None:
    http.get(ALGO, json=algo)
    if child is not None:
        http.get(ORDER, status=400 if child is ABSENT else 200, json=child)
    report = gateway.query(STOP_REF)
    assert (report.status, report.executed_quantity) == (status, Decimal(executed))
    assert (report.order_id, report.algo_id) == (order_id, 1000000000000001)
    assert report.client_order_id == "job-1"
    if child is not None:
        assert sent(http) == {"symbol": "BTCUSDT", "orderId": "55"}


def test_a_conditional_order_unknown_to_the_algo_service_is_looked_up_as_an_ordinary_one(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(ALGO, status=400, json=ABSENT)
    http.get(ORDER, json=wire.order(status="FILLED", executedQty="0.01"))
    assert gateway.query(STOP_REF).status is OrderStatus.FILLED
    assert sent(http) == {"symbol": "BTCUSDT", "origClientOrderId": "job-1"}


def test_a_conditional_order_that_is_nowhere_is_not_found(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(ALGO, status=400, json=ABSENT)
    http.get(ORDER, status=400, json=ABSENT)
    with pytest.raises(OrderNotFound):
        gateway.query(STOP_REF)


@pytest.mark.parametrize(
    "answer",
    [
        {"algoId": 9, "clientAlgoId": "job-1", "code": "200", "msg": "success"},
        wire.algo(algoStatus="CANCELED"),
    ],
)
def test_a_waiting_conditional_order_is_cancelled_in_one_request(
    gateway: BinanceGateway, http: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    http.delete(ALGO, json=answer)
    assert gateway.cancel(STOP_REF).status is OrderStatus.CANCELED
    assert sent(http) == {"symbol": "BTCUSDT", "clientAlgoId": "job-1"}
    assert len(http.calls) == 1


@pytest.mark.parametrize(
    ("algo_status", "algo", "how"),
    [
        (200, wire.algo(algoStatus="TRIGGERED", actualOrderId="55"), {"orderId": "55"}),
        (400, ABSENT, {"origClientOrderId": "job-1"}),
    ],
)
def test_a_triggered_conditional_order_is_cancelled_as_what_it_became(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    algo_status: int,
    algo: dict[str, Any],
    how: dict[str, str],
) -> None:
    http.delete(ALGO, status=400, json=NOT_SENT)
    http.get(ALGO, status=algo_status, json=algo)
    http.delete(ORDER, json=wire.order(status="CANCELED"))
    assert gateway.cancel(STOP_REF).status is OrderStatus.CANCELED
    assert sent(http) == {"symbol": "BTCUSDT"} | how


def test_a_triggering_conditional_order_cannot_be_cancelled_yet(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.delete(ALGO, status=400, json=NOT_SENT)
    http.get(ALGO, json=wire.algo(algoStatus="TRIGGERING"))
    with pytest.raises(OrderNotFound):
        gateway.cancel(STOP_REF)


def test_a_lost_cancel_of_a_conditional_order_is_not_tried_another_way(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.delete(ALGO, body=requests.ReadTimeout())
    with pytest.raises(OutcomeUnknown):
        gateway.cancel(STOP_REF)
    assert len(http.calls) == 1


# --- trades -----------------------------------------------------------------------------------------


def test_fills_are_sorted_and_carry_our_client_id(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(TRADES, json=[wire.trade(8, qty="0.006", maker=True), wire.trade(7), wire.trade(9, orderId=1)])
    fills = gateway.fills(replace(REF, order_id=4611686018427387904))
    assert [(f.trade_id, f.quantity, f.is_maker) for f in fills] == [
        (7, Decimal("0.005"), False),
        (8, Decimal("0.006"), True),
    ]
    assert {f.client_order_id for f in fills} == {"job-1"}
    assert fills[0].commission == Decimal("0.32")


def test_fills_without_an_order_id_look_the_order_up_first(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(ORDER, json=wire.order(status="FILLED"))
    http.get(TRADES, json=[wire.trade(7)])
    assert len(gateway.fills(REF)) == 1
    assert sent(http)["orderId"] == "4611686018427387904"


def test_a_conditional_order_that_waits_has_no_fills(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(ALGO, json=wire.algo())
    assert gateway.fills(STOP_REF) == ()


def test_more_than_a_page_of_fills_is_fetched_to_the_end(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(TRADES, json=[wire.trade(n) for n in range(1000)])
    http.get(TRADES, json=[wire.trade(n) for n in range(1000, 1010)])
    assert len(gateway.fills(replace(REF, order_id=4611686018427387904))) == 1010
    assert sent(http)["fromId"] == "1000"


# --- market and account -----------------------------------------------------------------------------


def test_quote_and_mark_price(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    http.get(
        f"{REST}/fapi/v1/ticker/bookTicker",
        json={
            "symbol": "BTCUSDT",
            "bidPrice": "64000.00",
            "bidQty": "2.5",
            "askPrice": "64000.10",
            "askQty": "0.8",
            "time": 1795000000000,
            "lastUpdateId": 1,
        },
    )
    http.get(
        f"{REST}/fapi/v1/premiumIndex",
        json={
            "symbol": "BTCUSDT",
            "markPrice": "64001.12345678",
            "indexPrice": "64002.00000000",
            "estimatedSettlePrice": "64003",
            "lastFundingRate": "-0.00004435",
            "interestRate": "0.0001",
            "nextFundingTime": 1795003200000,
            "time": 1795000000000,
        },
    )
    assert gateway.quote("BTCUSDT").mid == Decimal("64000.05")
    mark = gateway.mark_price("BTCUSDT")
    assert (mark.mark_price, mark.funding_rate) == (Decimal("64001.12345678"), Decimal("-0.00004435"))


def account_answers(http: responses.RequestsMock, **changes: Any) -> None:
    answers: dict[str, Any] = {
        "v3/account": {
            "totalWalletBalance": "150.5",
            "availableBalance": "120",
            "assets": [
                {"asset": "USDT", "walletBalance": "100.5", "availableBalance": "90.25"},
                {"asset": "USDC", "walletBalance": "50", "availableBalance": "30"},
            ],
            "positions": [],
        },
        "v1/accountConfig": {"dualSidePosition": False, "multiAssetsMargin": False},
        "v1/symbolConfig": [{"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 20}],
        "v3/positionRisk": [
            {
                "symbol": "BTCUSDT",
                "positionSide": "BOTH",
                "positionAmt": "-0.010",
                "entryPrice": "64000.0",
                "markPrice": "63900.0",
                "unRealizedProfit": "1.00000000",
                "liquidationPrice": "0",
            }
        ],
    } | changes
    for path, answer in answers.items():
        http.get(f"{REST}/fapi/{path}", json=answer)


def test_an_account_without_positions_takes_three_requests(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    account_answers(http)
    account = gateway.account(["BTCUSDT"])
    assert (account.wallet_balance, account.available_balance) == (Decimal("100.5"), Decimal("90.25"))
    assert (account.hedge_mode, account.leverage, account.positions) == (False, {"BTCUSDT": 20}, ())
    assert len(http.calls) == 3


def test_an_account_with_a_position_knows_its_entry_and_mark(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    positions = {"positions": [{"symbol": "BTCUSDT", "positionAmt": "-0.010"}]}
    account_answers(
        http,
        **{
            "v3/account": {"totalWalletBalance": "1", "availableBalance": "1", "assets": [], **positions},
            "v1/accountConfig": {"dualSidePosition": True, "multiAssetsMargin": True},
        },
    )
    account = gateway.account(["BTCUSDT"])
    assert account.hedge_mode
    assert account.wallet_balance == 1  # multi-assets mode: the totals
    assert account.position_quantity("BTCUSDT") == Decimal("-0.01")
    assert account.positions[0].mark_price == Decimal(63900)
    assert account.positions[0].liquidation_price is None


def test_commission_rates_are_asked_once(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    rates = {"symbol": "BTCUSDT", "makerCommissionRate": "0.000200", "takerCommissionRate": "0.000500"}
    http.get(f"{REST}/fapi/v1/commissionRate", json=rates)
    for _ in range(3):
        assert gateway.commission_rates("BTCUSDT") == (Decimal("0.0002"), Decimal("0.0005"))
    assert len(http.calls) == 1


ROW = {
    "bracket": 1,
    "initialLeverage": 125,
    "notionalCap": 50000,
    "notionalFloor": 0,
    "maintMarginRatio": 0.004,
    "cum": 0.0,
}


@pytest.mark.parametrize(
    "answer",
    [
        [{"symbol": "BTCUSDT", "brackets": [ROW]}],
        {"symbol": "BTCUSDT", "brackets": [ROW]},
        [{"symbol": "BTCUSDT", "brackets": [{k: str(v) for k, v in ROW.items()}]}],
    ],
    ids=["list", "bare object", "strings"],
)
def test_brackets_are_read_in_all_their_spellings(
    gateway: BinanceGateway, http: responses.RequestsMock, answer: Any
) -> None:
    http.get(f"{REST}/fapi/v1/leverageBracket", json=answer)
    (row,) = gateway.brackets("BTCUSDT")
    assert (row.maint_margin_ratio, row.notional_cap) == (Decimal("0.004"), Decimal(50000))
    with pytest.raises(OrderRejected):
        gateway.brackets("NOSUCHUSDT")
    assert len(http.calls) == 1


def test_the_listen_key_life(gateway: BinanceGateway, http: responses.RequestsMock) -> None:
    url = f"{REST}/fapi/v1/listenKey"
    http.post(url, json={"listenKey": "L" * 64})
    http.put(url, json={"listenKey": "L" * 64})
    http.put(url, status=400, json={"code": -1125, "msg": "This listenKey does not exist."})
    key = gateway.create_listen_key()
    gateway.keep_listen_key_alive(key)
    with pytest.raises(OrderRejected) as caught:
        gateway.keep_listen_key_alive(key)
    assert caught.value.code == -1125
    assert sent(http) == {"listenKey": key}


# --- the clock --------------------------------------------------------------------------------------

AHEAD = {"code": -1021, "msg": "Timestamp for this request was 1000ms ahead of the server's time."}
LOCAL_MS = 1795000000000


@pytest.fixture
def local_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orderkit.exchange.clock._local_ms", lambda: LOCAL_MS)


@pytest.mark.usefixtures("local_clock")
def test_a_wrong_clock_is_set_right_once_and_remembered(
    gateway: BinanceGateway, http: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: LOCAL_MS / 1000)
    http.post(ORDER, status=400, json=AHEAD)
    http.get(f"{REST}/fapi/v1/time", json={"serverTime": LOCAL_MS - 5000})
    http.post(ORDER, json=wire.order())
    http.get(ORDER, json=wire.order())
    gateway.submit("job-1", wire.LIMIT)
    gateway.query(REF)
    assert [stamp(http, n) for n in range(4)] == [
        str(LOCAL_MS),
        None,
        str(LOCAL_MS - 5000),
        str(LOCAL_MS - 5000),
    ]
    again = BinanceGateway(gateway.settings, gateway.endpoints)
    again.query(REF)
    assert stamp(http) == str(LOCAL_MS - 5000)
    again.close()


@pytest.mark.usefixtures("local_clock")
def test_a_clock_that_cannot_be_set_right_is_reported_after_one_try(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ORDER, status=400, json=AHEAD)
    http.get(f"{REST}/fapi/v1/time", json={"serverTime": LOCAL_MS})
    with pytest.raises(ClockSkew):
        gateway.submit("job-1", wire.LIMIT)
    assert [c.request.method for c in http.calls] == ["POST", "GET", "POST"]


# --- the request budget -----------------------------------------------------------------------------


def test_a_budget_that_is_nearly_used_up_is_told_once(
    gateway: BinanceGateway, http: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    http.post(
        ORDER,
        json=wire.order(),
        headers={"X-MBX-USED-WEIGHT-1M": "12", "X-MBX-ORDER-COUNT-10S": "250", "X-MBX-ORDER-COUNT-1M": "300"},
    )
    for _ in range(3):
        gateway.submit("job-1", wire.LIMIT)
    assert caplog.text.count("request budget") == 1


def test_the_limits_are_those_of_exchange_information(
    gateway: BinanceGateway, http: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2}]
    answer = {"symbols": [wire.instrument("BTCUSDT")], "rateLimits": limits}
    http.get(f"{REST}/fapi/v1/exchangeInfo", json=answer)
    http.post(ORDER, json=wire.order())
    gateway.instruments()
    monkeypatch.setattr(pacing, "URGENT_WAIT_S", 0.0)
    gateway.submit("job-1", wire.LIMIT)
    gateway.submit("job-1", wire.LIMIT)
    with pytest.raises(RateLimited):  # also where ten seconds turn over meanwhile: those count on both sides
        gateway.submit("job-1", wire.LIMIT)


def test_nothing_is_asked_before_the_first_call(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    assert as_gateway(gateway) is gateway
    assert len(http.calls) == 0


def test_a_symbol_that_cannot_be_read_does_not_hide_the_others(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.get(
        f"{REST}/fapi/v1/exchangeInfo", json={"symbols": [wire.instrument("BTCUSDT"), {"symbol": "ODDUSDT"}]}
    )
    assert list(gateway.instruments()) == ["BTCUSDT"]
