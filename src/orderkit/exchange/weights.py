"""What each request costs against the exchange's limits, by the python-binance method that makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """``weight`` counts per address, ``orders`` per account.

    ``urgent`` requests place, change or cancel orders, keep the stream of their events open or set the clock
    they need; the others only ask.
    """

    weight: int
    orders: int = 0
    urgent: bool = False


def cost_of(method: str, params: Mapping[str, Any]) -> Cost:
    """The request's cost. Raises KeyError for a method that is missing in the table."""
    cost = _COSTS[method]
    if isinstance(cost, Cost):
        return cost
    if not isinstance(cost, tuple):
        return cost(params)
    with_symbol, for_all = cost
    return with_symbol if "symbol" in params else for_all


def _ask(weight: int) -> Cost:
    return Cost(weight)


def _depth(params: Mapping[str, Any]) -> Cost:
    limit = int(params.get("limit", 500))
    return Cost(2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20)


def _batch(params: Mapping[str, Any]) -> Cost:
    # The minute's count rises by one only; the answer's headers set that right.
    return Cost(5, len(params["batchOrders"]), urgent=True)


def _klines(params: Mapping[str, Any]) -> Cost:
    limit = int(params.get("limit", 500))
    return Cost(1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10)


def _act(weight: int, orders: int = 0) -> Cost:
    return Cost(weight, orders, urgent=True)


# Binance, "IP Weight" and "Order Rate Limits" of each endpoint's page, as of 2026-11. A pair is the cost with
# a symbol and for all symbols, a function the cost by the request's parameters.
_COSTS: Mapping[str, Cost | tuple[Cost, Cost] | Callable[[Mapping[str, Any]], Cost]] = {
    # orders
    "futures_create_order": _act(0, 1),
    "futures_place_batch_order": _batch,
    "futures_create_algo_order": _act(0, 1),
    "futures_modify_order": _act(1, 1),
    "futures_cancel_order": _act(1),
    "futures_cancel_orders": _act(1),
    "futures_cancel_all_open_orders": _act(1),
    "futures_cancel_algo_order": _act(1),
    "futures_cancel_all_algo_open_orders": _act(1),
    "futures_countdown_cancel_all": _act(10),
    "futures_get_order": _ask(1),
    "futures_get_open_orders": (_ask(1), _ask(40)),
    "futures_get_all_orders": _ask(5),
    "futures_account_trades": _ask(5),
    "futures_get_algo_order": _ask(1),
    "futures_get_open_algo_orders": (_ask(1), _ask(40)),
    "futures_get_all_algo_orders": _ask(5),
    # Binance's own TWAP: another host, whose limits are not the futures'
    "margin_v1_post_algo_futures_new_order_twap": _act(0),
    "_request_margin_api": _act(0),
    # account
    "futures_account": _ask(5),
    "futures_account_balance": _ask(5),
    "futures_account_config": _ask(5),
    "futures_symbol_config": _ask(5),
    "futures_position_information": _ask(5),
    "futures_leverage_bracket": _ask(1),
    "futures_commission_rate": _ask(20),
    "futures_income_history": _ask(30),
    "futures_change_leverage": _act(1),
    "futures_change_margin_type": _act(1),
    "futures_change_position_mode": _act(1),
    "futures_stream_get_listen_key": _act(1),
    "futures_stream_keepalive": _act(1),
    "futures_stream_close": _ask(1),
    # market
    "futures_time": _act(1),
    "futures_exchange_info": _ask(1),
    "futures_orderbook_ticker": (_ask(2), _ask(5)),
    "futures_order_book": _depth,
    "futures_ticker": (_ask(1), _ask(40)),
    "futures_mark_price": (_ask(1), _ask(10)),
    "futures_aggregate_trades": _ask(20),
    "futures_klines": _klines,
}
