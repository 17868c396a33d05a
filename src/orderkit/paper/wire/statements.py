"""Income, margin moved, liquidation orders and places in the ADL queue as their routes spell them."""

from orderkit.domain.enums import PositionSide
from orderkit.domain.instrument import Instrument
from orderkit.paper.wire.numbers import money
from orderkit.paper.wire.orders import order_query
from orderkit.simulator.statements import AdlQuantile, FundingSettlement, IncomeView, MarginChange
from orderkit.simulator.types import OrderView

Document = dict[str, object]


def income(entry: IncomeView) -> Document:
    """An element of GET income."""
    return {
        "symbol": entry.symbol,
        "incomeType": entry.income_type.value,
        "income": money(entry.amount),
        "asset": entry.asset,
        "info": str(entry.trade_id) if entry.trade_id else entry.income_type.value,
        "time": entry.time_ms,
        "tranId": entry.transaction_id,
        "tradeId": str(entry.trade_id) if entry.trade_id else "",
    }


def margin_change(change: MarginChange) -> Document:
    """An element of GET positionMargin/history."""
    return {
        "symbol": change.symbol,
        "type": 1 if change.added else 2,
        "deltaType": "USER_ADJUST",
        "amount": money(change.amount),
        "asset": change.asset,
        "time": change.time_ms,
        "positionSide": change.position_side.value,
    }


def force_order(order: OrderView, instrument: Instrument) -> Document:
    """An element of GET forceOrders: an order without its price protection, match and expiry."""
    document = order_query(order, instrument)
    for name in ("priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate"):
        del document[name]
    return document | {"pair": order.symbol, "cumBase": "0"}


def adl_quantile(quantile: AdlQuantile) -> Document:
    """An element of GET adlQuantile; HEDGE and BOTH are the marks of the two position modes."""
    ranks = quantile.quantiles
    both = ranks.get(PositionSide.BOTH)
    if both is None:
        sides = {side.value: rank for side, rank in ranks.items()} | {"HEDGE": 0}
    else:
        sides = {"LONG": both, "SHORT": both, "BOTH": both}
    return {"symbol": quantile.symbol, "adlQuantile": sides}


def funding_rate(settlement: FundingSettlement) -> Document:
    """An element of GET fundingRate."""
    return {
        "symbol": settlement.symbol,
        "fundingTime": settlement.time_ms,
        "fundingRate": money(settlement.rate),
        "markPrice": money(settlement.mark_price),
        "rateType": "Regular",
    }
