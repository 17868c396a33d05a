"""One vocabulary over the clients' own calls: parameters and answers are Binance's, the way there is theirs.

Each trader calls its client as its users do. Answers are the documents that the exchange sent, as the client
keeps them (python-binance returns them, ccxt under ``info``, the official SDK as models).
"""

import asyncio
import re
from collections.abc import Coroutine
from contextlib import closing
from decimal import Decimal
from typing import Any, Protocol

from tests.contract.clients.recipes import PERPETUAL, point_ccxt, point_python_binance, sdk
from tests.contract.paper.server import Server

Document = Any


class Trader(Protocol):
    """What every client can do. A refusal is raised as the client's own exception."""

    library: str

    def tick_sizes(self) -> dict[str, Decimal]: ...
    def set_leverage(self, symbol: str, leverage: int) -> Document: ...
    def set_margin_type(self, symbol: str, margin_type: str) -> Document: ...
    def set_hedge_mode(self, hedge: bool) -> Document: ...
    def place(self, **order: Any) -> Document: ...
    def place_raw(self, **order: Any) -> Document:
        """Send the parameters as they are, without the client's own rounding and checks."""

    def place_many(self, orders: list[dict[str, Any]]) -> list[Document]: ...
    def query(self, symbol: str, order_id: int) -> Document: ...
    def modify(self, symbol: str, order_id: int, side: str, quantity: str, price: str) -> Document: ...
    def cancel(self, symbol: str, order_id: int) -> Document: ...
    def cancel_many(self, symbol: str, order_ids: list[int]) -> list[Document]: ...
    def cancel_all(self, symbol: str) -> Document: ...
    def open_orders(self, symbol: str) -> list[Document]: ...
    def all_orders(self, symbol: str) -> list[Document]: ...
    def fills(self, symbol: str) -> list[Document]: ...
    def place_algo(self, **order: Any) -> Document: ...
    def query_algo(self, symbol: str, algo_id: int) -> Document: ...
    def open_algos(self, symbol: str) -> list[Document]: ...
    def cancel_algo(self, symbol: str, algo_id: int) -> Document: ...
    def cancel_all_algos(self, symbol: str) -> Document: ...
    def positions(self) -> list[Document]: ...
    def wallet(self) -> Decimal:
        """The USDT wallet balance."""

    def code_of(self, error: Exception) -> int | None:
        """The exchange's code in one of the client's exceptions."""

    def close(self) -> None: ...


class PythonBinance:
    """python-binance, synchronous."""

    library = "python-binance"

    def __init__(self, exchange: Server) -> None:
        from binance.client import Client

        self._client = self._make(Client, exchange)

    def _make(self, kind: Any, exchange: Server) -> Any:
        client = kind(exchange.api_key, exchange.api_secret, ping=False)
        # The library makes a loop for its WebSocket calls and never closes it.
        client.loop.close()
        asyncio.set_event_loop(None)
        return point_python_binance(client, exchange)

    def _run(self, answer: Any) -> Any:
        return answer

    def tick_sizes(self) -> dict[str, Decimal]:
        return {
            s["symbol"]: Decimal(f["tickSize"])
            for s in self._run(self._client.futures_exchange_info())["symbols"]
            for f in s["filters"]
            if f["filterType"] == "PRICE_FILTER"
        }

    def set_leverage(self, symbol: str, leverage: int) -> Document:
        return self._run(self._client.futures_change_leverage(symbol=symbol, leverage=leverage))

    def set_margin_type(self, symbol: str, margin_type: str) -> Document:
        return self._run(self._client.futures_change_margin_type(symbol=symbol, marginType=margin_type))

    def set_hedge_mode(self, hedge: bool) -> Document:
        text = str(hedge).lower()
        return self._run(self._client.futures_change_position_mode(dualSidePosition=text))

    def place(self, **order: Any) -> Document:
        return self._run(self._client.futures_create_order(**order))

    place_raw = place

    def place_many(self, orders: list[dict[str, Any]]) -> list[Document]:
        placed: list[Document] = self._run(self._client.futures_place_batch_order(batchOrders=orders))
        return placed

    def query(self, symbol: str, order_id: int) -> Document:
        return self._run(self._client.futures_get_order(symbol=symbol, orderId=order_id))

    def modify(self, symbol: str, order_id: int, side: str, quantity: str, price: str) -> Document:
        return self._run(
            self._client.futures_modify_order(
                symbol=symbol, orderId=order_id, side=side, quantity=quantity, price=price
            )
        )

    def cancel(self, symbol: str, order_id: int) -> Document:
        return self._run(self._client.futures_cancel_order(symbol=symbol, orderId=order_id))

    def cancel_many(self, symbol: str, order_ids: list[int]) -> list[Document]:
        cancelled: list[Document] = self._run(
            self._client.futures_cancel_orders(symbol=symbol, orderidlist=order_ids)
        )
        return cancelled

    def cancel_all(self, symbol: str) -> Document:
        return self._run(self._client.futures_cancel_all_open_orders(symbol=symbol))

    def open_orders(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._run(self._client.futures_get_open_orders(symbol=symbol))
        return orders

    def all_orders(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._run(self._client.futures_get_all_orders(symbol=symbol))
        return orders

    def fills(self, symbol: str) -> list[Document]:
        trades: list[Document] = self._run(self._client.futures_account_trades(symbol=symbol))
        return trades

    def place_algo(self, **order: Any) -> Document:
        # The name that the library turns into triggerPrice.
        renamed = {{"triggerPrice": "stopPrice"}.get(k, k): v for k, v in order.items()}
        return self._run(self._client.futures_create_order(**renamed))

    def query_algo(self, symbol: str, algo_id: int) -> Document:
        return self._run(self._client.futures_get_algo_order(symbol=symbol, algoId=algo_id))

    def open_algos(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._run(self._client.futures_get_open_algo_orders(symbol=symbol))
        return orders

    def cancel_algo(self, symbol: str, algo_id: int) -> Document:
        return self._run(self._client.futures_cancel_algo_order(symbol=symbol, algoId=algo_id))

    def cancel_all_algos(self, symbol: str) -> Document:
        return self._run(self._client.futures_cancel_all_algo_open_orders(symbol=symbol))

    def positions(self) -> list[Document]:
        found: list[Document] = self._run(self._client.futures_position_information())
        return found

    def wallet(self) -> Decimal:
        balances = self._run(self._client.futures_account_balance())
        return next(Decimal(b["balance"]) for b in balances if b["asset"] == "USDT")

    def code_of(self, error: Exception) -> int | None:
        return getattr(error, "code", None)

    def close(self) -> None:
        self._client.session.close()


class AsyncPythonBinance(PythonBinance):
    """python-binance, asynchronous."""

    def __init__(self, exchange: Server) -> None:
        from binance.async_client import AsyncClient

        self._runner = asyncio.Runner()

        async def make() -> Any:
            client = AsyncClient(exchange.api_key, exchange.api_secret)
            return point_python_binance(client, exchange)

        self._client = self._runner.run(make())

    def _run(self, answer: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(answer)

    def close(self) -> None:
        with closing(self._runner):
            self._run(self._client.close_connection())


class Ccxt:
    """ccxt's binanceusdm, synchronous."""

    library = "ccxt"

    def __init__(self, exchange: Server) -> None:
        import ccxt  # type: ignore[import-untyped]

        self._client = point_ccxt(ccxt.binanceusdm(self._options(exchange)), exchange)

    def _options(self, exchange: Server) -> dict[str, Any]:
        return {"apiKey": exchange.api_key, "secret": exchange.api_secret, "enableRateLimit": False}

    def _run(self, answer: Any) -> Any:
        return answer

    def tick_sizes(self) -> dict[str, Decimal]:
        markets = self._run(self._client.load_markets())
        return {m["id"]: Decimal(str(m["precision"]["price"])) for m in markets.values()}

    def set_leverage(self, symbol: str, leverage: int) -> Document:
        return self._run(self._client.set_leverage(leverage, PERPETUAL[symbol]))

    def set_margin_type(self, symbol: str, margin_type: str) -> Document:
        mode = {"CROSSED": "cross"}.get(margin_type, margin_type.lower())
        return self._run(self._client.set_margin_mode(mode, PERPETUAL[symbol]))

    def set_hedge_mode(self, hedge: bool) -> Document:
        return self._run(self._client.set_position_mode(hedge))

    def place(self, **order: Any) -> Document:
        return self._run(self._client.create_order(*self._unified(order)))["info"]

    def place_raw(self, **order: Any) -> Document:
        return self._run(self._client.fapiprivate_post_order(order))

    def place_many(self, orders: list[dict[str, Any]]) -> list[Document]:
        names = ("symbol", "type", "side", "amount", "price", "params")
        unified = [dict(zip(names, self._unified(order), strict=True)) for order in orders]
        return [order["info"] for order in self._run(self._client.create_orders(unified))]

    def query(self, symbol: str, order_id: int) -> Document:
        return self._run(self._client.fetch_order(str(order_id), PERPETUAL[symbol]))["info"]

    def modify(self, symbol: str, order_id: int, side: str, quantity: str, price: str) -> Document:
        return self._run(
            self._client.edit_order(
                str(order_id), PERPETUAL[symbol], "limit", side.lower(), float(quantity), float(price)
            )
        )["info"]

    def cancel(self, symbol: str, order_id: int) -> Document:
        return self._run(self._client.cancel_order(str(order_id), PERPETUAL[symbol]))["info"]

    def cancel_many(self, symbol: str, order_ids: list[int]) -> list[Document]:
        ids = [str(order_id) for order_id in order_ids]
        return [order["info"] for order in self._run(self._client.cancel_orders(ids, PERPETUAL[symbol]))]

    def cancel_all(self, symbol: str) -> Document:
        return self._run(self._client.cancel_all_orders(PERPETUAL[symbol]))[0]["info"]

    def open_orders(self, symbol: str) -> list[Document]:
        return [o["info"] for o in self._run(self._client.fetch_open_orders(PERPETUAL[symbol]))]

    def all_orders(self, symbol: str) -> list[Document]:
        return [o["info"] for o in self._run(self._client.fetch_orders(PERPETUAL[symbol]))]

    def fills(self, symbol: str) -> list[Document]:
        return [t["info"] for t in self._run(self._client.fetch_my_trades(PERPETUAL[symbol]))]

    def place_algo(self, **order: Any) -> Document:
        return self.place(**order)

    def query_algo(self, symbol: str, algo_id: int) -> Document:
        fetched = self._client.fetch_order(str(algo_id), PERPETUAL[symbol], {"trigger": True})
        return self._run(fetched)["info"]

    def open_algos(self, symbol: str) -> list[Document]:
        fetched = self._client.fetch_open_orders(PERPETUAL[symbol], params={"trigger": True})
        return [o["info"] for o in self._run(fetched)]

    def cancel_algo(self, symbol: str, algo_id: int) -> Document:
        cancelled = self._client.cancel_order(str(algo_id), PERPETUAL[symbol], {"trigger": True})
        return self._run(cancelled)["info"]

    def cancel_all_algos(self, symbol: str) -> Document:
        return self._run(self._client.cancel_all_orders(PERPETUAL[symbol], {"trigger": True}))[0]["info"]

    def positions(self) -> list[Document]:
        return [p["info"] for p in self._run(self._client.fetch_positions())]

    def wallet(self) -> Decimal:
        balance = self._run(self._client.fetch_balance())
        return next(Decimal(a["walletBalance"]) for a in balance["info"]["assets"] if a["asset"] == "USDT")

    def code_of(self, error: Exception) -> int | None:
        found = re.search(r'"code":(-?\d+)', str(error))
        return int(found[1]) if found else None

    def close(self) -> None:
        self._client.session.close()

    def _unified(self, order: dict[str, Any]) -> tuple[Any, ...]:
        """An order in ccxt's own terms: symbol, type, side, amount, price and the rest."""
        rest = dict(order)
        symbol, side = PERPETUAL[rest.pop("symbol")], rest.pop("side").lower()
        kind, quantity, price = rest.pop("type"), rest.pop("quantity", None), rest.pop("price", None)
        trigger = rest.pop("triggerPrice", None)
        if kind == "TRAILING_STOP_MARKET":
            rest["trailingPercent"] = rest.pop("callbackRate")
            rest["trailingTriggerPrice"] = rest.pop("activatePrice")
        elif trigger is not None:
            name = "stopLossPrice" if kind.startswith("STOP") else "takeProfitPrice"
            rest[name] = float(trigger)
        if rest.pop("closePosition", None):
            rest["closePosition"] = True
        unified_type = "market" if kind.endswith("MARKET") else "limit"
        amount = None if quantity is None else float(quantity)
        return symbol, unified_type, side, amount, None if price is None else float(price), rest


class AsyncCcxt(Ccxt):
    """ccxt's binanceusdm, asynchronous."""

    def __init__(self, exchange: Server) -> None:
        import ccxt.async_support  # type: ignore[import-untyped]

        self._runner = asyncio.Runner()

        async def make() -> Any:
            return point_ccxt(ccxt.async_support.binanceusdm(self._options(exchange)), exchange)

        self._client = self._runner.run(make())

    def _run(self, answer: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(answer)

    def close(self) -> None:
        with closing(self._runner):
            self._run(self._client.close())


class OfficialSdk:
    """The exchange's own SDK; what its models made of an answer is turned back into a document."""

    library = "sdk"

    def __init__(self, exchange: Server) -> None:
        self._client = sdk(exchange).rest_api

    def _call(self, name: str, **parameters: Any) -> Any:
        data = getattr(self._client, name)(**parameters).data()
        return [_document(each) for each in data] if isinstance(data, list) else _document(data)

    def tick_sizes(self) -> dict[str, Decimal]:
        return {
            s["symbol"]: Decimal(f["tickSize"])
            for s in self._call("exchange_information")["symbols"]
            for f in s["filters"]
            if f["filterType"] == "PRICE_FILTER"
        }

    def set_leverage(self, symbol: str, leverage: int) -> Document:
        return self._call("change_initial_leverage", symbol=symbol, leverage=leverage)

    def set_margin_type(self, symbol: str, margin_type: str) -> Document:
        return self._call("change_margin_type", symbol=symbol, margin_type=margin_type)

    def set_hedge_mode(self, hedge: bool) -> Document:
        return self._call("change_position_mode", dual_side_position=str(hedge).lower())

    def place(self, **order: Any) -> Document:
        return self._call("new_order", **_snake_case(order))

    place_raw = place

    def place_many(self, orders: list[dict[str, Any]]) -> list[Document]:
        placed: list[Document] = self._call("place_multiple_orders", batch_orders=orders)
        return placed

    def query(self, symbol: str, order_id: int) -> Document:
        return self._call("query_order", symbol=symbol, order_id=order_id)

    def modify(self, symbol: str, order_id: int, side: str, quantity: str, price: str) -> Document:
        return self._call(
            "modify_order", symbol=symbol, order_id=order_id, side=side, quantity=quantity, price=price
        )

    def cancel(self, symbol: str, order_id: int) -> Document:
        return self._call("cancel_order", symbol=symbol, order_id=order_id)

    def cancel_many(self, symbol: str, order_ids: list[int]) -> list[Document]:
        cancelled: list[Document] = self._call(
            "cancel_multiple_orders", symbol=symbol, order_id_list=order_ids
        )
        return cancelled

    def cancel_all(self, symbol: str) -> Document:
        return self._call("cancel_all_open_orders", symbol=symbol)

    def open_orders(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._call("current_all_open_orders", symbol=symbol)
        return orders

    def all_orders(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._call("all_orders", symbol=symbol)
        return orders

    def fills(self, symbol: str) -> list[Document]:
        trades: list[Document] = self._call("account_trade_list", symbol=symbol)
        return trades

    def place_algo(self, **order: Any) -> Document:
        return self._call("new_algo_order", algo_type="CONDITIONAL", **_snake_case(order))

    def query_algo(self, symbol: str, algo_id: int) -> Document:  # noqa: ARG002
        return self._call("query_algo_order", algo_id=algo_id)

    def open_algos(self, symbol: str) -> list[Document]:
        orders: list[Document] = self._call("current_all_algo_open_orders", symbol=symbol)
        return orders

    def cancel_algo(self, symbol: str, algo_id: int) -> Document:  # noqa: ARG002
        return self._call("cancel_algo_order", algo_id=algo_id)

    def cancel_all_algos(self, symbol: str) -> Document:
        return self._call("cancel_all_algo_open_orders", symbol=symbol)

    def positions(self) -> list[Document]:
        found: list[Document] = self._call("position_information_v3")
        return found

    def wallet(self) -> Decimal:
        balances = self._call("futures_account_balance_v3")
        return next(Decimal(b["balance"]) for b in balances if b["asset"] == "USDT")

    def code_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)

    def close(self) -> None:
        self._client._session.close()


def _snake_case(order: dict[str, Any]) -> dict[str, Any]:
    return {re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name): value for name, value in order.items()}


def _document(data: Any) -> Any:
    actual = getattr(data, "actual_instance", data)
    if isinstance(actual, list):
        return [_document(each) for each in actual]
    return actual.to_dict() if hasattr(actual, "to_dict") else actual


TRADERS: dict[str, type[Trader]] = {
    "python-binance": PythonBinance,
    "python-binance-async": AsyncPythonBinance,
    "ccxt": Ccxt,
    "ccxt-async": AsyncCcxt,
    "sdk": OfficialSdk,
}
