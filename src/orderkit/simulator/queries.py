"""Finding an account's orders, conditional orders and fills."""

from collections.abc import Sequence
from typing import TypeVar

from orderkit.domain.enums import PositionSide
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.errors import refusal
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.positions import Position
from orderkit.simulator.statements import IncomeType, IncomeView
from orderkit.simulator.types import TradeView

T = TypeVar("T")


def find_order(
    account: Account, market: Market, order_id: int | None, client_order_id: str | None
) -> Order | None:
    """An order by id (wins) or by client id: the open one, else the newest; -1102 with neither."""
    if order_id is not None:
        order = account.orders.get(order_id)
        return order if order is not None and order.market is market else None
    if client_order_id is None:
        raise refusal(-1102, "orderId")
    return account.orders_by_client_id.get((market.symbol, client_order_id))


def find_open(account: Account, market: Market, order_id: int | None, client_order_id: str | None) -> Order:
    """The open order of that id; -2011 if there is none."""
    order = find_order(account, market, order_id, client_order_id)
    if order is None or not order.is_open:
        raise refusal(-2011)
    return order


def find_algo(account: Account, algo_id: int | None, client_algo_id: str | None) -> AlgoOrder | None:
    """A conditional order by id (wins) or by client id, of several the newest; -1102 with neither."""
    if algo_id is not None:
        return account.algos.get(algo_id)
    if client_algo_id is None:
        raise refusal(-1102, "algoId")
    return account.algos_by_client_id.get(client_algo_id)


def trades_of(account: Account, symbol: str | None) -> list[TradeView]:
    """Fills of one symbol or of all, in the order they happened."""
    if symbol is not None:
        return account.trades.get(symbol, [])
    trades = [trade for of_symbol in account.trades.values() for trade in of_symbol]
    return sorted(trades, key=lambda trade: trade.time_ms)


def income_of(account: Account, symbol: str | None) -> list[IncomeView]:
    """The ledger together with the profits and commissions of the fills, ascending by time.

    A fill is its own record of both, so they are derived from it; its trade id is their transaction id.
    """
    found = [entry for entry in account.ledger if symbol is None or entry.symbol == symbol]
    for trade in trades_of(account, symbol):
        for income_type, amount in (
            (IncomeType.REALIZED_PNL, trade.realized_pnl),
            (IncomeType.COMMISSION, -trade.commission),
        ):
            if amount:
                found.append(
                    IncomeView(
                        trade.trade_id,
                        trade.symbol,
                        income_type,
                        amount,
                        trade.commission_asset,
                        trade.time_ms,
                        trade.trade_id,
                    )
                )
    return sorted(found, key=lambda entry: entry.time_ms)


def flat(account: Account, market: Market, side: PositionSide) -> Position:
    """A position that was never touched, without recording it."""
    return Position(account, market, side, account.settings_for(market))


def within(time_ms: int, start_ms: int | None, end_ms: int | None) -> bool:
    """Whether a time lies in a window whose ends are included and may be open."""
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def page(found: Sequence[T], limit: int, *, forward: bool) -> list[T]:
    """The first ``limit`` when paging forward from an id, else the newest ``limit``; always ascending."""
    if limit <= 0:
        return []
    return list(found[:limit]) if forward else list(found[-limit:])
