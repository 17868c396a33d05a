"""Streams over real sockets: routing by path, commands, what is published, and subscribers that misbehave."""

import asyncio
import contextlib
import json
from contextlib import AsyncExitStack
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.paper.server import LIMIT, MARKET, Server
from tests.contract.paper.streams import listen
from tests.waiting import eventually

SERVED = [
    ("public", "btcusdt@bookTicker", "bookTicker"),
    ("public", "!bookTicker", "bookTicker"),
    ("public", "btcusdt@depth", "depthUpdate"),
    ("public", "btcusdt@depth@100ms", "depthUpdate"),
    ("public", "btcusdt@depth5@100ms", "depthUpdate"),
    ("public", "btcusdt@trade", "trade"),
    ("market", "btcusdt@aggTrade", "aggTrade"),
    ("market", "btcusdt@markPrice@1s", "markPriceUpdate"),
    ("market", "btcusdt@kline_1m", "kline"),
    ("market", "btcusdt_perpetual@continuousKline_5m", "continuous_kline"),
    ("market", "btcusdt@miniTicker", "24hrMiniTicker"),
    ("market", "btcusdt@ticker", "24hrTicker"),
]


async def trade(paper: Server, **order: str) -> Any:
    client = await asyncio.to_thread(paper.client)
    return await asyncio.to_thread(client.futures_create_order, **(order or MARKET))


@pytest.mark.parametrize(("category", "name", "event"), SERVED, ids=[s[1] for s in SERVED])
def test_a_stream_comes_on_its_own_path_and_on_no_other(
    paper: Server, category: str, name: str, event: str
) -> None:
    other = {"public": "market", "market": "public"}[category]

    async def scenario() -> None:
        async with (
            listen(f"{paper.ws}/{category}/ws/{name}") as right,
            listen(f"{paper.ws}/{other}/stream?streams={name}") as wrong,
            listen(f"{paper.ws}/private/ws/{name}") as private,
        ):
            await trade(paper)
            await asyncio.to_thread(paper.market, bid="60010", ask="60010.1")
            message = await right.wait(lambda m: m.get("e") == event)
            assert message.get("s", message.get("ps")) == "BTCUSDT"
            assert wrong.messages == []
            assert private.messages == []

    asyncio.run(scenario())


def test_an_unrouted_path_carries_public_data_only(paper: Server) -> None:
    async def scenario() -> None:
        async with listen(f"{paper.ws}/stream?streams=btcusdt@trade/btcusdt@aggTrade") as listener:
            await trade(paper)
            await listener.wait(lambda m: m.get("stream") == "btcusdt@trade")
            await asyncio.sleep(0.2)
            assert {m["stream"] for m in listener.messages} == {"btcusdt@trade"}

    asyncio.run(scenario())


@pytest.mark.parametrize("identity", [7, "a1b2-uuid"])
def test_commands_change_what_is_sent_and_echo_their_id(paper: Server, identity: int | str) -> None:
    async def scenario() -> None:
        async with listen(f"{paper.ws}/public/ws/0") as listener:
            names = ["btcusdt@trade", "btcusdt@depth"]
            assert await listener.command("SUBSCRIBE", names, identity) == {"result": None, "id": identity}
            listed = await listener.command("LIST_SUBSCRIPTIONS", None, 2)
            assert set(names) <= set(listed["result"])
            await trade(paper)
            await listener.wait(lambda m: m.get("e") == "trade")
            await listener.command("UNSUBSCRIBE", names, 3)
            seen = len(listener.messages)
            await trade(paper)
            await asyncio.sleep(0.4)
            assert len(listener.messages) == seen

    asyncio.run(scenario())


@pytest.mark.parametrize("text", ["no json", '{"method": 5}', '{"method": "DANCE", "id": 1}', "[1]"])
def test_a_message_that_is_no_command_is_answered_with_an_error(paper: Server, text: str) -> None:
    async def scenario() -> None:
        async with listen(f"{paper.ws}/market/ws") as listener:
            await listener.socket.send(text)
            assert (await listener.wait(lambda m: "error" in m))["error"]["code"] == 2

    asyncio.run(scenario())


def test_a_client_that_floods_commands_is_disconnected(paper: Server) -> None:
    async def scenario() -> None:
        async with listen(f"{paper.ws}/market/ws") as listener:
            with contextlib.suppress(Exception):
                for number in range(50):
                    await listener.socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
            await listener.wait_closed()
            assert len(listener.messages) < 50

    asyncio.run(scenario())


def test_a_book_kept_from_the_diff_stream_equals_the_book(paper: Server) -> None:
    async def scenario() -> None:
        client = await asyncio.to_thread(paper.client)
        async with listen(f"{paper.ws}/public/ws/btcusdt@depth@100ms") as listener:
            await asyncio.to_thread(paper.market, bid="60001", ask="60001.1")
            await listener.wait(lambda m: m["e"] == "depthUpdate")
            snapshot = await asyncio.to_thread(client.futures_order_book, symbol="BTCUSDT", limit=1000)
            for step in range(12):
                await trade(paper, **LIMIT | {"price": str(59_000 + step)})
                await asyncio.to_thread(paper.market, bid=str(60_010 + step), ask=str(60_040 - step))
                await asyncio.sleep(0.03)
            await trade(paper)
            final = _book(await asyncio.to_thread(client.futures_order_book, symbol="BTCUSDT", limit=1000))
            await eventually(lambda: _synchronised(snapshot, listener.messages) == final)

    asyncio.run(scenario())


def _book(document: Any) -> dict[str, dict[Decimal, Decimal]]:
    return {
        side: {Decimal(p): Decimal(q) for p, q in document[name]}
        for side, name in (("b", "bids"), ("a", "asks"))
    }


def _synchronised(snapshot: Any, updates: list[Any]) -> dict[str, dict[Decimal, Decimal]]:
    """The documented way: drop what is older, start where U ≤ id ≤ u, then each pu is the previous u."""
    book, last_id = _book(snapshot), snapshot["lastUpdateId"]
    kept = [u for u in updates if u["u"] >= last_id]
    assert kept[0]["U"] <= last_id <= kept[0]["u"]
    for previous, update in pairwise(kept):
        assert update["pu"] == previous["u"]
    for update in kept:
        for side in ("b", "a"):
            for price, quantity in update[side]:
                book[side][Decimal(price)] = Decimal(quantity)
    return {side: {p: q for p, q in levels.items() if q} for side, levels in book.items()}


def listen_key(paper: Server, method: str = "POST") -> Any:
    return paper.raw(method, "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": paper.api_key}).json()


PRIVATE_PATHS = [
    ("/private/ws?listenKey={}", False),
    ("/private/ws/{}", False),
    ("/private/stream?listenKey={}", True),
]


@pytest.mark.parametrize(("path", "wrapped"), PRIVATE_PATHS)
def test_a_fill_is_told_on_every_form_of_the_user_stream(paper: Server, path: str, wrapped: bool) -> None:
    async def scenario() -> None:
        token = listen_key(paper)["listenKey"]
        async with listen(paper.ws + path.format(token)) as listener:
            placed = await trade(paper)
            await listener.wait(lambda m: m.get("data", m)["e"] == "ACCOUNT_UPDATE")
            await listener.wait(lambda m: (m.get("data", m).get("o") or {}).get("X") == "FILLED")
            if wrapped:
                assert {m["stream"] for m in listener.messages} == {token}
            new, filled = listener.of_type("ORDER_TRADE_UPDATE")
            (lite,) = listener.of_type("TRADE_LITE")
            assert (new["o"]["x"], new["o"]["X"]) == ("NEW", "NEW")
            assert (filled["o"]["x"], filled["o"]["i"]) == ("TRADE", placed["orderId"])
            assert (filled["o"]["L"], filled["o"]["l"], filled["o"]["z"]) == ("60000.10", "0.010", "0.010")
            assert Decimal(filled["o"]["ap"]) == Decimal("60000.1")
            assert (filled["o"]["n"], filled["o"]["N"]) == ("0.30000050", "USDT")
            assert (lite["t"], lite["i"]) == (filled["o"]["t"], placed["orderId"])
            (account,) = listener.of_type("ACCOUNT_UPDATE")
            assert account["a"]["m"] == "ORDER"
            assert account["a"]["P"][0]["pa"] == "0.010"

    asyncio.run(scenario())


def test_the_user_stream_can_be_subscribed_to_and_filtered(paper: Server) -> None:
    async def scenario() -> None:
        token = listen_key(paper)["listenKey"]
        async with (
            listen(f"{paper.ws}/private/stream") as subscribed,
            listen(f"{paper.ws}/private/ws?listenKey={token}&events=ACCOUNT_UPDATE") as filtered,
            listen(f"{paper.ws}/public/ws/{token}") as wrong,
        ):
            await subscribed.command("SUBSCRIBE", [token], "x")
            await trade(paper)
            await subscribed.wait(lambda m: m.get("stream") == token)
            await filtered.wait(lambda m: m["e"] == "ACCOUNT_UPDATE")
            await asyncio.sleep(0.1)
            assert {m["e"] for m in filtered.messages} == {"ACCOUNT_UPDATE"}
            assert wrong.messages == []

    asyncio.run(scenario())


def test_settings_and_conditional_orders_are_told(paper: Server) -> None:
    async def scenario() -> None:
        token = listen_key(paper)["listenKey"]
        client = await asyncio.to_thread(paper.client)
        async with listen(f"{paper.ws}/private/ws/{token}") as listener:
            await trade(paper)
            await asyncio.to_thread(client.futures_change_leverage, symbol="BTCUSDT", leverage="9")
            stop = {"type": "STOP_MARKET", "side": "SELL", "stopPrice": "58000", "clientAlgoId": "s"}
            await trade(paper, **MARKET | stop)
            await asyncio.to_thread(paper.market, bid="57000", ask="57000.1")
            finished = await listener.wait(lambda m: m["e"] == "ALGO_UPDATE" and m["o"]["X"] == "FINISHED")
            assert listener.of_type("ACCOUNT_CONFIG_UPDATE")[0]["ac"] == {"s": "BTCUSDT", "l": 9}
            states = [m["o"]["X"] for m in listener.of_type("ALGO_UPDATE")]
            assert states == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
            assert (finished["o"]["caid"], Decimal(finished["o"]["aq"])) == ("s", Decimal("0.01"))
            assert Decimal(finished["o"]["ap"]) == 57_000

    asyncio.run(scenario())


def test_a_listen_key_is_kept_extended_and_closed(paper: Server) -> None:
    first = listen_key(paper)["listenKey"]
    assert listen_key(paper)["listenKey"] == first
    assert listen_key(paper, "PUT") == {"listenKey": first}
    assert listen_key(paper, "DELETE") == {}
    assert listen_key(paper, "PUT")["code"] == -1125
    assert listen_key(paper)["listenKey"] != first


def test_python_binances_own_sockets_work(paper: Server) -> None:
    from binance.async_client import AsyncClient
    from binance.ws.streams import BinanceSocketManager

    async def scenario() -> None:
        client = AsyncClient(paper.api_key, paper.api_secret)
        client.FUTURES_URL = f"{paper.rest}/fapi"
        manager = BinanceSocketManager(client)
        manager.FSTREAM_URL = f"{paper.ws}/"
        sockets = AsyncExitStack()
        user = await sockets.enter_async_context(manager.futures_user_socket())
        market = await sockets.enter_async_context(manager.futures_multiplex_socket(["btcusdt@aggTrade"]))
        await client.futures_create_order(**MARKET)
        seen = {(await asyncio.wait_for(user.recv(), 60))["e"] for _ in range(4)}
        assert seen == {"ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"}
        assert (await asyncio.wait_for(market.recv(), 60))["data"]["e"] == "aggTrade"
        # The library's sockets notice that they are to close only when something arrives.
        closing = asyncio.create_task(sockets.aclose())
        while not closing.done():
            await client.futures_create_order(**MARKET)
            await asyncio.sleep(0.05)
        await client.close_connection()

    asyncio.run(scenario())
