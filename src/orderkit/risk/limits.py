"""The limits a desk sets itself, and how they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from orderkit.errors import ConfigurationError

PREFIX = "ORDERKIT_RISK_"


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """None switches a limit off. Notionals and losses in quote asset (USDT).

    ``max_position_notional``: of one symbol's position at mark price, once all that works is filled.
    ``max_order_notional``: of one order. ``max_daily_loss``: realised P&L, fees and funding since 00:00 UTC.
    ``max_open_orders``: of one symbol. ``max_distance_bps``: of a limit or trigger price from the mark price
    (fat finger). ``max_leverage``: the symbol's setting. ``allowed_symbols``: no others.
    """

    max_position_notional: Decimal | None = Decimal(100_000)
    max_order_notional: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_open_orders: int | None = None
    max_distance_bps: Decimal | None = None
    max_leverage: int | None = None
    allowed_symbols: frozenset[str] | None = None

    @classmethod
    def read(cls, table: Mapping[str, Any], environ: Mapping[str, str]) -> "RiskLimits":
        """From a TOML file's table and, before it, ``ORDERKIT_RISK_…`` variables; "off" switches one off.

        Raises:
            ConfigurationError: an unknown name, or a value that is none.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(table) - known) + sorted(
            name for name in environ if name.startswith(PREFIX) and name[len(PREFIX) :].lower() not in known
        )
        if unknown:
            raise ConfigurationError(
                f"{unknown[0]} is not a risk limit", hint=f"known are {', '.join(sorted(known))}"
            )
        values = dict(table) | {
            name: environ[PREFIX + name.upper()] for name in known if environ.get(PREFIX + name.upper())
        }
        return cls(**{name: _parsed(name, value) for name, value in values.items()})


def _parsed(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in ("off", "none"):
        return None
    if name == "allowed_symbols":
        symbols = value.split(",") if isinstance(value, str) else value
        return frozenset(str(symbol).strip().upper() for symbol in symbols if str(symbol).strip())
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    whole = name in ("max_open_orders", "max_leverage")
    if not number.is_finite() or number <= 0 or (whole and number % 1):
        kind = "whole number" if whole else "number"
        raise ConfigurationError(
            f"the risk limit {name} is {value!r}", hint=f"give a {kind} above zero, or off"
        )
    return int(number) if whole else number
