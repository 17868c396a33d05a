"""Market and account documents, compared with recorded ones where the recordings are at hand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract.paper.server import Server

SAMPLES = Path(__file__).parents[4] / "shared/data/rest_ws_fixtures/jkorf_usdfutures"


def test_exchange_info_lists_what_a_client_needs(paper: Server) -> None:
    document = paper.client().futures_exchange_info()
    assert abs(document["serverTime"] - paper.client().futures_time()["serverTime"]) < 5_000
    bitcoin = next(s for s in document["symbols"] if s["symbol"] == "BTCUSDT")
    assert (bitcoin["status"], bitcoin["contractType"]) == ("TRADING", "PERPETUAL")
    assert {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE"} <= {
        f["filterType"] for f in bitcoin["filters"]
    }
    assert len(document["symbols"]) == 20


def test_the_book_the_quote_and_the_mark_follow_the_market(paper: Server) -> None:
    paper.market(bid="61000", ask="61000.2", bid_quantity="3", ask_quantity="4")
    client = paper.client()
    book = client.futures_order_book(symbol="BTCUSDT", limit=5)
    assert (book["bids"], book["asks"]) == ([["61000.00", "3.000"]], [["61000.20", "4.000"]])
    quote = client.futures_orderbook_ticker(symbol="BTCUSDT")
    assert (quote["bidPrice"], quote["askQty"]) == ("61000.00", "4.000")
    assert quote["lastUpdateId"] == book["lastUpdateId"]
    assert client.futures_mark_price(symbol="BTCUSDT")["markPrice"] == "61000.10000000"
    assert client.futures_symbol_ticker(symbol="BTCUSDT")["price"] == "61000.10"
    paper.control("POST", "/paper/mark", {"symbol": "BTCUSDT", "price": "62000"})
    assert client.futures_mark_price(symbol="BTCUSDT")["markPrice"] == "62000.00000000"


def test_trades_make_candles_and_day_figures(paper: Server) -> None:
    client = paper.client()
    for side in ("BUY", "SELL"):
        client.futures_create_order(symbol="BTCUSDT", side=side, type="MARKET", quantity="0.01")
    trades = client.futures_recent_trades(symbol="BTCUSDT")
    assert [(t["price"], t["isBuyerMaker"]) for t in trades] == [("60000.10", False), ("60000.00", True)]
    aggregates = client.futures_aggregate_trades(symbol="BTCUSDT")
    assert [(a["p"], a["q"], a["m"]) for a in aggregates] == [
        ("60000.10", "0.010", False),
        ("60000.00", "0.010", True),
    ]
    for interval in ("1m", "1h", "1d", "1w", "1M"):
        candles = client.futures_klines(symbol="BTCUSDT", interval=interval)
        assert sum(c[8] for c in candles) == 2
        assert all(c[0] <= trades[0]["time"] <= c[6] for c in candles[-1:])
        assert len(candles[0]) == 12
    day = client.futures_ticker(symbol="BTCUSDT")
    assert (day["count"], day["volume"], day["lastPrice"]) == (2, "0.020", "60000.00")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1s", -1120),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1501", -1130),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", -4021),
        ("/fapi/v1/depth?symbol=NOPE", -1121),
        ("/fapi/v1/depth", -1102),
        ("/fapi/v1/trades?symbol=BTCUSDT&limit=many", -1102),
    ],
)
def test_a_bad_market_request_is_refused(paper: Server, path: str, code: int) -> None:
    answer = paper.raw("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PATCH", "/fapi/v1/order")])
def test_an_unknown_path_is_answered_in_json(paper: Server, method: str, path: str) -> None:
    answer = paper.raw(method, path)
    assert answer.status_code in (404, 405)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(answer.json()) == {"code", "msg"}


def test_a_body_that_is_too_large_is_refused(paper: Server) -> None:
    answer = paper.raw("POST", "/fapi/v1/order", data="x" * 2_000_000)
    assert answer.status_code == 413
    assert set(answer.json()) == {"code", "msg"}


def test_the_spot_clock_is_there_for_the_asynchronous_client(paper: Server) -> None:
    assert paper.raw("GET", "/api/v3/ping").json() == {}
    assert "serverTime" in paper.raw("GET", "/api/v3/time").json()


# Fields of 2021 samples that the exchange no longer sends, or sends on other routes only.
GONE = {"avgPrice", "cumQuote", "activatePrice", "priceRate", "notionalCoef"}
COMPARED = [
    ("Trading__PlaceOrder", "POST", "/fapi/v1/order", {"type": "MARKET", "side": "BUY", "quantity": "0.01"}),
    ("Trading__GetOrder", "GET", "/fapi/v1/order", {"origClientOrderId": "seen"}),
    ("Trading__GetUserTrades", "GET", "/fapi/v1/userTrades", {}),
    ("Trading__GetConditionalOrder", "GET", "/fapi/v1/algoOrder", {"clientAlgoId": "stop"}),
    ("Account__GetAccountInfoV3", "GET", "/fapi/v3/account", None),
    ("Account__GetAccountInfo", "GET", "/fapi/v2/account", None),
    ("Account__GetBalances", "GET", "/fapi/v3/balance", None),
    ("Account__GetPositionInformation", "GET", "/fapi/v2/positionRisk", {}),
    ("Account__GetSymbolConfiguration", "GET", "/fapi/v1/symbolConfig", {}),
    ("Account__GetAccountConfiguration", "GET", "/fapi/v1/accountConfig", None),
    ("Account__GetBrackets", "GET", "/fapi/v1/leverageBracket", {}),
    ("Account__GetUserCommissionRate", "GET", "/fapi/v1/commissionRate", {}),
    ("Account__ChangeInitialLeverage", "POST", "/fapi/v1/leverage", {"leverage": "21"}),
    ("ExchangeData__GetOrderBook", "GET", "/fapi/v1/depth", {}),
    ("ExchangeData__GetRecentTrades", "GET", "/fapi/v1/trades", {}),
    ("ExchangeData__GetAggregatedTradeHistory", "GET", "/fapi/v1/aggTrades", {}),
    ("ExchangeData__GetMarkPrice", "GET", "/fapi/v1/premiumIndex", {}),
    ("ExchangeData__GetPrice", "GET", "/fapi/v2/ticker/price", {}),
    ("ExchangeData__GetBookPrice", "GET", "/fapi/v1/ticker/bookTicker", {}),
    ("ExchangeData__GetTicker", "GET", "/fapi/v1/ticker/24hr", {}),
    ("ExchangeData__GetKlines", "GET", "/fapi/v1/klines", {"interval": "1m"}),
]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded samples are not on this machine")
@pytest.mark.parametrize(("sample", "method", "path", "parameters"), COMPARED, ids=[c[0] for c in COMPARED])
def test_a_document_has_the_recorded_fields_with_the_recorded_types(
    paper: Server, sample: str, method: str, path: str, parameters: dict[str, str] | None
) -> None:
    client = paper.client()
    client.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01", newClientOrderId="seen"
    )
    client.futures_create_order(
        symbol="BTCUSDT",
        side="SELL",
        type="STOP_MARKET",
        quantity="0.01",
        stopPrice="58000",
        clientAlgoId="stop",
    )
    query = {} if parameters is None else {"symbol": "BTCUSDT", **parameters}
    ours = paper.signed(method, path, query).json()
    _assert_alike(_recorded(sample), ours, sample)


def _recorded(sample: str) -> Any:
    text = (SAMPLES / f"Endpoints__UsdFutures__{sample}.txt").read_text()
    body = text[re.search(r"^[\[{]", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
    return json.loads(body)


def _assert_alike(recorded: Any, ours: Any, where: str) -> None:
    if isinstance(recorded, dict):
        assert isinstance(ours, dict), where
        missing = {k for k in recorded if k not in GONE} - set(ours)
        assert not missing, f"{where} lacks {missing}"
        for key in set(recorded) & set(ours):
            _assert_alike(recorded[key], ours[key], f"{where}.{key}")
    elif isinstance(recorded, list):
        assert isinstance(ours, list), where
        assert ours, where
        if isinstance(recorded[0], dict):
            _assert_alike(recorded[0], ours[0], f"{where}[0]")
        else:
            assert [_kind(v) for v in recorded] == [_kind(v) for v in ours][: len(recorded)], where
    elif where.rpartition(".")[2] != "isAutoAddMargin":  # a string in old samples, a boolean since
        assert _kind(recorded) == _kind(ours), f"{where}: {recorded!r} and {ours!r}"


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else str(type(value))
