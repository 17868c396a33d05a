"""The sockets of the clients: the WebSocket API, the user stream, and a book kept from the diff stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.clients import books
from tests.contract.clients.recipes import PERPETUAL, point_ccxt, point_python_binance, sdk
from tests.contract.clients.strictness import strict_models
from tests.contract.paper.server import Server
from tests.waiting import eventually

BTC = {"symbol": "BTCUSDT"}
BTC_CCXT = PERPETUAL["BTCUSDT"]
MARKET = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.01"}
LIMIT = MARKET | {"type": "LIMIT", "price": "59000", "timeInForce": "GTC"}


@asynccontextmanager
async def ccxt_pro(exchange: Server) -> AsyncIterator[Any]:
    import ccxt.pro  # type: ignore[import-untyped]

    options = {"apiKey": exchange.api_key, "secret": exchange.api_secret, "enableRateLimit": False}
    client = point_ccxt(ccxt.pro.binanceusdm(options), exchange)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def python_binance(exchange: Server) -> AsyncIterator[Any]:
    from binance.async_client import AsyncClient

    client = point_python_binance(AsyncClient(exchange.api_key, exchange.api_secret), exchange)
    try:
        yield client
    finally:
        await client.close_connection()
        await client.ws_future.close()


def move(exchange: Server, step: int) -> None:
    """Change the book in all the ways a diff stream must carry."""
    exchange.market(bid=str(60_010 + step), ask=str(60_040 - step))
    exchange.signed("POST", "/fapi/v1/order", LIMIT | {"price": str(59_000 + step)})
    exchange.signed("POST", "/fapi/v1/order", MARKET)


def book_of(exchange: Server) -> books.Book:
    return books.of(exchange.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=1000").json())


@pytest.mark.slow  # the library takes ten seconds to close this connection
def test_python_binance_orders_over_the_websocket_api(exchange: Server) -> None:
    from binance.exceptions import BinanceAPIException

    async def scenario() -> None:
        async with python_binance(exchange) as client:
            placed = await client.ws_futures_create_order(**LIMIT)
            reference = BTC | {"orderId": placed["orderId"]}
            edited = await client.ws_futures_edit_order(**LIMIT | reference | {"price": "58000"})
            assert edited["price"] == "58000.00"
            assert (await client.ws_futures_get_order(**reference))["status"] == "NEW"
            assert (await client.ws_futures_cancel_order(**reference))["status"] == "CANCELED"
            with pytest.raises(BinanceAPIException) as refused:
                await client.ws_futures_cancel_order(**reference)
            assert refused.value.code == -2011
            stop = await client.ws_futures_create_order(
                **MARKET | {"side": "SELL", "type": "STOP_MARKET", "stopPrice": "58000"}
            )
            cancelled = await client.ws_futures_cancel_algo_order(algoId=stop["algoId"])
            assert cancelled["code"] == "200"
            direct = await client.ws_futures_create_algo_order(
                algoType="CONDITIONAL",
                **MARKET | {"side": "SELL", "type": "STOP_MARKET", "triggerPrice": "58000"},
            )
            assert direct["algoStatus"] == "NEW"
            await client.ws_futures_create_order(**MARKET)
            (position,) = await client.ws_futures_v2_account_position()
            assert position["positionAmt"] == "0.010"
            for name in ("account_position", "account_status", "v2_account_status", "account_balance"):
                assert await getattr(client, f"ws_futures_{name}")()
            (balance,) = await client.ws_futures_v2_account_balance()
            assert Decimal(balance["balance"]) == 100_000 - Decimal("0.30000050")
            assert (await client.ws_futures_get_order_book(**BTC, limit=5))["bids"][0][0] == "60000.00"
            assert len(await client.ws_futures_get_all_tickers()) == 20
            assert (await client.ws_futures_get_order_book_ticker(**BTC))["askPrice"] == "60000.10"

    asyncio.run(scenario())


def test_python_binance_keeps_a_book_from_the_diff_stream(exchange: Server) -> None:
    from binance.ws.streams import BinanceSocketManager

    async def scenario() -> None:
        async with python_binance(exchange) as client:
            manager = BinanceSocketManager(client, max_queue_size=10_000)
            manager.FSTREAM_URL = f"{exchange.ws}/"
            socket = manager.futures_multiplex_socket(["btcusdt@depth@100ms"], category="public")
            updates: list[Any] = []
            await socket.__aenter__()

            async def collect() -> None:
                while True:
                    updates.append((await socket.recv())["data"])

            collecting = asyncio.create_task(collect())
            await asyncio.to_thread(move, exchange, 0)
            await eventually(lambda: len(updates) > 0)
            snapshot = await client.futures_order_book(symbol="BTCUSDT", limit=1000)
            for step in range(1, 8):
                await asyncio.to_thread(move, exchange, step)
            expected = await asyncio.to_thread(book_of, exchange)
            await eventually(lambda: books.synchronised(snapshot, updates) == expected)
            collecting.cancel()
            # The library's sockets notice that they are to close only when something arrives.
            closing = asyncio.create_task(socket.__aexit__(None, None, None))
            while not closing.done():
                await asyncio.to_thread(move, exchange, 9)
                await asyncio.sleep(0.1)

    asyncio.run(scenario())


@pytest.mark.slow
def test_ccxt_orders_over_the_websocket_api(exchange: Server) -> None:
    import ccxt

    async def scenario() -> None:
        async with ccxt_pro(exchange) as client:
            placed = await client.create_order_ws(BTC_CCXT, "limit", "buy", 0.01, 59_000)
            fetched = await client.fetch_order_ws(placed["id"], BTC_CCXT)
            assert (fetched["status"], fetched["price"]) == ("open", 59_000)
            edited = await client.edit_order_ws(placed["id"], BTC_CCXT, "limit", "buy", 0.02, 58_000)
            assert (edited["id"], edited["amount"]) == (placed["id"], 0.02)
            cancelled = await client.cancel_order_ws(placed["id"], BTC_CCXT)
            assert cancelled["status"] == "canceled"
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws(placed["id"], BTC_CCXT)
            stop = await client.create_order_ws(
                BTC_CCXT, "market", "sell", 0.01, None, {"stopLossPrice": 58_000}
            )
            assert stop["info"]["algoStatus"] == "NEW"
            await client.create_order_ws(BTC_CCXT, "market", "buy", 0.01)
            (position,) = await client.fetch_positions_ws([BTC_CCXT])
            assert position["contracts"] == 0.01
            # ccxt's total is the margin balance: the wallet and -0.0005 of unrealized profit.
            assert (await client.fetch_balance_ws())["USDT"]["total"] == 99_999.6994995
            assert (await client.fetch_order_book_ws(BTC_CCXT, 5))["bids"][0][0] == 60_000
            assert (await client.fetch_ticker_ws(BTC_CCXT))["bid"] == 60_000

    asyncio.run(scenario())


@pytest.mark.slow
def test_ccxt_keeps_a_book_from_the_diff_stream(exchange: Server) -> None:
    async def scenario() -> None:
        async with ccxt_pro(exchange) as client:
            book = await client.watch_order_book(BTC_CCXT)
            for step in range(8):
                await asyncio.to_thread(move, exchange, step)
                book = await client.watch_order_book(BTC_CCXT)
            expected = await asyncio.to_thread(book_of, exchange)
            await eventually(lambda: books.of(book) == expected)

    asyncio.run(scenario())


@pytest.mark.slow
def test_ccxt_watches_its_orders_fills_balance_and_positions(exchange: Server) -> None:
    async def scenario() -> None:
        async with ccxt_pro(exchange) as client:
            watching = {
                name: asyncio.create_task(getattr(client, f"watch_{name}")())
                for name in ("orders", "my_trades", "balance", "positions")
            }
            await eventually(lambda: exchange.control("GET", "/paper/status")["streams"])
            await client.create_order(BTC_CCXT, "market", "buy", 0.01)
            seen = {name: await asyncio.wait_for(task, 60) for name, task in watching.items()}
            assert seen["orders"][-1]["symbol"] == BTC_CCXT
            assert seen["my_trades"][-1]["price"] == 60_000.1
            assert seen["balance"]["USDT"]["total"] == 99_999.6999995
            assert seen["positions"][-1]["contracts"] == 0.01

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["trades", "ticker", "mark_price", "bids_asks", "ohlcv", "tickers", "order_book"]
)
def test_ccxt_watches_the_market(exchange: Server, name: str) -> None:
    several = name in ("bids_asks", "tickers")

    async def scenario() -> None:
        async with ccxt_pro(exchange) as client:
            watching = asyncio.create_task(
                getattr(client, f"watch_{name}")([BTC_CCXT] if several else BTC_CCXT)
            )
            for step in range(60):
                if watching.done():
                    break
                await asyncio.to_thread(move, exchange, step % 10)
                await asyncio.sleep(0.1)
            assert await asyncio.wait_for(watching, 60)

    asyncio.run(scenario())


@pytest.mark.slow
def test_the_sdk_keeps_a_book_from_the_diff_stream(exchange: Server) -> None:
    async def scenario() -> None:
        client = sdk(exchange)
        streams = client.websocket_streams
        await streams.create_connection()
        updates: list[Any] = []
        try:
            stream = await streams.diff_book_depth_streams(**BTC, update_speed="100ms")
            stream.on("message", lambda event: updates.append(event.to_dict()))
            await asyncio.to_thread(move, exchange, 0)
            await eventually(lambda: len(updates) > 0)
            depth = await asyncio.to_thread(client.rest_api.order_book, **BTC, limit=1000)
            for step in range(1, 8):
                await asyncio.to_thread(move, exchange, step)
            expected = await asyncio.to_thread(book_of, exchange)
            snapshot = depth.data().to_dict()
            await eventually(lambda: books.synchronised(snapshot, updates) == expected)
        finally:
            await streams.close_connection()
            client.rest_api._session.close()

    with strict_models():
        asyncio.run(scenario())
