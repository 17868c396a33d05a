"""Which stops count as protecting a position."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orderkit.console.protection import protection_of
from orderkit.domain.enums import OrderStatus, PositionSide, Side
from orderkit.exchange.details import HeldPosition, ListedOrder

D = Decimal
LONG = HeldPosition(
    symbol="BTCUSDT",
    position_side=PositionSide.BOTH,
    quantity=D("0.5"),
    entry_price=D(60000),
    break_even_price=None,
    mark_price=D(60000),
    unrealized_pnl=D(0),
    notional=D(30000),
    initial_margin=D(3000),
    maintenance_margin=D(120),
    liquidation_price=D(54500),
    margin_asset="USDT",
)
SHORT = replace(LONG, quantity=D("-0.5"), liquidation_price=D(65500))
STOP = ListedOrder(
    symbol="BTCUSDT",
    client_order_id="stop",
    order_id=None,
    algo_id=1,
    side=Side.SELL,
    position_side=PositionSide.BOTH,
    order_type="STOP_MARKET",
    status=OrderStatus.NEW,
    quantity=D("0.5"),
    executed_quantity=D(0),
    price=None,
    average_price=None,
    trigger_price=D(58000),
    time_in_force="GTC",
    reduce_only=True,
    close_position=False,
    created_ms=0,
    updated_ms=0,
)
BUY_STOP = replace(STOP, side=Side.BUY, trigger_price=D(62000))


@pytest.mark.parametrize(
    ("position", "orders", "verdict", "covered"),
    [
        (LONG, [], "none", "0"),
        (LONG, [STOP], "full", "0.5"),
        (LONG, [replace(STOP, quantity=D("0.2"))], "partial", "0.2"),
        (LONG, [replace(STOP, quantity=D("0.2")), replace(STOP, quantity=D("0.4"))], "full", "0.5"),
        (LONG, [replace(STOP, quantity=D(0), close_position=True)], "full", "0.5"),
        (LONG, [replace(STOP, order_type="TRAILING_STOP_MARKET", trigger_price=None)], "full", "0.5"),
        (LONG, [replace(STOP, trigger_price=D(54500))], "none", "0"),  # liquidated before
        (replace(LONG, liquidation_price=None), [replace(STOP, trigger_price=D(1))], "full", "0.5"),
        (LONG, [replace(STOP, order_type="TAKE_PROFIT_MARKET", trigger_price=D(62000))], "none", "0"),
        (LONG, [replace(STOP, order_type="LIMIT")], "none", "0"),
        (LONG, [replace(STOP, symbol="ETHUSDT")], "none", "0"),
        (LONG, [BUY_STOP], "none", "0"),
        (LONG, [replace(STOP, position_side=PositionSide.LONG)], "none", "0"),
        (LONG, [replace(STOP, status=OrderStatus.CANCELED)], "none", "0"),
        (SHORT, [BUY_STOP], "full", "0.5"),
        (SHORT, [replace(BUY_STOP, trigger_price=D(65500))], "none", "0"),
        (SHORT, [STOP], "none", "0"),
    ],
)
def test_a_stop_protects_what_it_closes_before_liquidation(
    position: HeldPosition, orders: list[ListedOrder], verdict: str, covered: str
) -> None:
    protection = protection_of(position, orders)
    assert (protection.verdict, protection.quantity) == (verdict, D(covered))
