"""What a job may wait for, or end on, besides the time: a price at some venue, a balance."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.errors import UsageError, ValidationError
from orderkit.utils import parse_decimal

_SIDES = {"above": True, "below": False}


@dataclass(frozen=True, slots=True)
class Trigger:
    """The price of ``pair`` at ``venue`` is at or ``above`` (else below) ``value``."""

    venue: str
    pair: str
    above: bool
    value: Decimal

    def holds(self, price: Decimal) -> bool:
        return price >= self.value if self.above else price <= self.value

    def __str__(self) -> str:
        return f"{self.venue} {self.pair} {'above' if self.above else 'below'} {self.value}"


@dataclass(frozen=True, slots=True)
class StopWhen:
    """The wallet balance of ``asset`` is at or ``above`` (else below) ``value``."""

    asset: str
    above: bool
    value: Decimal

    def holds(self, balance: Decimal) -> bool:
        return balance >= self.value if self.above else balance <= self.value

    def __str__(self) -> str:
        return f"{self.asset} {'above' if self.above else 'below'} {self.value}"


def parse_trigger(text: str) -> Trigger:
    """``EXCHANGE;PAIR;above|below;VALUE``. On binance the pair is a USDⓈ-M contract.

    Raises:
        UsageError: another form.
    """
    (venue, pair), above, value = _read(text, "--trigger", "BINANCE;BTCUSDT;above;65000")
    venue, pair = venue.lower(), pair.upper()
    if venue == "binance":
        pair = pair.split(":")[0].replace("/", "").replace("-", "")
    return Trigger(venue, pair, above, value)


def parse_stop_when(text: str) -> StopWhen:
    """``ASSET;above|below;VALUE``.

    Raises:
        UsageError: another form.
    """
    (asset,), above, value = _read(text, "--stop-when", "USDT;below;500")
    return StopWhen(asset.upper(), above, value)


def _read(text: str, name: str, example: str) -> tuple[list[str], bool, Decimal]:
    """What the condition is about, as many words as in the example, and ``above|below;VALUE``."""
    words = [word.strip() for word in text.split(";")]
    try:
        if len(words) != len(example.split(";")) or not all(words):
            raise KeyError(text)
        *about, side, number = words
        return about, _SIDES[side.lower()], parse_decimal(number, name)
    except (KeyError, ValidationError):
        raise UsageError(f"{name} {text!r} cannot be read", hint=f'write it like "{example}"') from None
