"""User stream frames decoded into facts for the engine; what is not about orders is nothing."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from orderkit.domain.enums import OrderStatus, Side
from orderkit.domain.events import Input, OrderReported, TradeReported
from orderkit.domain.order import Fill, OrderReport
from orderkit.exchange.mapping import ALGO_STATUSES, EXPIRY_REASONS, ZERO, order_status

# Structs ignore fields they do not name: Binance adds some without notice.


class ListenKeyExpired(msgspec.Struct):
    """The stream's key is dead: nothing comes any more on this connection."""


class _Head(msgspec.Struct):
    event: str = msgspec.field(name="e", default="")


class _Order(msgspec.Struct):
    symbol: str = msgspec.field(name="s")
    client_order_id: str = msgspec.field(name="c")
    side: Side = msgspec.field(name="S")
    execution: str = msgspec.field(name="x")
    status: str = msgspec.field(name="X")
    order_id: int = msgspec.field(name="i")
    executed_quantity: Decimal = msgspec.field(name="z")
    time_ms: int = msgspec.field(name="T")
    price: Decimal = msgspec.field(name="p", default=ZERO)
    average_price: Decimal = msgspec.field(name="ap", default=ZERO)
    last_quantity: Decimal = msgspec.field(name="l", default=ZERO)
    last_price: Decimal = msgspec.field(name="L", default=ZERO)
    commission: Decimal | None = msgspec.field(name="n", default=None)
    commission_asset: str | None = msgspec.field(name="N", default=None)
    trade_id: int = msgspec.field(name="t", default=0)
    is_maker: bool = msgspec.field(name="m", default=False)
    realized_pnl: Decimal = msgspec.field(name="rp", default=ZERO)
    expiry_reason: str | int = msgspec.field(name="er", default="0")


class _OrderTradeUpdate(msgspec.Struct):
    order: _Order = msgspec.field(name="o")


class _Algo(msgspec.Struct):
    client_algo_id: str = msgspec.field(name="caid")
    algo_id: int = msgspec.field(name="aid")
    symbol: str = msgspec.field(name="s")
    status: str = msgspec.field(name="X")
    quantity: Decimal = msgspec.field(name="q", default=ZERO)
    price: Decimal = msgspec.field(name="p", default=ZERO)
    # Empty strings until the order triggers.
    actual_order_id: str | int = msgspec.field(name="ai", default="")
    actual_price: str = msgspec.field(name="ap", default="")
    actual_quantity: str = msgspec.field(name="aq", default="")
    reject_reason: str = msgspec.field(name="rm", default="")


class _AlgoUpdate(msgspec.Struct):
    time_ms: int = msgspec.field(name="T")
    order: _Algo = msgspec.field(name="o")


_HEAD = msgspec.json.Decoder(_Head)
_ORDER_TRADE_UPDATE = msgspec.json.Decoder(_OrderTradeUpdate)
_ALGO_UPDATE = msgspec.json.Decoder(_AlgoUpdate)
_ORDER_FIRST = b'{"e":"ORDER_TRADE_UPDATE"'
_STATUSES = {status.value: status for status in OrderStatus}  # a look-up costs a fifth of the conversion


def decode(frame: bytes) -> list[Input] | ListenKeyExpired:
    """The facts in one frame, a trade before the order's state that it leads to.

    Raises:
        ValueError: not JSON, or an order event without the fields it must have.
    """
    if frame.startswith(_ORDER_FIRST):  # as the exchange writes it: most of what comes, told at a glance
        return _order_trade_update(frame)
    event = _HEAD.decode(frame).event
    if event == "listenKeyExpired":
        return ListenKeyExpired()
    handler = _HANDLERS.get(event)
    return handler(frame) if handler is not None else []


def _order_trade_update(frame: bytes) -> list[Input]:
    order = _ORDER_TRADE_UPDATE.decode(frame).order
    report = OrderReport(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        status=_STATUSES.get(order.status) or order_status(order.status),
        executed_quantity=order.executed_quantity,
        time_ms=order.time_ms,
        order_id=order.order_id,
        average_price=order.average_price or None,
        price=order.price or None,
        reason=EXPIRY_REASONS.get(str(order.expiry_reason)),
    )
    # CALCULATED is how a liquidation's trade is told.
    if order.execution in ("TRADE", "CALCULATED") and order.last_quantity and order.trade_id:
        return [TradeReported(_fill(order)), OrderReported(report)]
    return [OrderReported(report)]


def _fill(order: _Order) -> Fill:
    return Fill(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        trade_id=order.trade_id,
        side=order.side,
        price=order.last_price,
        quantity=order.last_quantity,
        commission=order.commission or ZERO,
        commission_asset=order.commission_asset or "",
        realized_pnl=order.realized_pnl,
        is_maker=order.is_maker,
        time_ms=order.time_ms,
    )


def _algo_update(frame: bytes) -> list[Input]:
    """ALGO_UPDATE; how a triggered order fares, short of FILLED, is left to its own ORDER_TRADE_UPDATE."""
    update = _ALGO_UPDATE.decode(frame)
    algo = update.order
    executed = _number(algo.actual_quantity)
    if algo.status == "FINISHED":
        status = OrderStatus.FILLED if executed and executed >= algo.quantity else OrderStatus.NEW
    else:
        known = ALGO_STATUSES.get(algo.status)
        if known is None:
            raise ValueError(f"unknown algo status {algo.status!r}")
        status = known
    report = OrderReport(
        client_order_id=algo.client_algo_id,
        symbol=algo.symbol,
        status=status,
        executed_quantity=executed,
        time_ms=update.time_ms,
        order_id=int(algo.actual_order_id) if algo.actual_order_id else None,
        algo_id=algo.algo_id,
        average_price=_number(algo.actual_price) or None,
        price=algo.price or None,
        reason=algo.reject_reason or None,
    )
    return [OrderReported(report)]


def _number(text: str) -> Decimal:
    try:
        return Decimal(text or 0)
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None


_HANDLERS: Mapping[str, Callable[[bytes], list[Input]]] = {
    "ORDER_TRADE_UPDATE": _order_trade_update,
    "ALGO_UPDATE": _algo_update,
}
