"""Positions, commissions, margin and settings on cases computed by hand."""

from itertools import pairwise

import pytest

from orderkit.domain.enums import OrderStatus, PositionSide, Side, TimeInForce
from orderkit.simulator.types import AccountConfigUpdate, AccountUpdate, AccountUpdateReason, ExpireReason
from tests.unit.simulator.desk import BRACKETS, BUY, SELL, SYMBOL, D, Desk, refusal_of

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    return desk


def at(desk: Desk, price: str) -> None:
    """Put a deep touch around a price: bids and asks both trade there."""
    bid = D(price)
    desk.depth([(price, "100")], [(str(bid + D("0.1")), "100")], snapshot=True)


def buy_at(desk: Desk, price: str, quantity: str) -> None:
    at(desk, str(D(price) - D("0.1")))
    desk.order(BUY, quantity)


def sell_at(desk: Desk, price: str, quantity: str) -> None:
    at(desk, price)
    desk.order(SELL, quantity)


def test_commission_is_five_basis_points_for_takers_and_two_for_makers(desk: Desk) -> None:
    desk.order(BUY, "0.1")
    desk.order(SELL, "0.1", "60100")
    desk.trade("60100.1", "1", seller_hits=False)
    taker, maker = desk.trades()
    assert (taker.commission, taker.commission_asset, taker.maker) == (D(3), "USDT", False)
    assert (maker.commission, maker.maker) == (D("1.202"), True)
    assert maker.realized_pnl == D(10)
    assert desk.wallet() == D(100_000) + 10 - 3 - D("1.202")


def test_commission_is_cut_to_eight_decimals() -> None:
    desk = Desk(
        pricePrecision=5,
        quantityPrecision=3,
        filters=[{"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9", "stepSize": "0.001"}],
    )
    desk.depth([("1.23456", "9")], [("1.23457", "9")], snapshot=True)
    desk.order(BUY, "0.007")
    # 0.007 × 1.23457 × 0.0005 = 0.000004320995
    assert desk.trades()[0].commission == D("0.00000432")


def test_entry_price_is_the_average_of_what_was_bought_and_closing_leaves_it(desk: Desk) -> None:
    buy_at(desk, "60000", "0.1")
    buy_at(desk, "61000", "0.3")
    assert desk.position().entry_price == D(60750)
    sell_at(desk, "62000", "0.2")
    assert desk.position().entry_price == D(60750)
    assert desk.trades()[-1].realized_pnl == D(250)
    # fees: 3 + 9.15 + 6.2
    assert desk.wallet() == D(100_000) + 250 - D("18.35")


def test_a_long_flips_to_a_short_at_the_fill_price(desk: Desk) -> None:
    buy_at(desk, "60000", "0.1")
    sell_at(desk, "61000", "0.3")
    position = desk.position()
    assert (position.amount, position.entry_price) == (D("-0.2"), D(61000))
    assert desk.trades()[-1].realized_pnl == D(100)
    buy_at(desk, "60500", "0.2")
    assert desk.trades()[-1].realized_pnl == D(100)
    assert desk.position().amount == 0
    assert desk.position().entry_price == 0


def test_odd_averages_still_balance_to_the_last_decimal(desk: Desk) -> None:
    for price, quantity in [("60000.1", "0.001"), ("60123.7", "0.002"), ("59871.3", "0.004")]:
        buy_at(desk, price, quantity)
    for price, quantity in [("60001.3", "0.003"), ("60777.7", "0.004")]:
        sell_at(desk, price, quantity)
    trades = desk.trades()
    cash = sum(-t.quote_quantity * t.side.sign for t in trades)
    assert sum(t.realized_pnl for t in trades) == cash
    assert desk.wallet() == D(100_000) + cash - sum(t.commission for t in trades)


def test_break_even_includes_the_commission_paid(desk: Desk) -> None:
    desk.order(BUY, "0.1")
    assert desk.position().break_even_price == D(60030)
    sell_at(desk, "61000", "0.3")
    assert desk.position().break_even_price == D("60969.5")


def test_unrealized_profit_follows_the_mark_and_moves_what_is_available(desk: Desk) -> None:
    desk.order(BUY, "1")
    desk.mark("60500")
    position = desk.position()
    assert (position.unrealized_profit, position.notional) == (D(500), D(60500))
    # 100000 - 30 fee + 500 - 60500/20
    assert desk.available() == D(100_000) - 30 + 500 - 3025
    account = desk.exchange.account("a").assets[0]
    assert account.margin_balance == account.wallet_balance + 500


def test_open_orders_reserve_the_larger_of_what_bids_and_asks_would_lead_to(desk: Desk) -> None:
    desk.order(BUY, "1")
    desk.mark("60000")
    before = desk.available()
    desk.order(SELL, "2", "60000.1", tif=TimeInForce.GTX)
    # 60000 - 120000.2 = -60000.2 against +60000: 0.2/20 more
    assert before - desk.available() == D("0.01")
    desk.order(BUY, "1", "59000")
    # 60000 + 59000 = 119000: 59000/20 more than the position alone
    assert before - desk.available() == D(2950)
    position = desk.position()
    assert (position.bid_notional, position.ask_notional) == (D(59000), D("120000.2"))
    assert position.open_order_initial_margin == D(2950)
    desk.exchange.cancel_all("a", SYMBOL)
    assert desk.available() == before


def test_an_order_costs_margin_and_open_loss(desk: Desk) -> None:
    desk = Desk(wallet="3000.5")
    desk.depth([("59999.9", "100")], [("60001.0", "100")], snapshot=True)
    desk.mark("60000")
    # at 60000.8 one lot costs 60000.8/20 = 3000.04 and 0.8 of open loss; at 60000.4 3000.02 and 0.4
    assert refusal_of(lambda: desk.order(BUY, "1", "60000.8"))[0] == -2019
    assert desk.order(BUY, "1", "60000.4").status is OrderStatus.NEW


def test_closing_needs_no_margin_even_when_nothing_is_available(desk: Desk) -> None:
    desk = Desk(wallet="3100")
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    desk.order(BUY, "1")
    desk.depth([("57500.0", "100")], [("57500.1", "100")], snapshot=True)
    assert desk.available() == 0
    assert refusal_of(lambda: desk.order(BUY, "0.01"))[0] == -2019
    assert desk.order(SELL, "1").status is OrderStatus.FILLED


# FAQ b3c689c1f50a44cabb3a84e663b81d93: maintenance = notional × ratio - cum, where
# cum = cum before + floor × (ratio - ratio before): 50000 × (0.005 - 0.004) = 50,
# 50 + 600000 × (0.0065 - 0.005) = 950, 950 + 3000000 × (0.01 - 0.0065) = 11450,
# 11450 + 12000000 × (0.02 - 0.01) = 131450, 131450 + 70000000 × (0.05 - 0.02) = 2231450
TIERS = [
    ("0.5", D(30_000) * D("0.004")),
    ("2", D(120_000) * D("0.005") - 50),
    ("20", D(1_200_000) * D("0.0065") - 950),
    ("60", D(3_600_000) * D("0.01") - 11_450),
    ("300", D(18_000_000) * D("0.02") - 131_450),
    ("2000", D(120_000_000) * D("0.05") - 2_231_450),
]


@pytest.mark.parametrize(("quantity", "expected"), TIERS)
def test_every_brackets_amount_keeps_maintenance_continuous(quantity: str, expected: D) -> None:
    desk = Desk(wallet="100000000", filters=[])
    desk.exchange.set_leverage("a", SYMBOL, 10)
    desk.depth([("59999.9", "9000")], [("60000.0", "9000")], snapshot=True)
    desk.order(BUY, quantity)
    desk.mark("60000")
    assert desk.position().maintenance_margin == expected
    for lower, upper in pairwise(BRACKETS):
        assert upper.cum == lower.cum + upper.notional_floor * (
            upper.maint_margin_ratio - lower.maint_margin_ratio
        )


def test_maintenance_margin_subtracts_the_brackets_amount(desk: Desk) -> None:
    desk.order(BUY, "2")
    desk.mark("60000")
    # bracket 2: 120000 × 0.005 - 50
    assert desk.position().maintenance_margin == D(550)


LIQUIDATIONS = [
    # LP = (WB + cum - side·q·EP) / (q·(MMR - side)); WB after the taker's fee of 60
    ("long", BUY, "60000", (D(9940) + 50 - 120000) / (2 * (D("0.005") - 1))),
    ("short", SELL, "60000", (D(9940) + 50 + 120000) / (2 * (D("0.005") + 1))),
]


@pytest.mark.parametrize(("name", "side", "price", "expected"), LIQUIDATIONS)
def test_the_cross_liquidation_price_is_where_margin_equals_maintenance(
    name: str, side: Side, price: str, expected: D
) -> None:
    desk = Desk(wallet="10000")
    touch = ("59999.9", "60000.0") if side is BUY else ("60000.0", "60000.1")
    desk.depth([(touch[0], "100")], [(touch[1], "100")], snapshot=True)
    desk.order(side, "2")
    desk.mark(price)
    assert abs(desk.position().liquidation_price - expected) < D("0.00000002"), name


def test_a_covered_position_has_no_liquidation_price(desk: Desk) -> None:
    desk.order(BUY, "0.1")
    assert desk.position().liquidation_price == 0


def test_reduce_only_fills_are_capped_by_the_position_and_the_rest_expires(desk: Desk) -> None:
    desk.order(BUY, "0.5")
    order = desk.order(SELL, "2", reduce_only=True)
    assert (order.status, order.executed_quantity) == (OrderStatus.EXPIRED, D("0.5"))
    assert desk.position().amount == 0


def test_resting_reduce_only_orders_go_when_nothing_is_left_for_them(desk: Desk) -> None:
    desk.order(BUY, "1")
    first = desk.order(SELL, "0.6", "60010", reduce_only=True)
    second = desk.order(SELL, "0.6", "60020", reduce_only=True)
    third = refusal_of(lambda: desk.order(SELL, "0.6", "60030", reduce_only=True))
    assert third[0] == -4118
    desk.order(SELL, "0.4")
    assert desk.now(first).status is OrderStatus.NEW
    assert desk.now(second).status is OrderStatus.EXPIRED
    knocked = next(u for u in desk.updates() if u.order.order_id == second.order_id and u.expire_reason)
    assert knocked.expire_reason is ExpireReason.REDUCE_ONLY_PRIORITY
    desk.order(SELL, "1.6")
    assert desk.position().amount == D(-1)
    assert desk.now(first).status is OrderStatus.EXPIRED
    assert desk.exchange.open_orders("a") == []


def test_a_better_priced_reduce_only_order_knocks_out_the_worse_one(desk: Desk) -> None:
    desk.order(BUY, "1")
    worse = desk.order(SELL, "1", "60020", reduce_only=True)
    better = desk.order(SELL, "1", "60010", reduce_only=True)
    assert desk.now(worse).status is OrderStatus.EXPIRED
    assert desk.now(better).status is OrderStatus.NEW


def test_a_resting_reduce_only_order_never_turns_the_position(desk: Desk) -> None:
    desk.order(BUY, "1")
    order = desk.order(SELL, "3", "60010", reduce_only=True)
    desk.trade("60011", "5", seller_hits=False)
    assert desk.now(order).executed_quantity == D(1)
    assert desk.now(order).status is OrderStatus.EXPIRED
    assert desk.position().amount == 0


def test_reduce_only_is_exempt_from_the_minimum_notional(desk: Desk) -> None:
    desk.order(BUY, "0.001")
    at(desk, "49000.0")
    assert desk.order(SELL, "0.001", reduce_only=True).status is OrderStatus.FILLED


def test_hedge_mode_keeps_two_positions_and_closing_cannot_exceed_them(desk: Desk) -> None:
    desk.exchange.set_position_mode("a", hedge=True)
    assert refusal_of(lambda: desk.order(BUY, "0.1"))[0] == -4061
    assert refusal_of(lambda: desk.order(BUY, "0.1", position_side=LONG, reduce_only=True))[0] == -1106
    desk.order(BUY, "0.3", position_side=LONG)
    desk.order(SELL, "0.2", position_side=SHORT)
    assert desk.position(side=LONG).amount == D("0.3")
    assert desk.position(side=SHORT).amount == D("-0.2")
    assert refusal_of(lambda: desk.order(SELL, "0.31", position_side=LONG))[0] == -2022
    desk.order(SELL, "0.2", "60100", position_side=LONG)
    assert refusal_of(lambda: desk.order(SELL, "0.2", "60200", position_side=LONG))[0] == -2022
    desk.order(BUY, "0.2", position_side=SHORT)
    assert [p.position_side for p in desk.exchange.positions("a")] == [LONG]


def test_an_account_update_lists_the_changed_position_and_balance(desk: Desk) -> None:
    desk.drain()
    desk.order(BUY, "0.1")
    update = next(e for e in desk.drain() if isinstance(e, AccountUpdate))
    assert update.reason is AccountUpdateReason.ORDER
    assert update.balances[0].wallet_balance == D(99_997)
    assert update.balances[0].change == 0
    assert (update.positions[0].amount, update.positions[0].entry_price) == (D("0.1"), D(60000))


def test_deposits_and_withdrawals_change_the_wallet_by_what_is_free(desk: Desk) -> None:
    desk.drain()
    desk.exchange.deposit("a", "USDT", D(50))
    (update,) = [e for e in desk.drain() if isinstance(e, AccountUpdate)]
    assert (update.reason, update.balances[0].change) == (AccountUpdateReason.DEPOSIT, D(50))
    desk.order(BUY, "1")
    assert refusal_of(lambda: desk.exchange.deposit("a", "USDT", D(-99_000)))[0] == -2018
    desk.exchange.deposit("a", "USDT", D(-1000))
    assert desk.wallet() == D(99_050) - 30


def test_leverage_is_bounded_by_brackets_positions_and_margin(desk: Desk) -> None:
    exchange = desk.exchange
    for leverage in (0, 126):
        assert refusal_of(lambda value=leverage: exchange.set_leverage("a", SYMBOL, value))[0] == -4028  # type: ignore[misc]
    desk.order(BUY, "10")
    assert refusal_of(lambda: exchange.set_leverage("a", SYMBOL, 125))[0] == -2027
    assert refusal_of(lambda: exchange.set_leverage("a", SYMBOL, 5))[0] == -2028
    assert exchange.symbol_config("a", SYMBOL).leverage == 20
    desk.drain()
    config = exchange.set_leverage("a", SYMBOL, 10)
    assert (config.leverage, config.max_notional) == (10, D(1_000_000_000))
    assert next(e for e in desk.drain() if isinstance(e, AccountConfigUpdate)).leverage == 10
    assert desk.position().position_initial_margin * 10 == desk.position().notional


def test_position_mode_changes_only_when_everything_is_flat_and_idle(desk: Desk) -> None:
    change = desk.exchange.set_position_mode
    assert refusal_of(lambda: change("a", hedge=False))[0] == -4059
    order = desk.order(BUY, "0.1", "59000")
    assert refusal_of(lambda: change("a", hedge=True))[0] == -4067
    desk.exchange.cancel("a", SYMBOL, order_id=order.order_id)
    desk.order(BUY, "0.1")
    assert refusal_of(lambda: change("a", hedge=True))[0] == -4068
    desk.order(SELL, "0.1")
    change("a", hedge=True)
    assert desk.exchange.is_hedge_mode("a")


def test_an_isolated_position_sets_its_initial_margin_aside_and_releases_it_in_proportion(desk: Desk) -> None:
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.exchange.set_leverage("a", SYMBOL, 10)
    desk.mark("60000")
    desk.order(BUY, "0.4")
    # 24000 / 10 set aside, 12 of commission
    position = desk.position()
    assert (position.isolated_wallet, position.isolated_margin) == (D(2400), D(2400))
    asset = desk.exchange.account("a").assets[0]
    assert (asset.wallet_balance, asset.cross_wallet_balance) == (D(99_988), D(97_588))
    assert asset.available_balance == D(97_588)
    desk.mark("59000")
    assert desk.position().isolated_margin == D(2000)
    assert desk.available() == D(97_588)
    desk.order(SELL, "0.1")
    assert desk.position().isolated_wallet == D(1800)
    desk.order(SELL, "0.5")
    # flipped: 0.2 short at 59999.9 sets 1199.998 aside
    assert desk.position().isolated_wallet == D("1199.998")
    desk.order(BUY, "0.2")
    asset = desk.exchange.account("a").assets[0]
    assert asset.cross_wallet_balance == asset.wallet_balance == asset.available_balance


def test_the_isolated_liquidation_price_uses_only_the_isolated_wallet(desk: Desk) -> None:
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.order(BUY, "2")
    desk.mark("60000")
    # (6000 + 50 - 120000) / (2 × (0.005 - 1))
    expected = (D(6000) + 50 - 120000) / (2 * (D("0.005") - 1))
    assert abs(desk.position().liquidation_price - expected) < D("0.00000002")


def test_margin_type_changes_only_without_position_and_orders(desk: Desk) -> None:
    change = desk.exchange.set_margin_type
    assert refusal_of(lambda: change("a", SYMBOL, isolated=False))[0] == -4046
    order = desk.order(BUY, "0.1", "59000")
    assert refusal_of(lambda: change("a", SYMBOL, isolated=True))[0] == -4047
    desk.exchange.cancel("a", SYMBOL, order_id=order.order_id)
    desk.order(BUY, "0.1")
    assert refusal_of(lambda: change("a", SYMBOL, isolated=True))[0] == -4048
    desk.order(SELL, "0.1")
    change("a", SYMBOL, isolated=True)
    assert desk.exchange.symbol_config("a", SYMBOL).isolated
    desk.order(BUY, "0.1")
    assert refusal_of(lambda: desk.exchange.set_leverage("a", SYMBOL, 5))[0] == -4161
