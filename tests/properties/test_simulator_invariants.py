"""Whatever is sent, the books balance: cash, income, insurance, positions, reduce-only, reservations."""

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, PositionSide, SelfTradePrevention, Side, TimeInForce
from orderkit.simulator.fixed import SCALE
from orderkit.simulator.statements import IncomeType
from orderkit.simulator.types import ExchangeError, OrderUpdate
from tests.unit.simulator.desk import SYMBOL, Desk

WALLET = Decimal(1_000)
TRADE_INCOME = (IncomeType.REALIZED_PNL, IncomeType.COMMISSION)
accounts = st.sampled_from(["a", "b"])
sides = st.sampled_from(list(Side))
quantities = st.integers(1, 400).map(lambda n: str(Decimal(n) / 1000))
prices = st.integers(-60, 60).map(lambda n: str(60000 + Decimal(n * 7) / 10))
seldom = st.sampled_from([False, False, True])
legs = st.sampled_from([PositionSide.LONG, PositionSide.SHORT])

limit = st.fixed_dictionaries(
    {
        "account": accounts,
        "side": sides,
        "quantity": quantities,
        "price": prices,
        "tif": st.sampled_from([t for t in TimeInForce if t is not TimeInForce.GTD]),
        "reduce_only": seldom,
        "self_trade_prevention": st.sampled_from(list(SelfTradePrevention)),
    }
)
market = st.fixed_dictionaries(
    {
        "account": accounts,
        "side": sides,
        "quantity": quantities,
        "reduce_only": seldom,
    }
)
conditional = st.fixed_dictionaries(
    {
        "account": accounts,
        "side": sides,
        "order_type": st.sampled_from([OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET]),
        "trigger": prices,
        "quantity": quantities,
        "reduce_only": seldom,
    }
)
steps = st.one_of(
    st.tuples(st.just("order"), limit),
    st.tuples(st.just("order"), limit),
    st.tuples(st.just("order"), market),
    st.tuples(st.just("algo"), conditional),
    st.tuples(st.just("quote"), st.tuples(prices, st.integers(1, 20), quantities, quantities)),
    st.tuples(st.just("trade"), st.tuples(prices, quantities, st.booleans())),
    st.tuples(st.just("mark"), prices),
    st.tuples(st.just("mark"), st.integers(54000, 66000).map(str)),
    st.tuples(st.just("funding"), st.integers(-20, 20).map(lambda n: Decimal(n) / 1000)),
    st.tuples(st.just("deposit"), st.tuples(accounts, st.integers(-500, 500))),
    st.tuples(st.just("margin"), st.tuples(accounts, st.integers(1, 900), st.booleans(), sides)),
    st.tuples(st.just("leverage"), st.tuples(accounts, st.sampled_from([5, 20, 50, 100]))),
    st.tuples(st.just("modify"), st.tuples(accounts, st.integers(0, 5), quantities, prices)),
    st.tuples(st.just("cancel"), st.tuples(accounts, st.integers(0, 5))),
)


class Auditor:
    """Keeps its own account of every fill it is told about."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.amounts: dict[tuple[str, PositionSide], Decimal] = defaultdict(Decimal)
        self.cash: dict[str, Decimal] = defaultdict(Decimal)
        self.executed: dict[int, Decimal] = defaultdict(Decimal)

    def audit(self) -> None:
        for update in self.desk.updates():
            self._follow(update)
        state = self.desk.exchange.export_state()
        for account in "ab":
            self._check_money(account, state["accounts"][account])
            self._check_reservations(account)
            self._check_available(account)
        cleared = sum(
            income.amount
            for account in "ab"
            for income in self.desk.exchange.income(
                account, income_type=IncomeType.INSURANCE_CLEAR, limit=10_000
            )
        )
        assert self.desk.exchange.insurance_balance("USDT") == -cleared
        quote = self.desk.exchange.quote(SYMBOL)
        assert not (quote.bid and quote.ask) or quote.bid < quote.ask

    def _follow(self, update: OrderUpdate) -> None:
        order, trade = update.order, update.trade
        assert order.executed_quantity >= self.executed[order.order_id]
        if trade is None:
            assert order.executed_quantity == self.executed[order.order_id]
            return
        self.executed[order.order_id] += trade.quantity
        assert order.executed_quantity == self.executed[order.order_id] <= order.quantity
        key = (update.account_id, order.position_side)
        before = self.amounts[key]
        self.amounts[key] = after = before + trade.side.sign * trade.quantity
        if order.reduce_only:
            assert abs(after) < abs(before)
            assert after * before >= 0
        if order.position_side is not PositionSide.BOTH:
            assert (after >= 0) == (order.position_side is PositionSide.LONG) or after == 0
        self.cash[update.account_id] -= trade.side.sign * trade.quote_quantity

    def _check_money(self, account: str, record: dict[str, Any]) -> None:
        trades = self.desk.trades(account)
        realized = sum((t.realized_pnl for t in trades), Decimal(0))
        commission = sum((t.commission for t in trades), Decimal(0))
        income = self.desk.income(account)
        other = sum((a for kind, a in income if kind not in TRADE_INCOME), Decimal(0))
        assert self.desk.wallet(account) == WALLET + realized - commission + other
        assert self.desk.wallet(account) == WALLET + sum(amount for _, amount in income)
        self._check_solvency(account)
        signed_cost = Decimal(0)
        for position in record["positions"]:
            amount = Decimal(position["amount"]) / SCALE
            assert amount == self.amounts[account, PositionSide(position["side"])]
            signed_cost += Decimal(position["cost"] if amount > 0 else -position["cost"]) / SCALE
        assert realized - signed_cost == self.cash[account]

    def _check_solvency(self, account: str) -> None:
        """Margin covers maintenance: cross positions together, isolated ones each for itself."""
        positions = self.desk.exchange.positions(account)
        held = [p for p in positions if p.amount]
        cross = [p for p in held if not p.isolated]
        for position in held:
            if position.isolated:
                assert position.isolated_margin > position.maintenance_margin
        if cross:
            asset = self.desk.exchange.account(account).assets[0]
            margin = asset.cross_wallet_balance + sum(p.unrealized_profit for p in cross)
            assert margin > sum(p.maintenance_margin for p in cross)
        else:
            assert self.desk.wallet(account) >= 0

    def _check_available(self, account: str) -> None:
        """What is free is what backs cross positions, less the margin of these and of all open orders."""
        asset = self.desk.exchange.account(account).assets[0]
        free = asset.cross_wallet_balance
        for position in self.desk.exchange.positions(account):
            free -= position.open_order_initial_margin
            if not position.isolated:
                free += position.unrealized_profit - position.position_initial_margin
        assert asset.available_balance == max(free, Decimal(0))

    def _check_reservations(self, account: str) -> None:
        expected: dict[tuple[PositionSide, Side], Decimal] = defaultdict(Decimal)
        for order in self.desk.exchange.open_orders(account):
            hedged = order.position_side is not PositionSide.BOTH
            closes = order.reduce_only or (
                hedged and (order.side is Side.SELL) == (order.position_side is PositionSide.LONG)
            )
            if not closes:
                left = order.quantity - order.executed_quantity
                expected[order.position_side, order.side] += left * order.price
        for position in self.desk.exchange.positions(account, SYMBOL, include_flat=True):
            assert position.bid_notional == expected[position.position_side, Side.BUY]
            assert position.ask_notional == expected[position.position_side, Side.SELL]


def perform(desk: Desk, step: tuple[str, Any]) -> None:
    kind, what = step
    match kind:
        case "order":
            desk.order(**what)
        case "algo":
            desk.algo(**what)
        case "quote":
            bid, spread, bid_size, ask_size = what
            desk.quote(bid, str(Decimal(bid) + Decimal(spread) / 10), bid_size, ask_size)
        case "trade":
            desk.trade(what[0], what[1], seller_hits=what[2])
        case "mark":
            desk.mark(what)
        case "funding":
            desk.exchange.settle_funding(SYMBOL, what)
        case "deposit":
            desk.exchange.deposit(what[0], "USDT", Decimal(what[1]))
        case "leverage":
            desk.exchange.set_leverage(what[0], SYMBOL, what[1])
        case "margin":
            account, amount, add, leg = what
            side = PositionSide.BOTH
            if desk.exchange.is_hedge_mode(account):
                side = PositionSide.LONG if leg is Side.BUY else PositionSide.SHORT
            desk.exchange.change_position_margin(
                account, SYMBOL, Decimal(amount), add=add, position_side=side
            )
        case _:
            account, number, *change = what
            orders = desk.exchange.open_orders(account)
            if not orders:
                return
            order = orders[number % len(orders)]
            if kind == "cancel":
                desk.exchange.cancel(account, SYMBOL, order_id=order.order_id)
            else:
                quantity, price = map(Decimal, change)
                desk.exchange.modify(
                    account,
                    SYMBOL,
                    side=order.side,
                    quantity=quantity,
                    price=price,
                    order_id=order.order_id,
                )


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, min_size=25, max_size=80), st.booleans())
def test_the_books_balance_after_every_step_in_one_way_mode(
    script: list[tuple[str, Any]], isolated: bool
) -> None:
    desk = Desk(wallet=str(WALLET))
    desk.exchange.set_margin_type("b", SYMBOL, isolated=True)
    if isolated:
        desk.exchange.set_margin_type("a", SYMBOL, isolated=True)
    desk.quote("59999", "60001", "0.5", "0.5")
    auditor = Auditor(desk)
    for step in script:
        with suppress(ExchangeError):
            perform(desk, step)
        auditor.audit()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(steps, legs), min_size=25, max_size=80), st.booleans())
def test_the_books_balance_after_every_step_in_hedge_mode(
    script: list[tuple[Any, PositionSide]], isolated: bool
) -> None:
    desk = Desk(wallet=str(WALLET))
    if isolated:
        desk.exchange.set_margin_type("b", SYMBOL, isolated=True)
    for account in "ab":
        desk.exchange.set_position_mode(account, hedge=True)
    desk.quote("59999", "60001", "0.5", "0.5")
    auditor = Auditor(desk)
    for (kind, what), leg in script:
        if kind in ("order", "algo"):
            what = what | {"position_side": leg, "reduce_only": False}
        with suppress(ExchangeError):
            perform(desk, (kind, what))
        auditor.audit()
