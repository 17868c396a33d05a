"""Leverage, margin type, position mode and multi-assets mode: what an account may set, and when."""

from orderkit.simulator.accounts import Account
from orderkit.simulator.errors import refusal
from orderkit.simulator.market import Market
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import AccountConfigUpdate, MultiAssetsUpdate


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
    tape.touch(account)
    tape.events.append(AccountConfigUpdate(account.account_id, tape.now_ms, market.symbol, leverage))


def set_margin_type(account: Account, market: Market, *, isolated: bool) -> None:
    """-4046 unchanged, -4168 isolated in multi-assets mode, -4047 with open orders, -4048 with a position."""
    settings = account.settings_for(market)
    if settings.isolated == isolated:
        raise refusal(-4046)
    if isolated and account.multi_assets:
        raise refusal(-4168)
    waiting = any(a.market is market for a in account.open_algos.values())
    if waiting or account.open_orders.get(market.symbol):
        raise refusal(-4047)
    if any(p.amount for (symbol, _), p in account.positions.items() if symbol == market.symbol):
        raise refusal(-4048)
    settings.isolated = isolated
    market.tape.touch(account)


def set_position_mode(account: Account, tape: Tape, *, hedge: bool) -> None:
    """-4059 unchanged, -4067 with open orders (conditional ones too), -4068 with positions."""
    if account.hedge == hedge:
        raise refusal(-4059)
    if account.open_algos or any(True for _ in account.all_open_orders()):
        raise refusal(-4067)
    if any(position.amount for position in account.positions.values()):
        raise refusal(-4068)
    account.hedge = hedge
    tape.touch(account)


def set_multi_assets(account: Account, tape: Tape, *, multi_assets: bool) -> None:
    """-4171 unchanged, -4167 with an isolated symbol, -4170 with open orders, -4169 with several assets."""
    if account.multi_assets == multi_assets:
        raise refusal(-4171)
    if multi_assets and any(settings.isolated for settings in account.settings.values()):
        raise refusal(-4167)
    if any(True for _ in account.all_open_orders()):
        raise refusal(-4170)
    if multi_assets and sum(1 for balance in account.wallets.values() if balance) > 1:
        raise refusal(-4169)
    account.multi_assets = multi_assets
    tape.touch(account)
    tape.events.append(MultiAssetsUpdate(account.account_id, tape.now_ms, multi_assets))
