"""Several orders in one request: each is taken or refused on its own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orderkit.domain.order import OrderReport, OrderRequest
from orderkit.errors import OrderKitError
from orderkit.exchange import mapping
from orderkit.exchange.failures import Call, from_answer
from orderkit.exchange.transport import Transport

HTTP_REFUSED = 400  # what an order of its own would have been answered with


def place_batch(
    transport: Transport, orders: Sequence[tuple[str, OrderRequest]]
) -> list[OrderReport | OrderKitError]:
    """Place two to five orders by client order id (POST batchOrders); what became of each, in their order.

    Raises:
        OrderKitError: as for one order; then it holds for every one of them.
    """
    first = orders[0][1]
    call = Call(f"place {len(orders)} {first.type} orders of {first.symbol}", trading=True)
    sent = [mapping.order_params(cid, request) for cid, request in orders]

    def read(raw: Any) -> list[OrderReport | OrderKitError]:
        if len(raw) != len(orders):
            raise ValueError("the answer is about other orders")
        return [_outcome(transport, row, *order) for row, order in zip(raw, orders, strict=True)]

    return transport.call(call, "futures_place_batch_order", {"batchOrders": sent}, read)


def _outcome(
    transport: Transport, row: Mapping[str, Any], client_order_id: str, request: OrderRequest
) -> OrderReport | OrderKitError:
    if "code" in row:
        call = Call(f"place {request.side} {request.type} {request.symbol}", trading=True)
        return from_answer(call, HTTP_REFUSED, {}, json.dumps(row), now_ms=transport.clock.now_ms())
    if row["clientOrderId"] != client_order_id:
        raise ValueError("the answer names another order")
    return mapping.order_report(row, client_order_id)
