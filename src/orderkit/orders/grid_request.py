"""What a grid is asked to do: range, levels, size, mode, exits."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.order import OrderRequest
from orderkit.orders.grid_levels import Mode, Spacing
from orderkit.utils import parse_decimal

ZERO = Decimal(0)


class OnStop(StrEnum):
    CANCEL = "cancel"  # cancel the orders, keep the position
    FLATTEN = "flatten"  # and close what the grid holds, at the market
    KEEP = "keep"  # leave the orders on the exchange


@dataclass(frozen=True, slots=True)
class GridRequest:
    """``count`` levels from ``lower`` to ``upper``; ``level_quantity`` in base asset at each.

    ``market`` is the price at which the grid began: it says which levels buy and which sell first. An exit is
    a price outside the range, or with ``_amount`` a total profit or loss in quote asset. ``capital`` is the
    initial margin of all levels, in quote asset: what reinvested profit is measured by.
    """

    symbol: str
    lower: Decimal
    upper: Decimal
    count: int
    level_quantity: Decimal = ZERO
    investment: Decimal | None = None
    spacing: Spacing = Spacing.ARITHMETIC
    mode: Mode = Mode.NEUTRAL
    post_only: bool = True
    take_profit: Decimal | None = None
    take_profit_amount: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_amount: Decimal | None = None
    trailing: bool = False
    reinvest: bool = False
    max_runtime_ms: int | None = None
    on_stop: OnStop = OnStop.CANCEL
    market: Decimal = ZERO
    capital: Decimal = ZERO
    position_side: PositionSide = PositionSide.BOTH

    @property
    def quantity(self) -> Decimal:
        return self.level_quantity

    @property
    def side(self) -> Side:
        """The side that a grid leans to; BUY for a neutral one."""
        return Side.SELL if self.mode is Mode.SHORT else Side.BUY

    @property
    def flattens(self) -> bool:
        """True where a stop, or the end of its time, closes what the grid holds."""
        return self.on_stop is OnStop.FLATTEN

    def level_order(self, side: Side, price: Decimal, quantity: Decimal) -> OrderRequest:
        return OrderRequest(
            symbol=self.symbol,
            side=side,
            type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            time_in_force=TimeInForce.GTX if self.post_only else TimeInForce.GTC,
            position_side=self.position_side,
        )

    def market_order(self, side: Side, quantity: Decimal, *, opens: bool) -> OrderRequest:
        """``opens``: it makes the initial position; any other can only reduce."""
        return OrderRequest(
            symbol=self.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=quantity,
            position_side=self.position_side,
            reduce_only=self.position_side is PositionSide.BOTH and not opens,
        )

    @property
    def open_ended(self) -> bool:
        """No executed quantity means that a grid is done."""
        return True


def parse_exit(text: str | None, name: str, asset: str = "USDT") -> tuple[Decimal | None, Decimal | None]:
    """An exit as a price ("54000") or as an amount ("200USDT"): one of the two."""
    if text is None:
        return None, None
    cleaned = text.strip()
    if cleaned.upper().endswith(asset):
        return None, parse_decimal(cleaned[: -len(asset)], name)
    return parse_decimal(cleaned, name), None
