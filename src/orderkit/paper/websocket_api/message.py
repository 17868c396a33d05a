"""A message of the WebSocket API: read so that its signature can be checked, and the answer to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from orderkit.paper.limits import RateLimiter, limit_row
from orderkit.simulator.types import ExchangeError

NO_ID = msgspec.Raw(b"null")
MAX_ID_BYTES = 256


@dataclass(frozen=True, slots=True)
class Request:
    """``id`` is kept as it was written, to be echoed; ``parameters`` are texts, as they are signed."""

    id: msgspec.Raw
    method: str
    parameters: dict[str, str]


class _Message(msgspec.Struct):
    method: str
    id: msgspec.Raw = NO_ID
    params: dict[str, msgspec.Raw] | None = None


def read(text: str) -> Request:
    """Parse a message. A parameter that is null counts as not sent.

    Raises:
        ExchangeError: -1013 when it is no JSON object with a method, or its id is no integer or string.
    """
    try:
        message = msgspec.json.decode(text, type=_Message)
        msgspec.json.decode(message.id, type=int | str | None)
        parameters = {
            name: _as_text(bytes(raw))
            for name, raw in (message.params or {}).items()
            if bytes(raw) != b"null"
        }
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ExchangeError(-1013, "Invalid message.") from None
    if len(bytes(message.id)) > MAX_ID_BYTES:
        raise ExchangeError(-1013, "Invalid message.")
    return Request(message.id, message.method, parameters)


def _as_text(token: bytes) -> str:
    """A string as it is; a number, boolean, list or object as JSON writes it."""
    return msgspec.json.decode(token, type=str) if token[:1] == b'"' else token.decode()


def signed_texts(parameters: Mapping[str, str]) -> Iterator[str]:
    """What a client may have signed: parameters in alphabetical order, un-encoded or percent-encoded."""
    ordered = sorted((name, value) for name, value in parameters.items() if name != "signature")
    yield "&".join(f"{name}={value}" for name, value in ordered)
    yield urlencode(ordered)


def rate_limits(
    limiter: RateLimiter, now_ms: int, account_id: str | None = None
) -> list[dict[str, str | int]]:
    """The ``rateLimits`` of an answer; with an account, its order counts too."""
    limits = limiter.limits
    listed: list[dict[str, str | int]] = []
    if account_id is not None:
        short, long = limiter.order_counts(account_id, now_ms)
        listed.append(limit_row("ORDERS", "SECOND", 10, limits.orders_per_10s) | {"count": short})
        listed.append(limit_row("ORDERS", "MINUTE", 1, limits.orders_per_minute) | {"count": long})
    weight = limiter.used_weight(now_ms)
    listed.append(limit_row("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute) | {"count": weight})
    return listed
