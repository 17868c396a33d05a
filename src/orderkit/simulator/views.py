"""Positions and accounts as the exchange reports them."""

from decimal import Decimal

from orderkit.simulator.accounts import Account
from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.margin import liquidation_price
from orderkit.simulator.positions import Position
from orderkit.simulator.types import AccountView, AssetView, PositionView


def position_view(account: Account, position: Position) -> PositionView:
    """The figures of positionRisk."""
    contract = position.market.contract
    settings = position.settings
    isolated = settings.isolated
    initial = position.initial_margin()
    held = position.position_margin
    return PositionView(
        symbol=contract.symbol,
        position_side=position.side,
        amount=contract.quantities[position.amount],
        entry_price=to_decimal(position.entry_price),
        break_even_price=to_decimal(position.break_even_price),
        mark_price=to_decimal(position.market.mark),
        unrealized_profit=to_decimal(position.unrealized),
        liquidation_price=to_decimal(liquidation_price(account, position)),
        notional=to_decimal(position.notional),
        margin_asset=contract.margin_asset,
        leverage=settings.leverage,
        isolated=isolated,
        isolated_margin=to_decimal(position.isolated_wallet + position.unrealized if isolated else 0),
        isolated_wallet=to_decimal(position.isolated_wallet),
        initial_margin=to_decimal(initial),
        maintenance_margin=to_decimal(position.maintenance_margin),
        position_initial_margin=to_decimal(held),
        open_order_initial_margin=to_decimal(initial - held),
        bid_notional=to_decimal(position.bid_notional),
        ask_notional=to_decimal(position.ask_notional),
        max_notional=to_decimal(contract.max_notional(settings.leverage)),
        adl_quantile=adl_quantile(position),
        update_time_ms=position.update_time_ms,
    )


def rate(value: int) -> Decimal:
    """A commission rate without trailing zeros."""
    return to_decimal(value).normalize()


def adl_quantile(position: Position) -> int:
    """The position's fifth, 0 to 4, when all positions of its direction are ranked by profit per cost.

    Binance's score also has the margin ratio in it (FAQ 360033525471); ranks alone do for what never happens
    here.
    """
    if position.amount == 0:
        return 0
    sign = 1 if position.amount > 0 else -1
    rivals = [p for p in position.market.holders if p.amount * sign > 0]
    behind = sum(1 for p in rivals if p.unrealized * position.cost < position.unrealized * p.cost)
    return behind * 5 // len(rivals)


def account_view(account: Account) -> AccountView:
    """The figures of GET account."""
    assets = sorted({*account.wallets, *(p.market.contract.margin_asset for p in account.positions.values())})
    return AccountView(
        account_id=account.account_id,
        hedge_mode=account.hedge,
        multi_assets=account.multi_assets,
        maker_commission_rate=rate(account.maker_rate),
        taker_commission_rate=rate(account.taker_rate),
        assets=tuple(_asset_view(account, asset) for asset in assets),
        positions=tuple(position_view(account, p) for p in account.positions.values() if not p.is_idle),
        update_time_ms=account.update_time_ms,
    )


def _asset_view(account: Account, asset: str) -> AssetView:
    positions = [p for p in account.positions_in(asset) if not p.is_idle]
    wallet = account.wallets.get(asset, 0)
    unrealized = sum(p.unrealized for p in positions)
    initial = sum(p.initial_margin() for p in positions)
    held = sum(p.position_margin for p in positions)
    available = max(0, account.available(asset))
    cross_wallet = account.cross_wallet(asset)
    return AssetView(
        asset=asset,
        wallet_balance=to_decimal(wallet),
        unrealized_profit=to_decimal(unrealized),
        margin_balance=to_decimal(wallet + unrealized),
        maintenance_margin=to_decimal(sum(p.maintenance_margin for p in positions)),
        initial_margin=to_decimal(initial),
        position_initial_margin=to_decimal(held),
        open_order_initial_margin=to_decimal(initial - held),
        cross_wallet_balance=to_decimal(cross_wallet),
        cross_unrealized_profit=to_decimal(sum(p.unrealized for p in positions if not p.settings.isolated)),
        available_balance=to_decimal(available),
        max_withdraw_amount=to_decimal(max(0, min(available, cross_wallet))),
        update_time_ms=account.update_time_ms,
    )
