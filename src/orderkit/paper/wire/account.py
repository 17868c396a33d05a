"""Balances, accounts, positions and settings as the account routes spell them."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.paper.wire.numbers import fixed, money, plain, trimmed
from orderkit.simulator.types import AccountView, AssetView, PositionView, SymbolConfig

Document = dict[str, object]

PRICE_DECIMALS = 11
ZERO = Decimal(0)


def balances(account: AccountView, alias: str) -> list[Document]:
    """GET balance, v2 and v3."""
    return [
        {
            "accountAlias": alias,
            "asset": asset.asset,
            "balance": money(asset.wallet_balance),
            "crossWalletBalance": money(asset.cross_wallet_balance),
            "crossUnPnl": money(asset.cross_unrealized_profit),
            "availableBalance": money(asset.available_balance),
            "maxWithdrawAmount": money(asset.max_withdraw_amount),
            "marginAvailable": True,
            "updateTime": asset.update_time_ms,
        }
        for asset in account.assets
    ]


def account_v3(account: AccountView, instruments: dict[str, Instrument]) -> Document:
    """GET v3/account: totals in USD(T), assets, and the positions that are open or have open orders."""
    return _totals(account.assets) | {
        "assets": [_asset(asset) for asset in account.assets],
        "positions": [
            {
                "symbol": p.symbol,
                "positionSide": p.position_side.value,
                "positionAmt": fixed(p.amount, instruments[p.symbol].quantity_precision),
                "unrealizedProfit": money(p.unrealized_profit),
                "isolatedMargin": money(p.isolated_margin),
                "notional": plain(p.notional),
                "isolatedWallet": money(p.isolated_wallet),
                "initialMargin": money(p.initial_margin),
                "maintMargin": money(p.maintenance_margin),
                "updateTime": p.update_time_ms,
            }
            for p in account.positions
        ],
    }


def account_v2(
    account: AccountView, positions: Sequence[PositionView], instruments: dict[str, Instrument]
) -> Document:
    """GET v2/account: the same with permissions, and ``positions`` of all symbols with their settings."""
    return (
        _permissions(account)
        | _totals(account.assets)
        | {
            "assets": [_asset(asset) | {"marginAvailable": True} for asset in account.assets],
            "positions": [
                {
                    "symbol": p.symbol,
                    "initialMargin": money(p.initial_margin),
                    "maintMargin": money(p.maintenance_margin),
                    "unrealizedProfit": money(p.unrealized_profit),
                    "positionInitialMargin": money(p.position_initial_margin),
                    "openOrderInitialMargin": money(p.open_order_initial_margin),
                    "leverage": str(p.leverage),
                    "isolated": p.isolated,
                    "entryPrice": trimmed(p.entry_price, PRICE_DECIMALS),
                    "breakEvenPrice": trimmed(p.break_even_price, PRICE_DECIMALS),
                    "maxNotional": plain(p.max_notional),
                    "bidNotional": plain(p.bid_notional),
                    "askNotional": plain(p.ask_notional),
                    "positionSide": p.position_side.value,
                    "positionAmt": fixed(p.amount, instruments[p.symbol].quantity_precision),
                    "notional": plain(p.notional),
                    "isolatedWallet": money(p.isolated_wallet),
                    "updateTime": p.update_time_ms,
                }
                for p in positions
            ],
        }
    )


def account_config(account: AccountView) -> Document:
    """GET accountConfig."""
    return _permissions(account) | {"dualSidePosition": account.hedge_mode}


def position_risk_v3(position: PositionView, instrument: Instrument) -> Document:
    """GET v3/positionRisk: no leverage and margin type there, they are in symbolConfig."""
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side.value,
        "positionAmt": fixed(position.amount, instrument.quantity_precision),
        "entryPrice": trimmed(position.entry_price, PRICE_DECIMALS),
        "breakEvenPrice": trimmed(position.break_even_price, PRICE_DECIMALS),
        "markPrice": money(position.mark_price),
        "unRealizedProfit": money(position.unrealized_profit),
        "liquidationPrice": trimmed(position.liquidation_price, PRICE_DECIMALS),
        "isolatedMargin": money(position.isolated_margin),
        "notional": plain(position.notional),
        "marginAsset": position.margin_asset,
        "isolatedWallet": money(position.isolated_wallet),
        "initialMargin": money(position.initial_margin),
        "maintMargin": money(position.maintenance_margin),
        "positionInitialMargin": money(position.position_initial_margin),
        "openOrderInitialMargin": money(position.open_order_initial_margin),
        "adl": position.adl_quantile,
        "bidNotional": plain(position.bid_notional),
        "askNotional": plain(position.ask_notional),
        "updateTime": position.update_time_ms,
    }


def position_risk_v2(position: PositionView, instrument: Instrument) -> Document:
    """GET v2/positionRisk: leverage and isAutoAddMargin are strings, marginType is lower case."""
    return {
        "symbol": position.symbol,
        "positionAmt": fixed(position.amount, instrument.quantity_precision),
        "entryPrice": trimmed(position.entry_price, PRICE_DECIMALS),
        "breakEvenPrice": trimmed(position.break_even_price, PRICE_DECIMALS),
        "markPrice": money(position.mark_price),
        "unRealizedProfit": money(position.unrealized_profit),
        "liquidationPrice": trimmed(position.liquidation_price, PRICE_DECIMALS),
        "leverage": str(position.leverage),
        "maxNotionalValue": plain(position.max_notional),
        "marginType": "isolated" if position.isolated else "cross",
        "isolatedMargin": money(position.isolated_margin),
        "isAutoAddMargin": "false",
        "positionSide": position.position_side.value,
        "notional": plain(position.notional),
        "isolatedWallet": money(position.isolated_wallet),
        "updateTime": position.update_time_ms,
    }


def symbol_config(config: SymbolConfig) -> Document:
    """An element of GET symbolConfig."""
    return {
        "symbol": config.symbol,
        "marginType": "ISOLATED" if config.isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": config.leverage,
        "maxNotionalValue": plain(config.max_notional),
    }


def _permissions(account: AccountView) -> Document:
    return {
        "feeTier": 0,
        "feeBurn": False,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def _asset(asset: AssetView) -> Document:
    return {
        "asset": asset.asset,
        "walletBalance": money(asset.wallet_balance),
        "unrealizedProfit": money(asset.unrealized_profit),
        "marginBalance": money(asset.margin_balance),
        "maintMargin": money(asset.maintenance_margin),
        "initialMargin": money(asset.initial_margin),
        "positionInitialMargin": money(asset.position_initial_margin),
        "openOrderInitialMargin": money(asset.open_order_initial_margin),
        "crossWalletBalance": money(asset.cross_wallet_balance),
        "crossUnPnl": money(asset.cross_unrealized_profit),
        "availableBalance": money(asset.available_balance),
        "maxWithdrawAmount": money(asset.max_withdraw_amount),
        "updateTime": asset.update_time_ms,
    }


def _totals(assets: Sequence[AssetView]) -> Document:
    # Single-asset mode counts USDT only in the totals of an account.
    usdt = next((a for a in assets if a.asset == "USDT"), None)
    values = (
        (
            usdt.initial_margin,
            usdt.maintenance_margin,
            usdt.wallet_balance,
            usdt.unrealized_profit,
            usdt.margin_balance,
            usdt.position_initial_margin,
            usdt.open_order_initial_margin,
            usdt.cross_wallet_balance,
            usdt.cross_unrealized_profit,
            usdt.available_balance,
            usdt.max_withdraw_amount,
        )
        if usdt
        else (ZERO,) * len(_TOTALS)
    )
    return {name: money(value) for name, value in zip(_TOTALS, values, strict=True)}


_TOTALS = (
    "totalInitialMargin",
    "totalMaintMargin",
    "totalWalletBalance",
    "totalUnrealizedProfit",
    "totalMarginBalance",
    "totalPositionInitialMargin",
    "totalOpenOrderInitialMargin",
    "totalCrossWalletBalance",
    "totalCrossUnPnl",
    "availableBalance",
    "maxWithdrawAmount",
)
