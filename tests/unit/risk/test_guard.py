"""The guard of one job: its orders count beside the position of the snapshot, and once."""

from decimal import Decimal

import pytest

from orderkit.domain.account import Account, Position, TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side
from orderkit.domain.market import Quote
from orderkit.domain.order import Fill, Order, OrderRequest
from orderkit.paper.contracts import instruments
from orderkit.risk.gate import Approved, TradingState
from orderkit.risk.limits import RiskLimits
from orderkit.runtime.risk import RiskGuard

BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")
NOW_MS = 1_800_000_000_000
MARK = Decimal(100)
ONE = Decimal(1)


def filled(at_ms: int) -> Order:
    """An order of the job that bought 1."""
    request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, ONE)
    order = Order("ok-job-1", "job", request, at_ms, status=OrderStatus.FILLED, executed_quantity=ONE)
    order.fills[1] = Fill(
        "BTCUSDT", "ok-job-1", 7, 1, Side.BUY, MARK, ONE, Decimal(0), "USDT", Decimal(0), False, at_ms
    )
    return order


@pytest.mark.parametrize(
    ("at_ms", "earlier", "may_buy"),
    [
        (NOW_MS - 1, {"ok-job-1"}, "2"),  # an earlier run's, in the position already
        (NOW_MS + 1, {"ok-job-1"}, "1"),  # an earlier run's order that was filled since
        (NOW_MS + 1, set(), "1"),
        (NOW_MS - 1, set(), "1"),  # this run's, by a clock that is ahead
    ],
)
def test_the_position_grows_by_what_was_executed_since_the_snapshot(
    at_ms: int, earlier: set[str], may_buy: str
) -> None:
    held = Position("BTCUSDT", PositionSide.BOTH, ONE, MARK, MARK, Decimal(0))
    account = Account(Decimal(1000), Decimal(1000), hedge_mode=False, positions=(held,))
    snapshot = TradingSnapshot(BTC, Quote("BTCUSDT", MARK, ONE, MARK, ONE, NOW_MS), MARK, NOW_MS, account)
    limits = RiskLimits(max_position_notional=3 * MARK)
    guard = RiskGuard(limits, TradingState.ACTIVE, snapshot, earlier=frozenset(earlier))

    def passes(quantity: Decimal) -> bool:
        request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, quantity)
        return isinstance(guard(request, [filled(at_ms)]), Approved)

    assert passes(Decimal(may_buy))
    assert not passes(Decimal(may_buy) + Decimal("0.1"))
