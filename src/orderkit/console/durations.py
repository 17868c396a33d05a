"""Durations and times as people type them."""

import re
import time
from datetime import UTC, datetime
from decimal import Decimal

from orderkit.errors import UsageError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration_ms(text: str, name: str) -> int:
    """Milliseconds from "90" or "90s", "1.5h", "1h30m", "250ms"; a bare number counts seconds.

    Raises:
        UsageError: no such duration, or not positive.
    """
    cleaned = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", cleaned):
        cleaned += "s"
    parts = _PART.findall(cleaned)
    total = sum(int(Decimal(number) * _UNITS_MS[unit]) for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != cleaned or total <= 0:
        raise UsageError(f"{name} {text!r} is not a duration", hint="write 30, 30s, 5m, 2h or 1h30m")
    return total


def parse_time_ms(text: str, name: str) -> int:
    """UTC milliseconds from ISO 8601 ("2026-12-24T18:00:00Z"; without a zone UTC) or a duration from now.

    Raises:
        UsageError: neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return time.time_ns() // 1_000_000 + parse_duration_ms(text, name)
        except UsageError:
            raise UsageError(
                f"{name} {text!r} is neither a time nor a duration",
                hint="write 2026-12-24T18:00:00Z, or a duration from now such as 2h",
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def iso_time(time_ms: int) -> str:
    """ISO 8601 UTC with milliseconds: 2026-11-21T09:30:00.000Z."""
    return (
        datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
