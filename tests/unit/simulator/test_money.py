"""Income, isolated margin, commission rates, multi-assets mode, ADL ranks and open interest."""

import pytest

from orderkit.domain.enums import PositionSide, TimeInForce
from orderkit.simulator.statements import AdlQuantile, IncomeType
from orderkit.simulator.types import AccountUpdate, AccountUpdateReason, MultiAssetsUpdate
from tests.unit.simulator.desk import BUY, SELL, SYMBOL, D, Desk, refusal_of

BOTH = PositionSide.BOTH
DAY_MS = 86_400_000


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.depth([("59999.9", "100")], [("60000.0", "100")], snapshot=True)
    return desk


def test_income_lists_every_change_of_the_wallet_and_adds_up_to_it(desk: Desk) -> None:
    desk.exchange.deposit("a", "USDT", D(50))
    desk.pass_time(1)
    desk.order(BUY, "0.1")
    desk.pass_time(1)
    desk.mark("60000")
    desk.exchange.settle_funding(SYMBOL, D("0.0001"))
    desk.pass_time(1)
    desk.order(SELL, "0.1")
    kinds = IncomeType
    assert desk.income() == [
        (kinds.TRANSFER, D(50)),
        (kinds.COMMISSION, D(-3)),  # 6000 × 0.0005
        (kinds.FUNDING_FEE, D("-0.6")),  # 6000 × 0.0001
        (kinds.REALIZED_PNL, D("-0.01")),  # 0.1 × (59999.9 - 60000)
        (kinds.COMMISSION, D("-2.999995")),
    ]
    assert desk.wallet() == D(100_000) + sum(amount for _, amount in desk.income())


def test_income_is_found_by_symbol_kind_time_and_page(desk: Desk) -> None:
    desk.exchange.deposit("a", "USDT", D(1))
    for _ in range(3):
        desk.pass_time(10)
        desk.order(BUY, "0.1")
    every = desk.exchange.income("a")
    assert [i.income_type for i in desk.exchange.income("a", SYMBOL)] == [IncomeType.COMMISSION] * 3
    assert desk.exchange.income("a", income_type=IncomeType.TRANSFER) == every[:1]
    assert desk.exchange.income("a", start_ms=every[1].time_ms, end_ms=every[2].time_ms) == every[1:3]
    assert desk.exchange.income("a", limit=3) == every[:3]
    assert desk.exchange.income("a", limit=3, page=2) == every[3:]
    assert every[1].trade_id == desk.trades()[0].trade_id
    assert len({(i.income_type, i.transaction_id) for i in every}) == len(every)
    desk.pass_time(91 * DAY_MS)
    assert desk.exchange.income("a") == []


def test_margin_moves_into_and_out_of_an_isolated_position(desk: Desk) -> None:
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.order(BUY, "1")
    desk.mark("60000")
    far = desk.position().liquidation_price
    desk.drain()
    desk.exchange.change_position_margin("a", SYMBOL, D(1000), add=True)
    (update,) = [e for e in desk.drain() if isinstance(e, AccountUpdate)]
    assert update.reason is AccountUpdateReason.MARGIN_TRANSFER
    assert update.positions[0].isolated_wallet == D(4000)
    # 100000 - 30 - 4000; the wallet as a whole does not change
    assert update.balances[0].cross_wallet_balance == D(95_970)
    assert update.balances[0].wallet_balance == D(99_970)
    # LP = (4000 + 50 - 60000) / (0.005 - 1)
    assert desk.position().liquidation_price < far
    assert abs(desk.position().liquidation_price - (D(4050) - 60000) / (D("0.005") - 1)) < D("0.00000002")
    desk.exchange.change_position_margin("a", SYMBOL, D(600), add=False)
    assert desk.position().isolated_wallet == D(3400)
    moved = desk.exchange.position_margin_history("a", SYMBOL)
    assert [(m.added, m.amount, m.position_side) for m in moved] == [
        (True, D(1000), BOTH),
        (False, D(600), BOTH),
    ]
    assert desk.exchange.position_margin_history("a", SYMBOL, added=False) == moved[1:]
    desk.pass_time(31 * DAY_MS)
    assert desk.exchange.position_margin_history("a", SYMBOL) == []


def test_margin_moves_are_bounded_by_what_is_free_and_what_the_position_needs(desk: Desk) -> None:
    def move(amount: str, *, add: bool, side: PositionSide = BOTH) -> int:
        return refusal_of(
            lambda: desk.exchange.change_position_margin("a", SYMBOL, D(amount), add=add, position_side=side)
        )[0]

    assert move("1", add=True) == -4049
    desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    assert move("1", add=True) == -4054
    desk.order(BUY, "1")
    desk.mark("60000")
    assert move("0", add=True) == -4055
    assert move("1", add=True, side=PositionSide.LONG) == -4061
    # free: 100000 - 30 - 3000
    assert move("96970.00000001", add=True) == -4050
    desk.exchange.change_position_margin("a", SYMBOL, D("96970"), add=True)
    assert desk.available() == 0
    # 99970 set aside, 3000 of initial margin needed
    assert move("96970.00000001", add=False) == -4051
    desk.mark("59000")
    # a loss of 1000 stays, and 59000 / 20 = 2950 is needed
    assert move("96020.00000001", add=False) == -4051
    desk.exchange.change_position_margin("a", SYMBOL, D("96020"), add=False)
    assert desk.position().isolated_wallet == D(3950)
    desk.mark("61000")
    # the profit of 1000 cannot be taken out, and 61000 / 20 = 3050 is needed
    assert move("900.00000001", add=False) == -4051
    desk.exchange.change_position_margin("a", SYMBOL, D(900), add=False)


def test_an_account_pays_its_own_commission_rates(desk: Desk) -> None:
    rates = desk.exchange.commission_rates("a", SYMBOL)
    assert (str(rates.maker), str(rates.taker)) == ("0.0002", "0.0005")
    desk.exchange.set_commission_rates("a", maker=D("-0.0001"), taker=D("0.0003"))
    desk.order(BUY, "0.1")
    desk.order(SELL, "0.1", "60100", tif=TimeInForce.GTX)
    desk.trade("60100.1", "1", seller_hits=False)
    assert [t.commission for t in desk.trades()] == [D("1.8"), D("-0.601")]
    assert desk.exchange.account("a").taker_commission_rate == D("0.0003")
    assert desk.exchange.commission_rates("b", SYMBOL).taker == D("0.0005")
    with pytest.raises(ValueError, match="commission rates"):
        desk.exchange.set_commission_rates("a", maker=D("0.0001"), taker=D("0.5"))


def test_multi_assets_mode_is_accepted_only_while_it_changes_nothing(desk: Desk) -> None:
    exchange = desk.exchange
    change = exchange.set_multi_assets
    assert refusal_of(lambda: change("a", multi_assets=False))[0] == -4171
    order = desk.order(BUY, "0.1", "59000")
    assert refusal_of(lambda: change("a", multi_assets=True))[0] == -4170
    exchange.cancel("a", SYMBOL, order_id=order.order_id)
    exchange.set_margin_type("a", SYMBOL, isolated=True)
    assert refusal_of(lambda: change("a", multi_assets=True))[0] == -4167
    exchange.set_margin_type("a", SYMBOL, isolated=False)
    desk.drain()
    change("a", multi_assets=True)
    assert exchange.is_multi_assets("a")
    assert exchange.account("a").multi_assets
    assert [e.multi_assets for e in desk.drain() if isinstance(e, MultiAssetsUpdate)] == [True]
    assert refusal_of(lambda: exchange.set_margin_type("a", SYMBOL, isolated=True))[0] == -4168
    assert refusal_of(lambda: exchange.deposit("a", "USDC", D(1)))[0] == -1108
    exchange.deposit("b", "USDC", D(1))
    assert refusal_of(lambda: change("b", multi_assets=True))[0] == -4169


def test_the_adl_quantile_ranks_positions_of_a_direction_by_their_profit(desk: Desk) -> None:
    for number, price in enumerate(("60000", "60100", "60200", "60300", "60400")):
        account = f"trader-{number}"
        desk.exchange.open_account(account, {"USDT": D(100_000)})
        desk.depth([(str(D(price) - D("0.1")), "9")], [(price, "9")], snapshot=True)
        desk.order(BUY, "0.1", account=account)
    desk.order(SELL, "0.1", account="b")
    desk.mark("60500")
    ranks = [desk.exchange.positions(f"trader-{n}")[0].adl_quantile for n in range(5)]
    assert ranks == [4, 3, 2, 1, 0]
    assert desk.exchange.adl_quantiles("trader-0") == [AdlQuantile(SYMBOL, {BOTH: 4})]
    assert desk.exchange.adl_quantiles("b") == [AdlQuantile(SYMBOL, {BOTH: 0})]
    assert desk.exchange.adl_quantiles("a") == []
    assert desk.exchange.adl_quantiles("a", SYMBOL) == [AdlQuantile(SYMBOL, {BOTH: 0})]


def test_open_interest_is_the_larger_of_all_longs_and_all_shorts(desk: Desk) -> None:
    assert desk.exchange.open_interest(SYMBOL) == 0
    desk.order(BUY, "0.3")
    desk.order(SELL, "0.5", account="b")
    assert desk.exchange.open_interest(SYMBOL) == D("0.5")
    desk.order(BUY, "0.5", account="b")
    assert desk.exchange.open_interest(SYMBOL) == D("0.3")


def test_an_announced_order_counts_itself_in_the_notionals_of_its_event(desk: Desk) -> None:
    desk.order(BUY, "1", "59000")
    desk.drain()
    order = desk.order(BUY, "2", "58000")
    (announced,) = desk.updates()
    assert announced.order.bid_notional == D(59000) + 116000
    assert desk.now(order).bid_notional == D(59000) + 116000
    desk.order(SELL, "1", "60000")
    assert desk.updates()[0].order.ask_notional == D(60000)
