"""Reads a new order, conditional or not, from a request's parameters, refusing what the wire form forbids.

What depends on the market, the filters or the account is refused by the simulator.
"""

import secrets

from orderkit.domain.enums import (
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    Side,
    TimeInForce,
    WorkingType,
)
from orderkit.paper.parameters import Parameters, invalid, unexpected
from orderkit.simulator.errors import refusal
from orderkit.simulator.types import ExchangeError, NewAlgoOrder, NewOrder

# 22 characters, as the live exchange makes them.
_CLIENT_ID_BYTES = 11
_RESPONSE_TYPES = ("ACK", "RESULT")


def side(parameters: Parameters) -> Side:
    return parameters.required_member("side", Side, ExchangeError(-1117, "Invalid side."))


def wants_result(parameters: Parameters) -> bool:
    """True for newOrderRespType=RESULT; ACK is the default."""
    kind = parameters.text("newOrderRespType") or "ACK"
    if kind not in _RESPONSE_TYPES:
        raise invalid("newOrderRespType")
    return kind == "RESULT"


def new_order(parameters: Parameters) -> NewOrder:
    """A LIMIT or MARKET order (POST order, order/test, batchOrders).

    Raises:
        ExchangeError: -4120 for a conditional type, else the code of the offending parameter.
    """
    symbol = parameters.symbol()
    order_side = side(parameters)
    kind = parameters.required_member("type", OrderType, refusal(-1116))
    if kind.is_conditional:
        raise refusal(-4120)
    if "stopPrice" in parameters:
        raise unexpected("stopprice")
    return NewOrder(
        symbol=symbol,
        side=order_side,
        type=kind,
        client_order_id=parameters.client_id("newClientOrderId") or _new_client_id(),
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        time_in_force=parameters.member("timeInForce", TimeInForce, refusal(-1115)),
        position_side=_position_side(parameters),
        reduce_only=parameters.boolean("reduceOnly"),
        close_position=parameters.boolean("closePosition"),
        price_match=_price_match(parameters),
        self_trade_prevention=_self_trade_prevention(parameters),
        good_till_date_ms=parameters.integer("goodTillDate") or 0,
    )


def new_algo_order(parameters: Parameters) -> NewAlgoOrder:
    """A conditional order (POST algoOrder)."""
    if parameters.required("algoType") != "CONDITIONAL":
        raise invalid("algoType")
    symbol = parameters.symbol()
    order_side = side(parameters)
    kind = parameters.required_member("type", OrderType, refusal(-1116))
    if not kind.is_conditional:
        raise refusal(-1116)
    return NewAlgoOrder(
        symbol=symbol,
        side=order_side,
        type=kind,
        client_algo_id=parameters.client_id("clientAlgoId") or _new_client_id(),
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        trigger_price=parameters.decimal("triggerPrice"),
        working_type=parameters.member("workingType", WorkingType) or WorkingType.CONTRACT_PRICE,
        time_in_force=parameters.member("timeInForce", TimeInForce, refusal(-1115)) or TimeInForce.GTC,
        position_side=_position_side(parameters),
        reduce_only=parameters.boolean("reduceOnly"),
        close_position=parameters.boolean("closePosition"),
        price_protect=parameters.boolean("priceProtect"),
        price_match=_price_match(parameters),
        activation_price=parameters.decimal("activatePrice"),
        callback_rate=parameters.decimal("callbackRate"),
        self_trade_prevention=_self_trade_prevention(parameters),
        good_till_date_ms=parameters.integer("goodTillDate") or 0,
    )


def _position_side(parameters: Parameters) -> PositionSide:
    return parameters.member("positionSide", PositionSide) or PositionSide.BOTH


def _price_match(parameters: Parameters) -> PriceMatch | None:
    if parameters.text("priceMatch") == "NONE":
        return None
    return parameters.member("priceMatch", PriceMatch, refusal(-5037))


def _self_trade_prevention(parameters: Parameters) -> SelfTradePrevention:
    return (
        parameters.member("selfTradePreventionMode", SelfTradePrevention) or SelfTradePrevention.EXPIRE_MAKER
    )


def _new_client_id() -> str:
    return secrets.token_hex(_CLIENT_ID_BYTES)
