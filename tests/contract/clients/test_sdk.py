"""The official SDK: every answer and event has exactly the fields and types of its models."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.clients.models import differences
from tests.contract.clients.recipes import sdk
from tests.contract.clients.strictness import strict_models
from tests.contract.paper.server import Server

pytestmark = pytest.mark.slow

BTC = {"symbol": "BTCUSDT"}
LIMIT = BTC | {
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "59000",
    "time_in_force": "GTC",
}
MARKET = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.01"}
STOP = BTC | {
    "algo_type": "CONDITIONAL",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "trigger_price": "58000",
}


@pytest.fixture
def client(exchange: Server) -> Iterator[Any]:
    made = sdk(exchange)
    with strict_models():
        yield made
    made.rest_api._session.close()


def prepared(exchange: Server) -> dict[str, Any]:
    """An account with positions (ETHUSDT isolated), a resting order and a waiting stop; their ids."""
    eth = {"symbol": "ETHUSDT"}
    exchange.signed("POST", "/fapi/v1/marginType", eth | {"marginType": "ISOLATED"})
    exchange.signed("POST", "/fapi/v1/order", _camel(MARKET | eth | {"quantity": "0.1"}))
    exchange.signed("POST", "/fapi/v1/positionMargin", eth | {"amount": "1", "type": "1"})
    exchange.control("POST", "/paper/funding", BTC | {"rate": "0.0001"})
    exchange.signed("POST", "/fapi/v1/order", _camel(MARKET))
    order = exchange.signed("POST", "/fapi/v1/order", _camel(LIMIT)).json()
    algo = exchange.signed("POST", "/fapi/v1/algoOrder", _camel(STOP)).json()
    return {"order_id": order["orderId"], "algo_id": algo["algoId"]}


def _camel(parameters: dict[str, str]) -> dict[str, str]:
    words = {name: name.split("_") for name in parameters}
    return {w[0] + "".join(p.title() for p in w[1:]): parameters[n] for n, w in words.items()}


# Which fields a model has that belong to a trailing stop's order, to a refused element, to other filters.
_TRAILING = {"activatePrice", "priceRate"}
_REFUSED = {"code", "msg"}
_FILTERS = {
    f"symbols.filters.{name}"
    for name in (
        *("minPrice", "maxPrice", "tickSize", "minQty", "maxQty", "stepSize", "limit", "notional"),
        *("multiplierUp", "multiplierDown", "multiplierDecimal"),
    )
}
# Fields seen live that the models do not list (BINANCE.md, sections 3 and 5 to 7).
_ALGO_QUERY = {"activatePrice", "callbackRate"}
_POSITION_V2 = {"notional", "isolatedWallet"}

Case = tuple[str, Callable[[dict[str, Any]], dict[str, Any]], set[str], set[str]]

ANSWERS: list[Case] = [
    ("check_server_time", lambda _: {}, set(), set()),
    (
        "exchange_information",
        lambda _: {},
        {"futuresType", "symbols.maxMoveOrderLimit", "symbols.filters.positionControlSide"},
        _FILTERS | {"symbols.settlePlan"},
    ),
    ("order_book", lambda _: BTC, set(), set()),
    ("recent_trades_list", lambda _: BTC, set(), set()),
    ("compressed_aggregate_trades_list", lambda _: BTC, set(), set()),
    ("mark_price", lambda _: BTC, set(), set()),
    ("mark_price", lambda _: {}, set(), set()),
    ("symbol_order_book_ticker", lambda _: BTC, {"lastUpdateId"}, set()),
    ("symbol_order_book_ticker", lambda _: {}, {"lastUpdateId"}, set()),
    ("symbol_price_ticker", lambda _: BTC, set(), set()),
    ("symbol_price_ticker_v2", lambda _: BTC, set(), set()),
    ("symbol_price_ticker_v2", lambda _: {}, set(), set()),
    ("ticker24hr_price_change_statistics", lambda _: BTC, set(), set()),
    ("ticker24hr_price_change_statistics", lambda _: {}, set(), set()),
    ("new_order", lambda _: LIMIT, set(), set()),
    ("new_order", lambda _: MARKET | {"new_order_resp_type": "RESULT"}, set(), set()),
    ("query_order", lambda ids: BTC | {"order_id": ids["order_id"]}, set(), _TRAILING),
    ("query_current_open_order", lambda ids: BTC | {"order_id": ids["order_id"]}, set(), _TRAILING),
    ("current_all_open_orders", lambda _: {}, set(), _TRAILING),
    ("all_orders", lambda _: BTC, set(), _TRAILING),
    (
        "modify_order",
        lambda ids: (
            BTC
            | {"side": "BUY", "quantity": "0.02", "price": "58000", "modify_id": 7}
            | {"order_id": ids["order_id"]}
        ),
        set(),
        set(),
    ),
    ("cancel_order", lambda ids: BTC | {"order_id": ids["order_id"]}, set(), _TRAILING),
    ("place_multiple_orders", lambda _: {"batch_orders": [_camel(LIMIT)] * 2}, set(), _REFUSED),
    (
        "cancel_multiple_orders",
        lambda ids: BTC | {"order_id_list": [ids["order_id"]]},
        set(),
        _TRAILING | _REFUSED,
    ),
    ("cancel_all_open_orders", lambda _: BTC, set(), set()),
    ("new_algo_order", lambda _: STOP, set(), set()),
    (
        "query_algo_order",
        lambda ids: {"algo_id": ids["algo_id"]},
        _ALGO_QUERY | {"tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"},
        set(),
    ),
    ("current_all_algo_open_orders", lambda _: {}, _ALGO_QUERY | {"actualQty", "actualType"}, set()),
    ("query_all_algo_orders", lambda _: BTC, _ALGO_QUERY | {"actualQty", "actualType"}, set()),
    ("cancel_algo_order", lambda ids: {"algo_id": ids["algo_id"]}, set(), set()),
    ("cancel_all_algo_open_orders", lambda _: BTC, set(), set()),
    ("account_trade_list", lambda _: BTC, set(), set()),
    ("futures_account_balance_v2", lambda _: {}, set(), set()),
    ("futures_account_balance_v3", lambda _: {}, set(), set()),
    (
        "account_information_v2",
        lambda _: {},
        {"positions.breakEvenPrice"} | {f"positions.{name}" for name in _POSITION_V2},
        set(),
    ),
    ("account_information_v3", lambda _: {}, set(), set()),
    ("position_information_v2", lambda _: {}, set(), set()),
    ("position_information_v3", lambda _: {}, set(), set()),
    ("symbol_configuration", lambda _: {}, set(), set()),
    ("futures_account_configuration", lambda _: {}, {"feeBurn"}, set()),
    ("notional_and_leverage_brackets", lambda _: {}, set(), {"notionalCoef"}),
    ("user_commission_rate", lambda _: BTC, set(), set()),
    ("change_initial_leverage", lambda _: BTC | {"leverage": 5}, set(), set()),
    ("change_margin_type", lambda _: {"symbol": "SOLUSDT", "margin_type": "ISOLATED"}, set(), set()),
    ("get_current_position_mode", lambda _: {}, set(), set()),
    ("get_current_multi_assets_mode", lambda _: {}, set(), set()),
    ("get_income_history", lambda _: {}, set(), set()),
    (
        "modify_isolated_position_margin",
        lambda _: {"symbol": "ETHUSDT", "amount": 1.5, "type": "1"},
        set(),
        set(),
    ),
    ("get_position_margin_change_history", lambda _: {"symbol": "ETHUSDT"}, set(), set()),
    # HEDGE marks an account in hedge mode.
    ("position_adl_quantile_estimation", lambda _: BTC, set(), {"adlQuantile.HEDGE"}),
    ("auto_cancel_all_open_orders", lambda _: BTC | {"countdown_time": 100_000}, set(), set()),
    ("query_user_rate_limit", lambda _: {}, set(), set()),
    ("get_bnb_burn_status", lambda _: {}, set(), set()),
    ("get_funding_rate_history", lambda _: BTC, set(), set()),
    ("get_funding_rate_info", lambda _: {}, set(), set()),
    ("open_interest", lambda _: BTC, set(), set()),
    ("old_trades_lookup", lambda _: BTC, set(), set()),
    ("start_user_data_stream", lambda _: {}, set(), set()),
]


@pytest.mark.parametrize(("name", "parameters", "unknown", "missing"), ANSWERS)
def test_an_answer_has_exactly_the_fields_of_its_model(
    exchange: Server,
    client: Any,
    name: str,
    parameters: Callable[[dict[str, Any]], dict[str, Any]],
    unknown: set[str],
    missing: set[str],
) -> None:
    given = parameters(prepared(exchange))
    received: list[Any] = []
    client.rest_api._session.hooks["response"].append(lambda answer, **_: received.append(answer.json()))
    model = getattr(client.rest_api, name)(**given).data()
    assert differences(model, received[-1]) == (unknown, missing)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("kline_candlestick_data", BTC),
        ("continuous_contract_kline_candlestick_data", {"pair": "BTCUSDT", "contract_type": "PERPETUAL"}),
        ("mark_price_kline_candlestick_data", BTC),
        ("index_price_kline_candlestick_data", {"pair": "BTCUSDT"}),
        ("premium_index_kline_data", BTC),
    ],
)
def test_candles_of_every_kind_have_twelve_fields(
    exchange: Server, client: Any, name: str, of: dict[str, str]
) -> None:
    exchange.signed("POST", "/fapi/v1/order", _camel(MARKET))
    exchange.control("POST", "/paper/mark", BTC | {"price": "60000"})
    row = getattr(client.rest_api, name)(**of, interval="1M").data()[-1]
    assert len(row) == 12


@pytest.mark.usefixtures("exchange")
def test_modes_of_an_empty_account_are_switched(client: Any) -> None:
    assert client.rest_api.change_multi_assets_mode(multi_assets_margin="true").data().code == 200
    assert client.rest_api.change_position_mode(dual_side_position="true").data().code == 200


def talk(client: Any, conversation: Callable[[Any], Any]) -> Any:
    """Run ``conversation`` with a connection to the WebSocket API."""

    async def run() -> Any:
        api = client.websocket_api
        await api.create_connection()
        try:
            return await conversation(api)
        finally:
            await api.close_connection()

    return asyncio.run(run())


def test_orders_over_the_websocket_api(exchange: Server, client: Any) -> None:
    async def conversation(api: Any) -> None:
        placed = (await api.new_order(**LIMIT)).data().result
        assert placed.status == "NEW"
        reference = BTC | {"order_id": placed.order_id}
        modified = await api.modify_order(**reference, side="BUY", quantity=0.02, price=58000.0)
        assert modified.data().result.orig_qty == "0.020"
        assert (await api.query_order(**reference)).data().result.price == "58000.00"
        assert (await api.cancel_order(**reference)).data().result.status == "CANCELED"
        refused = await api.cancel_order(**reference)
        assert refused.data() == {"error": {"code": -2011, "msg": "Unknown order sent."}}
        stop = (await api.new_algo_order(**STOP, client_algo_id="a:b/c")).data().result
        assert (stop.client_algo_id, stop.algo_status) == ("a:b/c", "NEW")
        cancelled = (await api.cancel_algo_order(algo_id=stop.algo_id)).data().result
        assert (cancelled.algo_id, cancelled.code) == (stop.algo_id, "200")

    talk(client, conversation)
    assert exchange.signed("GET", "/fapi/v1/openOrders", {}).json() == []


SOCKET_ANSWERS: list[tuple[str, dict[str, Any], set[str], set[str]]] = [
    ("new_order", LIMIT, set(), set()),
    ("new_algo_order", STOP, {"result.activatePrice", "result.callbackRate"}, set()),
    (
        "account_information",
        {},
        {"result.feeBurn"} | {f"result.positions.{name}" for name in _POSITION_V2},
        set(),
    ),
    # The route's model has no marginAvailable, as its documentation; this one does.
    ("account_information_v2", {}, set(), {"result.assets.marginAvailable"}),
    ("futures_account_balance", {}, set(), set()),
    ("futures_account_balance_v2", {}, set(), set()),
    ("position_information", {}, set(), set()),
    ("position_information_v2", {}, set(), set()),
    # The model has the two sides beside the result that holds them.
    ("order_book", BTC, {"result.bids", "result.asks"}, {"bids", "asks"}),
    ("symbol_price_ticker", BTC, set(), set()),
    ("symbol_price_ticker", {}, set(), set()),
    ("symbol_order_book_ticker", BTC, set(), set()),
    ("symbol_order_book_ticker", {}, set(), set()),
    ("start_user_data_stream", {}, set(), set()),
    ("close_user_data_stream", {}, set(), set()),
]


@pytest.mark.parametrize(("name", "parameters", "unknown", "missing"), SOCKET_ANSWERS)
def test_a_websocket_answer_has_exactly_the_fields_of_its_model(
    exchange: Server,
    client: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    parameters: dict[str, Any],
    unknown: set[str],
    missing: set[str],
) -> None:
    prepared(exchange)
    received: list[Any] = []
    loads = json.loads

    def overheard(text: str) -> Any:
        received.append(loads(text))
        return received[-1]

    monkeypatch.setattr(json, "loads", overheard)

    async def conversation(api: Any) -> Any:
        return (await getattr(api, name)(**parameters)).data()

    model = talk(client, conversation)
    found_unknown, found_missing = differences(model, received[-1])
    # Every answer carries rateLimits, which some models leave to the base class.
    assert (found_unknown - {"rateLimits"}, found_missing) == (unknown, missing)


def listen(client: Any, subscribe: list[tuple[str, dict[str, Any]]], act: Callable[[], None]) -> list[Any]:
    """What arrives on the streams while ``act`` is done again and again, until each has carried something."""

    async def run() -> list[Any]:
        streams = client.websocket_streams
        await streams.create_connection()
        arrived: list[list[Any]] = []
        try:
            for name, parameters in subscribe:
                events: list[Any] = []
                stream = await getattr(streams, name)(**parameters)
                stream.on("message", events.append)
                arrived.append(events)
            for _ in range(60):
                await asyncio.to_thread(act)
                await asyncio.sleep(0.1)
                if all(arrived):
                    break
        finally:
            await streams.close_connection()
        assert all(arrived), [s for s, events in zip(subscribe, arrived, strict=True) if not events]
        return [events[0] for events in arrived]

    return asyncio.run(run())


def test_market_streams_parse(exchange: Server, client: Any) -> None:
    step = iter(range(1000))

    def act() -> None:
        exchange.signed("POST", "/fapi/v1/order", _camel(MARKET))
        exchange.market(ask=f"{60_001 + next(step)}")

    subscribe: list[tuple[str, dict[str, Any]]] = [
        ("aggregate_trade_streams", BTC),
        ("mark_price_stream", BTC | {"update_speed": "1s"}),
        ("mark_price_stream_for_all_market", {"update_speed": "1s"}),
        ("kline_candlestick_streams", BTC | {"interval": "1m"}),
        (
            "continuous_contract_kline_candlestick_streams",
            {"pair": "btcusdt", "contract_type": "perpetual", "interval": "1m"},
        ),
        ("individual_symbol_mini_ticker_stream", BTC),
        ("all_market_mini_tickers_stream", {}),
        ("individual_symbol_ticker_streams", BTC),
        ("all_market_tickers_streams", {}),
        ("individual_symbol_book_ticker_streams", BTC),
        ("all_book_tickers_stream", {}),
        ("partial_book_depth_streams", BTC | {"levels": 5}),
        ("diff_book_depth_streams", BTC | {"update_speed": "100ms"}),
    ]
    first = listen(client, subscribe, act)
    assert {type(event).__name__ for event in first} >= {"AggregateTradeStreamsResponse", "list"}


def test_liquidations_parse(exchange: Server, client: Any) -> None:
    exchange.signed("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "100"})
    exchange.signed("POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "ISOLATED"})

    def act() -> None:
        exchange.market()
        exchange.signed("POST", "/fapi/v1/order", _camel(MARKET) | {"quantity": "0.1"})
        exchange.market(bid="59000", ask="59000.1")

    subscribe: list[tuple[str, dict[str, Any]]] = [
        ("liquidation_order_streams", BTC),
        ("all_market_liquidation_order_streams", {}),
    ]
    for event in listen(client, subscribe, act):
        assert (event.e, event.o.s, event.o.S, event.o.z) == ("forceOrder", "BTCUSDT", "SELL", "0.100")


def test_the_user_stream_parses(exchange: Server, client: Any) -> None:
    key = client.rest_api.start_user_data_stream().data().listen_key
    seen: dict[str, Any] = {}

    async def run() -> None:
        streams = client.websocket_streams
        await streams.create_connection()
        try:
            stream = await streams.user_data(key)
            stream.on("message", lambda e: seen.setdefault(type(e.actual_instance).__name__, e))
            await asyncio.to_thread(prepared, exchange)
            leverage = BTC | {"leverage": "9"}
            await asyncio.to_thread(exchange.signed, "POST", "/fapi/v1/leverage", leverage)
            for _ in range(50):
                await asyncio.sleep(0.05)
                if len(seen) == 5:
                    return
        finally:
            await streams.close_connection()

    asyncio.run(run())
    assert set(seen) == {
        "OrderTradeUpdate",
        "TradeLite",
        "AccountUpdate",
        "AlgoUpdate",
        "AccountConfigUpdate",
    }


@pytest.mark.parametrize("kind", ["Ed25519", "RSA"])
def test_a_key_pair_signs_requests(exchange: Server, kind: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    private: Any = (
        ed25519.Ed25519PrivateKey.generate() if kind == "Ed25519" else rsa.generate_private_key(65537, 2048)
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    exchange.control("POST", "/paper/keys", {"api_key": f"sdk-{kind}", "public_key": public.decode()})
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    client = sdk(exchange, api_key=f"sdk-{kind}", private_key=pem)
    with strict_models():
        placed = client.rest_api.new_order(**LIMIT).data()
        over_socket = talk(client, lambda api: api.new_order(**LIMIT)).data().result
    client.rest_api._session.close()
    assert (placed.status, over_socket.status) == ("NEW", "NEW")
