"""Answers as the exchange writes them, made up for the tests."""

from decimal import Decimal
from typing import Any

from orderkit.domain.enums import OrderType, Side, TimeInForce
from orderkit.domain.order import OrderRequest

LIMIT = OrderRequest(
    symbol="BTCUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.010"),
    price=Decimal("64000.0"),
    time_in_force=TimeInForce.GTC,
)
STOP = OrderRequest(
    symbol="BTCUSDT",
    side=Side.SELL,
    type=OrderType.STOP,
    quantity=Decimal("0.01"),
    price=Decimal(59900),
    trigger_price=Decimal(60000),
)


def order(**changes: Any) -> dict[str, Any]:
    """What POST, GET and DELETE order have in common since mid-2026."""
    return {
        "orderId": 4611686018427387904,
        "symbol": "BTCUSDT",
        "status": "NEW",
        "clientOrderId": "job-1",
        "price": "64000.00",
        "origQty": "0.010",
        "executedQty": "0.000",
        "cumQty": "0.000",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "reduceOnly": False,
        "closePosition": False,
        "side": "BUY",
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": "LIMIT",
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": 1795000000123,
    } | changes


def algo(**changes: Any) -> dict[str, Any]:
    """GET algoOrder; POST has the same without the actual… fields."""
    return {
        "algoId": 1000000000000001,
        "clientAlgoId": "job-1",
        "algoType": "CONDITIONAL",
        "orderType": "STOP",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": "0.010",
        "algoStatus": "NEW",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "actualQty": "0.000",
        "triggerPrice": "60000.00",
        "price": "59900.00",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": False,
        "activatePrice": "",
        "callbackRate": "",
        "createTime": 1795000000100,
        "updateTime": 1795000000123,
        "triggerTime": 0,
        "goodTillDate": 0,
    } | changes


def trade(trade_id: int, **changes: Any) -> dict[str, Any]:
    """One element of userTrades."""
    return {
        "buyer": True,
        "commission": "0.32000000",
        "commissionAsset": "USDT",
        "id": trade_id,
        "maker": False,
        "orderId": 4611686018427387904,
        "price": "64000.00",
        "qty": "0.005",
        "quoteQty": "320.00",
        "realizedPnl": "0",
        "side": "BUY",
        "positionSide": "BOTH",
        "symbol": "BTCUSDT",
        "time": 1795000000123,
    } | changes


def instrument(symbol: str, **changes: Any) -> dict[str, Any]:
    """One element of exchangeInfo's symbols."""
    return {
        "symbol": symbol,
        "pair": symbol,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"}
        ],
    } | changes
