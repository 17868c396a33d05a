"""The error taxonomy: every failure a user can meet, with the exit code it ends in."""

from typing import ClassVar

INTERRUPTED = 130  # the exit code where a person ended it: as shells say it of SIGINT


class OrderKitError(Exception):
    """Base of all expected failures.

    ``message`` says what was wrong with its numbers, ``hint`` what would be accepted or what to do,
    ``code`` is the exchange's error code where it gave one.
    """

    kind: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class UsageError(OrderKitError):
    """The command's words are off."""

    kind = "usage"
    exit_code = 2


class ValidationError(OrderKitError):
    """Refused by the validation chain: nothing was sent. ``rule`` names the filter or check."""

    kind = "validation"
    exit_code = 3

    def __init__(
        self, message: str, *, rule: str = "", hint: str | None = None, code: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.rule = rule


class RiskRefused(OrderKitError):
    """Refused by a risk limit: nothing was sent."""

    kind = "risk"
    exit_code = 4


class OrderRejected(OrderKitError):
    """The exchange refused the request; it was certainly not executed."""

    kind = "rejected"
    exit_code = 5


class OrderNotFound(OrderRejected):
    """The exchange knows no such order (-2013, -2011). Provisional: an order can appear late."""


class ConfigurationError(OrderKitError):
    """A setting is missing or wrong."""

    kind = "configuration"
    exit_code = 6


class AuthenticationFailed(OrderKitError):
    """The exchange does not accept the key, its signature, its permissions or its address."""

    kind = "authentication"
    exit_code = 6


class ExchangeUnreachable(OrderKitError):
    """The request certainly was not executed: no connection, or the exchange said so."""

    kind = "unreachable"
    exit_code = 7


class RateLimited(ExchangeUnreachable):
    """429 or 418: wait ``retry_after_s`` seconds; the request was not executed."""

    kind = "rate_limited"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float,
        banned: bool = False,
        hint: str | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after_s = retry_after_s
        self.banned = banned


class ClockSkew(OrderRejected):
    """-1021: the request's time is outside the exchange's window; not executed."""

    kind = "clock"


class OutcomeUnknown(OrderKitError):
    """The request was sent and its fate is not known; the order must be queried, never re-sent."""

    kind = "unknown"
    exit_code = 8


class Incomplete(OrderKitError):
    """Stopped or ended before the full quantity was done."""

    kind = "incomplete"
    exit_code = 9
