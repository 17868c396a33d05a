"""Funding rates and open interest over REST."""

from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.paper.endpoint import Call, Endpoint
from orderkit.paper.wire import statements as wire
from orderkit.paper.wire.numbers import fixed, money

FUNDING_INTERVAL_HOURS = 8
# Bounds of a funding rate: this part of the first bracket's maintenance margin ratio
# (https://www.binance.com/en/support/faq/introduction-to-binance-futures-funding-rates-360033525031).
_CAP_SHARE = Decimal("0.75")


def rates(call: Call) -> object:
    """GET fundingRate: what was settled since this exchange began, of one symbol or all."""
    instrument = call.optional_instrument()
    settlements = call.simulator.funding_history(
        instrument.symbol if instrument else None,
        start_ms=call.parameters.integer("startTime"),
        end_ms=call.parameters.integer("endTime"),
        limit=call.parameters.limit(100, 1000),
    )
    return [wire.funding_rate(settlement) for settlement in settlements]


def info(call: Call) -> object:
    """GET fundingInfo: bounds and interval of every symbol."""
    return [_bounds(call, instrument) for instrument in call.exchange.instruments.values()]


def open_interest(call: Call) -> object:
    """GET openInterest: what this exchange's accounts hold."""
    instrument = call.instrument()
    held = call.simulator.open_interest(instrument.symbol)
    return {
        "openInterest": fixed(held, instrument.quantity_precision),
        "symbol": instrument.symbol,
        "time": call.now_ms,
    }


def _bounds(call: Call, instrument: Instrument) -> dict[str, object]:
    brackets = call.exchange.contracts.brackets.get(instrument.symbol, ())
    cap = _CAP_SHARE * brackets[0].maint_margin_ratio if brackets else Decimal(0)
    return {
        "symbol": instrument.symbol,
        "adjustedFundingRateCap": money(cap),
        "adjustedFundingRateFloor": money(-cap),
        "fundingIntervalHours": FUNDING_INTERVAL_HOURS,
        "disclaimer": False,
    }


# These two have a limit of their own on the live exchange and no weight.
ENDPOINTS = (
    Endpoint("GET", "/fapi/v1/fundingRate", rates, weight=0),
    Endpoint("GET", "/fapi/v1/fundingInfo", info, weight=0),
    Endpoint("GET", "/fapi/v1/openInterest", open_interest),
)
