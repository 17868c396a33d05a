"""Decimals as the exchange writes them: plain digits, a fixed number of decimals, never an exponent."""

from decimal import Decimal

MONEY_DECIMALS = 8


def fixed(value: Decimal, decimals: int) -> str:
    """``value`` with exactly ``decimals`` decimals (half-even); zero never carries a minus sign."""
    text = f"{value:.{decimals}f}"
    return text[1:] if text[0] == "-" and not text.strip("-0.") else text


def money(value: Decimal) -> str:
    """An amount of margin asset, eight decimals."""
    return fixed(value, MONEY_DECIMALS)


def plain(value: Decimal) -> str:
    """``value`` with the decimals it has, without trailing zeros: "0" for zero."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def trimmed(value: Decimal, decimals: int) -> str:
    """``value`` with at most ``decimals`` decimals and no trailing zeros."""
    return plain(Decimal(f"{value:.{decimals}f}"))
