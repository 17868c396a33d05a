"""The risk gate: each limit at its edge, and what it must never prevent."""

from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.domain.order import OrderRequest
from orderkit.errors import ConfigurationError
from orderkit.risk.gate import Approved, Exposure, Refused, TradingState, check
from orderkit.risk.limits import RiskLimits

FLAT = Exposure(position=Decimal(0), mark_price=Decimal(100))
LONG_5 = Exposure(position=Decimal(5), mark_price=Decimal(100))
OPEN = RiskLimits(max_position_notional=None)


def order(side: Side = Side.BUY, quantity: str = "1", price: str | None = None, **more: Any) -> OrderRequest:
    kind = OrderType.LIMIT if price else OrderType.MARKET
    return OrderRequest("BTCUSDT", side, kind, Decimal(quantity), Decimal(price) if price else None, **more)


def verdict(
    request: OrderRequest, exposure: Exposure, state: TradingState = TradingState.ACTIVE, **limits: Any
) -> str:
    set_limits = RiskLimits(**({"max_position_notional": None} | limits))
    answer = check(request, exposure, set_limits, state)
    return answer.rule if isinstance(answer, Refused) else "approved"


@pytest.mark.parametrize(
    ("request_", "exposure", "limits", "expected"),
    [
        (order(quantity="10"), FLAT, {"max_position_notional": Decimal(1000)}, "approved"),
        (order(quantity="10.1"), FLAT, {"max_position_notional": Decimal(1000)}, "MAX_POSITION_NOTIONAL"),
        (order(quantity="6"), LONG_5, {"max_position_notional": Decimal(1000)}, "MAX_POSITION_NOTIONAL"),
        (order(quantity="5"), LONG_5, {"max_position_notional": Decimal(1000)}, "approved"),
        (order(Side.SELL, "15"), LONG_5, {"max_position_notional": Decimal(1000)}, "approved"),
        (order(Side.SELL, "15.1"), LONG_5, {"max_position_notional": Decimal(1000)}, "MAX_POSITION_NOTIONAL"),
        (order(quantity="2"), FLAT, {"max_order_notional": Decimal(200)}, "approved"),
        (order(quantity="2.1"), FLAT, {"max_order_notional": Decimal(200)}, "MAX_ORDER_NOTIONAL"),
        (order(quantity="2", price="101"), FLAT, {"max_order_notional": Decimal(200)}, "MAX_ORDER_NOTIONAL"),
        (order(price="95"), FLAT, {"max_distance_bps": Decimal(500)}, "approved"),
        (order(price="94.9"), FLAT, {"max_distance_bps": Decimal(500)}, "MAX_DISTANCE_BPS"),
        (order(), FLAT, {"allowed_symbols": frozenset({"ETHUSDT"})}, "ALLOWED_SYMBOLS"),
        (order(), FLAT, {"allowed_symbols": frozenset({"BTCUSDT"})}, "approved"),
        (order(), Exposure(Decimal(0), Decimal(100), open_orders=2), {"max_open_orders": 3}, "approved"),
        (
            order(),
            Exposure(Decimal(0), Decimal(100), open_orders=3),
            {"max_open_orders": 3},
            "MAX_OPEN_ORDERS",
        ),
        (order(), Exposure(Decimal(0), Decimal(100), leverage=10), {"max_leverage": 10}, "approved"),
        (order(), Exposure(Decimal(0), Decimal(100), leverage=11), {"max_leverage": 10}, "MAX_LEVERAGE"),
        (
            order(),
            Exposure(Decimal(0), Decimal(100), daily_result=Decimal(-49)),
            {"max_daily_loss": Decimal(50)},
            "approved",
        ),
        (
            order(),
            Exposure(Decimal(0), Decimal(100), daily_result=Decimal(-50)),
            {"max_daily_loss": Decimal(50)},
            "MAX_DAILY_LOSS",
        ),
    ],
)
def test_each_limit_holds_at_its_edge(
    request_: OrderRequest, exposure: Exposure, limits: dict[str, Any], expected: str
) -> None:
    assert verdict(request_, exposure, **limits) == expected


def test_orders_still_at_work_count_as_filled() -> None:
    working = Exposure(Decimal(0), Decimal(100), working=Decimal(6))
    assert (
        verdict(order(quantity="5"), working, max_position_notional=Decimal(1000)) == "MAX_POSITION_NOTIONAL"
    )


@pytest.mark.parametrize(
    "closing",
    [
        order(Side.SELL, "5"),
        order(Side.SELL, "50", reduce_only=True),
        order(Side.SELL, "50", position_side=PositionSide.LONG),
    ],
)
def test_no_limit_keeps_anybody_in_a_position(closing: OrderRequest) -> None:
    tight: dict[str, Any] = {
        "max_position_notional": Decimal(1),
        "max_order_notional": Decimal(1),
        "max_leverage": 1,
    }
    lossy = Exposure(Decimal(5), Decimal(100), leverage=50, daily_result=Decimal(-9999))
    assert verdict(closing, lossy, max_daily_loss=Decimal(1), **tight) == "approved"
    assert verdict(closing, lossy, TradingState.REDUCING, **tight) == "approved"


def test_two_closing_orders_at_once_are_not_both_closing() -> None:
    """The second one would open the other side."""
    closing_already = Exposure(Decimal(5), Decimal(100), working=Decimal(-5))
    assert verdict(order(Side.SELL, "5"), closing_already, TradingState.REDUCING) == "REDUCING"


def test_halted_takes_nothing_and_reducing_nothing_that_opens() -> None:
    assert verdict(order(Side.SELL, "5"), LONG_5, TradingState.HALTED) == "HALTED"
    assert verdict(order(), FLAT, TradingState.REDUCING) == "REDUCING"
    assert verdict(order(Side.SELL, "6"), LONG_5, TradingState.REDUCING) == "REDUCING"


def test_a_refusal_has_the_numbers() -> None:
    answer = check(order(quantity="2000"), FLAT, RiskLimits(), TradingState.ACTIVE)
    assert isinstance(answer, Refused)
    assert "200000" in answer.message
    assert "100000" in answer.message


def test_a_parent_is_not_one_order() -> None:
    limits = RiskLimits(max_position_notional=None, max_order_notional=Decimal(200))
    assert check(order(quantity="9"), FLAT, limits, TradingState.ACTIVE, parent=True) == Approved()


def test_limits_come_from_the_file_and_before_it_from_the_environment() -> None:
    table = {"max_order_notional": 5000, "max_leverage": "10", "allowed_symbols": ["btcusdt", "ETHUSDT"]}
    limits = RiskLimits.read(
        table, {"ORDERKIT_RISK_MAX_LEVERAGE": "5", "ORDERKIT_RISK_MAX_POSITION_NOTIONAL": "off"}
    )
    assert limits == RiskLimits(
        max_position_notional=None,
        max_order_notional=Decimal(5000),
        max_leverage=5,
        allowed_symbols=frozenset({"BTCUSDT", "ETHUSDT"}),
    )
    assert RiskLimits.read({}, {}).max_position_notional == 100_000


@pytest.mark.parametrize(
    ("table", "environ"),
    [
        ({"max_postion_notional": 1}, {}),
        ({}, {"ORDERKIT_RISK_MAX_LOSS": "1"}),
        ({"max_leverage": 2.5}, {}),
        ({"max_leverage": 0}, {}),
        ({"max_order_notional": "much"}, {}),
        ({"max_order_notional": "nan"}, {}),
    ],
)
def test_a_limit_that_cannot_be_understood_is_never_taken_for_none(
    table: dict[str, Any], environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError):
        RiskLimits.read(table, environ)
