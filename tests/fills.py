"""Trades of our orders, as any channel may tell them."""

from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.order import Fill


def bought(
    cid: str,
    trade_id: int,
    quantity: Decimal | str,
    *,
    price: Decimal | str = "60000",
    order_id: int = 7,
    maker: bool = False,
    time_ms: int = 1,
) -> Fill:
    """A buy of BTCUSDT that cost 0.01 USDT."""
    return Fill(
        symbol="BTCUSDT",
        client_order_id=cid,
        order_id=order_id,
        trade_id=trade_id,
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        commission=Decimal("0.01"),
        commission_asset="USDT",
        realized_pnl=Decimal(0),
        is_maker=maker,
        time_ms=time_ms,
    )
