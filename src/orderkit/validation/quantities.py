"""The exchange's filters on an order's size: LOT_SIZE, MARKET_LOT_SIZE and MIN_NOTIONAL."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from orderkit.domain.instrument import NO_LIMIT, Instrument
from orderkit.errors import ValidationError
from orderkit.validation.grid import Grid, listed, lot_grid, quantity_grid
from orderkit.validation.numbers import exact, parse_decimal, shortest


@exact
def validate_quantity(
    quantity: Decimal, instrument: Instrument, *, market: bool, rounding: bool = False
) -> Decimal:
    """A quantity in base asset that passes LOT_SIZE and, for ``market`` orders, MARKET_LOT_SIZE too.

    The result is written with the step's number of decimals. Off the step it is refused, or with
    ``rounding`` rounded down, never up.

    Raises:
        ValidationError: (NUMBER) not a positive number; (LOT_SIZE, MARKET_LOT_SIZE) below the minimum,
            above the maximum, or off the step: -4003 to -4005 and -4023 on the exchange.
    """
    value = parse_decimal(quantity, "quantity")
    grid = quantity_grid(instrument, market=market)
    used = grid.floor(value) if rounding else value
    for rule, lot in lot_rules(instrument, market=market):
        fault = lot.fault(used)
        if fault is None:
            continue
        if used != value:
            fault = f"rounded down to {shortest(used)}, {fault}"
        near = grid.neighbours(value)
        raise ValidationError(
            f"{rule}: {instrument.symbol} quantity {shortest(value)} is {fault}; accepted: {listed(near)} "
            f"({grid})",
            rule=rule,
            hint=_hint(used, near, lot, instrument, market=market),
        )
    return grid.spelled(used)


def validate_parent_quantity(quantity: Decimal, instrument: Instrument, *, rounding: bool = False) -> Decimal:
    """A quantity that goes out in several limit orders: as LOT_SIZE wants it, but for one order's maximum.

    Raises:
        ValidationError: (NUMBER, LOT_SIZE) as `validate_quantity` does.
    """
    unbound = replace(instrument, lot_size=replace(instrument.lot_size, max_quantity=NO_LIMIT))
    return validate_quantity(quantity, unbound, market=False, rounding=rounding)


@exact
def validate_notional(
    quantity: Decimal,
    price: Decimal,
    instrument: Instrument,
    *,
    reduce_only: bool = False,
    market: bool = False,
) -> Decimal:
    """The order's notional in quote asset, if it reaches MIN_NOTIONAL; reduce-only orders are exempt.

    ``price`` is the limit price, for market orders the mark price (-4164); ``market`` says which lot filters
    the suggested quantity must pass.

    Raises:
        ValidationError: (MIN_NOTIONAL) too small; names the smallest quantity that passes at that price.
    """
    notional = quantity * price
    if reduce_only or notional >= instrument.min_notional:
        return notional
    smallest = smallest_quantity(price, instrument, market=market)
    if smallest is None:
        accepted = f"no quantity at {shortest(price)}"
        hint = "Choose another price or contract, or reduce-only if this closes a position."
    else:
        accepted = f"{shortest(smallest)} or more at that price"
        hint = f"Use at least {shortest(smallest)}, or reduce-only if this closes a position."
    raise ValidationError(
        f"MIN_NOTIONAL: {instrument.symbol} {shortest(quantity)} at {shortest(price)} is worth "
        f"{shortest(notional)} {instrument.quote_asset}, less than {shortest(instrument.min_notional)}; "
        f"accepted: {accepted}",
        rule="MIN_NOTIONAL",
        hint=hint,
    )


@exact
def smallest_quantity(price: Decimal, instrument: Instrument, *, market: bool) -> Decimal | None:
    """The smallest quantity that passes the lot filters and MIN_NOTIONAL at ``price``; None if none does."""
    grid = quantity_grid(instrument, market=market)
    smallest = max(grid.lowest, grid.ceil(instrument.min_notional / price))
    return grid.spelled(smallest) if smallest <= grid.maximum else None


@exact
def nearest_quantities(quantity: Decimal, instrument: Instrument, *, market: bool) -> tuple[Decimal, ...]:
    """The valid quantities next to ``quantity``: below and above, as far as there are such (0 to 2)."""
    return quantity_grid(instrument, market=market).neighbours(quantity)


def lot_rules(instrument: Instrument, *, market: bool) -> Iterator[tuple[str, Grid]]:
    """The quantity filters in the order they are checked, by name."""
    yield "LOT_SIZE", lot_grid(instrument, instrument.lot_size)
    if market:
        yield "MARKET_LOT_SIZE", lot_grid(instrument, instrument.market_lot_size)


def _hint(
    used: Decimal, near: tuple[Decimal, ...], lot: Grid, instrument: Instrument, *, market: bool
) -> str:
    if not near:
        return "Choose another contract: its filters leave no valid quantity."
    if used > lot.maximum:
        if market and used <= instrument.lot_size.max_quantity:
            limit = shortest(instrument.lot_size.max_quantity)
            return f"Slice it with twap, or use limit orders, which take up to {limit}."
        return f"Slice it with twap into orders of at most {shortest(near[0])}."
    if used >= lot.minimum and near[0] < used:
        return f"Use {listed(near)}, or --round to round down to {shortest(near[0])}."
    return f"Use at least {shortest(near[-1])}."
