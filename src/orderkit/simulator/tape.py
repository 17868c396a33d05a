"""What happened and what is next: the clock, the ids, the events for the host and the records to persist."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orderkit.simulator.statements import FundingSettlement, IncomeView, MarginChange
from orderkit.simulator.types import (
    AccountUpdate,
    AccountUpdateReason,
    AlgoUpdate,
    BalanceChange,
    Event,
    ExecutionType,
    ExpireReason,
    OrderUpdate,
    OrderView,
    PositionChange,
    TradeView,
)

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.algo import AlgoOrder
    from orderkit.simulator.orders import Order
    from orderkit.simulator.positions import Position

FIRST_ORDER_ID = 800_000_000_001
FIRST_ALGO_ID = 1_000_000_000_000_001
FIRST_TRANSACTION_ID = 9_600_000_001


def trade_key(trade: TradeView) -> str:
    """The key of a fill's record."""
    return f"{trade.symbol}:{trade.trade_id}:{trade.order_id}"


def income_key(account: "Account", income: IncomeView) -> str:
    return f"{account.account_id}:{income.transaction_id}"


def margin_change_key(account: "Account", change: MarginChange) -> str:
    return f"{account.account_id}:{change.change_id}"


def funding_key(settlement: FundingSettlement) -> str:
    return f"{settlement.symbol}:{settlement.time_ms}"


class Tape:
    """One exchange's clock, id counters, insurance fund, pending events and changed records.

    Changes are collected only once ``tracking`` is set: a host that persists nothing (a backtest) must not
    gather them for ever.
    """

    __slots__ = (
        "changed_accounts",
        "changed_algos",
        "changed_fundings",
        "changed_income",
        "changed_margins",
        "changed_orders",
        "changed_trades",
        "events",
        "forgotten",
        "insurance",
        "next_algo_id",
        "next_order_id",
        "next_transaction_id",
        "now_ms",
        "tracking",
    )

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.next_order_id = FIRST_ORDER_ID
        self.next_algo_id = FIRST_ALGO_ID
        self.next_transaction_id = FIRST_TRANSACTION_ID
        self.events: list[Event] = []
        self.changed_accounts: dict[str, Account] = {}
        self.changed_orders: dict[int, Order] = {}
        self.changed_algos: dict[int, AlgoOrder] = {}
        self.changed_trades: list[tuple[str, TradeView]] = []
        self.changed_income: list[tuple[Account, IncomeView]] = []
        self.changed_margins: list[tuple[Account, MarginChange]] = []
        self.changed_fundings: list[FundingSettlement] = []
        self.forgotten: dict[str, list[str]] = {}
        self.insurance: dict[str, int] = {}
        self.tracking = False

    def forget_changes(self) -> None:
        """The changed records have been persisted."""
        self.changed_accounts.clear()
        self.changed_orders.clear()
        self.changed_algos.clear()
        self.changed_trades.clear()
        self.changed_income.clear()
        self.changed_margins.clear()
        self.changed_fundings.clear()
        self.forgotten.clear()

    def take_order_id(self) -> int:
        order_id = self.next_order_id
        self.next_order_id += 1
        return order_id

    def take_algo_id(self) -> int:
        algo_id = self.next_algo_id
        self.next_algo_id += 1
        return algo_id

    def take_transaction_id(self) -> int:
        transaction_id = self.next_transaction_id
        self.next_transaction_id += 1
        return transaction_id

    def touch(self, account: "Account") -> None:
        """An account's own record (wallets, positions, settings) changed."""
        if self.tracking:
            self.changed_accounts[account.account_id] = account

    def income_booked(self, account: "Account", income: IncomeView) -> None:
        if self.tracking:
            self.changed_income.append((account, income))

    def margin_moved(self, account: "Account", change: MarginChange) -> None:
        if self.tracking:
            self.changed_margins.append((account, change))

    def funding_settled(self, settlement: FundingSettlement) -> None:
        if self.tracking:
            self.changed_fundings.append(settlement)

    def forget(self, section: str, keys: Iterable[str]) -> None:
        """Records are gone and are to be deleted where they are persisted."""
        if self.tracking:
            self.forgotten.setdefault(section, []).extend(keys)

    def order_changed(
        self,
        order: "Order",
        execution_type: ExecutionType,
        trade: TradeView | None = None,
        reason: ExpireReason = ExpireReason.NONE,
    ) -> OrderView:
        """Stamp and publish an order's new state; returns the published view."""
        order.update_time_ms = self.now_ms
        order.published = view = order.view()
        if self.tracking:
            self.changed_orders[order.order_id] = order
        account_id = order.account.account_id
        self.events.append(OrderUpdate(account_id, self.now_ms, view, execution_type, trade, reason))
        return view

    def algo_changed(self, algo: "AlgoOrder") -> None:
        """Stamp and publish a conditional order's new state."""
        algo.update_time_ms = self.now_ms
        if self.tracking:
            self.changed_algos[algo.algo_id] = algo
        self.events.append(AlgoUpdate(algo.account.account_id, self.now_ms, algo.view()))

    def account_changed(
        self,
        account: "Account",
        reason: AccountUpdateReason,
        asset: str,
        positions: tuple["Position", ...] = (),
        change: int = 0,
    ) -> None:
        """Publish a balance and positions that changed."""
        account.update_time_ms = self.now_ms
        if self.tracking:
            self.changed_accounts[account.account_id] = account
        wallet = account.wallets.get(asset, 0)
        balance = BalanceChange(asset, wallet, account.cross_wallet(asset), change)
        if len(positions) == 1:
            changes: tuple[PositionChange, ...] = (positions[0].change(),)
        else:
            changes = tuple([position.change() for position in positions])
        self.events.append(AccountUpdate(account.account_id, self.now_ms, reason, (balance,), changes))
