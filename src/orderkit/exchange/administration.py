"""Requests that change settings or open orders from outside any job."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import PositionSide
from orderkit.errors import OrderNotFound, OrderRejected
from orderkit.exchange import mapping
from orderkit.exchange.details import ListedOrder
from orderkit.exchange.failures import Call
from orderkit.exchange.transport import Transport

UNCHANGED = frozenset({-4046, -4059})  # "No need to change margin type", "… position side"


class Administration:
    """Blocking calls of one request each.

    Settings can be asked for twice without harm, so a lost answer is ExchangeUnreachable: try again. An
    order's change raises OutcomeUnknown instead, since an order's fate hangs on it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def set_leverage(self, symbol: str, leverage: int) -> int:
        """The leverage now in force."""
        params = {"symbol": symbol, "leverage": str(leverage)}
        call = Call(f"set the leverage of {symbol}")
        return self._transport.call(call, "futures_change_leverage", params, lambda raw: int(raw["leverage"]))

    def set_margin_type(self, symbol: str, *, isolated: bool) -> bool:
        """False where it was so already."""
        params = {"symbol": symbol, "marginType": "ISOLATED" if isolated else "CROSSED"}
        return self._change(f"set the margin type of {symbol}", "futures_change_margin_type", params)

    def set_position_mode(self, *, hedge: bool) -> bool:
        """False where it was so already. Since 2026-06-30 this changes coin-margined futures too."""
        params = {"dualSidePosition": "true" if hedge else "false"}
        return self._change("set the position mode", "futures_change_position_mode", params)

    def modify(self, order: ListedOrder, quantity: Decimal, price: Decimal) -> None:
        """Change an open limit order; it loses its place in the queue and keeps its ids.

        Raises:
            OutcomeUnknown: sent, not answered: the order must be looked up.
        """
        params = {
            "symbol": order.symbol,
            "side": order.side.value,
            "orderId": str(order.order_id),
            "quantity": mapping.plain(quantity),
            "price": mapping.plain(price),
        }
        if order.position_side is not PositionSide.BOTH:
            params["positionSide"] = order.position_side.value
        call = Call(f"modify order {order.client_order_id}", trading=True)
        self._transport.call(call, "futures_modify_order", params)

    def cancel_all(self, symbol: str) -> None:
        """Cancel every ordinary and every conditional order of a symbol (two requests).

        Asked for again without harm: a lost answer is ExchangeUnreachable. The list of open orders afterwards
        is what counts.
        """
        for method in ("futures_cancel_all_open_orders", "futures_cancel_all_algo_open_orders"):
            try:
                self._transport.call(Call(f"cancel all orders of {symbol}"), method, {"symbol": symbol})
            except OrderNotFound:
                continue  # nothing to cancel

    def _change(self, action: str, method: str, params: Mapping[str, Any]) -> bool:
        try:
            self._transport.call(Call(action), method, params)
        except OrderRejected as refused:
            if refused.code in UNCHANGED:
                return False
            raise
        return True
