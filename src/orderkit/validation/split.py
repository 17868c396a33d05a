"""Cutting a quantity into equal slices that each pass the filters and add up to it exactly."""

from collections.abc import Iterable
from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.errors import ValidationError
from orderkit.validation.grid import Grid, listed, quantity_grid
from orderkit.validation.numbers import exact, parse_decimal, shortest
from orderkit.validation.quantities import lot_rules

# The number of slices nearest to the bound works at once but for unusual filters; no search goes on for ever.
_CANDIDATES = 10_000


@exact
def split_quantity(
    total: Decimal, chunks: int, instrument: Instrument, *, market: bool = True, price: Decimal | None = None
) -> list[Decimal]:
    """``chunks`` equal quantities on the step, the last with the remainder: their sum is exactly ``total``.

    1.0 in 3 on a step of 0.001 is 0.333, 0.333, 0.334. Every slice passes LOT_SIZE and, for ``market``
    slices, MARKET_LOT_SIZE; with a ``price`` (quote asset) MIN_NOTIONAL too. Base asset.

    Raises:
        ValidationError: (NUMBER) total not a positive number; (CHUNKS) chunks below 1; (LOT_SIZE,
            MARKET_LOT_SIZE) total off the step, or slices below the minimum or above the maximum;
            (MIN_NOTIONAL) slices worth too little. Names the numbers of chunks that work.
    """
    value = parse_decimal(total, "quantity")
    if chunks < 1:
        raise ValidationError(
            f"CHUNKS: {chunks} is not a number of chunks; accepted: 1 or more",
            rule="CHUNKS",
            hint="Use at least one chunk.",
        )
    grid = quantity_grid(instrument, market=market)
    _check_total(value, chunks, instrument, grid, market=market)
    smallest = grid.lowest
    if price is not None:
        smallest = max(smallest, grid.ceil(instrument.min_notional / price))
    part, last = _cut(value, chunks, grid)
    if part < smallest:
        raise _too_small(value, chunks, instrument, grid, smallest, price, market=market)
    if last > grid.maximum:
        raise _too_large(value, chunks, instrument, grid, smallest, market=market)
    return [grid.spelled(part)] * (chunks - 1) + [grid.spelled(last)]


def _cut(total: Decimal, chunks: int, grid: Grid) -> tuple[Decimal, Decimal]:
    """One of the equal slices, and the last one, which is never smaller."""
    part = grid.floor(total / chunks)
    return part, total - part * (chunks - 1)


def _fits(total: Decimal, chunks: int, grid: Grid, smallest: Decimal) -> bool:
    part, last = _cut(total, chunks, grid)
    return part >= smallest and last <= grid.maximum and grid.is_on_step(last)


def _first(candidates: Iterable[int], total: Decimal, grid: Grid, smallest: Decimal) -> int | None:
    return next((n for n in candidates if _fits(total, n, grid, smallest)), None)


def _largest_number(total: Decimal, grid: Grid, smallest: Decimal) -> int | None:
    most = int(total // smallest) if smallest else 0
    return _first(range(most, max(most - _CANDIDATES, 0), -1), total, grid, smallest)


def _smallest_number(total: Decimal, grid: Grid, smallest: Decimal) -> int | None:
    fewest = max(int(-(-total // grid.maximum)), 1)
    return _first(range(fewest, fewest + _CANDIDATES), total, grid, smallest)


def _check_total(value: Decimal, chunks: int, instrument: Instrument, grid: Grid, *, market: bool) -> None:
    # Slices of min + k·step add up to chunks·min + K·step: where min is no multiple of the step, the totals
    # that can be cut depend on the number of slices.
    totals = Grid(grid.lowest * chunks, grid.maximum * chunks, grid.step, grid.offset * chunks)
    if totals.is_on_step(value):
        return
    near = totals.neighbours(value)
    rule = next((r for r, lot in lot_rules(instrument, market=market) if lot.step == grid.step), "LOT_SIZE")
    raise ValidationError(
        f"{rule}: {instrument.symbol} quantity {shortest(value)} in {_chunks(chunks)} is not on the step "
        f"{shortest(grid.step)}; accepted: {listed(near)}",
        rule=rule,
        hint=f"Use {listed(near)}.",
    )


def _too_small(
    value: Decimal,
    chunks: int,
    instrument: Instrument,
    grid: Grid,
    smallest: Decimal,
    price: Decimal | None,
    *,
    market: bool,
) -> ValidationError:
    part, _ = _cut(value, chunks, grid)
    if part >= grid.lowest and price is not None:
        rule = "MIN_NOTIONAL"
        floor = f"{shortest(instrument.min_notional)} {instrument.quote_asset}"
        limit = f"worth less than {floor} at {shortest(price)}"
    else:
        share = value / chunks
        rule = next((r for r, lot in lot_rules(instrument, market=market) if share < lot.lowest), "LOT_SIZE")
        limit = f"below the minimum {shortest(grid.lowest)} (step {shortest(grid.step)})"
    most = _largest_number(value, grid, smallest)
    return ValidationError(
        f"{rule}: {instrument.symbol} {shortest(value)} in {_chunks(chunks)} makes slices of "
        f"{shortest(part)}, {limit}; accepted: "
        + (f"at most {_chunks(most)}" if most else "no number of chunks"),
        rule=rule,
        hint=f"Use at most {_chunks(most)} or a larger quantity." if most else "Use a larger quantity.",
    )


def _too_large(
    value: Decimal, chunks: int, instrument: Instrument, grid: Grid, smallest: Decimal, *, market: bool
) -> ValidationError:
    _, last = _cut(value, chunks, grid)
    rule = next(r for r, lot in lot_rules(instrument, market=market) if last > lot.maximum)
    fewest = _smallest_number(value, grid, smallest)
    return ValidationError(
        f"{rule}: {instrument.symbol} {shortest(value)} in {_chunks(chunks)} makes a slice of "
        f"{shortest(last)}, above the maximum {shortest(grid.maximum)}; accepted: "
        + (f"at least {_chunks(fewest)}" if fewest else "a smaller quantity"),
        rule=rule,
        hint=f"Use {_chunks(fewest)} or more." if fewest else "Use a smaller quantity.",
    )


def _chunks(number: int) -> str:
    return f"{number} chunk" if number == 1 else f"{number} chunks"
