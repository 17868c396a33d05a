"""What a position is worth: formulas over its signed amount and what it was bought or sold for.

All fixed-point; ``cost`` is never negative, ``carry`` is what commissions took less what was realised.
"""

from orderkit.simulator.fixed import SCALE


def entry_price(amount: int, cost: int) -> int:
    """cost / |amount|, rounded down; 0 when flat."""
    return cost * SCALE // abs(amount) if amount else 0


def break_even_price(amount: int, cost: int, carry: int) -> int:
    """The exit price that recovers what was paid and lost since the position was opened; 0 when flat."""
    if amount == 0:
        return 0
    recovered = cost + carry if amount > 0 else cost - carry
    return max(0, recovered * SCALE // abs(amount))


def unrealized_profit(amount: int, cost: int, mark: int) -> int:
    """amount × (mark - entry)."""
    if amount > 0:
        return mark * amount // SCALE - cost
    return cost - mark * -amount // SCALE if amount else 0
