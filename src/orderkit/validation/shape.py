"""Which fields belong to which order type: what is missing and what must not be there."""

from decimal import Decimal

from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.domain.order import OrderRequest
from orderkit.errors import ValidationError
from orderkit.validation.numbers import shortest

CALLBACK_RATES = (Decimal("0.1"), Decimal(20), Decimal("0.1"))  # lowest, highest, step; percent
_CLOSING_TYPES = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)


def validate_shape(request: OrderRequest) -> None:
    """Every field the type needs is there and none that it does not take (new order and algo order pages).

    Raises:
        ValidationError: (QUANTITY, PRICE, PRICE_MATCH, TRIGGER_PRICE, WORKING_TYPE, CLOSE_POSITION), named
            after the field: -1102, -1106, -4136 to -4138 on the exchange.
    """
    kind = request.type
    if request.close_position:
        _check_close_position(request)
    elif request.quantity is None:
        raise _refusal("QUANTITY", f"{kind} needs a quantity", "a quantity, or close-position on a stop")
    if kind.is_market:
        if request.price is not None:
            raise _refusal("PRICE", f"{kind} takes no price", "LIMIT, STOP or TAKE_PROFIT with a price")
        if request.price_match is not None:
            raise _refusal(
                "PRICE_MATCH", f"{kind} takes no price match", "LIMIT, STOP or TAKE_PROFIT with it"
            )
    elif request.price is None and request.price_match is None:
        raise _refusal("PRICE", f"{kind} needs a price", "a price or a price match")
    elif request.price is not None and request.price_match is not None:
        raise _refusal("PRICE_MATCH", f"{kind} has both a price and a price match", "one of the two")
    if kind.is_conditional:
        if kind is OrderType.TRAILING_STOP_MARKET:
            validate_callback_rate(request.callback_rate)
        elif request.trigger_price is None:
            raise _refusal("TRIGGER_PRICE", f"{kind} needs a trigger price", "a trigger price")
    elif request.trigger_price is not None:
        raise _refusal(
            "TRIGGER_PRICE", f"{kind} takes no trigger price", "a stop or take-profit type with it"
        )
    elif request.working_type is not None or request.price_protect:
        raise _refusal("WORKING_TYPE", f"{kind} has no trigger to work on", "stop and take-profit types")
    if request.callback_rate is not None and kind is not OrderType.TRAILING_STOP_MARKET:
        raise _refusal("CALLBACK_RATE", f"{kind} takes no callback rate", "TRAILING_STOP_MARKET with it")


def validate_callback_rate(rate: Decimal | None) -> None:
    """How far a trailing stop stays behind the market, in percent (new algo order page; 20 since 2026-10-23).

    Raises:
        ValidationError: (CALLBACK_RATE) absent, out of range or too fine: -1102 and -2007 on the exchange.
    """
    lowest, highest, step = CALLBACK_RATES
    if rate is not None and lowest <= rate <= highest and rate % step == 0:
        return
    given = "no callback rate" if rate is None else f"callback rate {shortest(rate)} %"
    raise ValidationError(
        f"CALLBACK_RATE: {given}; accepted: {lowest} to {highest} % in steps of {step}",
        rule="CALLBACK_RATE",
        hint="Give a percentage such as 1 or 0.5.",
    )


def _check_close_position(request: OrderRequest) -> None:
    kind, side, leg = request.type, request.side, request.position_side
    if kind not in _CLOSING_TYPES:
        raise _refusal("CLOSE_POSITION", f"{kind} cannot close a position", " or ".join(_CLOSING_TYPES))
    if request.quantity is not None:
        raise _refusal("CLOSE_POSITION", "close-position takes no quantity", "one of the two")
    if request.reduce_only:
        raise _refusal("CLOSE_POSITION", "close-position takes no reduce-only", "one of the two")
    if leg is (PositionSide.LONG if side is Side.BUY else PositionSide.SHORT):
        raise _refusal("CLOSE_POSITION", f"{side} cannot close {leg}", f"{side.opposite} with {leg}")


def _refusal(rule: str, what: str, accepted: str) -> ValidationError:
    return ValidationError(f"{rule}: {what}; accepted: {accepted}", rule=rule, hint=f"Give {accepted}.")
