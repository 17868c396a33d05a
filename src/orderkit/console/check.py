"""One check of doctor: a verdict, in words, and what to do."""

from dataclasses import dataclass

from orderkit.errors import OrderKitError


@dataclass(frozen=True, slots=True)
class Check:
    """``verdict``: "ok", "warn" (trading works) or "fail"; only a failure has an exit code."""

    name: str
    verdict: str
    message: str
    action: str | None = None
    exit_code: int = 0


def ok(name: str, message: str) -> Check:
    return Check(name, "ok", message)


def warning(name: str, message: str, action: str) -> Check:
    return Check(name, "warn", message, action)


def failure(name: str, message: str, action: str, exit_code: int) -> Check:
    return Check(name, "fail", message, action, exit_code)


def failed(name: str, error: OrderKitError) -> Check:
    """What an error says, with its hint and its exit code."""
    code = "" if error.code is None else f" ({error.code})"
    return Check(name, "fail", error.message + code, error.hint, error.exit_code)
