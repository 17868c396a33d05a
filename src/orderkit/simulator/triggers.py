"""Watching conditional orders: triggers them, trails them, expires those whose position is gone."""

from orderkit.simulator import entry
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.market import Market
from orderkit.simulator.matching import execute
from orderkit.simulator.orders import Order
from orderkit.simulator.types import AlgoStatus, ExchangeError, ExecutionType, OrderView

_NEW = ExecutionType.NEW


def enter(order: Order) -> OrderView:
    """Give a checked order its id, announce it (NEW) and match it; returns its state afterwards."""
    tape = order.market.tape
    order.order_id = tape.take_order_id()
    order.time_ms = tape.now_ms
    order.account.adopt(order)
    tape.order_changed(order, _NEW)
    execute(order)
    return order.take_published()


def watch(market: Market) -> None:
    """Trigger what the market's prices have reached, until nothing new triggers.

    A triggered order moves the last price itself, so one trigger can set off the next.
    """
    settled = False
    while not settled:
        settled = True
        for algo in list(market.algos.values()):
            if algo.algo_id not in market.algos:
                continue
            if algo.request.close_position and algo.position.amount * algo.request.side.sign >= 0:
                algo.end(AlgoStatus.EXPIRED)
                continue
            price = algo.working_price
            if algo.is_trailing and algo.trail(price):
                market.tape.algo_changed(algo)
            if algo.is_due(price) and not algo.is_protected():
                _trigger(algo)
                settled = False


def _trigger(algo: AlgoOrder) -> None:
    tape = algo.market.tape
    algo.leave()
    algo.trigger_time_ms = tape.now_ms
    algo.status = AlgoStatus.TRIGGERING
    tape.algo_changed(algo)
    try:
        order = entry.prepare(algo.account, algo.market, algo.child_request())
    except ExchangeError as error:
        algo.end(AlgoStatus.REJECTED, error.message)
        return
    algo.mark_child(order)
    algo.actual_order_id = tape.next_order_id
    algo.status = AlgoStatus.TRIGGERED
    tape.algo_changed(algo)
    enter(order)
