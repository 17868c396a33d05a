"""The dead man's switch: cancel all open orders of a symbol unless the countdown is renewed in time."""

from orderkit.simulator.accounts import Account
from orderkit.simulator.errors import refusal
from orderkit.simulator.market import Market
from orderkit.simulator.settlement import cancel
from orderkit.simulator.timers import Timers


def arm(account: Account, market: Market, countdown_ms: int, timers: Timers) -> None:
    """Replace the symbol's deadline by one ``countdown_ms`` from now; 0 lifts it. -1130 when negative."""
    if countdown_ms < 0:
        raise refusal(-1130, "countdownTime")
    tape = market.tape
    tape.touch(account)
    if countdown_ms == 0:
        account.countdowns.pop(market.symbol, None)
        return
    deadline_ms = tape.now_ms + countdown_ms
    account.countdowns[market.symbol] = deadline_ms
    watch(account, market, deadline_ms, timers)


def watch(account: Account, market: Market, deadline_ms: int, timers: Timers) -> None:
    """Set the timer of a deadline that the account has."""

    def is_live() -> bool:
        return account.countdowns.get(market.symbol) == deadline_ms

    def run_out() -> None:
        del account.countdowns[market.symbol]
        market.tape.touch(account)
        for order in list(account.open_orders.get(market.symbol, {}).values()):
            cancel(order)
        market.publish_book()

    timers.at(deadline_ms, is_live, run_out)
