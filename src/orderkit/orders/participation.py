"""How much of what the others trade may be done: the arithmetic of a share of the market's volume. Pure."""

from decimal import Decimal

ZERO = Decimal(0)


class Participation:
    """Counts what others trade, and says how much of it is ours to trade.

    A share of r in all that trades, our own trades with it, is r / (1 - r) of what the others trade. What
    trades while we may not follow (the price is beyond the limit) is let go: it is never made up for.
    """

    def __init__(self, rate: Decimal, done: Decimal) -> None:
        """``rate`` is a fraction below 1; ``done`` (base asset) is what earlier runs did or may have done."""
        self._ratio = rate / (1 - rate)
        self._done = done
        self._others = ZERO
        self.followed = ZERO

    def count(self, others: Decimal, *, following: bool) -> None:
        """Others have traded so much in all since this run began; whether we could have been part of it.

        Only new heights count: the number falls for a moment when a fill of ours is known before its print.
        """
        if following:
            self.followed += max(others - self._others, ZERO)
        self._others = max(others, self._others)

    @property
    def target(self) -> Decimal:
        """What should be done in all by now, in base asset."""
        return self._done + self.followed * self._ratio


def next_slice(due: Decimal, left: Decimal, slice_: Decimal, smallest: Decimal) -> Decimal:
    """How much of what is ``due`` to send now; 0 while it is not worth an order.

    Never less than ``slice_`` but at the end, and never such that less than ``smallest`` would be left over.
    """
    due = min(due, left)
    if due < min(slice_, left):
        return ZERO
    rest = left - due
    if rest == 0 or rest >= smallest:
        return due
    return left - smallest if left - smallest >= slice_ else ZERO
