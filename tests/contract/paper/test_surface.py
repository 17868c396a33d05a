"""What a trader, or a client's start-up, may ask for is there: every route, stream and method by its name."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from orderkit.paper.host import PaperExchange
from orderkit.paper.markets import open_market
from orderkit.paper.server import ENDPOINTS
from orderkit.paper.store import Store
from orderkit.paper.streams import sockets as stream_sockets
from orderkit.paper.streams.hub import Hub
from orderkit.paper.streams.names import Category, parse
from orderkit.paper.streams.sockets import GOING_AWAY, StreamSockets
from orderkit.paper.websocket_api import sockets as api_sockets
from orderkit.paper.websocket_api.methods import METHODS
from orderkit.paper.websocket_api.sockets import ApiSockets
from tests.contract.paper.server import Server

ROUTES = {
    "market data": """
        GET /fapi/v1/ping, GET /fapi/v1/time, GET /fapi/v1/exchangeInfo, GET /fapi/v1/depth,
        GET /fapi/v1/trades, GET /fapi/v1/historicalTrades, GET /fapi/v1/aggTrades, GET /fapi/v1/klines,
        GET /fapi/v1/continuousKlines, GET /fapi/v1/markPriceKlines, GET /fapi/v1/indexPriceKlines,
        GET /fapi/v1/premiumIndexKlines, GET /fapi/v1/premiumIndex, GET /fapi/v1/fundingRate,
        GET /fapi/v1/fundingInfo, GET /fapi/v1/ticker/24hr, GET /fapi/v1/ticker/price,
        GET /fapi/v2/ticker/price, GET /fapi/v1/ticker/bookTicker, GET /fapi/v1/openInterest""",
    "trading": """
        POST /fapi/v1/order, PUT /fapi/v1/order, GET /fapi/v1/order, DELETE /fapi/v1/order,
        POST /fapi/v1/order/test, POST /fapi/v1/batchOrders, PUT /fapi/v1/batchOrders,
        DELETE /fapi/v1/batchOrders, DELETE /fapi/v1/allOpenOrders, GET /fapi/v1/openOrder,
        GET /fapi/v1/openOrders, GET /fapi/v1/allOrders, GET /fapi/v1/userTrades,
        POST /fapi/v1/countdownCancelAll, POST /fapi/v1/algoOrder, GET /fapi/v1/algoOrder,
        DELETE /fapi/v1/algoOrder, DELETE /fapi/v1/algoOpenOrders, GET /fapi/v1/openAlgoOrders,
        GET /fapi/v1/allAlgoOrders""",
    "account": """
        GET /fapi/v2/balance, GET /fapi/v3/balance, GET /fapi/v2/account, GET /fapi/v3/account,
        GET /fapi/v2/positionRisk, GET /fapi/v3/positionRisk, GET /fapi/v1/symbolConfig,
        GET /fapi/v1/accountConfig, POST /fapi/v1/leverage, POST /fapi/v1/marginType,
        GET /fapi/v1/positionSide/dual, POST /fapi/v1/positionSide/dual, POST /fapi/v1/positionMargin,
        GET /fapi/v1/positionMargin/history, GET /fapi/v1/multiAssetsMargin,
        POST /fapi/v1/multiAssetsMargin, GET /fapi/v1/leverageBracket, GET /fapi/v1/commissionRate,
        GET /fapi/v1/income, GET /fapi/v1/adlQuantile, GET /fapi/v1/forceOrders, POST /fapi/v1/listenKey,
        PUT /fapi/v1/listenKey, DELETE /fapi/v1/listenKey""",
    "what python-binance asks of spot": "GET /api/v3/ping, GET /api/v3/time",
}
STREAMS = {
    Category.PUBLIC: "btcusdt@bookTicker !bookTicker btcusdt@depth btcusdt@depth@100ms btcusdt@depth@500ms "
    "btcusdt@depth5 btcusdt@depth10@100ms btcusdt@depth20@500ms btcusdt@trade",
    Category.MARKET: "btcusdt@aggTrade btcusdt@markPrice btcusdt@markPrice@1s !markPrice@arr "
    "!markPrice@arr@1s btcusdt@kline_1m btcusdt@kline_1M btcusdt_perpetual@continuousKline_1h "
    "btcusdt@miniTicker !miniTicker@arr btcusdt@ticker !ticker@arr btcusdt@forceOrder !forceOrder@arr",
}
API = """
    order.place order.modify order.cancel order.status algoOrder.place algoOrder.cancel account.balance
    v2/account.balance account.status v2/account.status account.position v2/account.position ticker.price
    ticker.book depth userDataStream.start userDataStream.ping userDataStream.stop session.logon
    session.status session.logout"""
CONTROL = "market mark trade faults keys deposit funding limits reset requests status"


@pytest.mark.parametrize("family", list(ROUTES))
def test_every_route_of_the_family_is_served(family: str) -> None:
    wanted = {tuple(route.split()) for route in ROUTES[family].split(",")}
    assert wanted - {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == set()


@pytest.mark.parametrize(
    ("category", "name"), [(category, name) for category, names in STREAMS.items() for name in names.split()]
)
def test_every_stream_belongs_to_its_path(category: Category, name: str) -> None:
    stream = parse(name)
    assert stream is not None
    assert stream.category is category


def test_every_method_of_the_websocket_api_is_served() -> None:
    assert set(API.split()) - set(METHODS) == set()


def test_every_route_of_test_control_is_on_the_server(paper: Server) -> None:
    statuses = {name: paper.raw("OPTIONS", f"/paper/{name}").status_code for name in CONTROL.split()}
    assert statuses == dict.fromkeys(CONTROL.split(), 405)  # the path is there, the verb is not
    assert paper.raw("OPTIONS", "/paper/nothing").status_code == 404


SOCKETS = ("/public/ws", "/market/ws/btcusdt@ticker", "/private/stream", "/ws-fapi/v1")


def connected(home: Path, life_s: float, then: Callable[[Any], Awaitable[None]]) -> None:
    """Connect to each kind of socket, whose life is this long, and hand it on."""

    async def scenario() -> None:
        exchange = PaperExchange(open_market("manual")[0], Store(home / "account.sqlite3"), market="manual")
        application = web.Application()
        application.router.add_routes(StreamSockets(Hub(), life_s=life_s).routes())
        application.router.add_routes(ApiSockets(exchange, life_s=life_s).routes())
        async with TestClient(TestServer(application)) as client:
            for path in SOCKETS:
                async with client.ws_connect(path, autoping=False) as socket:
                    await then(socket)
        exchange.close()

    asyncio.run(scenario())


def test_a_connection_is_closed_when_its_day_is_over(tmp_path: Path) -> None:
    async def closed(socket: Any) -> None:
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (WSMsgType.CLOSE, GOING_AWAY)

    connected(tmp_path, 0.05, closed)


def test_a_ping_is_answered_with_what_it_carries(tmp_path: Path) -> None:
    async def answered(socket: Any) -> None:
        await socket.ping(b"1790000000000")
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (WSMsgType.PONG, b"1790000000000")

    connected(tmp_path, 60, answered)


def test_a_client_is_pinged_and_cut_off_when_it_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pinged(socket: Any) -> None:
        assert (await socket.receive(timeout=10)).type is WSMsgType.PING
        while (message := await socket.receive(timeout=10)).type is WSMsgType.PING:
            pass
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)

    for module in (stream_sockets, api_sockets):
        monkeypatch.setattr(module, "PING_INTERVAL_S", 0.2)
    connected(tmp_path, 60, pinged)
