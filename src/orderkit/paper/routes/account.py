"""Balances, positions and the account's settings over REST."""

from collections.abc import Callable

from orderkit.domain.instrument import Instrument
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.parameters import invalid, missing
from orderkit.paper.wire import account as wire
from orderkit.paper.wire.numbers import plain
from orderkit.simulator.types import PositionView

ACCOUNT_ALIAS = "PAPR"
SUCCESS = {"code": 200, "msg": "success"}


def balance(call: Call) -> object:
    """GET balance."""
    return wire.balances(call.simulator.account(call.account_id), ACCOUNT_ALIAS)


def account_v2(call: Call) -> object:
    """GET v2/account: positions of all symbols."""
    positions = call.simulator.positions(call.account_id, include_flat=True)
    return wire.account_v2(call.simulator.account(call.account_id), positions, call.exchange.instruments)


def account_v3(call: Call) -> object:
    """GET v3/account: only positions that are open or have open orders."""
    return wire.account_v3(call.simulator.account(call.account_id), call.exchange.instruments)


def position_risk_v2(call: Call) -> object:
    """GET v2/positionRisk: every symbol."""
    return _positions(call, wire.position_risk_v2, include_flat=True)


def position_risk_v3(call: Call) -> object:
    """GET v3/positionRisk: only positions that are open or have open orders."""
    return _positions(call, wire.position_risk_v3, include_flat=False)


def symbol_config(call: Call) -> object:
    """GET symbolConfig, of one symbol or all."""
    instrument = call.optional_instrument()
    symbols = [instrument.symbol] if instrument else list(call.exchange.instruments)
    return [wire.symbol_config(call.simulator.symbol_config(call.account_id, s)) for s in symbols]


def account_config(call: Call) -> object:
    """GET accountConfig."""
    return wire.account_config(call.simulator.account(call.account_id))


def set_leverage(call: Call) -> object:
    """POST leverage."""
    symbol = call.instrument().symbol
    config = call.simulator.set_leverage(
        call.account_id, symbol, call.parameters.required_integer("leverage")
    )
    return {
        "symbol": symbol,
        "leverage": config.leverage,
        "maxNotionalValue": plain(config.max_notional),
    }


def set_margin_type(call: Call) -> object:
    """POST marginType."""
    symbol = call.instrument().symbol
    kind = call.parameters.required("marginType").upper()
    if kind not in ("ISOLATED", "CROSSED"):
        raise invalid("marginType")
    call.simulator.set_margin_type(call.account_id, symbol, isolated=kind == "ISOLATED")
    return SUCCESS


def position_mode(call: Call) -> object:
    """GET positionSide/dual."""
    return {"dualSidePosition": call.simulator.is_hedge_mode(call.account_id)}


def set_position_mode(call: Call) -> object:
    """POST positionSide/dual."""
    if "dualSidePosition" not in call.parameters:
        raise missing("dualSidePosition")
    hedge = call.parameters.boolean("dualSidePosition")
    call.simulator.set_position_mode(call.account_id, hedge=hedge)
    return SUCCESS


def leverage_brackets(call: Call) -> object:
    """GET leverageBracket, of one symbol or all."""
    instrument = call.optional_instrument()
    documents = call.exchange.contracts.leverage_brackets
    return [d for d in documents if instrument is None or d["symbol"] == instrument.symbol]


def commission_rate(call: Call) -> object:
    """GET commissionRate."""
    symbol = call.instrument().symbol
    rates = call.simulator.commission_rates(call.account_id, symbol)
    return {
        "symbol": symbol,
        "makerCommissionRate": plain(rates.maker),
        "takerCommissionRate": plain(rates.taker),
        "rpiCommissionRate": plain(rates.maker),
    }


def _positions(
    call: Call, render: Callable[[PositionView, Instrument], object], *, include_flat: bool
) -> list[object]:
    instrument = call.optional_instrument()
    positions = call.simulator.positions(
        call.account_id, instrument.symbol if instrument else None, include_flat=include_flat
    )
    return [render(p, call.exchange.instruments[p.symbol]) for p in positions]


_SIGNED = Security.SIGNED

ENDPOINTS = (
    Endpoint("GET", "/fapi/v2/balance", balance, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v3/balance", balance, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v2/account", account_v2, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v3/account", account_v3, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v2/positionRisk", position_risk_v2, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v3/positionRisk", position_risk_v3, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v1/symbolConfig", symbol_config, _SIGNED, weight=5),
    Endpoint("GET", "/fapi/v1/accountConfig", account_config, _SIGNED, weight=5),
    Endpoint("POST", "/fapi/v1/leverage", set_leverage, _SIGNED, changes=True),
    Endpoint("POST", "/fapi/v1/marginType", set_margin_type, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/positionSide/dual", position_mode, _SIGNED, weight=30),
    Endpoint("POST", "/fapi/v1/positionSide/dual", set_position_mode, _SIGNED, changes=True),
    Endpoint("GET", "/fapi/v1/leverageBracket", leverage_brackets, _SIGNED),
    Endpoint("GET", "/fapi/v1/commissionRate", commission_rate, _SIGNED, weight=20),
)
