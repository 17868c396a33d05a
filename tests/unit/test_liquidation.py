"""The liquidation price of a plan is the one that the exchange reports once the orders have filled."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from orderkit.analytics.liquidation import liquidation_price
from orderkit.domain.account import Account, TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.domain.market import MarkPrice, Quote
from orderkit.paper.contracts import brackets
from orderkit.simulator.types import ExchangeError, NewOrder
from tests.virtual import BTC, START_MS, Venue

D = Decimal
BRACKETS = brackets()["BTCUSDT"]


def market(venue: Venue, side: Side, quantity: Decimal, symbol: str = "BTCUSDT") -> None:
    number = len(venue.exchange.user_trades("me", symbol, limit=1000))
    try:
        venue.exchange.place("me", NewOrder(symbol, side, OrderType.MARKET, f"o-{symbol}-{number}", quantity))
    except ExchangeError:  # too small, or too large for the account
        reject()


def reported(venue: Venue) -> Decimal:
    """What the exchange says; 0 where there is no such price."""
    held = [p for p in venue.exchange.account("me").positions if p.symbol == "BTCUSDT" and p.amount]
    return held[0].liquidation_price if held else D(0)


sizes = st.integers(min_value=-6_000, max_value=6_000).map(lambda n: n * D("0.001"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    held=sizes,
    planned=sizes,
    ether=sizes,
    leverage=st.sampled_from([5, 20, 50]),
    isolated=st.sets(st.sampled_from(["BTCUSDT", "ETHUSDT"])),
)
def test_it_is_what_the_exchange_reports_once_the_orders_have_filled(
    held: Decimal, planned: Decimal, ether: Decimal, leverage: int, isolated: set[str]
) -> None:
    assume(planned)
    venue = Venue()
    venue.exchange.set_leverage("me", "BTCUSDT", leverage)
    for symbol in isolated:
        venue.exchange.set_margin_type("me", symbol, isolated=True)
    price = D(3_000)
    venue.exchange.apply(Quote("ETHUSDT", price, D(500), price + D("0.01"), D(500), START_MS))
    venue.exchange.apply(MarkPrice("ETHUSDT", price, price, D(0), START_MS + 1, START_MS))
    venue.exchange.apply(Quote("BTCUSDT", D(60_000), D(500), D("60000.1"), D(500), START_MS))
    if held:
        market(venue, Side.BUY if held > 0 else Side.SELL, abs(held))
    if ether:
        market(venue, Side.BUY if ether > 0 else Side.SELL, abs(ether), "ETHUSDT")
    side = Side.BUY if planned > 0 else Side.SELL
    touch = D("60000.1") if planned > 0 else D(60_000)
    expected = liquidation_price(side, [(abs(planned), touch)], venue.snapshot)
    market(venue, side, abs(planned))
    told = reported(venue)
    if expected is None:
        assert told == 0
    else:
        assert abs(expected - told) <= D("0.01")


def snapshot(account: Account | None) -> TradingSnapshot:
    quote = Quote("BTCUSDT", D(60_000), D(1), D("60000.1"), D(1), START_MS)
    return TradingSnapshot(BTC, quote, D(60_000), START_MS, account, BRACKETS)


def test_a_hand_computed_long_one() -> None:
    account = Account(D(1_000), D(1_000), hedge_mode=False, leverage={"BTCUSDT": 50})
    free = replace(snapshot(account), taker_rate=D(0))
    # 0.5 BTC at 60000 with 1000 USDT: (1000 + cum 50·0 - 30000) / (0.5 · 0.004 - 0.5), notional below 50000
    assert liquidation_price(Side.BUY, [(D("0.5"), D(60_000))], free) == D(-29_000) / D("-0.498")


@pytest.mark.parametrize(
    ("account", "quantity"),
    [
        (None, "0.5"),  # nothing is known of it
        (Account(D(100_000), D(100_000), hedge_mode=False), "0.5"),  # the wallet bears even a price of 0
    ],
)
def test_where_there_is_none_there_is_none(account: Account | None, quantity: str) -> None:
    assert liquidation_price(Side.BUY, [(D(quantity), D(60_000))], snapshot(account)) is None


def test_in_hedge_mode_both_legs_count() -> None:
    venue = Venue()
    venue.exchange.set_position_mode("me", hedge=True)
    venue.exchange.apply(Quote("BTCUSDT", D(60_000), D(500), D("60000.1"), D(500), START_MS))
    short = NewOrder("BTCUSDT", Side.SELL, OrderType.MARKET, "s", D(2), position_side=PositionSide.SHORT)
    venue.exchange.place("me", short)
    fills = [(D(5), D("60000.1"))]
    expected = liquidation_price(Side.BUY, fills, venue.snapshot, PositionSide.LONG)
    long = NewOrder("BTCUSDT", Side.BUY, OrderType.MARKET, "l", D(5), position_side=PositionSide.LONG)
    venue.exchange.place("me", long)
    (told,) = [
        p.liquidation_price
        for p in venue.exchange.account("me").positions
        if p.position_side is PositionSide.LONG
    ]
    assert expected is not None
    assert abs(expected - told) <= D("0.01")
