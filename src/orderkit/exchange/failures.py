"""What a failed request means: from HTTP status, body and client exception to the error taxonomy."""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orderkit.errors import (
    AuthenticationFailed,
    ClockSkew,
    ConfigurationError,
    ExchangeUnreachable,
    OrderKitError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from orderkit.exchange.hints import HINTS
from orderkit.redaction import mask

QUERY_HINT = "the order must be looked up by its client order id before anything is sent again"
KEY_HINT = (
    "check that the key belongs to this environment (testnet and demo keys differ from live ones), "
    "that futures are enabled for it and that this machine's address is allowed"
)
_UNKNOWN_CODES = frozenset({-1000, -1006, -1007})
_NOT_EXECUTED_CODES = frozenset({-1008, -1016})
_KEY_CODES = frozenset({-1002, -1022, -2014, -2015})
_ABSENT_CODES = frozenset({-2011, -2013})
_HANDSHAKE_REASONS = frozenset(
    {
        "CERTIFICATE_VERIFY_FAILED",
        "WRONG_VERSION_NUMBER",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
    }
)
_BANNED_UNTIL = re.compile(r"until (\d{13})")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: ``action`` in words for the message; ``trading`` when an order's fate hangs on it."""

    action: str
    trading: bool = False

    def uncertain(self, what: str, *, code: int | None = None) -> OrderKitError:
        """The request reached the exchange, or may have, and its effect is not known."""
        if self.trading:
            return OutcomeUnknown(f"{self.action}: {what}", hint=QUERY_HINT, code=code)
        return ExchangeUnreachable(f"{self.action}: {what}", hint="try again", code=code)

    def unexecuted(self, what: str, hint: str, *, code: int | None = None) -> OrderKitError:
        """The request certainly had no effect."""
        return ExchangeUnreachable(f"{self.action}: {what}", hint=hint, code=code)


def from_answer(
    call: Call, status: int, headers: Mapping[str, str], body: str, *, now_ms: int
) -> OrderKitError:
    """The meaning of an HTTP answer that is not usable (Binance, "HTTP return codes", "Error codes")."""
    code, text = _parse(body)
    if status in (418, 429) or code in (-1003, -1015):
        return _rate_limited(call, status, headers, code, text, now_ms)
    if code == -1021:
        return ClockSkew(
            f"{call.action}: {text}",
            hint="this machine's clock is off: let it synchronise (NTP)",
            code=code,
        )
    if code in _KEY_CODES or status in (401, 451):
        return AuthenticationFailed(
            f"{call.action}: the exchange does not accept the key: {text or f'HTTP {status}'}",
            hint=KEY_HINT if status != 451 else "Binance does not serve this location",
            code=code,
        )
    if code in _NOT_EXECUTED_CODES or (status == 503 and _says_not_executed(text)):
        return call.unexecuted(f"the exchange is overloaded: {text}", "try again in a moment", code=code)
    if status >= 500 or status == 408 or code in _UNKNOWN_CODES or 200 <= status < 300:
        return call.uncertain(f"the exchange answered HTTP {status} {text}".rstrip(), code=code)
    if code is None:
        return call.unexecuted(
            f"something between here and the exchange answered HTTP {status} {text}".rstrip(),
            "a firewall, a proxy or a wrong address; too many requests can also bring on a 403",
        )
    rejected = OrderNotFound if code in _ABSENT_CODES else OrderRejected
    return rejected(f"{call.action}: {text}", hint=HINTS.get(code), code=code)


def from_exception(call: Call, error: Exception) -> OrderKitError:
    """The meaning of an exception of the HTTP client. Its own text is not used: it holds the signed URL."""
    from requests import exceptions as http

    if isinstance(error, http.InvalidURL | http.MissingSchema | http.InvalidSchema | http.InvalidHeader):
        return ConfigurationError(
            f"{call.action}: the address or the key cannot be sent as it is", hint="check .env"
        )
    if isinstance(error, http.ConnectTimeout):
        return call.unexecuted("no connection in time", "check the network")
    if isinstance(error, http.ProxyError):
        return call.unexecuted("no connection to the proxy", "check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, http.SSLError) and _failed_in_handshake(error):
        return call.unexecuted("no trusted connection: the TLS handshake failed", "check clock and proxy")
    if never_sent(error):
        return call.unexecuted("no connection: refused or host not found", "check the network")
    if isinstance(error, http.Timeout):
        return call.uncertain("no answer in time")
    if isinstance(error, http.RequestException):
        return call.uncertain("the connection broke before the answer was complete")
    return call.uncertain(f"the client failed: {type(error).__name__}")


def never_sent(error: Exception) -> bool:
    """True when there was no connection at all; the caller's only doubt is whether anybody is there."""
    from requests import exceptions as http

    return isinstance(error, http.ConnectionError) and _never_connected(error)


def _rate_limited(
    call: Call, status: int, headers: Mapping[str, str], code: int | None, text: str, now_ms: int
) -> RateLimited:
    banned = status == 418 or "banned" in text
    seconds = _retry_after(headers)
    if seconds is None and (until := _BANNED_UNTIL.search(text)):
        seconds = max(0.0, (int(until[1]) - now_ms) / 1000)
    if seconds is None:
        # -1015 counts orders in windows of 10 s, everything else in minutes; a first ban lasts 2 minutes.
        seconds = 120.0 if banned else 10.0 if code == -1015 else 60.0
    until_text = datetime.fromtimestamp(now_ms / 1000 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    what = "this address is banned" if banned else "too many requests"
    return RateLimited(
        f"{call.action}: {what} until {until_text}",
        retry_after_s=seconds,
        banned=banned,
        hint=f"wait {seconds:.0f} s; requests before that prolong a ban",
        code=code,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None


def _parse(body: str) -> tuple[int | None, str]:
    """The exchange's code and text; an HTML page is no text of its."""
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        text = body.strip()
        return None, "" if text.startswith("<") else mask(text[:200])
    if not isinstance(parsed, dict):
        return None, ""
    code = parsed.get("code")
    return (code if isinstance(code, int) and code else None), mask(str(parsed.get("msg") or "")[:300])


def _says_not_executed(text: str) -> bool:
    return text.startswith("Service Unavailable") or "unable to process your request" in text


def _causes(error: BaseException) -> Iterator[object]:
    """The exception and what requests and urllib3 wrapped in it, as argument or reason.

    Never by ``__context__``: a request made while an earlier failure is being handled would inherit that
    failure's cause, and a sent order could pass for one that was not.
    """
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException):
            yield cause
            pending += [*cause.args, getattr(cause, "reason", None)]


def _never_connected(error: BaseException) -> bool:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    return any(isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in _causes(error))


def _failed_in_handshake(error: BaseException) -> bool:
    return any(isinstance(c, ssl.SSLError) and c.reason in _HANDSHAKE_REASONS for c in _causes(error))
