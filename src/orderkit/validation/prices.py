"""The exchange's filters on an order's prices: PRICE_FILTER and PERCENT_PRICE."""

from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Quote
from orderkit.errors import ValidationError
from orderkit.validation.grid import Grid, listed, percent_band, price_grid, side_price_grid
from orderkit.validation.numbers import exact, parse_decimal, shortest


@exact
def validate_price(
    price: Decimal,
    instrument: Instrument,
    side: Side,
    *,
    mark_price: Decimal | None,
    rounding: bool = False,
    reference: str = "mark price",
) -> Decimal:
    """A limit price in quote asset that passes PRICE_FILTER and the side's half of PERCENT_PRICE.

    PERCENT_PRICE: a BUY at most mark × multiplierUp, a SELL at least mark × multiplierDown (-4016, -4024);
    None skips it. A conditional order's limit price is measured against its trigger price instead (-4183,
    -4184): pass that and name it in ``reference``. Off the tick the price is refused, or with ``rounding``
    moved to the passive side: BUY down, SELL up. The result is written with the tick's number of decimals.

    Raises:
        ValidationError: (NUMBER) not a positive number; (PRICE_FILTER) below the minimum, above the maximum
            or off the tick (-4013, -4002, -4014); (PERCENT_PRICE) too far from the market.
    """
    allowed = side_price_grid(instrument, side, mark_price)
    used = _on_tick(price, "price", instrument, side, allowed, rounding=rounding)
    if mark_price is not None:
        _check_percent_price(used, instrument, side, f"{reference} {shortest(mark_price)}", mark_price)
    return allowed.spelled(used)


@exact
def validate_trigger_price(
    trigger_price: Decimal, instrument: Instrument, side: Side, *, rounding: bool = False
) -> Decimal:
    """A trigger price in quote asset that passes PRICE_FILTER.

    With ``rounding`` it moves as the limit price does (BUY down, SELL up), so that the two keep their order
    and a stop triggers sooner rather than later.

    Raises:
        ValidationError: (NUMBER) not a positive number; (PRICE_FILTER) below the minimum, above the maximum
            or off the tick.
    """
    grid = price_grid(instrument)
    return grid.spelled(_on_tick(trigger_price, "trigger price", instrument, side, grid, rounding=rounding))


@exact
def validate_book_price(side: Side, quote: Quote, instrument: Instrument, mark_price: Decimal) -> None:
    """PERCENT_PRICE for a MARKET order: the best price it would meet must lie within the band (-4131).

    An empty side of the book passes: there is no price to measure.

    Raises:
        ValidationError: (PERCENT_PRICE) the book is too far from the mark price.
    """
    best = quote.far(side)
    band = percent_band(instrument, side, mark_price)
    if best <= 0 or band.fault(best) is None:
        return
    bound = f"at most {shortest(band.maximum)}" if side is Side.BUY else f"at least {shortest(band.minimum)}"
    raise ValidationError(
        f"PERCENT_PRICE: {instrument.symbol} market {side} would meet {shortest(best)} at mark price "
        f"{shortest(mark_price)}; accepted: a best price of {bound}",
        rule="PERCENT_PRICE",
        hint="Use a limit order within the band, or wait for the book to recover.",
    )


@exact
def nearest_prices(
    price: Decimal, instrument: Instrument, side: Side, *, mark_price: Decimal | None
) -> tuple[Decimal, ...]:
    """The valid limit prices next to ``price``: below and above, as far as there are such (0 to 2)."""
    return side_price_grid(instrument, side, mark_price).neighbours(price)


def _on_tick(
    price: Decimal, name: str, instrument: Instrument, side: Side, allowed: Grid, *, rounding: bool
) -> Decimal:
    """``price`` checked by PRICE_FILTER; what a refusal suggests comes from the narrower ``allowed``."""
    value = parse_decimal(price, name)
    grid = price_grid(instrument)
    used = value
    if rounding:
        used = grid.floor(value) if side is Side.BUY else grid.ceil(value)
    fault = grid.fault(used, "tick")
    if fault is None:
        return used
    if used != value:
        fault = f"rounded to {shortest(used)} on the passive side, {fault}"
    near = allowed.neighbours(value)
    hint = f"Use {listed(near)}." if near else "Wait for the market to come back: no price is valid now."
    if not rounding and len(near) == 2:
        passive = near[0] if side is Side.BUY else near[1]
        hint = f"Use {listed(near)}, or --round for {shortest(passive)}."
    raise ValidationError(
        f"PRICE_FILTER: {instrument.symbol} {name} {shortest(value)} is {fault}; accepted: {listed(near)} "
        f"({allowed})",
        rule="PRICE_FILTER",
        hint=hint,
    )


def _check_percent_price(
    price: Decimal, instrument: Instrument, side: Side, reference: str, market: Decimal
) -> None:
    if percent_band(instrument, side, market).fault(price) is None:
        return
    allowed = side_price_grid(instrument, side, market)
    if side is Side.BUY:
        factor, bound = instrument.percent_price.multiplier_up, f"at most {shortest(allowed.highest)}"
    else:
        factor, bound = instrument.percent_price.multiplier_down, f"at least {shortest(allowed.lowest)}"
    if allowed.is_empty:
        bound, hint = "no price for now", "Wait for the market to come back."
    else:
        hint = f"Use a price of {bound}."
    raise ValidationError(
        f"PERCENT_PRICE: {instrument.symbol} {side} price {shortest(price)} is beyond {reference} × "
        f"{shortest(factor)}; accepted: {bound}",
        rule="PERCENT_PRICE",
        hint=hint,
    )
