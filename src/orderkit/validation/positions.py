"""What an order may do to the position: position side, reduce-only, margin and the leverage bracket."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.errors import ValidationError
from orderkit.validation.grid import quantity_grid
from orderkit.validation.numbers import ZERO, exact, rounded_down, rounded_up, shortest
from orderkit.validation.quantities import smallest_quantity


def validate_position_side(
    position_side: PositionSide, hedge_mode: bool, reduce_only: bool, side: Side
) -> PositionSide:
    """BOTH in one-way mode; LONG or SHORT in hedge mode (-4061), where reduce-only is not sent (-1106).

    Raises:
        ValidationError: (POSITION_SIDE) it does not match the account's mode; (REDUCE_ONLY) reduce-only in
            hedge mode.
    """
    if not hedge_mode and position_side is not PositionSide.BOTH:
        raise ValidationError(
            f"POSITION_SIDE: {position_side} does not match the account, which is in one-way mode; "
            "accepted: BOTH",
            rule="POSITION_SIDE",
            hint="Leave the position side out, or switch the account to hedge mode.",
        )
    closes = closed_leg(side)
    if hedge_mode and position_side is PositionSide.BOTH:
        raise ValidationError(
            "POSITION_SIDE: BOTH does not match the account, which is in hedge mode; accepted: LONG or SHORT",
            rule="POSITION_SIDE",
            hint=f"Say which: {side} opens {closed_leg(side.opposite)} and closes {closes}.",
        )
    if hedge_mode and reduce_only:
        raise ValidationError(
            f"REDUCE_ONLY: hedge mode takes no reduce-only; accepted: {side} with position side {closes}",
            rule="REDUCE_ONLY",
            hint=f"Leave reduce-only out: {side} {closes} can only reduce.",
        )
    return position_side


def closed_leg(side: Side) -> PositionSide:
    """The hedge-mode leg that orders of this side close: BUY closes SHORT, SELL closes LONG."""
    return PositionSide.SHORT if side is Side.BUY else PositionSide.LONG


def closing_quantity(
    side: Side, quantity: Decimal, position: Decimal, position_side: PositionSide = PositionSide.BOTH
) -> Decimal:
    """The part of an order that closes ``position`` (signed, base asset); in hedge mode all or nothing."""
    if position_side is not PositionSide.BOTH:
        return quantity if position_side is closed_leg(side) else ZERO
    return min(quantity, abs(position)) if position * side.sign < 0 else ZERO


@exact
def validate_reduce_only(
    quantity: Decimal,
    side: Side,
    position: Decimal,
    instrument: Instrument,
    *,
    position_side: PositionSide = PositionSide.BOTH,
    market: bool = False,
) -> None:
    """An order that may only reduce needs an opposite position at least as large (-2022, -4118).

    Call it for reduce-only orders, and in hedge mode for those that close a leg. ``position`` is the signed
    quantity held, in base asset. Other resting reduce-only orders are not counted.
    ``quantity`` may be a parent order's, larger than one order's maximum.

    Raises:
        ValidationError: (REDUCE_ONLY) no opposite position, or one smaller than the order.
    """
    held = "no position"
    if position:
        held = f"a {'long' if position > 0 else 'short'} position of {shortest(abs(position))}"
    where = (
        instrument.symbol if position_side is PositionSide.BOTH else f"{instrument.symbol} {position_side}"
    )
    if position * side.sign >= 0:
        needed = "a short position" if side is Side.BUY else "a long position"
        raise ValidationError(
            f"REDUCE_ONLY: {where} has {held}, which {side} cannot reduce; accepted: {side} against {needed}",
            rule="REDUCE_ONLY",
            hint=f"Use {side.opposite} to reduce it." if position else "There is nothing to reduce.",
        )
    if quantity <= abs(position):
        return
    fitting = quantity_grid(instrument, market=market).at_most(abs(position))
    raise ValidationError(
        f"REDUCE_ONLY: {where} has {held}, less than {shortest(quantity)}; accepted: "
        + ("no quantity" if fitting is None else f"up to {shortest(fitting)}"),
        rule="REDUCE_ONLY",
        hint="The rest is below the minimum." if fitting is None else f"Use at most {shortest(fitting)}.",
    )


@exact
def validate_margin(
    quantity: Decimal,
    price: Decimal,
    instrument: Instrument,
    side: Side,
    *,
    position: Decimal,
    leverage: int,
    available_balance: Decimal,
    taker_rate: Decimal,
    brackets: Sequence[Bracket] = (),
    position_side: PositionSide = PositionSide.BOTH,
    market: bool = False,
) -> Decimal:
    """The margin and fee the order's opening part needs, in margin asset, if the account can bear it.

    Initial margin = notional / leverage (FAQ b3c689c1f50a44cabb3a84e663b81d93), plus the taker fee on the
    notional, against the available balance. The part that closes ``position`` (signed, base asset) needs
    none. The position afterwards, valued at ``price``, must lie within the largest bracket that the leverage
    reaches (-2027). An estimate: the exchange adds the open loss of a price worse than the mark price.
    ``quantity`` may be a parent order's, larger than one order's maximum.

    Raises:
        ValidationError: (LEVERAGE_BRACKET) the position would be too large for the leverage; (MARGIN) not
            enough balance. Both name the largest quantity that would fit.
    """
    closing = closing_quantity(side, quantity, position, position_side)
    opening = quantity - closing
    if opening <= 0:
        return ZERO
    kept = ZERO if closing else abs(position)
    cap = _notional_cap(brackets, leverage)
    per_unit = price * (1 + taker_rate * leverage)  # × leverage: the quotient below stays exact
    limits = [max(available_balance, ZERO) * leverage / per_unit]
    if cap is not None:
        limits.append(cap / price - kept)
    room = closing + max(min(limits), ZERO)
    fitting = quantity_grid(instrument, market=market).at_most(room)
    smallest = smallest_quantity(price, instrument, market=market)
    if fitting is not None and (smallest is None or fitting < smallest):
        fitting = None
    accepted = "no quantity" if fitting is None else f"a quantity up to {shortest(fitting)}"
    smaller = "" if fitting is None else f"Use at most {shortest(fitting)}, or "
    what = f"{instrument.symbol} {side} {shortest(quantity)} at {shortest(price)} with leverage {leverage}"
    if cap is not None and (kept + opening) * price > cap:
        raise ValidationError(
            f"LEVERAGE_BRACKET: {what} makes a position of {shortest((kept + opening) * price)} "
            f"{instrument.quote_asset}, above the cap {shortest(cap)}; accepted: {accepted}",
            rule="LEVERAGE_BRACKET",
            hint=_sentence(f"{smaller}lower the leverage"),
        )
    required = opening * per_unit / leverage
    if opening * per_unit > available_balance * leverage:
        fee = opening * price * taker_rate
        raise ValidationError(
            f"MARGIN: {what} needs {rounded_up(required)} {instrument.margin_asset} (fee {rounded_up(fee)} "
            f"included), available are {rounded_down(available_balance)}; accepted: {accepted}",
            rule="MARGIN",
            hint=_sentence(f"{smaller}add funds or raise the leverage"),
        )
    return required


def _notional_cap(brackets: Sequence[Bracket], leverage: int) -> Decimal | None:
    """The largest position the leverage allows, in quote asset; None without brackets."""
    caps = [row.notional_cap for row in brackets if row.initial_leverage >= leverage]
    return max(caps, default=ZERO) if brackets else None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
