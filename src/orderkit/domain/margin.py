"""Leverage brackets and margin formulas of USDⓈ-M futures (Binance FAQ b3c689c1f50a44cabb3a84e663b81d93)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Bracket:
    """One row of leverageBracket; ``cum`` is the maintenance amount that keeps the margin continuous."""

    bracket: int
    initial_leverage: int
    notional_floor: Decimal
    notional_cap: Decimal
    maint_margin_ratio: Decimal
    cum: Decimal


def bracket_for(brackets: Sequence[Bracket], notional: Decimal) -> Bracket:
    """The row that holds |notional|; the last one above every cap."""
    size = abs(notional)
    for row in brackets:
        if size <= row.notional_cap:
            return row
    return brackets[-1]


def initial_margin(notional: Decimal, leverage: int) -> Decimal:
    """|notional| / leverage, in margin asset."""
    return abs(notional) / leverage


def maintenance_margin(notional: Decimal, brackets: Sequence[Bracket]) -> Decimal:
    """|notional| × ratio - cum of its bracket, in margin asset."""
    row = bracket_for(brackets, notional)
    return abs(notional) * row.maint_margin_ratio - row.cum
