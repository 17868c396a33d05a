"""Account state out and in: independent JSON-serialisable records, in full or only what changed."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

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
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import AlgoStatus, NewAlgoOrder, TradeView

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
    return _document(
        tape,
        markets,
        accounts.values(),
        (order for account in accounts.values() for order in account.orders.values()),
        (algo for account in accounts.values() for algo in account.algos.values()),
        (
            (account.account_id, trade)
            for account in accounts.values()
            for trades in account.trades.values()
            for trade in trades
        ),
    )


def export_changes(tape: Tape, markets: "_Markets") -> dict[str, Any]:
    """What changed since the last call; forgets it."""
    document = _document(
        tape,
        markets,
        tape.changed_accounts.values(),
        tape.changed_orders.values(),
        tape.changed_algos.values(),
        tape.changed_trades,
    )
    tape.forget_changes()
    return document


def _document(
    tape: Tape,
    markets: "_Markets",
    accounts: Iterable[Account],
    orders_: Iterable[Order],
    algos_: Iterable[AlgoOrder],
    trades: Iterable[tuple[str, TradeView]],
) -> dict[str, Any]:
    return {
        "counters": {
            "order_id": tape.next_order_id,
            "algo_id": tape.next_algo_id,
            "trade_ids": {symbol: market.next_trade_id for symbol, market in markets.items()},
        },
        "accounts": {account.account_id: account.record() for account in accounts},
        "orders": {str(order.order_id): order.record() for order in orders_},
        "algo_orders": {str(a.algo_id): msgspec.to_builtins(a.record()) for a in algos_},
        "trades": {
            f"{trade.symbol}:{trade.trade_id}:{trade.order_id}": {
                "account": account_id,
                **msgspec.to_builtins(trade),
            }
            for account_id, trade in trades
        },
    }


def restore(state: Mapping[str, Any], tape: Tape, markets: "_Markets", accounts: dict[str, Account]) -> None:
    """Rebuild accounts, positions, orders and fills; open orders rejoin the book, oldest first.

    Records of symbols that are no longer listed are left out.
    """
    counters = state["counters"]
    tape.next_order_id = max(tape.next_order_id, counters["order_id"])
    tape.next_algo_id = max(tape.next_algo_id, counters["algo_id"])
    for symbol, trade_id in counters["trade_ids"].items():
        if symbol in markets:
            markets[symbol].next_trade_id = max(markets[symbol].next_trade_id, trade_id)
    for account_id, record in state["accounts"].items():
        accounts[account_id] = _account(account_id, record, markets)
    restored = {}
    for record in sorted(state["algo_orders"].values(), key=lambda r: int(r["algo_id"])):
        if record["request"]["symbol"] in markets:
            algo = _algo(record, markets, accounts)
            restored[algo.algo_id] = algo
    for record in sorted(state["orders"].values(), key=lambda r: int(r["order_id"])):
        if record["symbol"] in markets:
            _order(record, markets, accounts, restored)
    trades = (record for record in state["trades"].values() if record["symbol"] in markets)
    for record in sorted(trades, key=lambda r: int(r["trade_id"])):
        trade = msgspec.convert({k: v for k, v in record.items() if k != "account"}, TradeView)
        accounts[record["account"]].trades.setdefault(trade.symbol, []).append(trade)


def _account(account_id: str, record: Mapping[str, Any], markets: "_Markets") -> Account:
    account = Account(account_id, dict(record["wallets"]), record["update_time_ms"])
    account.hedge = record["hedge"]
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
        setattr(order, name, typed.get(name, record[name]))
    order.algo = restored_algos.get(record["algo_id"])
    account.adopt(order)
    if order.is_open:
        account.open(order)
        market.book.side(order.side).add(order)
