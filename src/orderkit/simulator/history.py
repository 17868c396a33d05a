"""What the exchange forgets, and when: the windows of Binance's queries, and a bound on what is kept at all.

- GET order and allOrders: an order that ended CANCELED or EXPIRED without a fill is gone three days after it
  was created, any ended one after 90 days. Open orders are always found.
- userTrades and income: three months (90 days here). positionMargin/history: 30 days.
- Whatever the age, an account keeps only its newest ``MAX_KEPT`` orders, conditional orders, fills per symbol
  and ledger entries, so that no flood of requests can fill the memory.
"""

from collections.abc import Sequence

from orderkit.domain.enums import OrderStatus, TimeInForce
from orderkit.simulator import settlement
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.orders import Order
from orderkit.simulator.statements import IncomeView, MarginChange
from orderkit.simulator.tape import Tape, income_key, margin_change_key, trade_key
from orderkit.simulator.types import AlgoStatus, ExpireReason, TradeView

DAY_MS = 24 * 3600 * 1000
UNFILLED_MS = 3 * DAY_MS
HISTORY_MS = 90 * DAY_MS
MARGIN_CHANGES_MS = 30 * DAY_MS
GTC_LIFE_MS = 365 * DAY_MS
MAX_KEPT = 50_000
# So many orders, or conditional orders, that ``forget`` should run before its daily time.
OVERFULL = MAX_KEPT + 5_000
_UNFILLED_ENDS = (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH)


def is_forgotten(order: Order, now_ms: int) -> bool:
    """Whether queries no longer find an order."""
    age_ms = now_ms - order.time_ms
    if age_ms <= UNFILLED_MS or order.is_open:
        return False
    return age_ms > HISTORY_MS or (order.executed == 0 and order.status in _UNFILLED_ENDS)


def is_algo_forgotten(algo: AlgoOrder, now_ms: int) -> bool:
    """The same rule for conditional orders: three days where nothing was filled, else 90."""
    age_ms = now_ms - algo.create_time_ms
    if age_ms <= UNFILLED_MS or algo.status in (AlgoStatus.NEW, AlgoStatus.TRIGGERED):
        return False
    return age_ms > HISTORY_MS or algo.actual_quantity == 0


def expire_old(account: Account, now_ms: int) -> None:
    """End GTC orders a year after they were placed, as Binance says; the exact moment is not documented."""
    lasting = (TimeInForce.GTC, TimeInForce.GTX)
    for order in list(account.all_open_orders()):
        if order.time_in_force in lasting and now_ms - order.time_ms >= GTC_LIFE_MS:
            settlement.expire(order, ExpireReason.NONE)
            order.market.publish_book()


def forget(account: Account, tape: Tape) -> None:
    """Drop what queries no longer show and what is beyond ``MAX_KEPT``, oldest first."""
    _forget_orders(account, tape)
    _forget_algos(account, tape)
    oldest_ms = tape.now_ms - HISTORY_MS
    for trades in account.trades.values():
        gone = _outdated(trades, oldest_ms)
        tape.forget("trades", [trade_key(trade) for trade in trades[:gone]])
        del trades[:gone]
    gone = _outdated(account.ledger, oldest_ms)
    tape.forget("income", [income_key(account, income) for income in account.ledger[:gone]])
    del account.ledger[:gone]
    gone = _outdated(account.margin_changes, tape.now_ms - MARGIN_CHANGES_MS)
    tape.forget("margin_changes", [margin_change_key(account, c) for c in account.margin_changes[:gone]])
    del account.margin_changes[:gone]


def _outdated(entries: Sequence[TradeView | IncomeView | MarginChange], oldest_ms: int) -> int:
    """How many entries, from the oldest on, are too old or too many."""
    gone = max(0, len(entries) - MAX_KEPT)
    while gone < len(entries) and entries[gone].time_ms < oldest_ms:
        gone += 1
    return gone


def _forget_orders(account: Account, tape: Tape) -> None:
    """Orders stand in the order of their times, so the first that is too young to go ends the search."""
    excess = len(account.orders) - MAX_KEPT
    gone = []
    for order in account.orders.values():
        if excess <= 0 and tape.now_ms - order.time_ms <= UNFILLED_MS:
            break
        if not order.is_open and (excess > 0 or is_forgotten(order, tape.now_ms)):
            gone.append(order)
            excess -= 1
    for order in gone:
        del account.orders[order.order_id]
        key = (order.market.symbol, order.client_order_id)
        if account.orders_by_client_id.get(key) is order:
            del account.orders_by_client_id[key]
        tape.changed_orders.pop(order.order_id, None)
    tape.forget("orders", [str(order.order_id) for order in gone])


def _forget_algos(account: Account, tape: Tape) -> None:
    excess = len(account.algos) - MAX_KEPT
    gone = []
    for algo in account.algos.values():
        if excess <= 0 and tape.now_ms - algo.create_time_ms <= UNFILLED_MS:
            break
        waiting = algo.status in (AlgoStatus.NEW, AlgoStatus.TRIGGERED)
        if not waiting and (excess > 0 or is_algo_forgotten(algo, tape.now_ms)):
            gone.append(algo)
            excess -= 1
    for algo in gone:
        del account.algos[algo.algo_id]
        if account.algos_by_client_id.get(algo.request.client_algo_id) is algo:
            del account.algos_by_client_id[algo.request.client_algo_id]
        tape.changed_algos.pop(algo.algo_id, None)
    tape.forget("algo_orders", [str(algo.algo_id) for algo in gone])
