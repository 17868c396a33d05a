"""What an account can look up about its money and its limits: income, margin moved, liquidations, ADL."""

from orderkit.domain.enums import PositionSide
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.parameters import Parameters, invalid, missing
from orderkit.paper.routes.account import SUCCESS
from orderkit.paper.routes.trading import WEEK_MS, time_window
from orderkit.paper.wire import statements as wire
from orderkit.simulator.statements import IncomeType

ADD, REDUCE = 1, 2
# Kinds of income that the exchange knows and that never arise here.
_OTHER_INCOME = frozenset(
    {
        *("WELCOME_BONUS", "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD"),
        *("CROSS_COLLATERAL_TRANSFER", "OPTIONS_PREMIUM_FEE", "OPTIONS_SETTLE_PROFIT"),
        *("INTERNAL_TRANSFER", "AUTO_EXCHANGE", "DELIVERED_SETTELMENT", "COIN_SWAP_DEPOSIT"),
        *("COIN_SWAP_WITHDRAW", "POSITION_LIMIT_INCREASE_FEE", "STRATEGY_UMFUTURES_TRANSFER"),
        *("FEE_RETURN", "BFUSD_REWARD", "SPECIAL_FUNDING_FEE"),
    }
)


def income(call: Call) -> object:
    """GET income: the last seven days unless a window is given."""
    parameters = call.parameters
    instrument = call.optional_instrument()
    start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
    if start_ms is None and end_ms is None:
        start_ms = call.now_ms - WEEK_MS
    page = parameters.integer("page")
    if page is not None and page < 1:
        raise invalid("page")
    limit = parameters.limit(100, 1000)
    if parameters.text("incomeType") in _OTHER_INCOME:
        return []
    entries = call.simulator.income(
        call.account_id,
        instrument.symbol if instrument else None,
        income_type=parameters.member("incomeType", IncomeType),
        start_ms=start_ms,
        end_ms=end_ms,
        page=page or 1,
        limit=limit,
    )
    return [wire.income(entry) for entry in entries]


def change_margin(call: Call) -> object:
    """POST positionMargin: type 1 adds, type 2 takes away."""
    parameters = call.parameters
    symbol = call.instrument().symbol
    amount, kind = parameters.decimal("amount"), parameters.required_integer("type")
    if amount is None:
        raise missing("amount")
    if kind not in (ADD, REDUCE):
        raise invalid("type")
    call.simulator.change_position_margin(
        call.account_id,
        symbol,
        amount,
        add=kind == ADD,
        position_side=parameters.member("positionSide", PositionSide) or PositionSide.BOTH,
    )
    return {
        "amount": float(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": kind,
    }


def margin_history(call: Call) -> object:
    """GET positionMargin/history."""
    parameters = call.parameters
    symbol = call.instrument().symbol
    kind = parameters.integer("type")
    if kind not in (None, ADD, REDUCE):
        raise invalid("type")
    changes = call.simulator.position_margin_history(
        call.account_id,
        symbol,
        added=None if kind is None else kind == ADD,
        start_ms=parameters.integer("startTime"),
        end_ms=parameters.integer("endTime"),
        limit=parameters.limit(500, 500),
    )
    return [wire.margin_change(change) for change in changes]


def force_orders(call: Call) -> object:
    """GET forceOrders: liquidations of this account; nothing is ever deleveraged here."""
    parameters = call.parameters
    instrument = call.optional_instrument()
    start_ms, end_ms = time_window(parameters)
    kind, limit = parameters.text("autoCloseType"), parameters.limit(50, 100)
    if kind not in (None, "LIQUIDATION", "ADL"):
        raise invalid("autoCloseType")
    if kind == "ADL":
        return []
    symbol = instrument.symbol if instrument else None
    orders = call.simulator.force_orders(
        call.account_id, symbol, start_ms=start_ms, end_ms=end_ms, limit=limit
    )
    return [wire.force_order(order, call.listed(order.symbol)) for order in orders]


def adl_quantiles(call: Call) -> object:
    """GET adlQuantile."""
    instrument = call.optional_instrument()
    found = call.simulator.adl_quantiles(call.account_id, instrument.symbol if instrument else None)
    return [wire.adl_quantile(each) for each in found]


def order_limits(call: Call) -> object:
    """GET rateLimit/order."""
    listed = call.exchange.limiter.limits.listed
    return [row for row in listed if row["rateLimitType"] == "ORDERS"]


def fee_burn(_call: Call) -> object:
    """GET feeBurn: fees are never paid in BNB here."""
    return {"feeBurn": False}


def multi_assets_mode(call: Call) -> object:
    """GET multiAssetsMargin."""
    return {"multiAssetsMargin": call.simulator.is_multi_assets(call.account_id)}


def set_multi_assets_mode(call: Call) -> object:
    """POST multiAssetsMargin."""
    if "multiAssetsMargin" not in call.parameters:
        raise missing("multiAssetsMargin")
    call.simulator.set_multi_assets(
        call.account_id, multi_assets=call.parameters.boolean("multiAssetsMargin")
    )
    return SUCCESS


def _force_orders_weight(parameters: Parameters) -> int:
    return 20 if "symbol" in parameters else 50


_SIGNED = Security.SIGNED

ENDPOINTS = (
    Endpoint("GET", "/fapi/v1/income", income, _SIGNED, weight=30),
    Endpoint("POST", "/fapi/v1/positionMargin", change_margin, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/positionMargin/history", margin_history, _SIGNED),
    Endpoint("GET", "/fapi/v1/forceOrders", force_orders, _SIGNED, weight=_force_orders_weight),
    Endpoint("GET", "/fapi/v1/adlQuantile", adl_quantiles, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v1/rateLimit/order", order_limits, _SIGNED),
    Endpoint("GET", "/fapi/v1/feeBurn", fee_burn, _SIGNED, weight=30),
    Endpoint("GET", "/fapi/v1/multiAssetsMargin", multi_assets_mode, _SIGNED, weight=30),
    Endpoint("POST", "/fapi/v1/multiAssetsMargin", set_multi_assets_mode, _SIGNED, changes=True),
)
