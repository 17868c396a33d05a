"""Sizes given in other ways than base asset: worth so much, so much of the balance. Always rounded down."""

from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.errors import ValidationError
from orderkit.validation.numbers import exact, rounded_up, shortest
from orderkit.validation.quantities import smallest_quantity


@exact
def quantity_worth(notional: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """The largest quantity on the step that is worth at most ``notional`` (quote asset) at ``price``.

    It may be more than one order's maximum: a parent order's may.

    Raises:
        ValidationError: (NOTIONAL) that is less than the contract's smallest quantity.
    """
    quantity = instrument.round_quantity(notional / price, market=True)
    lowest = instrument.lot_size_for(market=True).min_quantity
    if quantity < lowest or quantity <= 0:
        smallest = smallest_quantity(price, instrument, market=True) or lowest
        least = f"{rounded_up(smallest * price)} {instrument.quote_asset}"
        raise ValidationError(
            f"NOTIONAL: {shortest(notional)} {instrument.quote_asset} is less than the smallest order of"
            f" {instrument.symbol}, {shortest(smallest)} at {shortest(price)}; accepted: {least} or more",
            rule="NOTIONAL",
            hint=f"Use at least {least}.",
        )
    return quantity


@exact
def quantity_for_balance(
    balance: Decimal, price: Decimal, leverage: int, taker_rate: Decimal, instrument: Instrument
) -> Decimal:
    """The largest quantity on the step whose initial margin and taker fee ``balance`` (margin asset) bears.

    As `validate_margin` counts them: notional / leverage, and the fee on the notional.

    Raises:
        ValidationError: (NOTIONAL) that is less than the contract's smallest quantity.
    """
    return quantity_worth(balance * leverage / (1 + taker_rate * leverage), price, instrument)
