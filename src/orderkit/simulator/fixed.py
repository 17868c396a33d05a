"""Fixed-point numbers: inside the simulator every price, quantity and amount is an int in units of 1e-8."""

from decimal import Decimal

PLACES = 8
SCALE: int = 10**PLACES
UNLIMITED: int = 10**40

_SCALE = Decimal(SCALE)
UNIT = Decimal(1).scaleb(-PLACES)


def to_fixed(value: Decimal) -> int:
    """``value`` in units of 1e-8; further decimals are cut off, infinity becomes ``UNLIMITED``."""
    if value.is_infinite():
        return UNLIMITED
    return int(value * _SCALE)


def to_decimal(value: int) -> Decimal:
    """The Decimal of a fixed-point number, with eight decimals."""
    return value * UNIT


def multiply(price: int, quantity: int) -> int:
    """price × quantity, rounded down; exact where both together have at most eight decimals."""
    return price * quantity // SCALE
