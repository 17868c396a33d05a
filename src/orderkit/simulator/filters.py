"""The exchange's filters: each takes the request's Decimals and gives fixed-point ints or Binance's refusal.

Order of checks within a value: presence, sign, precision (-1111), bounds, tick or step (BINANCE error page;
precision before tick is observed on the live exchange).
"""

import re
from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.simulator.contract import Contract
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import SCALE, multiply

CLIENT_ID_RANGE = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_CLIENT_ID = re.compile(CLIENT_ID_RANGE)
_SCALE = Decimal(SCALE)
_BUY = Side.BUY
_MAX_DIGITS = 20
# Refusals of a limit price above and below its band.
AROUND_MARK = (-4016, -4024)
AROUND_TRIGGER = (-4183, -4184)


def check_client_id(name: str, value: str) -> None:
    """-4015 when empty or too long, -1100 for characters outside the legal range."""
    if _CLIENT_ID.fullmatch(value):
        return
    if not 1 <= len(value) <= 36:
        raise refusal(-4015)
    raise refusal(-1100, name, CLIENT_ID_RANGE)


def _fixed(name: str, value: Decimal | None, unit: int) -> int:
    """Presence (-1102) and precision (-1111)."""
    if value is None or not value.is_finite() or value.adjusted() > _MAX_DIGITS:
        raise refusal(-1102, name)
    scaled = value * _SCALE
    fixed = int(scaled)
    if fixed != scaled or fixed % unit:
        raise refusal(-1111)
    return fixed


def quantity(contract: Contract, value: Decimal | None, *, market: bool) -> int:
    """LOT_SIZE, for market orders MARKET_LOT_SIZE: -1102, -4003, -1111, -4004, -4005, -4023."""
    if value is not None and value <= 0:
        raise refusal(-4003)
    fixed = _fixed("quantity", value, contract.quantity_unit)
    lot = contract.market_lot if market else contract.lot
    if fixed < lot.minimum:
        raise refusal(-4004)
    if fixed > lot.maximum:
        raise refusal(-4005)
    if lot.step and (fixed - lot.minimum) % lot.step:
        raise refusal(-4023)
    return fixed


def price(contract: Contract, value: Decimal | None) -> int:
    """PRICE_FILTER: -1102, -4001, -1111, -4002, -4013, -4014."""
    if value is not None and value <= 0:
        raise refusal(-4001)
    fixed = _fixed("price", value, contract.price_unit)
    if fixed > contract.max_price:
        raise refusal(-4002)
    if fixed < contract.min_price:
        raise refusal(-4013)
    if contract.tick and (fixed - contract.min_price) % contract.tick:
        raise refusal(-4014)
    return fixed


def trigger_price(contract: Contract, value: Decimal | None, name: str = "triggerPrice") -> int:
    """Trigger and activation prices keep to precision but not to tick (observed): -4006, -1111, -4007."""
    if value is not None and value <= 0:
        raise refusal(-4006)
    fixed = _fixed(name, value, contract.price_unit)
    if fixed > contract.max_price:
        raise refusal(-4007)
    return fixed


def percent_price(
    contract: Contract, side: Side, limit: int, reference: int, codes: tuple[int, int] = AROUND_MARK
) -> None:
    """PERCENT_PRICE of a limit price: BUY at most reference × up, SELL at least reference × down.

    The reference is the mark price, for a stop-limit its trigger, where other ``codes`` refuse. 0 is unknown.
    """
    if reference == 0:
        return
    too_high, too_low = codes
    if side is _BUY:
        highest = multiply(reference, contract.multiplier_up)
        if limit > highest:
            raise refusal(too_high, contract.prices[highest])
    else:
        lowest = multiply(reference, contract.multiplier_down)
        if limit < lowest:
            raise refusal(too_low, contract.prices[lowest + contract.price_unit - 1])


def market_percent_price(contract: Contract, side: Side, counterparty: int, mark: int) -> None:
    """PERCENT_PRICE of a market order: the counterparty's best price must lie within the band (-4131)."""
    if mark == 0 or counterparty == 0:
        return
    if side is _BUY:
        outside = counterparty > mark * contract.multiplier_up // SCALE
    else:
        outside = counterparty < mark * contract.multiplier_down // SCALE
    if outside:
        raise refusal(-4131)


def min_notional(contract: Contract, reference: int, quantity_: int) -> None:
    """MIN_NOTIONAL at the limit price or, for market orders, the mark price (-4164)."""
    if reference and multiply(reference, quantity_) < contract.min_notional:
        raise refusal(-4164, format(contract.instrument.min_notional, "f"))
