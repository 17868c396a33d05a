"""Liquidation on cases computed by hand, with the sources of BINANCE's rules in simulator/risk.py."""

from dataclasses import replace

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarkPrice, Quote
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.statements import IncomeType
from orderkit.simulator.types import (
    AccountUpdate,
    AccountUpdateReason,
    AlgoStatus,
    ExecutionType,
    ExpireReason,
    MarginCall,
    NewOrder,
)
from tests.unit.simulator.desk import BRACKETS, BUY, MARKET, SELL, START_MS, SYMBOL, D, Desk, btc_info

CLEAR = IncomeType.INSURANCE_CLEAR


def isolated_long() -> Desk:
    """2 BTC bought at 60000 with 20×: 120000 / 20 = 6000 set aside, 60 paid in commission.

    Liquidation at LP = (6000 + 50 - 120000) / (2 × (0.005 - 1)) = 57261.3065… (bracket 2: 0.5 %, cum 50);
    bankrupt at (120000 - 6000) / 2 = 57000.
    """
    desk = Desk()
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.order(BUY, "2")
    desk.mark("60000")
    return desk


def cross_long() -> Desk:
    """2 BTC bought at 60000 from a wallet of 10000, 60 of it paid in commission.

    LP = (9940 + 50 - 120000) / (2 × (0.005 - 1)) = 55281.4070…; bankrupt at (120000 - 9940) / 2 = 55030.
    """
    desk = Desk(wallet="10000")
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    desk.order(BUY, "2")
    desk.mark("60000")
    return desk


EDGES = [
    # isolated: margin 6000 + 2 × (mark - 60000) against 2 × mark × 0.005 - 50
    (isolated_long, "57261.4", False),  # 522.8 against 522.614
    (isolated_long, "57261.3", True),  # 522.6 against 522.613
    # cross: margin 9940 + 2 × (mark - 60000)
    (cross_long, "55281.5", False),  # 503 against 502.815
    (cross_long, "55281.4", True),  # 502.8 against 502.814
]


@pytest.mark.parametrize(("opened", "mark", "liquidated"), EDGES)
def test_liquidation_comes_where_margin_no_longer_exceeds_maintenance(
    opened: object, mark: str, liquidated: bool
) -> None:
    desk = isolated_long() if opened is isolated_long else cross_long()
    desk.depth([("55100", "100")], [("60000", "100")], snapshot=True)
    shown = desk.position().liquidation_price
    desk.mark(mark)
    assert (desk.position().amount == 0) is liquidated
    assert (D(mark) <= shown) is liquidated


def test_a_liquidated_position_is_sold_into_the_book_and_the_fee_takes_what_is_left() -> None:
    desk = isolated_long()
    desk.depth([("57200", "100")], [("57300", "100")], snapshot=True)
    desk.drain()
    desk.mark("57261.3")
    # loss 2 × 2800, commission 114400 × 0.0005; fee min(114400 × 0.0125 = 1430, 6000 - 5600 - 57.2)
    assert desk.trades()[-1].realized_pnl == D(-5600)
    assert desk.trades()[-1].commission == D("57.2")
    assert desk.income(income_type=CLEAR) == [(CLEAR, D("-342.8"))]
    assert desk.wallet() == D(100_000) - 60 - 6000
    assert desk.exchange.insurance_balance("USDT") == D("342.8")
    assert desk.position().isolated_wallet == 0


def test_the_liquidation_order_is_an_immediate_or_cancel_limit_at_the_bankruptcy_price() -> None:
    desk = isolated_long()
    desk.depth([("57200", "100")], [("57300", "100")], snapshot=True)
    desk.drain()
    desk.mark("57261.3")
    new, executed = desk.updates()
    order = executed.order
    assert order.client_order_id.startswith("autoclose-")
    assert (order.type, order.time_in_force, order.side) == (OrderType.LIMIT, TimeInForce.IOC, SELL)
    assert (order.price, order.quantity, order.status) == (D(57000), D(2), OrderStatus.FILLED)
    assert new.execution_type is ExecutionType.NEW
    assert executed.execution_type is ExecutionType.CALCULATED
    assert executed.trade is not None
    assert executed.trade.price == D(57200)
    assert desk.exchange.force_orders("a") == [order]
    assert desk.exchange.force_orders("b") == []


def test_the_insurance_fund_takes_over_at_the_bankruptcy_price_what_the_book_cannot() -> None:
    desk = isolated_long()
    desk.depth([("57200", "0.5"), ("56999.9", "100")], [("57300", "100")], snapshot=True)
    printed = len(desk.exchange.recent_trades(SYMBOL))
    desk.mark("57261.3")
    assert desk.fills()[-2:] == [(D(57200), D("0.5")), (D(57000), D("1.5"))]
    # the takeover pays no commission and is no public trade
    assert desk.trades()[-1].commission == 0
    assert len(desk.exchange.recent_trades(SYMBOL)) == printed + 1
    # 6000 - 0.5 × 2800 - 14.3 - 1.5 × 3000
    assert desk.income(income_type=CLEAR) == [(CLEAR, D("-85.7"))]


def test_a_gap_through_the_bankruptcy_price_costs_an_isolated_position_its_wallet_and_no_more() -> None:
    desk = isolated_long()
    desk.depth([("50000", "100")], [("60000", "100")], snapshot=True)
    desk.mark("50000")
    assert desk.wallet() == D(100_000) - 60 - 6000
    assert desk.income(income_type=CLEAR) == []


def test_the_insurance_fund_pays_a_shortfall() -> None:
    desk = isolated_long()
    desk.depth([("57000", "100")], [("60000", "100")], snapshot=True)
    desk.mark("57000")
    # 6000 - 6000 - 114000 × 0.0005
    assert desk.income(income_type=CLEAR) == [(CLEAR, D(57))]
    assert desk.wallet() == D(100_000) - 60 - 6000
    assert desk.exchange.insurance_balance("USDT") == D(-57)


def test_a_cross_liquidation_expires_orders_and_leaves_no_debt() -> None:
    desk = cross_long()
    resting = desk.order(BUY, "0.001", "58000")
    stop = desk.algo(BUY, OrderType.STOP_MARKET, "61000", "0.001")
    desk.depth([("55030", "100")], [("60000", "100")], snapshot=True)
    desk.drain()
    desk.mark("55281.4")
    events = desk.drain()
    assert desk.now(resting).status is OrderStatus.EXPIRED
    assert any(getattr(e, "expire_reason", None) is ExpireReason.LIQUIDATION for e in events)
    assert desk.algo_now(stop).status is AlgoStatus.EXPIRED
    # 9940 - 2 × 4970 - 110060 × 0.0005 = -55.03, which the fund pays
    assert desk.income(income_type=CLEAR) == [(CLEAR, D("55.03"))]
    assert desk.wallet() == 0
    cleared = [e for e in events if isinstance(e, AccountUpdate)][-1]
    assert cleared.reason is AccountUpdateReason.INSURANCE_CLEAR
    assert cleared.balances[0].wallet_balance == 0


def test_a_short_is_bought_back() -> None:
    desk = Desk(wallet="10000")
    desk.depth([("60000", "100")], [("60000.1", "100")], snapshot=True)
    desk.order(SELL, "2")
    desk.mark("60000")
    desk.depth([("64000", "100")], [("64800", "100")], snapshot=True)
    # LP = (9940 + 50 + 120000) / (2 × 1.005) = 64671.64…, bankrupt at (120000 + 9940) / 2 = 64970
    desk.mark("64671.6")
    assert desk.position().amount == D(-2)
    desk.mark("64671.7")
    assert desk.position().amount == 0
    assert desk.exchange.force_orders("a")[0].price == D(64970)
    # 9940 - 2 × 4800 - 129600 × 0.0005 = 275.2 left for the fee of at most 1620
    assert desk.income(income_type=CLEAR) == [(CLEAR, D("-275.2"))]
    assert desk.wallet() == 0


def test_a_profitable_position_keeps_a_negative_wallet_alive_until_it_is_closed() -> None:
    desk = Desk(wallet="10000")
    desk.exchange.set_position_mode("a", hedge=True)
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    desk.order(BUY, "1", position_side=PositionSide.LONG)
    desk.order(SELL, "1", position_side=PositionSide.SHORT)
    desk.depth([("72000", "100")], [("72000.1", "100")], snapshot=True)
    desk.mark("72000")
    desk.order(BUY, "1", position_side=PositionSide.SHORT)
    assert desk.wallet() < 0
    assert desk.income(income_type=CLEAR) == []
    desk.order(SELL, "1", position_side=PositionSide.LONG)
    assert desk.wallet() > 9000


def test_a_margin_call_comes_once_when_the_ratio_passes_80_percent() -> None:
    desk = isolated_long()
    desk.depth([("55000", "100")], [("60000", "100")], snapshot=True)
    desk.drain()

    def calls() -> list[MarginCall]:
        return [e for e in desk.drain() if isinstance(e, MarginCall)]

    # at 57328: 524… / 656 = 79.8 %; at 57320: 523.2 / 640 = 81.8 %
    desk.mark("57328")
    assert calls() == []
    desk.mark("57320")
    (call,) = calls()
    assert call.cross_wallet_balance is None
    (position,) = call.positions
    assert (position.amount, position.mark_price, position.isolated_wallet) == (D(2), D(57320), D(6000))
    assert position.maintenance_margin == D("523.2")
    desk.mark("57319")
    assert calls() == []
    desk.mark("58000")
    desk.mark("57320")
    assert len(calls()) == 1


def test_a_cross_margin_call_names_the_cross_wallet() -> None:
    desk = cross_long()
    desk.depth([("50000", "100")], [("60000", "100")], snapshot=True)
    desk.drain()
    desk.mark("55340")
    (call,) = [e for e in desk.drain() if isinstance(e, MarginCall)]
    assert call.cross_wallet_balance == D(9940)
    assert [p.symbol for p in call.positions] == [SYMBOL]


def test_of_two_cross_positions_only_the_larger_goes_if_that_is_enough() -> None:
    infos = [btc_info(liquidationFee="0.001"), btc_info(symbol="ETHUSDT", baseAsset="ETH")]
    symbols = ["BTCUSDT", "ETHUSDT"]
    exchange = SimulatedExchange(
        [Instrument.from_exchange_info(info) for info in infos],
        dict.fromkeys(symbols, BRACKETS),
        now_ms=START_MS,
    )
    exchange.open_account("a", {"USDT": D(10_000)})
    order = NewOrder(symbol="", side=BUY, type=MARKET, client_order_id="x")
    for symbol, quantity in zip(symbols, ("2", "0.1"), strict=True):
        exchange.apply(Quote(symbol, D("59999.9"), D(100), D(60000), D(100), START_MS))
        exchange.place("a", replace(order, symbol=symbol, quantity=D(quantity)))
        exchange.apply(MarkPrice(symbol, D(60000), D(60000), D(0), 0, START_MS))
    exchange.apply(Quote("BTCUSDT", D(55300), D(100), D("55300.1"), D(100), START_MS))
    # wallet 10000 - 60 - 3 = 9937; maintenance of ETH 6000 × 0.004 = 24
    # BTC at 55290: margin 9937 - 9420 = 517 against 502.9 + 24
    exchange.apply(MarkPrice("BTCUSDT", D(55290), D(55290), D(0), 0, START_MS))
    (left,) = exchange.positions("a")
    assert (left.symbol, left.amount) == ("ETHUSDT", D("0.1"))
    assert [o.symbol for o in exchange.force_orders("a")] == ["BTCUSDT"]
    asset = exchange.account("a").assets[0]
    # 9937 - 2 × 4700 - 110600 × 0.0005 - 110600 × 0.001
    assert asset.wallet_balance == D("371.1")
