"""Binance's JSON to what people ask about; counterpart of ``mapping`` for the looking commands."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.market import BarSize, MarketTrade, VolumeBar
from orderkit.domain.order import Fill
from orderkit.exchange import mapping
from orderkit.exchange.details import (
    AccountSettings,
    AssetBalance,
    DayStatistics,
    DepthBook,
    HeldPosition,
    IncomeEntry,
    ListedOrder,
    SymbolSettings,
)
from orderkit.exchange.mapping import Raw, positive


def listed_order(raw: Raw) -> ListedOrder:
    """An element of openOrders or allOrders."""
    return ListedOrder(
        symbol=raw["symbol"],
        client_order_id=raw["clientOrderId"],
        order_id=int(raw["orderId"]),
        algo_id=None,
        side=Side(raw["side"]),
        position_side=PositionSide(raw.get("positionSide", "BOTH")),
        order_type=raw["type"],
        status=mapping.order_status(raw["status"]),
        quantity=Decimal(raw["origQty"]),
        executed_quantity=Decimal(raw["executedQty"]),
        price=positive(raw.get("price")),
        average_price=positive(raw.get("avgPrice")),
        trigger_price=positive(raw.get("stopPrice")),
        time_in_force=raw.get("timeInForce") or None,
        reduce_only=bool(raw.get("reduceOnly")),
        close_position=bool(raw.get("closePosition")),
        created_ms=int(raw.get("time") or raw["updateTime"]),
        updated_ms=int(raw["updateTime"]),
    )


def listed_algo(raw: Raw) -> ListedOrder:
    """An element of openAlgoOrders or allAlgoOrders; FINISHED is read as ``mapping.algo_report`` does."""
    report = mapping.algo_report(raw, raw["clientAlgoId"])
    return ListedOrder(
        symbol=raw["symbol"],
        client_order_id=raw["clientAlgoId"],
        order_id=report.order_id,
        algo_id=int(raw["algoId"]),
        side=Side(raw["side"]),
        position_side=PositionSide(raw.get("positionSide", "BOTH")),
        order_type=raw["orderType"],
        status=report.status,
        quantity=Decimal(raw.get("quantity") or "0"),
        executed_quantity=report.executed_quantity,
        price=report.price,
        average_price=report.average_price,
        trigger_price=positive(raw.get("triggerPrice")),
        time_in_force=raw.get("timeInForce") or None,
        reduce_only=bool(raw.get("reduceOnly")),
        close_position=bool(raw.get("closePosition")),
        created_ms=int(raw.get("createTime") or raw["updateTime"]),
        updated_ms=int(raw["updateTime"]),
    )


def merged(ordinary: Sequence[ListedOrder], conditional: Sequence[ListedOrder]) -> list[ListedOrder]:
    """One list, oldest first; a conditional order that became one of the ordinary ones stands for itself."""
    children = {(order.symbol, order.order_id) for order in ordinary}
    alone = [o for o in conditional if o.order_id is None or (o.symbol, o.order_id) not in children]
    return sorted([*ordinary, *alone], key=lambda order: (order.created_ms, order.client_order_id))


def depth_book(raw: Raw, symbol: str) -> DepthBook:
    """GET /fapi/v1/depth."""
    bids, asks = (tuple((Decimal(p), Decimal(q)) for p, q in raw[side]) for side in ("bids", "asks"))
    return DepthBook(symbol, bids, asks, int(raw["T"]))


def day_statistics(raw: Raw) -> DayStatistics:
    """GET /fapi/v1/ticker/24hr."""
    return DayStatistics(
        symbol=raw["symbol"],
        last_price=Decimal(raw["lastPrice"]),
        change_percent=Decimal(raw["priceChangePercent"]),
        high_price=Decimal(raw["highPrice"]),
        low_price=Decimal(raw["lowPrice"]),
        volume=Decimal(raw["volume"]),
        quote_volume=Decimal(raw["quoteVolume"]),
    )


def asset_balance(raw: Raw) -> AssetBalance:
    """An element of v3 account's ``assets``."""
    return AssetBalance(
        asset=raw["asset"],
        wallet_balance=Decimal(raw["walletBalance"]),
        unrealized_pnl=Decimal(raw["unrealizedProfit"]),
        margin_balance=Decimal(raw["marginBalance"]),
        available_balance=Decimal(raw["availableBalance"]),
        initial_margin=Decimal(raw["initialMargin"]),
        maintenance_margin=Decimal(raw["maintMargin"]),
    )


def held_position(raw: Raw) -> HeldPosition:
    """An element of v3 positionRisk."""
    return HeldPosition(
        symbol=raw["symbol"],
        position_side=PositionSide(raw["positionSide"]),
        quantity=Decimal(raw["positionAmt"]),
        entry_price=Decimal(raw["entryPrice"]),
        break_even_price=positive(raw.get("breakEvenPrice")),
        mark_price=Decimal(raw["markPrice"]),
        unrealized_pnl=Decimal(raw["unRealizedProfit"]),
        notional=Decimal(raw["notional"]),
        initial_margin=Decimal(raw["initialMargin"]),
        maintenance_margin=Decimal(raw["maintMargin"]),
        liquidation_price=positive(raw.get("liquidationPrice")),
        margin_asset=raw["marginAsset"],
    )


def symbol_settings(raw: Raw) -> SymbolSettings:
    """An element of GET /fapi/v1/symbolConfig."""
    return SymbolSettings(
        symbol=raw["symbol"],
        leverage=int(raw["leverage"]),
        isolated=raw["marginType"].upper() == "ISOLATED",
        max_notional=Decimal(str(raw.get("maxNotionalValue") or "0")),
    )


def account_settings(raw: Raw) -> AccountSettings:
    """GET /fapi/v1/accountConfig."""
    return AccountSettings(
        can_trade=bool(raw["canTrade"]),
        hedge_mode=bool(raw["dualSidePosition"]),
        multi_assets=bool(raw.get("multiAssetsMargin")),
    )


def income_entry(raw: Raw) -> IncomeEntry:
    """An element of GET /fapi/v1/income."""
    return IncomeEntry(
        symbol=raw.get("symbol") or None,
        income_type=raw["incomeType"],
        amount=Decimal(raw["income"]),
        asset=raw["asset"],
        info=raw.get("info") or "",
        time_ms=int(raw["time"]),
        transaction_id=int(raw["tranId"]),
        trade_id=int(raw["tradeId"]) if raw.get("tradeId") else None,
    )


def own_trade(raw: Raw) -> Fill:
    """An element of userTrades, which does not carry the order's client id."""
    return mapping.fill(raw, "")


def market_print(raw: Raw, symbol: str) -> MarketTrade:
    """An element of GET aggTrades; its quantity is ``nq``: without retail (RPI) orders."""
    return MarketTrade(
        symbol=symbol,
        trade_id=int(raw["a"]),
        price=Decimal(raw["p"]),
        quantity=Decimal(raw.get("nq", raw["q"])),
        buyer_is_maker=bool(raw["m"]),
        time_ms=int(raw["T"]),
    )


def volume_bar(row: Sequence[Any], size: BarSize) -> VolumeBar:
    """A row of GET klines: its first field is when it opened, its sixth the base volume."""
    return VolumeBar(int(row[0]), size, Decimal(row[5]))
