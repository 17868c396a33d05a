"""Leverage, margin type and position mode: what an account may set, and when."""

from orderkit.simulator.accounts import Account
from orderkit.simulator.errors import refusal
from orderkit.simulator.market import Market
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import AccountConfigUpdate


def set_leverage(account: Account, market: Market, leverage: int) -> None:
    """Set it, or refuse: -4028 outside 1…max, -2027 when positions and orders exceed its cap, -4161 lowered
    with an isolated position, -2028 when margin would not do.
    """
    contract, tape = market.contract, market.tape
    if not 1 <= leverage <= contract.max_leverage:
        raise refusal(-4028, leverage)
    settings = account.settings_for(market)
    positions = [p for (symbol, _), p in account.positions.items() if symbol == market.symbol]
    cap = contract.max_notional(leverage)
    for position in positions:
        notional = position.notional
        if max(abs(notional + position.bid_notional), abs(notional - position.ask_notional)) > cap:
            raise refusal(-2027)
    before = settings.leverage
    if leverage < before and settings.isolated and any(p.amount for p in positions):
        raise refusal(-4161)
    settings.leverage = leverage
    if leverage < before and account.available(contract.margin_asset) < 0:
        settings.leverage = before
        raise refusal(-2028)
    tape.changed_accounts[account.account_id] = account
    tape.events.append(AccountConfigUpdate(account.account_id, tape.now_ms, market.symbol, leverage))


def set_margin_type(account: Account, market: Market, *, isolated: bool) -> None:
    """-4046 unchanged, -4047 with open orders, -4048 with a position."""
    settings = account.settings_for(market)
    if settings.isolated == isolated:
        raise refusal(-4046)
    waiting = any(a.market is market for a in account.open_algos.values())
    if waiting or account.open_orders.get(market.symbol):
        raise refusal(-4047)
    if any(p.amount for (symbol, _), p in account.positions.items() if symbol == market.symbol):
        raise refusal(-4048)
    settings.isolated = isolated
    market.tape.changed_accounts[account.account_id] = account


def set_position_mode(account: Account, tape: Tape, *, hedge: bool) -> None:
    """-4059 unchanged, -4067 with open orders (conditional ones too), -4068 with positions."""
    if account.hedge == hedge:
        raise refusal(-4059)
    if account.open_algos or any(True for _ in account.all_open_orders()):
        raise refusal(-4067)
    if any(position.amount for position in account.positions.values()):
        raise refusal(-4068)
    account.hedge = hedge
    tape.changed_accounts[account.account_id] = account
