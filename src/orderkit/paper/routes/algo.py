"""Conditional orders over REST: the algo service since December 2025."""

from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.parameters import Parameters, missing
from orderkit.paper.routes.order_parameters import new_algo_order
from orderkit.paper.routes.trading import ALL_CANCELLED, time_window
from orderkit.paper.wire.orders import algo_query, algo_response


def place(call: Call) -> object:
    """POST algoOrder."""
    order = new_algo_order(call.parameters)
    instrument = call.listed(order.symbol)
    return algo_response(call.simulator.place_algo(call.account_id, order), instrument)


def cancel(call: Call) -> object:
    """DELETE algoOrder; ``code`` is a string here, as the live exchange sends it."""
    algo_id, client_algo_id = _reference(call.parameters)
    order = call.simulator.cancel_algo(call.account_id, algo_id=algo_id, client_algo_id=client_algo_id)
    return {
        "algoId": order.algo_id,
        "clientAlgoId": order.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all(call: Call) -> object:
    """DELETE algoOpenOrders."""
    call.simulator.cancel_all_algo(call.account_id, call.instrument().symbol)
    return ALL_CANCELLED


def get(call: Call) -> object:
    """GET algoOrder."""
    algo_id, client_algo_id = _reference(call.parameters)
    order = call.simulator.algo_order(call.account_id, algo_id=algo_id, client_algo_id=client_algo_id)
    return algo_query(order, call.listed(order.symbol))


def list_open(call: Call) -> object:
    """GET openAlgoOrders, of one symbol or all."""
    instrument = call.optional_instrument()
    orders = call.simulator.open_algo_orders(call.account_id, instrument.symbol if instrument else None)
    algo_id = call.parameters.integer("algoId")
    return [
        algo_query(order, call.listed(order.symbol))
        for order in orders
        if algo_id is None or order.algo_id == algo_id
    ]


def list_all(call: Call) -> object:
    """GET allAlgoOrders."""
    instrument = call.instrument()
    start_ms, end_ms = time_window(call.parameters)
    orders = call.simulator.all_algo_orders(
        call.account_id,
        instrument.symbol,
        algo_id=call.parameters.integer("algoId"),
        start_ms=start_ms,
        end_ms=end_ms,
        limit=call.parameters.limit(500, 1000),
    )
    return [algo_query(order, instrument) for order in orders]


def _reference(parameters: Parameters) -> tuple[int | None, str | None]:
    algo_id, client_algo_id = parameters.integer("algoId"), parameters.text("clientAlgoId")
    if algo_id is None and client_algo_id is None:
        raise missing("algoId")
    return algo_id, client_algo_id


def _open_orders_weight(parameters: Parameters) -> int:
    return 1 if "symbol" in parameters else 40


_SIGNED = Security.SIGNED

ENDPOINTS = (
    Endpoint("POST", "/fapi/v1/algoOrder", place, _SIGNED, weight=0, orders=1, changes=True),
    Endpoint("DELETE", "/fapi/v1/algoOrder", cancel, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/algoOrder", get, _SIGNED),
    Endpoint("DELETE", "/fapi/v1/algoOpenOrders", cancel_all, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/openAlgoOrders", list_open, _SIGNED, weight=_open_orders_weight),
    Endpoint("GET", "/fapi/v1/allAlgoOrders", list_all, _SIGNED, weight=5),
)
