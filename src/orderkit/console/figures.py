"""Numbers as text: exact for documents, and money with the decimals that a person reads."""

from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.utils import format_decimal

_CENT_OF_TICK = Decimal("0.01")
_EIGHT_PLACES = Decimal("0.00000001")
_DOLLAR_PLACES, _COIN_PLACES = 2, 6
_SIGNIFICANT = 4


def quantity_text(quantity: Decimal, instrument: Instrument) -> str:
    """With the step's number of decimals, more only where there are more."""
    return _padded(quantity, instrument.lot_size.step_size)


def price_text(price: Decimal | None, instrument: Instrument) -> str | None:
    """With the tick's number of decimals, more only where there are more."""
    return None if price is None else _padded(price, instrument.price_filter.tick_size)


def average_text(price: Decimal | None, instrument: Instrument) -> str | None:
    """An average price, two decimals finer than the tick."""
    if price is None:
        return None
    step = instrument.price_filter.tick_size * _CENT_OF_TICK
    return f"{price.quantize(step):f}" if step else format_decimal(price)


def money_text(amount: Decimal) -> str:
    """For documents: at most eight decimals, without trailing zeros."""
    return f"{amount.quantize(_EIGHT_PLACES).normalize():f}"


def money_shown(amount: Decimal | str, asset: str) -> str:
    """For people: cents of a dollar coin, six decimals of others."""
    return f"{Decimal(amount):z.{_places(asset)}f}"


def fee_shown(amount: Decimal | str, asset: str) -> str:
    """As ``money_shown``; of less than one the first four digits, as cents alone would hide most fees."""
    exact, places = Decimal(amount), _places(asset)
    if exact and abs(exact) < 1:
        fine = f"{exact:.{_SIGNIFICANT - 1 - exact.adjusted()}f}".rstrip("0")
        places = max(places, len(fine.partition(".")[2]))
    return f"{exact:z.{places}f}"


def _places(asset: str) -> int:
    return _DOLLAR_PLACES if "USD" in asset else _COIN_PLACES


def _padded(value: Decimal, step: Decimal) -> str:
    places = max(-int(d.normalize().as_tuple().exponent) for d in (step, value, Decimal(1)))
    return f"{value:.{places}f}"
