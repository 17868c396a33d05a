"""Prices of other venues through ccxt, an optional extra: what a trigger waits for elsewhere."""

import functools
import importlib
import threading
from decimal import Decimal
from typing import Any

from orderkit.errors import ConfigurationError, ExchangeUnreachable, UsageError

TIMEOUT_MS = 5_000
INSTALL = 'pip install "orderkit[venues]"'
_lock = threading.Lock()


def check_venue(venue: str) -> None:
    """Whether its prices can be had.

    Raises:
        ConfigurationError: ccxt is not installed.
        UsageError: ccxt knows no such venue.
    """
    if venue != "binance" and venue not in _ccxt().exchanges:
        raise UsageError(
            f"no venue {venue!r} is known", hint="binance, or one of ccxt's names such as kraken or coinbase"
        )


def last_price(venue: str, pair: str) -> Decimal:
    """The last traded price; ``pair`` as the venue's users write it, such as BTC/USDT.

    Raises:
        ExchangeUnreachable: no price could be had.
        ConfigurationError: ccxt is not installed.
    """
    ccxt = _ccxt()
    with _lock:  # its clients are not made for several threads
        try:
            price = _client(venue).fetch_ticker(pair)["last"]
        except ccxt.BaseError as error:
            raise ExchangeUnreachable(f"{venue} gives no price of {pair}: {error}") from error
    if price is None:
        raise ExchangeUnreachable(f"{venue} gives no price of {pair}")
    return Decimal(str(price))


@functools.cache
def _client(venue: str) -> Any:
    return getattr(_ccxt(), venue)({"timeout": TIMEOUT_MS, "enableRateLimit": True})


def _ccxt() -> Any:
    try:
        return importlib.import_module("ccxt")
    except ImportError as error:
        raise ConfigurationError(
            "prices of other venues need ccxt, which is not installed", hint=INSTALL
        ) from error
