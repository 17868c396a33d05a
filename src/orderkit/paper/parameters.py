"""A request's parameters: query and body merged, read by name with the exchange's own refusals."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl

from orderkit.simulator.types import ExchangeError

_E = TypeVar("_E", bound=StrEnum)
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]+")
_CLIENT_ID_RANGE = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_MAX_CLIENT_ID = 36
_MAX_DIGITS = 30
MAX_FIELDS = 2_000
# Clients spell these two in lower case and in camel case.
_SPELLINGS = {"orderidlist": "orderIdList", "origclientorderidlist": "origClientOrderIdList"}


def merge(query: str, body: str) -> dict[str, str]:
    """Query and form body as one mapping; of a name in both, the query's value counts.

    Raises:
        ValueError: more than ``MAX_FIELDS`` fields.
    """
    merged: dict[str, str] = {}
    for text in (body, query):
        if text:
            for name, value in _pairs(text):
                merged[_SPELLINGS.get(name.lower(), name)] = value
    return merged


def _pairs(text: str) -> list[tuple[str, str]]:
    """What ``parse_qsl`` makes of a text, at a third of its cost where nothing is encoded."""
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    fields = [field for field in text.split("&") if field]
    if len(fields) > MAX_FIELDS:
        raise ValueError("too many fields")
    return [(name, value) for name, _, value in (field.partition("=") for field in fields)]


def missing(name: str) -> ExchangeError:
    """-1102: a mandatory parameter is absent, empty or not of its form."""
    return ExchangeError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> ExchangeError:
    """-1130: a parameter's value is outside its vocabulary."""
    return ExchangeError(-1130, f"Data sent for parameter '{name}' is not valid.")


def unexpected(name: str) -> ExchangeError:
    """-1106: a parameter that this kind of request does not take."""
    return ExchangeError(-1106, f"Parameter '{name}' sent when not required.")


class Parameters:
    """Typed access to the parameters of one request. An empty value counts as absent."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

    def text(self, name: str) -> str | None:
        return self._values.get(name) or None

    def required(self, name: str) -> str:
        """Raises -1102 when absent."""
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self) -> str:
        return self.required("symbol").upper()

    def optional_symbol(self) -> str | None:
        value = self.text("symbol")
        return value.upper() if value else None

    def integer(self, name: str) -> int | None:
        """Raises -1102 for what is no integer of at most 19 digits."""
        value = self.text(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
            raise missing(name)
        return int(value)

    def required_integer(self, name: str) -> int:
        value = self.integer(name)
        if value is None:
            raise missing(name)
        return value

    def limit(self, default: int, maximum: int) -> int:
        """The ``limit`` parameter; -1130 outside 1 … ``maximum`` (klines limit=1501 is refused so)."""
        value = self.integer("limit")
        if value is None:
            return default
        if not 1 <= value <= maximum:
            raise invalid("limit")
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Raises -1102 for what is no finite number of sane length, and for a negative zero."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise missing(name) from None
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or len(value) > _MAX_DIGITS or abs(exponent) > _MAX_DIGITS:
            raise missing(name)
        if abs(number.adjusted()) > _MAX_DIGITS or (number.is_signed() and not number):
            raise missing(name)
        return number

    def boolean(self, name: str) -> bool:
        """``true`` or ``false`` in any case (python-binance sends ``True``); absent is False."""
        value = self.text(name)
        if value is None:
            return False
        lowered = value.lower()
        if lowered not in ("true", "false"):
            raise invalid(name)
        return lowered == "true"

    def member(self, name: str, kind: type[_E], error: ExchangeError | None = None) -> _E | None:
        """A value of a closed vocabulary; ``error`` (default -1130) for one outside it."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            raise (error or invalid(name)) from None

    def required_member(self, name: str, kind: type[_E], error: ExchangeError | None = None) -> _E:
        value = self.member(name, kind, error)
        if value is None:
            raise missing(name)
        return value

    def client_id(self, name: str) -> str | None:
        """A client order id; -4015 when too long, -1100 for characters outside the range."""
        value = self.text(name)
        if value is None:
            return None
        if len(value) > _MAX_CLIENT_ID:
            raise ExchangeError(-4015, "Client order id length should be less than 36 chars")
        if not _CLIENT_ID.fullmatch(value):
            raise ExchangeError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '{_CLIENT_ID_RANGE}'."
            )
        return value
