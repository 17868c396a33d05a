"""What a TWAP is asked to do, as the journal keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orderkit.domain.enums import PositionSide, Side
from orderkit.orders.pacing import Pacing


@dataclass(frozen=True, slots=True)
class TWAPRequest:
    """``quantity`` in ``chunks`` slices, or of ``slice_size``, one every ``interval_ms``, the first at once.

    ``randomize_size``: sizes vary by up to this share; ``randomize_time``: times by up to this share of the
    interval. Both are drawn from the job's name, so that a resumed job has the same schedule.
    """

    symbol: str
    side: Side
    quantity: Decimal
    chunks: int
    interval_ms: int
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    slice_size: Decimal | None = None
    randomize_size: Decimal | None = None
    randomize_time: Decimal | None = None
    pacing: Pacing = field(default_factory=Pacing)

    @property
    def leverage(self) -> int | None:
        return self.pacing.leverage

    def amended(self, changes: Mapping[str, str]) -> "TWAPRequest":
        """With another whole quantity, limit price or style; another duration changes the schedule alone."""
        quantity = Decimal(changes.get("quantity", self.quantity))
        return replace(self, quantity=quantity, pacing=self.pacing.amended(changes))
