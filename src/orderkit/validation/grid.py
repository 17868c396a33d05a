"""The values a filter accepts: from a minimum to a maximum by a step counted from an origin."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.instrument import NO_LIMIT, Instrument, LotSize, ceil_to_step, floor_to_step
from orderkit.validation.numbers import ZERO, shortest


@dataclass(frozen=True, slots=True)
class Grid:
    """``minimum`` ≤ value ≤ ``maximum`` and (value - ``origin``) a multiple of ``step`` (0: any value).

    Use it inside `numbers.exact`, where its arithmetic does not round.
    """

    minimum: Decimal
    maximum: Decimal
    step: Decimal
    origin: Decimal

    def floor(self, value: Decimal) -> Decimal:
        """The largest value on the step not above, whatever the minimum and maximum."""
        return floor_to_step(value, self.step, self.offset)

    def ceil(self, value: Decimal) -> Decimal:
        """The smallest value on the step not below, whatever the minimum and maximum."""
        return ceil_to_step(value, self.step, self.offset)

    @property
    def is_empty(self) -> bool:
        """True where the rules together leave nothing."""
        return self.lowest > self.highest

    def is_on_step(self, value: Decimal) -> bool:
        return self.floor(value) == value

    @property
    def offset(self) -> Decimal:
        """What is left of the origin between two steps; 0 for nearly every instrument."""
        return self.origin % self.step if self.step else ZERO

    @property
    def lowest(self) -> Decimal:
        """The smallest accepted value; above zero even where the minimum is switched off."""
        low = self.ceil(self.minimum)
        return low if low > 0 else low + self.step

    @property
    def highest(self) -> Decimal:
        return self.floor(self.maximum) if self.maximum.is_finite() else self.maximum

    def at_most(self, value: Decimal) -> Decimal | None:
        """The largest value on the step not above, None below the minimum; whatever the maximum."""
        best = self.floor(value)
        return self.spelled(best) if best >= self.lowest and best > 0 else None

    def neighbours(self, value: Decimal) -> tuple[Decimal, ...]:
        """The nearest accepted values, one below and one above as far as there are such: 0, 1 or 2."""
        low, high = self.lowest, self.highest
        below, above = min(self.floor(value), high), max(self.ceil(value), low)
        return tuple(self.spelled(v) for v in dict.fromkeys((below, above)) if low <= v <= high and v > 0)

    def spelled(self, value: Decimal) -> Decimal:
        """``value`` (on the step) with the step's number of decimals, as the exchange writes it."""
        if self.step == 0:
            return Decimal(shortest(value))
        exponents = (self.step.normalize().as_tuple().exponent, self.offset.normalize().as_tuple().exponent)
        return value.quantize(Decimal((0, (1,), min(0, *(e for e in exponents if isinstance(e, int))))))

    def fault(self, value: Decimal, step_name: str = "step") -> str | None:
        """What keeps ``value`` from being accepted, in words; None if nothing does."""
        if value < self.lowest:
            return f"below the minimum {shortest(self.lowest)}"
        if value > self.maximum:
            return f"above the maximum {shortest(self.maximum)}"
        if not self.is_on_step(value):
            since = f" from {shortest(self.origin)}" if self.offset else ""
            return f"not on the {step_name} {shortest(self.step)}{since}"
        return None

    def __str__(self) -> str:
        """How a refusal writes the range: "0.001 to 1000 in steps of 0.001"."""
        if self.is_empty:
            return "no value fits all filters"
        if self.maximum.is_finite():
            limits = f"{shortest(self.lowest)} to {shortest(self.highest)}"
        else:
            limits = f"{shortest(self.lowest)} or more"
        return f"{limits} in steps of {shortest(self.step)}" if self.step else limits


def listed(values: tuple[Decimal, ...]) -> str:
    """ "0.001 or 0.002", as a refusal writes what would be accepted."""
    return " or ".join(shortest(v) for v in values) or "none"


def lot_grid(instrument: Instrument, lot: LotSize) -> Grid:
    """One filter's quantities: (quantity - minQty) % stepSize = 0, in base asset."""
    if lot.step_size == 0:
        return Grid(lot.min_quantity, lot.max_quantity, _unit(instrument.quantity_precision), ZERO)
    return Grid(lot.min_quantity, lot.max_quantity, lot.step_size, lot.min_quantity)


def quantity_grid(instrument: Instrument, *, market: bool) -> Grid:
    """The quantities that pass LOT_SIZE and, for a market order, MARKET_LOT_SIZE too.

    The coarser step carries the origin: the finer one's multiples contain it.
    """
    lot = lot_grid(instrument, instrument.lot_size)
    if not market:
        return lot
    own = lot_grid(instrument, instrument.market_lot_size)
    coarser = own if own.step > lot.step else lot
    return Grid(max(lot.minimum, own.minimum), min(lot.maximum, own.maximum), coarser.step, coarser.origin)


def price_grid(instrument: Instrument) -> Grid:
    """The prices that pass PRICE_FILTER: (price - minPrice) % tickSize = 0, in quote asset."""
    rule = instrument.price_filter
    if rule.tick_size == 0:
        return Grid(rule.min_price, rule.max_price, _unit(instrument.price_precision), ZERO)
    return Grid(rule.min_price, rule.max_price, rule.tick_size, rule.min_price)


def _unit(precision: int) -> Decimal:
    # A filter's step of 0 switches the step rule off; what is left is the number of decimals (-1111).
    return Decimal(1).scaleb(-precision)


def percent_band(instrument: Instrument, side: Side, reference: Decimal) -> Grid:
    """The prices that pass the side's half of PERCENT_PRICE: a BUY's upper bound, a SELL's lower one."""
    percent = instrument.percent_price
    if side is Side.SELL:
        return Grid(reference * percent.multiplier_down, NO_LIMIT, ZERO, ZERO)
    return Grid(ZERO, reference * percent.multiplier_up, ZERO, ZERO)


def side_price_grid(instrument: Instrument, side: Side, reference: Decimal | None) -> Grid:
    """The prices that pass PRICE_FILTER and the side's half of PERCENT_PRICE against ``reference``."""
    grid = price_grid(instrument)
    if reference is None:
        return grid
    band = percent_band(instrument, side, reference)
    return Grid(max(grid.minimum, band.minimum), min(grid.maximum, band.maximum), grid.step, grid.origin)
