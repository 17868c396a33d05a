"""Between Binance's JSON and the domain: what we send, and what its REST answers mean."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from orderkit.domain.account import Account, Position
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import MarkPrice, Quote
from orderkit.domain.order import Fill, OrderReport, OrderRequest

ZERO = Decimal(0)
Raw = Mapping[str, Any]

# What an algo order's own status says of the order; once it triggers, the order it became knows better.
# FINISHED (that order is done) says only together with the quantities how it ended.
ALGO_STATUSES: Mapping[str, OrderStatus] = {
    "NEW": OrderStatus.NEW,
    "TRIGGERING": OrderStatus.NEW,
    "TRIGGERED": OrderStatus.NEW,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}

# ORDER_TRADE_UPDATE "er" (Binance, "Event: Order Update").
EXPIRY_REASONS: Mapping[str, str] = {
    "1": "self-trade prevention",
    "2": "the rest of an immediate-or-cancel order found no counterpart",
    "3": "self-trade prevention",
    "4": "a reduce-only order with priority took its place",
    "5": "the account was liquidated",
    "6": "the position it depended on is gone",
    "7": "the symbol was delisted",
    "8": "the order that a stop became expired",
    "9": "the rest of a market order found no liquidity within the price bound",
}


def plain(value: Decimal) -> str:
    """``value`` without exponent or trailing zeros: Binance counts decimals as they are written (-1111)."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- what we send ---------------------------------------------------------------------------------


def order_params(client_order_id: str, request: OrderRequest) -> dict[str, str]:
    """The fields of POST /fapi/v1/order. Every value is a string: python-binance would send 1e-05."""
    params = _common_params(request)
    if request.price is not None or request.price_match is not None:
        params.setdefault("timeInForce", TimeInForce.GTC.value)
    return params | {"newClientOrderId": client_order_id, "newOrderRespType": "RESULT"}


def algo_order_params(client_order_id: str, request: OrderRequest) -> dict[str, str]:
    """The fields of POST /fapi/v1/algoOrder, where the conditional types live since 2025-12-09."""
    params = _common_params(request)
    trails = request.type is OrderType.TRAILING_STOP_MARKET
    if request.trigger_price is not None:
        params["activatePrice" if trails else "triggerPrice"] = plain(request.trigger_price)
    if request.callback_rate is not None:
        params["callbackRate"] = plain(request.callback_rate)
    if request.working_type is not None:
        params["workingType"] = request.working_type.value
    if request.close_position:
        params["closePosition"] = "true"
    if request.price_protect:
        params["priceProtect"] = "true"
    return params | {"algoType": "CONDITIONAL", "clientAlgoId": client_order_id, "newOrderRespType": "RESULT"}


def _common_params(request: OrderRequest) -> dict[str, str]:
    params = {"symbol": request.symbol, "side": request.side.value, "type": request.type.value}
    if request.position_side is not PositionSide.BOTH:
        params["positionSide"] = request.position_side.value
    if request.quantity is not None:
        params["quantity"] = plain(request.quantity)
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.time_in_force is not None:
        params["timeInForce"] = request.time_in_force.value
    if request.price_match is not None:
        params["priceMatch"] = request.price_match.value
    if request.good_till_date_ms is not None:
        params["goodTillDate"] = str(request.good_till_date_ms)
    if request.reduce_only:  # absent rather than "false": hedge mode refuses the field (-1106)
        params["reduceOnly"] = "true"
    return params


# --- orders ---------------------------------------------------------------------------------------


def order_status(text: str) -> OrderStatus:
    """NEW_ADL and NEW_INSURANCE are how the exchange's own liquidation orders begin. Raises ValueError."""
    return OrderStatus.NEW if text in ("NEW_ADL", "NEW_INSURANCE") else OrderStatus(text)


def order_report(raw: Raw, client_order_id: str) -> OrderReport:
    """An answer of POST, GET or DELETE /fapi/v1/order. Only GET still carries the average price."""
    return OrderReport(
        client_order_id=client_order_id,
        symbol=raw["symbol"],
        status=order_status(raw["status"]),
        executed_quantity=Decimal(raw["executedQty"]),
        time_ms=int(raw["updateTime"]),
        order_id=int(raw["orderId"]),
        average_price=positive(raw.get("avgPrice")),
        price=positive(raw.get("price")),
    )


def algo_report(raw: Raw, client_order_id: str) -> OrderReport:
    """An answer of POST or GET /fapi/v1/algoOrder, as far as the algo service itself knows the order.

    FINISHED with less than the quantity is taken for CANCELED; the order it became can say more.
    """
    actual = raw.get("actualOrderId")
    executed = positive(raw.get("actualQty")) or ZERO
    if raw["algoStatus"] == "FINISHED":
        filled = executed and executed >= Decimal(raw["quantity"])
        status = OrderStatus.FILLED if filled else OrderStatus.CANCELED
    else:
        status = ALGO_STATUSES[raw["algoStatus"]]
    return OrderReport(
        client_order_id=client_order_id,
        symbol=raw["symbol"],
        status=status,
        executed_quantity=executed,
        time_ms=int(raw["updateTime"]),
        order_id=int(actual) if actual else None,
        algo_id=int(raw["algoId"]),
        average_price=positive(raw.get("actualPrice")),
        price=positive(raw.get("price")),
        reason=raw.get("rejectReason") or None,
    )


def fill(raw: Raw, client_order_id: str) -> Fill:
    """One element of GET /fapi/v1/userTrades."""
    return Fill(
        symbol=raw["symbol"],
        client_order_id=client_order_id,
        order_id=int(raw["orderId"]),
        trade_id=int(raw["id"]),
        side=Side(raw["side"]),
        price=Decimal(raw["price"]),
        quantity=Decimal(raw["qty"]),
        commission=Decimal(raw["commission"]),
        commission_asset=raw["commissionAsset"],
        realized_pnl=Decimal(raw["realizedPnl"]),
        is_maker=bool(raw["maker"]),
        time_ms=int(raw["time"]),
    )


def positive(text: str | None) -> Decimal | None:
    """A price or quantity where "0", "0.00", "" and absence all mean that there is none."""
    value = Decimal(text) if text else ZERO
    return value or None


# --- market and account ---------------------------------------------------------------------------


def quote(raw: Raw) -> Quote:
    """GET /fapi/v1/ticker/bookTicker."""
    return Quote(
        symbol=raw["symbol"],
        bid=Decimal(raw["bidPrice"]),
        bid_quantity=Decimal(raw["bidQty"]),
        ask=Decimal(raw["askPrice"]),
        ask_quantity=Decimal(raw["askQty"]),
        time_ms=int(raw["time"]),
    )


def mark_price(raw: Raw) -> MarkPrice:
    """GET /fapi/v1/premiumIndex; a contract without funding has an empty rate."""
    return MarkPrice(
        symbol=raw["symbol"],
        mark_price=Decimal(raw["markPrice"]),
        index_price=Decimal(raw["indexPrice"]),
        funding_rate=Decimal(raw.get("lastFundingRate") or "0"),
        next_funding_ms=int(raw.get("nextFundingTime") or 0),
        time_ms=int(raw["time"]),
    )


def instrument(raw: Raw) -> Instrument:
    """One element of exchangeInfo's ``symbols``."""
    return Instrument.from_exchange_info(raw)


def by_symbol(rows: Sequence[Raw]) -> dict[str, Raw]:
    """Rows of a list that names each symbol once."""
    return {row["symbol"]: row for row in rows}


def brackets(raw: Raw) -> tuple[Bracket, ...]:
    """One element of GET /fapi/v1/leverageBracket, lowest notional first."""
    rows = [
        Bracket(
            bracket=int(row["bracket"]),
            initial_leverage=int(row["initialLeverage"]),
            notional_floor=_exact(row["notionalFloor"]),
            notional_cap=_exact(row["notionalCap"]),
            maint_margin_ratio=_exact(row["maintMarginRatio"]),
            cum=_exact(row["cum"]),
        )
        for row in raw["brackets"]
    ]
    return tuple(sorted(rows, key=lambda row: row.bracket))


def account(
    *, balances: Raw, config: Raw, positions: Sequence[Raw], symbol_configs: Sequence[Raw], margin_asset: str
) -> Account:
    """Compose v3 account, accountConfig, v3 positionRisk and symbolConfig.

    In multi-assets mode every asset backs every position, so the totals (in USD) count; else the row of
    ``margin_asset`` does.
    """
    if config.get("multiAssetsMargin"):
        wallet, available = balances["totalWalletBalance"], balances["availableBalance"]
    else:
        row: Raw = next((a for a in balances["assets"] if a["asset"] == margin_asset), {})
        wallet, available = row.get("walletBalance", "0"), row.get("availableBalance", "0")
    return Account(
        wallet_balance=Decimal(wallet),
        available_balance=Decimal(available),
        hedge_mode=bool(config["dualSidePosition"]),
        positions=tuple(_position(p) for p in positions if Decimal(p["positionAmt"])),
        leverage={c["symbol"]: int(c["leverage"]) for c in symbol_configs},
        isolated=frozenset(c["symbol"] for c in symbol_configs if c.get("marginType") == "ISOLATED"),
    )


def _position(raw: Raw) -> Position:
    return Position(
        symbol=raw["symbol"],
        position_side=PositionSide(raw["positionSide"]),
        quantity=Decimal(raw["positionAmt"]),
        entry_price=Decimal(raw["entryPrice"]),
        mark_price=Decimal(raw["markPrice"]),
        unrealized_pnl=Decimal(raw["unRealizedProfit"]),
        liquidation_price=positive(raw.get("liquidationPrice")),
        maintenance_margin=Decimal(raw.get("maintMargin") or 0),
        isolated_wallet=Decimal(raw.get("isolatedWallet") or 0),
    )


def _exact(number: float | str) -> Decimal:
    """leverageBracket has JSON numbers (strings in some builds); str gives back the digits sent."""
    return Decimal(str(number))
