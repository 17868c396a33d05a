"""Funding on cases computed by hand: sign, amount, time, cross and isolated."""

import pytest

from orderkit.domain.enums import PositionSide, Side
from orderkit.simulator.statements import IncomeType
from orderkit.simulator.types import AccountUpdate, AccountUpdateReason
from tests.unit.simulator.desk import BUY, SELL, START_MS, SYMBOL, D, Desk

FUNDING = IncomeType.FUNDING_FEE
HOUR_MS = 3_600_000
# START_MS is 2026-09-21 14:13:20 UTC; the next settlement is at 16:00:00
NEXT_MS = 1_790_006_400_000


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    return desk


# Payment = |amount| × mark × rate, longs pay when it is positive (Binance FAQ 360033525031):
# 0.5 × 60100 × 0.0001 = 3.005
SIGNS = [
    (BUY, "0.0001", D("-3.005")),
    (SELL, "0.0001", D("3.005")),
    (BUY, "-0.0001", D("3.005")),
    (SELL, "-0.0001", D("-3.005")),
]


@pytest.mark.parametrize(("side", "rate", "paid"), SIGNS)
def test_longs_pay_shorts_while_the_rate_is_positive(desk: Desk, side: Side, rate: str, paid: D) -> None:
    desk.order(side, "0.5")
    desk.mark("60100")
    before = desk.wallet()
    settlement = desk.exchange.settle_funding(SYMBOL, D(rate))
    assert (settlement.rate, settlement.mark_price) == (D(rate), D(60100))
    assert desk.wallet() - before == paid
    assert desk.income(income_type=FUNDING) == [(FUNDING, paid)]


def test_funding_is_cut_to_eight_decimals(desk: Desk) -> None:
    desk.order(BUY, "0.001")
    desk.mark("60123.4567891")
    desk.exchange.settle_funding(SYMBOL, D("0.00012345"))
    # 0.001 × 60123.4567891 = 60.1234567891, kept to 60.12345678; × 0.00012345 = 0.0074222407…
    assert desk.income(income_type=FUNDING) == [(FUNDING, D("-0.00742224"))]


def test_it_settles_at_0_8_and_16_utc_with_the_last_rate(desk: Desk) -> None:
    desk.order(BUY, "1")
    desk.mark("60000", rate="0.0002")
    desk.exchange.advance(NEXT_MS - 1)
    assert desk.income(income_type=FUNDING) == []
    desk.exchange.advance(NEXT_MS)
    assert desk.income(income_type=FUNDING) == [(FUNDING, D(-12))]
    desk.exchange.advance(NEXT_MS + 16 * HOUR_MS)
    assert desk.income(income_type=FUNDING) == [(FUNDING, D(-12))] * 3
    assert [f.time_ms for f in desk.exchange.funding_history(SYMBOL)] == [
        NEXT_MS,
        NEXT_MS + 8 * HOUR_MS,
        NEXT_MS + 16 * HOUR_MS,
    ]
    assert desk.exchange.funding_history(start_ms=NEXT_MS + 1, limit=1)[0].time_ms == NEXT_MS + 8 * HOUR_MS
    assert START_MS < NEXT_MS < START_MS + 8 * HOUR_MS


def test_without_a_mark_source_nothing_is_settled(desk: Desk) -> None:
    desk.order(BUY, "1")
    desk.exchange.advance(NEXT_MS + 24 * HOUR_MS)
    assert desk.income(income_type=FUNDING) == []
    assert desk.exchange.funding_history() == []


def test_cross_funding_tells_the_balance_only_and_isolated_funding_the_position_too(desk: Desk) -> None:
    desk.exchange.set_margin_type("b", SYMBOL, isolated=True)
    desk.order(BUY, "1")
    desk.order(BUY, "1", account="b")
    desk.mark("60000")
    desk.drain()
    desk.exchange.settle_funding(SYMBOL, D("0.001"))
    cross, isolated = [e for e in desk.drain() if isinstance(e, AccountUpdate)]
    assert (cross.account_id, cross.reason) == ("a", AccountUpdateReason.FUNDING_FEE)
    assert cross.positions == ()
    assert (cross.balances[0].change, cross.balances[0].wallet_balance) == (D(-60), D(99_910))
    # 60000 / 20 set aside, less the funding
    assert isolated.positions[0].isolated_wallet == D(2940)
    assert isolated.balances[0].wallet_balance == D(99_910)
    # what is not set aside stays as it was: 100000 - 30 - 3000
    assert isolated.balances[0].cross_wallet_balance == D(96_970)


def test_in_hedge_mode_each_leg_settles_for_itself(desk: Desk) -> None:
    desk.exchange.set_position_mode("a", hedge=True)
    desk.order(BUY, "0.3", position_side=PositionSide.LONG)
    desk.order(SELL, "0.1", position_side=PositionSide.SHORT)
    desk.mark("60000")
    desk.exchange.settle_funding(SYMBOL, D("0.001"))
    assert desk.income(income_type=FUNDING) == [(FUNDING, D(-18)), (FUNDING, D(6))]


def test_funding_can_liquidate_an_isolated_position(desk: Desk) -> None:
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.order(BUY, "1")
    desk.mark("60000")
    # 3000 set aside, 60000 × 0.05 = 3000 paid: nothing is left
    desk.exchange.settle_funding(SYMBOL, D("0.05"))
    assert desk.position().amount == 0
    assert desk.wallet() == D(100_000) - 30 - 3000
