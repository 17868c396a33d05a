"""Account state out and in: independent JSON-serialisable records, in full or only what changed."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from orderkit.domain.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    Side,
    TimeInForce,
    WorkingType,
)
from orderkit.simulator import algo as algos
from orderkit.simulator import orders
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.positions import Settings
from orderkit.simulator.statements import FundingSettlement, IncomeView, MarginChange
from orderkit.simulator.tape import Tape, funding_key, income_key, margin_change_key, trade_key
from orderkit.simulator.types import AlgoStatus, NewAlgoOrder, TradeView

T = TypeVar("T")

_ORDER_TYPES: dict[str, Any] = {
    "side": Side,
    "position_side": PositionSide,
    "type": OrderType,
    "original_type": OrderType,
    "status": OrderStatus,
    "time_in_force": TimeInForce,
    "working_type": WorkingType,
    "price_match": PriceMatch | None,
    "self_trade_prevention": SelfTradePrevention,
}

if TYPE_CHECKING:
    _Markets = Mapping[str, Market]


def export_all(tape: Tape, markets: "_Markets", accounts: Mapping[str, Account]) -> dict[str, Any]:
    """The whole state."""
    everyone = accounts.values()
    return {
        "counters": _counters(tape, markets),
        **_account_sections(
            everyone,
            (order for account in everyone for order in account.orders.values()),
            (algo for account in everyone for algo in account.algos.values()),
            (
                (account.account_id, trade)
                for account in everyone
                for trades in account.trades.values()
                for trade in trades
            ),
        ),
        **_ledger_sections(
            ((account, income) for account in everyone for income in account.ledger),
            ((account, change) for account in everyone for change in account.margin_changes),
            (settlement for market in markets.values() for settlement in market.fundings),
        ),
    }


def export_changes(tape: Tape, markets: "_Markets") -> dict[str, Any]:
    """What changed since the last call, with None for what is gone; forgets it."""
    document = {
        "counters": _counters(tape, markets),
        **_account_sections(
            tape.changed_accounts.values(),
            tape.changed_orders.values(),
            tape.changed_algos.values(),
            tape.changed_trades,
        ),
        **_ledger_sections(tape.changed_income, tape.changed_margins, tape.changed_fundings),
    }
    for section, keys in tape.forgotten.items():
        document[section].update(dict.fromkeys(keys))
    tape.forget_changes()
    return document


def _counters(tape: Tape, markets: "_Markets") -> dict[str, Any]:
    return {
        "order_id": tape.next_order_id,
        "algo_id": tape.next_algo_id,
        "transaction_id": tape.next_transaction_id,
        "trade_ids": {symbol: market.next_trade_id for symbol, market in markets.items()},
        "insurance": dict(tape.insurance),
    }


def _account_sections(
    accounts: Iterable[Account],
    orders_: Iterable[Order],
    algos_: Iterable[AlgoOrder],
    trades: Iterable[tuple[str, TradeView]],
) -> dict[str, Any]:
    return {
        "accounts": {account.account_id: account.record() for account in accounts},
        "orders": {str(order.order_id): order.record() for order in orders_},
        "algo_orders": {str(a.algo_id): msgspec.to_builtins(a.record()) for a in algos_},
        "trades": {
            trade_key(trade): {"account": account_id, **msgspec.to_builtins(trade)}
            for account_id, trade in trades
        },
    }


def _ledger_sections(
    income: Iterable[tuple[Account, IncomeView]],
    changes: Iterable[tuple[Account, MarginChange]],
    fundings: Iterable[FundingSettlement],
) -> dict[str, Any]:
    return {
        "income": {
            income_key(account, entry): {"account": account.account_id, **msgspec.to_builtins(entry)}
            for account, entry in income
        },
        "margin_changes": {
            margin_change_key(account, change): {
                "account": account.account_id,
                **msgspec.to_builtins(change),
            }
            for account, change in changes
        },
        "fundings": {funding_key(f): msgspec.to_builtins(f) for f in fundings},
    }


def restore(state: Mapping[str, Any], tape: Tape, markets: "_Markets", accounts: dict[str, Account]) -> None:
    """Rebuild accounts, positions, orders and fills; open orders rejoin the book, oldest first.

    Records of symbols that are no longer listed are left out.
    """
    counters = state["counters"]
    tape.next_order_id = max(tape.next_order_id, counters["order_id"])
    tape.next_algo_id = max(tape.next_algo_id, counters["algo_id"])
    tape.next_transaction_id = max(tape.next_transaction_id, counters.get("transaction_id", 0))
    tape.insurance.update(counters.get("insurance", {}))
    for symbol, trade_id in counters["trade_ids"].items():
        if symbol in markets:
            markets[symbol].next_trade_id = max(markets[symbol].next_trade_id, trade_id)
    for account_id, record in state["accounts"].items():
        accounts[account_id] = _account(account_id, record, markets)
    restored = {}
    for record in _records(state, "algo_orders", "algo_id"):
        if record["request"]["symbol"] in markets:
            algo = _algo(record, markets, accounts)
            restored[algo.algo_id] = algo
    for record in _records(state, "orders", "order_id"):
        if record["symbol"] in markets:
            _order(record, markets, accounts, restored)
    for record in _records(state, "trades", "trade_id"):
        if record["symbol"] in markets:
            trade = _of_account(record, TradeView)
            accounts[record["account"]].trades.setdefault(trade.symbol, []).append(trade)
    for record in _records(state, "income", "transaction_id"):
        accounts[record["account"]].ledger.append(_of_account(record, IncomeView))
    for record in _records(state, "margin_changes", "change_id"):
        accounts[record["account"]].margin_changes.append(_of_account(record, MarginChange))
    for record in _records(state, "fundings", "time_ms"):
        if record["symbol"] in markets:
            markets[record["symbol"]].fundings.append(msgspec.convert(record, FundingSettlement))


def _records(state: Mapping[str, Any], section: str, order: str) -> list[Mapping[str, Any]]:
    """A section's records in ascending order; a store may have kept None for records that are gone."""
    found = (record for record in state.get(section, {}).values() if record is not None)
    return sorted(found, key=lambda record: int(record[order]))


def _of_account(record: Mapping[str, Any], kind: type[T]) -> T:
    return msgspec.convert({k: v for k, v in record.items() if k != "account"}, kind)


def _account(account_id: str, record: Mapping[str, Any], markets: "_Markets") -> Account:
    account = Account(account_id, dict(record["wallets"]), record["update_time_ms"])
    account.hedge = record["hedge"]
    account.multi_assets = record.get("multi_assets", False)
    account.maker_rate, account.taker_rate = record.get("rates", (account.maker_rate, account.taker_rate))
    account.countdowns = {s: at for s, at in record.get("countdowns", {}).items() if s in markets}
    for symbol, (leverage, isolated) in record["settings"].items():
        account.settings[symbol] = Settings(leverage, isolated=isolated)
    for held in record["positions"]:
        market = markets.get(held["symbol"])
        if market is None:
            continue
        position = account.position_for(market, PositionSide(held["side"]))
        position.amount = held["amount"]
        position.cost = held["cost"]
        position.realized = held["realized"]
        position.carry = held["carry"]
        position.isolated_wallet = held["isolated_wallet"]
        position.update_time_ms = held["update_time_ms"]
        if position.amount:
            market.holders[position] = None
    return account


def _algo(record: Mapping[str, Any], markets: "_Markets", accounts: Mapping[str, Account]) -> AlgoOrder:
    request = msgspec.convert(record["request"], NewAlgoOrder)
    algo = AlgoOrder(accounts[record["account"]], markets[request.symbol], request)
    for name in algos.RECORDED:
        setattr(algo, name, record[name])
    algo.status = AlgoStatus(record["status"])
    algo.adopt()
    return algo


def _order(
    record: Mapping[str, Any],
    markets: "_Markets",
    accounts: Mapping[str, Account],
    restored_algos: Mapping[int, AlgoOrder],
) -> None:
    account = accounts[record["account"]]
    market = markets[record["symbol"]]
    typed = {n: msgspec.convert(record[n], _ORDER_TYPES[n]) for n in _ORDER_TYPES}
    order = Order(
        account,
        market,
        account.position_for(market, typed["position_side"]),
        typed["side"],
        typed["type"],
        record["client_order_id"],
        record["quantity"],
        record["price"],
        typed["time_in_force"],
    )
    for name in orders.RECORDED:
        if name in record:
            setattr(order, name, typed.get(name, record[name]))
    order.algo = restored_algos.get(record["algo_id"])
    account.adopt(order)
    if order.is_open:
        account.open(order)
        market.book.side(order.side).add(order)
