"""What a POV is asked to do, as the journal keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from orderkit.domain.enums import PositionSide, Side
from orderkit.orders.pacing import Style


@dataclass(frozen=True, slots=True)
class POVRequest:
    """``quantity`` at ``rate`` (a fraction) of all that trades, at least ``min_slice`` (base asset) an order.

    ``style`` is taking or passive. ``min_slice`` 0 stands for the least that the exchange takes, until it is
    checked.
    """

    symbol: str
    side: Side
    quantity: Decimal
    rate: Decimal
    style: Style = Style.TAKING
    limit_price: Decimal | None = None
    max_duration_ms: int | None = None
    min_slice: Decimal = Decimal(0)
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False

    @property
    def percent(self) -> str:
        """The rate as people write it: 10 for 0.1."""
        return f"{(self.rate * 100).normalize():f}"

    def amended(self, changes: Mapping[str, str]) -> "POVRequest":
        """With another whole quantity, longest duration, limit price ("none" lifts it) or style."""
        duration_ms, limit = changes.get("duration_ms"), changes.get("limit_price")
        price = self.limit_price if limit is None else None if limit == "none" else Decimal(limit)
        return replace(
            self,
            quantity=Decimal(changes.get("quantity", self.quantity)),
            max_duration_ms=self.max_duration_ms if duration_ms is None else int(duration_ms),
            limit_price=price,
            style=Style(changes.get("style", self.style)),
        )
