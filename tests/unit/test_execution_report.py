"""The execution report against cases computed by hand."""

from decimal import Decimal

import pytest

from orderkit.analytics.execution import execution_report, slippage_bps
from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.domain.order import Fill, Order, OrderRequest


def order(number: int, fills: list[tuple[str, str, str]], executed: str | None = None) -> Order:
    """An order with fills of (quantity, price, commission)."""
    request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(1))
    made = Order(f"ok-x-{number}", "x", request, created_ms=0, status=OrderStatus.FILLED)
    for trade_id, (quantity, price, commission) in enumerate(fills, number * 100):
        made.fills[trade_id] = Fill(
            "BTCUSDT", made.client_order_id, number, trade_id, Side.BUY, Decimal(price), Decimal(quantity),
            Decimal(commission), "USDT", Decimal(0), False, 0,
        )  # fmt: skip
    made.executed_quantity = Decimal(executed) if executed else made.filled_by_trades
    return made


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        (Side.BUY, "101", "100"),  # paid 1 % more than the benchmark
        (Side.BUY, "99", "-100"),
        (Side.SELL, "101", "-100"),  # sold 1 % better
        (Side.SELL, "99", "100"),
    ],
)
def test_slippage_is_what_was_worse_than_the_benchmark(side: Side, price: str, expected: str) -> None:
    assert slippage_bps(side, Decimal(price), Decimal(100)) == Decimal(expected)


def test_the_average_is_weighted_by_volume_over_all_orders() -> None:
    orders = [
        order(1, [("0.1", "100", "0.005"), ("0.3", "102", "0.0153")]),
        order(2, [("0.6", "101", "0.0303")]),
    ]
    report = execution_report(Side.BUY, Decimal(1), orders, Decimal(100))
    assert report.executed_quantity == 1
    assert report.cost == Decimal("101.2")  # 10 + 30.6 + 60.6
    assert report.average_price == Decimal("101.2")
    assert report.commission == {"USDT": Decimal("0.0506")}
    assert report.slippage_bps == 120
    assert report.remaining_quantity == 0


def test_a_part_whose_trades_are_unknown_counts_at_the_reported_average() -> None:
    known = order(1, [("0.5", "100", "0.025")])
    unknown = order(2, [], executed="0.5")
    unknown.reported_average_price = Decimal(104)
    report = execution_report(Side.BUY, Decimal(1), [known, unknown], None)
    assert report.average_price == 102
    assert report.slippage_bps is None


def test_a_part_whose_price_nobody_has_told_is_not_in_the_average() -> None:
    orders = [order(1, [("0.5", "100", "0.025")]), order(2, [("0.1", "103", "0.005")], executed="0.5")]
    report = execution_report(Side.BUY, Decimal(1), orders, Decimal(100))
    assert report.executed_quantity == 1
    assert report.average_price == Decimal("100.5")  # 60.3 / 0.6
    assert report.slippage_bps == 50


def test_nothing_done_has_no_price() -> None:
    report = execution_report(Side.SELL, Decimal(1), [], Decimal(100))
    assert report.average_price is None
    assert report.slippage_bps is None
    assert report.executed_quantity == 0
    assert report.remaining_quantity == 1
