"""Reading and writing plain decimal numbers, and arithmetic on them that never rounds on its own."""

import functools
import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from typing import ParamSpec, TypeVar

from orderkit.errors import ValidationError

ZERO = Decimal(0)
MAX_DIGITS = 30  # before the point, and after it
CENT = Decimal("0.01")

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PLAIN = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_NEGATIVE = re.compile(r"-\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)")
# The default context's 28 digits would round a long quantity, possibly up. A product of two accepted numbers
# has at most 120 digits, and a quotient of two that is not whole differs from a whole one within 160.
_EXACT = Context(prec=160)


def exact(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run ``function`` with enough digits that sums, products and steps of accepted numbers are exact."""

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(_EXACT):
            return function(*args, **kwargs)

    return wrapper


def parse_decimal(text: str | int | Decimal, name: str) -> Decimal:
    """A positive finite number from plain decimal text ("0.5", "1000"), an int or a Decimal.

    ``name`` says in a refusal what the number is. Digits given are kept: "1.00" stays 1.00.

    Raises:
        ValidationError: (NUMBER) anything else: empty, NaN, infinite, zero, negative, with an exponent,
            a comma or other separators, more than 30 digits on a side of the point, or a float.
    """
    if isinstance(text, str):
        return _in_range(_from_text(text.strip(), name), name)
    if isinstance(text, bool) or not isinstance(text, int | Decimal):
        raise _refusal(
            f"{name} {quoted(str(text))} is a {type(text).__name__}, which does not hold decimals exactly",
            'Pass a string such as "0.5" or a Decimal.',
        )
    value = Decimal(text)
    if not value.is_finite():
        raise _refusal(f"{name} {value} is not a finite number", f"Give the {name} as a plain number.")
    return _in_range(value, name)


def format_decimal(value: Decimal) -> str:
    """Plain digits without an exponent: 1E+3 → "1000", 1E-7 → "0.0000001", -0 → "0".

    The number of decimals is the value's own, so that 1.000 (three decimals by its step) stays "1.000".
    """
    return format(value or abs(value), "f")


def shortest(value: Decimal) -> str:
    """Like `format_decimal`, without trailing zeros after the point: how refusals write numbers."""
    text = format_decimal(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded_up(money: Decimal) -> str:
    """An amount that is needed, to the cent above, for people to read."""
    return shortest(money.quantize(CENT, ROUND_CEILING))


def rounded_down(money: Decimal) -> str:
    """An amount that is there, to the cent below, for people to read."""
    return shortest(money.quantize(CENT, ROUND_FLOOR))


def quoted(text: str) -> str:
    """What a person typed, on one line and not too long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _from_text(text: str, name: str) -> Decimal:
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if not text:
        raise _refusal(f"{name} is empty", f"Give the {name} as a plain number.")
    if _NEGATIVE.fullmatch(text):
        raise _refusal(f"{name} {quoted(text)} is negative", "Leave the sign out: the side gives it.")
    if "," in text:
        hint = "Use a point for decimals and nothing between thousands, such as 1.5 or 1000."
    elif re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", text):
        hint = "Write the number out, without an exponent."
    else:
        hint = f"Give the {name} as digits with at most one decimal point."
    raise _refusal(f"{name} {quoted(text)} is not a plain decimal number", hint)


def _in_range(value: Decimal, name: str) -> Decimal:
    if value <= 0:
        what = "zero" if value == 0 else "negative"
        raise _refusal(f"{name} {quoted(str(value))} is {what}", f"Give a {name} above zero.")
    exponent = value.as_tuple().exponent
    if value.adjusted() >= MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
        raise ValidationError(
            f"NUMBER: {name} has too many digits; accepted: at most {MAX_DIGITS} before and after the point",
            rule="NUMBER",
            hint=f"Shorten the {name}.",
        )
    return value


def _refusal(what: str, hint: str) -> ValidationError:
    return ValidationError(
        f"NUMBER: {what}; accepted: a positive number such as 0.5 or 1000", rule="NUMBER", hint=hint
    )
