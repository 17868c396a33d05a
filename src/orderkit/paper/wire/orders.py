"""Orders, conditional orders and user trades as REST and WebSocket API answers spell them."""

from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.paper.wire.numbers import fixed, money, plain
from orderkit.simulator.types import AlgoOrderView, OrderView, TradeView

Document = dict[str, object]

# The average and the sum of fills need more decimals than a price has.
AVERAGE_EXTRA_DECIMALS = 3


def average_price(order: OrderView, instrument: Instrument) -> str:
    return fixed(order.average_price, instrument.price_precision + AVERAGE_EXTRA_DECIMALS)


def cumulative_quote(order: OrderView, instrument: Instrument) -> str:
    return fixed(order.cumulative_quote, instrument.price_precision + instrument.quantity_precision)


def order_response(order: OrderView, instrument: Instrument, *, acknowledged: bool = False) -> Document:
    """The answer to placing, changing or cancelling an order: without average price and cumulative quote.

    ``acknowledged`` is newOrderRespType=ACK: the order as it was before matching, status NEW.
    """
    price, quantity = instrument.price_precision, instrument.quantity_precision
    executed = fixed(order.executed_quantity, quantity)
    status = order.status.value
    if acknowledged:
        executed, status = fixed(order.executed_quantity * 0, quantity), OrderStatus.NEW.value
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": status,
        "clientOrderId": order.client_order_id,
        "price": fixed(order.price, price),
        "origQty": fixed(order.quantity, quantity),
        "executedQty": executed,
        "cumQty": executed,
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "stopPrice": fixed(order.stop_price, price),
        "workingType": order.working_type.value,
        "priceProtect": order.price_protect,
        "origType": order.original_type.value,
        "priceMatch": order.price_match.value if order.price_match else "NONE",
        "selfTradePreventionMode": order.self_trade_prevention.value,
        "goodTillDate": order.good_till_date_ms,
        "updateTime": order.update_time_ms,
    }


def order_query(order: OrderView, instrument: Instrument) -> Document:
    """An order as GET order, openOrders and allOrders show it: with average price and cumulative quote."""
    document = order_response(order, instrument)
    del document["cumQty"]
    document["avgPrice"] = average_price(order, instrument)
    document["cumQuote"] = cumulative_quote(order, instrument)
    document["time"] = order.time_ms
    return document


def algo_response(order: AlgoOrderView, instrument: Instrument) -> Document:
    """The answer to placing a conditional order: no orderId, ``orderType`` instead of ``type``."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return {
        "algoId": order.algo_id,
        "clientAlgoId": order.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": order.type.value,
        "symbol": order.symbol,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "timeInForce": order.time_in_force.value,
        "quantity": fixed(order.quantity, quantity),
        "algoStatus": order.status.value,
        "triggerPrice": fixed(order.trigger_price, price),
        "price": fixed(order.price, price),
        "icebergQuantity": None,
        "selfTradePreventionMode": order.self_trade_prevention.value,
        "workingType": order.working_type.value,
        "priceMatch": order.price_match.value if order.price_match else "NONE",
        "closePosition": order.close_position,
        "priceProtect": order.price_protect,
        "reduceOnly": order.reduce_only,
        "activatePrice": fixed(order.activation_price, price) if order.activation_price is not None else "",
        "callbackRate": plain(order.callback_rate) if order.callback_rate is not None else "",
        "createTime": order.create_time_ms,
        "updateTime": order.update_time_ms,
        "triggerTime": order.trigger_time_ms,
        "goodTillDate": order.good_till_date_ms,
    }


def algo_query(order: AlgoOrderView, instrument: Instrument) -> Document:
    """A conditional order as its queries show it: with the order it became."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    triggered = order.actual_order_id != 0
    return algo_response(order, instrument) | {
        "actualOrderId": str(order.actual_order_id) if triggered else "",
        "actualPrice": fixed(order.actual_price, price + AVERAGE_EXTRA_DECIMALS),
        "actualQty": fixed(order.actual_quantity, quantity),
        "actualType": child_type(order) if triggered else "",
        "tpTriggerPrice": fixed(order.actual_price * 0, price),
        "tpPrice": fixed(order.actual_price * 0, price),
        "slTriggerPrice": fixed(order.actual_price * 0, price),
        "slPrice": fixed(order.actual_price * 0, price),
        "tpOrderType": "",
    }


def child_type(order: AlgoOrderView) -> str:
    """The type of the order a conditional order becomes."""
    return "MARKET" if order.type.is_market else "LIMIT"


def user_trade(trade: TradeView, instrument: Instrument) -> Document:
    """One fill as userTrades shows it; a paid commission is positive."""
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": trade.side.value,
        "price": fixed(trade.price, instrument.price_precision),
        "qty": fixed(trade.quantity, instrument.quantity_precision),
        "realizedPnl": money(trade.realized_pnl),
        "quoteQty": fixed(trade.quote_quantity, instrument.price_precision + instrument.quantity_precision),
        "commission": money(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time_ms,
        "positionSide": trade.position_side.value,
        "maker": trade.maker,
        "buyer": trade.side.value == "BUY",
        "marginAsset": instrument.margin_asset,
        "baseQty": "0",
        "pair": trade.symbol,
    }
