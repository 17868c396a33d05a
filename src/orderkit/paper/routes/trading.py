"""Orders over REST: place, test, change, cancel, query, and the account's fills."""

from collections.abc import Callable

import msgspec

from orderkit.domain.enums import PriceMatch
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.parameters import Parameters, invalid, missing
from orderkit.paper.routes.order_parameters import new_order, side, wants_result
from orderkit.paper.wire.orders import order_query, order_response, user_trade
from orderkit.simulator.errors import refusal
from orderkit.simulator.types import ExchangeError, OrderView

MAX_BATCH_PLACE = 5
MAX_BATCH_CANCEL = 10
WEEK_MS = 7 * 24 * 3600 * 1000
ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}


def place(call: Call) -> object:
    """POST order: ACK tells nothing of the match, RESULT the state after it."""
    return _place(call, call.parameters)


def test(call: Call) -> object:
    """POST order/test: every check of POST order, no order."""
    order = new_order(call.parameters)
    wants_result(call.parameters)
    call.listed(order.symbol)
    call.simulator.check(call.account_id, order)
    return {}


def change(call: Call) -> object:
    """PUT order."""
    return _change(call, call.parameters)


def cancel(call: Call) -> object:
    """DELETE order."""
    instrument = call.instrument()
    order_id, client_order_id = _reference(call.parameters)
    order = call.simulator.cancel(
        call.account_id, instrument.symbol, order_id=order_id, client_order_id=client_order_id
    )
    return order_response(order, instrument)


def cancel_all(call: Call) -> object:
    """DELETE allOpenOrders: conditional orders that wait for their trigger stay."""
    call.simulator.cancel_all(call.account_id, call.instrument().symbol)
    return ALL_CANCELLED


def count_down(call: Call) -> object:
    """POST countdownCancelAll: all open orders of the symbol go unless this is renewed in time."""
    symbol = call.instrument().symbol
    countdown_ms = call.parameters.required_integer("countdownTime")
    call.simulator.countdown_cancel_all(call.account_id, symbol, countdown_ms)
    return {"symbol": symbol, "countdownTime": str(countdown_ms)}


def place_batch(call: Call) -> object:
    """POST batchOrders: each element on its own, results in request order."""
    return _each(call, _place)


def change_batch(call: Call) -> object:
    """PUT batchOrders."""
    return _each(call, _change)


def cancel_batch(call: Call) -> object:
    """DELETE batchOrders by orderIdList or origClientOrderIdList."""
    instrument = call.instrument()
    ids = _json_list(call.parameters, "orderIdList")
    client_ids = _json_list(call.parameters, "origClientOrderIdList")
    chosen = ids if ids is not None else client_ids
    if chosen is None:
        raise missing("orderIdList")
    if not 1 <= len(chosen) <= MAX_BATCH_CANCEL:
        raise ExchangeError(-4083, "Invalid batch cancel size.")
    results: list[object] = []
    for reference in chosen:
        try:
            order = call.simulator.cancel(
                call.account_id,
                instrument.symbol,
                order_id=_order_id(reference) if ids is not None else None,
                client_order_id=None if ids is not None else str(reference),
            )
            results.append(order_response(order, instrument))
        except ExchangeError as error:
            results.append({"code": error.code, "msg": error.message})
    return results


def get(call: Call) -> object:
    """GET order."""
    return order_query(_find(call), call.instrument())


def get_open(call: Call) -> object:
    """GET openOrder: -2013 for an order that is no longer open."""
    order = _find(call)
    if order.status.is_terminal:
        raise refusal(-2013)
    return order_query(order, call.instrument())


def list_open(call: Call) -> object:
    """GET openOrders, of one symbol or all."""
    instrument = call.optional_instrument()
    orders = call.simulator.open_orders(call.account_id, instrument.symbol if instrument else None)
    return [order_query(order, call.listed(order.symbol)) for order in orders]


def list_all(call: Call) -> object:
    """GET allOrders."""
    instrument = call.optional_instrument()
    start_ms, end_ms = time_window(call.parameters)
    orders = call.simulator.all_orders(
        call.account_id,
        instrument.symbol if instrument else None,
        order_id=call.parameters.integer("orderId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=call.parameters.limit(500, 1000),
    )
    return [
        order_query(order, call.listed(order.symbol)) | {"pair": order.symbol, "cumBase": "0"}
        for order in orders
    ]


def list_trades(call: Call) -> object:
    """GET userTrades."""
    instrument = call.optional_instrument()
    start_ms, end_ms = time_window(call.parameters)
    trades = call.simulator.user_trades(
        call.account_id,
        instrument.symbol if instrument else None,
        order_id=call.parameters.integer("orderId"),
        from_id=call.parameters.integer("fromId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=call.parameters.limit(500, 1000),
    )
    return [user_trade(trade, call.listed(trade.symbol)) for trade in trades]


def time_window(parameters: Parameters) -> tuple[int | None, int | None]:
    """startTime and endTime; -4166 for a window of more than seven days, -1130 for one that ends first."""
    start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
    if start_ms is not None and end_ms is not None:
        if end_ms < start_ms:
            raise invalid("endTime")
        if end_ms - start_ms > WEEK_MS:
            raise ExchangeError(-4166, "Search window is restricted to recent 7 days only.")
    return start_ms, end_ms


def _place(call: Call, parameters: Parameters) -> object:
    order = new_order(parameters)
    result = wants_result(parameters)
    instrument = call.listed(order.symbol)
    return order_response(call.simulator.place(call.account_id, order), instrument, acknowledged=not result)


def _change(call: Call, parameters: Parameters) -> object:
    instrument = call.listed(parameters.symbol())
    order_id, client_order_id = _reference(parameters)
    order = call.simulator.modify(
        call.account_id,
        instrument.symbol,
        side=side(parameters),
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        price_match=parameters.member("priceMatch", PriceMatch, refusal(-5037)),
        order_id=order_id,
        client_order_id=client_order_id,
    )
    document = order_response(order, instrument) | {"pair": order.symbol}
    modify_id = parameters.integer("modifyId")
    return document if modify_id is None else document | {"modifyId": modify_id}


def _each(call: Call, handle: Callable[[Call, Parameters], object]) -> list[object]:
    batch = _json_list(call.parameters, "batchOrders")
    if batch is None:
        raise missing("batchOrders")
    if not 1 <= len(batch) <= MAX_BATCH_PLACE:
        raise ExchangeError(-4082, "Invalid batch place order size.")
    results: list[object] = []
    for element in batch:
        try:
            if not isinstance(element, dict):
                raise invalid("batchOrders")
            results.append(handle(call, Parameters({str(k): _as_text(v) for k, v in element.items()})))
        except ExchangeError as error:
            results.append({"code": error.code, "msg": error.message})
    return results


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json_list(parameters: Parameters, name: str) -> list[object] | None:
    text = parameters.text(name)
    if text is None:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise invalid(name) from None
    if not isinstance(value, list):
        raise invalid(name)
    return value


def _order_id(reference: object) -> int:
    text = str(reference)
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise invalid("orderIdList")
    return int(text)


def _reference(parameters: Parameters) -> tuple[int | None, str | None]:
    order_id, client_order_id = parameters.integer("orderId"), parameters.text("origClientOrderId")
    if order_id is None and client_order_id is None:
        raise ExchangeError(-1102, "Either 'origClientOrderId' or 'orderId' must be sent.")
    return order_id, client_order_id


def _find(call: Call) -> OrderView:
    order_id, client_order_id = _reference(call.parameters)
    return call.simulator.order(
        call.account_id, call.instrument().symbol, order_id=order_id, client_order_id=client_order_id
    )


def _batch_size(parameters: Parameters) -> int:
    """How many orders a batch counts for; a malformed one is refused by its handler."""
    try:
        return len(_json_list(parameters, "batchOrders") or ())
    except ExchangeError:
        return 0


def _open_orders_weight(parameters: Parameters) -> int:
    return 1 if "symbol" in parameters else 40


_SIGNED = Security.SIGNED

ENDPOINTS = (
    Endpoint("POST", "/fapi/v1/order", place, _SIGNED, weight=0, orders=1, changes=True),
    Endpoint("PUT", "/fapi/v1/order", change, _SIGNED, orders=1, changes=True),
    Endpoint("DELETE", "/fapi/v1/order", cancel, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/order", get, _SIGNED),
    Endpoint("POST", "/fapi/v1/order/test", test, _SIGNED),
    Endpoint(
        "POST", "/fapi/v1/batchOrders", place_batch, _SIGNED, weight=5, orders=_batch_size, changes=True
    ),
    Endpoint(
        "PUT", "/fapi/v1/batchOrders", change_batch, _SIGNED, weight=5, orders=_batch_size, changes=True
    ),
    Endpoint("DELETE", "/fapi/v1/batchOrders", cancel_batch, _SIGNED, changes=True),
    Endpoint("DELETE", "/fapi/v1/allOpenOrders", cancel_all, _SIGNED, changes=True),
    Endpoint("POST", "/fapi/v1/countdownCancelAll", count_down, _SIGNED, weight=10, changes=True),
    Endpoint("GET", "/fapi/v1/openOrder", get_open, _SIGNED),
    Endpoint("GET", "/fapi/v1/openOrders", list_open, _SIGNED, weight=_open_orders_weight),
    Endpoint("GET", "/fapi/v1/allOrders", list_all, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v1/userTrades", list_trades, _SIGNED, weight=5),
)
