"""Binance's own TWAP: a parent that the exchange slices (spot host, /sapi/v1/algo/futures; live only)."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from orderkit.domain.enums import OrderStatus, PositionSide, Side
from orderkit.domain.order import Fill, OrderRef, OrderReport, OrderRequest
from orderkit.errors import OrderNotFound, OrderRejected
from orderkit.exchange import mapping
from orderkit.exchange.failures import Call
from orderkit.exchange.transport import Transport

PAGE = 100
_ENDED = {"CANCELLED": OrderStatus.CANCELED, "CANCELED": OrderStatus.CANCELED}


def client_algo_id(client_order_id: str) -> str:
    """The id that the exchange knows the parent by: exactly 32 characters, always the same for an order."""
    return hashlib.sha256(client_order_id.encode()).hexdigest()[:32]


class NativeTwap:
    """Places, finds and ends parents. Each question is one request of weight 1, a search at most two."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(self, client_order_id: str, request: OrderRequest) -> OrderReport:
        """Hand the parent over. That it was taken is not that it works: ask for its state.

        Raises:
            OutcomeUnknown: sent, not answered.
            OrderRejected: the exchange said no.
        """
        params = {
            "symbol": request.symbol,
            "side": request.side.value,
            "quantity": mapping.plain(request.quantity or Decimal(0)),
            "duration": str(request.duration_s),
            "clientAlgoId": client_algo_id(client_order_id),
        }
        if request.position_side is not PositionSide.BOTH:
            params["positionSide"] = request.position_side.value
        if request.reduce_only:
            params["reduceOnly"] = "true"
        if request.price is not None:
            params["limitPrice"] = mapping.plain(request.price)
        call = Call(f"place {request.side} TWAP {request.symbol}", trading=True)

        def read(raw: Any) -> OrderReport:
            if raw["success"] is not True:
                raise OrderRejected(str(raw.get("msg")), code=int(raw.get("code", 0)))
            if raw["clientAlgoId"] != params["clientAlgoId"]:
                raise ValueError("the answer names another order")
            return self._report(client_order_id, request.symbol, OrderStatus.NEW, Decimal(0))

        return self._transport.call(call, "margin_v1_post_algo_futures_new_order_twap", params, read)

    def query(self, ref: OrderRef) -> OrderReport:
        """The parent's state. Raises OrderNotFound."""
        return self._read(ref, self._find(ref))

    def cancel(self, ref: OrderRef) -> OrderReport:
        """End the parent; what it has done stays. Raises OrderNotFound."""
        row = self._find(ref)
        if row["algoStatus"] == "WORKING":
            data = {"algoId": str(row["algoId"])}
            self._ask(Call(f"cancel order {ref.client_order_id}", trading=True), "delete", "order", data)
            row = self._find(ref)
        return self._read(ref, row)

    def fills(self, ref: OrderRef) -> Sequence[Fill]:
        """What the exchange's slices did, each slice as one fill."""
        data = {"algoId": str(self._find(ref)["algoId"]), "page": "1", "pageSize": str(PAGE)}
        fills: dict[int, Fill] = {}
        while True:
            call = Call(f"slices of order {ref.client_order_id}")
            rows = self._ask(call, "get", "subOrders", data)["subOrders"]
            page = self._transport.read(call, rows, partial(_fills, ref))
            fills |= {fill.trade_id: fill for fill in page}
            if len(rows) < PAGE:
                return tuple(sorted(fills.values(), key=lambda fill: (fill.time_ms, fill.trade_id)))
            data = data | {"page": str(int(data["page"]) + 1)}

    def _find(self, ref: OrderRef) -> Mapping[str, Any]:
        wanted = client_algo_id(ref.client_order_id)
        call = Call(f"query order {ref.client_order_id}")
        working = self._ask(call, "get", "openOrders", {})
        past = {"symbol": ref.symbol, "pageSize": str(PAGE)}
        for answer in (working, None):
            rows = (answer or self._ask(call, "get", "historicalOrders", past))["orders"]
            for row in rows:
                if row["clientAlgoId"] == wanted:
                    found: Mapping[str, Any] = row
                    return found
        raise OrderNotFound(f"order {ref.client_order_id} is not among Binance's algo orders", code=-2013)

    def _read(self, ref: OrderRef, row: Mapping[str, Any]) -> OrderReport:
        executed, whole, status = Decimal(row["executedQty"]), Decimal(row["totalQty"]), row["algoStatus"]
        if executed >= whole:
            state = OrderStatus.FILLED
        elif status == "WORKING":
            state = OrderStatus.PARTIALLY_FILLED if executed else OrderStatus.NEW
        else:
            state = _ENDED.get(status, OrderStatus.EXPIRED)
        average = Decimal(row["avgPrice"]) or None
        return self._report(ref.client_order_id, ref.symbol, state, executed, int(row["algoId"]), average)

    def _report(
        self,
        client_order_id: str,
        symbol: str,
        status: OrderStatus,
        executed: Decimal,
        algo_id: int | None = None,
        average: Decimal | None = None,
    ) -> OrderReport:
        """As of now: the exchange gives no time of its own."""
        return OrderReport(
            client_order_id=client_order_id,
            symbol=symbol,
            status=status,
            executed_quantity=executed,
            time_ms=self._transport.clock.now_ms(),
            algo_id=algo_id,
            average_price=average,
        )

    def _ask(self, call: Call, verb: str, path: str, data: Mapping[str, str]) -> Any:
        """python-binance has no method of its own for these four."""
        params = {"method": verb, "path": f"algo/futures/{path}", "signed": True, "data": dict(data)}
        return self._transport.call(call, "_request_margin_api", params)


def _fills(ref: OrderRef, rows: Sequence[Mapping[str, Any]]) -> list[Fill]:
    return [
        Fill(
            symbol=ref.symbol,
            client_order_id=ref.client_order_id,
            order_id=int(row["orderId"]),
            trade_id=int(row["orderId"]),
            side=Side(row["side"]),
            price=Decimal(row["avgPrice"]),
            quantity=Decimal(row["executedQty"]),
            commission=abs(Decimal(row["feeAmt"])),
            commission_asset=row["feeAsset"],
            realized_pnl=Decimal(0),
            is_maker=False,
            time_ms=int(row["bookTime"]),
        )
        for row in rows
        if Decimal(row["executedQty"])
    ]
