"""Keeps every process of this user within the exchange's limits: reserve, send, settle by the headers."""

import hashlib
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orderkit.errors import RateLimited
from orderkit.exchange.budget import Budget, Limits, Moment, Ticket, Told, Wait
from orderkit.exchange.shared_file import SharedFile, runtime_directory
from orderkit.exchange.weights import Cost

logger = logging.getLogger(__name__)

# An order waits for the next ten seconds' window but not for the next minute's: it would hold up its thread.
URGENT_WAIT_S = 12.0
QUERY_WAIT_S = 65.0  # whatever is used up is free again after a minute
POLL_S = 0.25  # answers to what is in flight may free some of it sooner
WARN_SHARE = 0.8
TOO_MANY_ORDERS = -1015
# Testnet and demo are one backend with one weight counter.
_SAME_HOST = {"https://testnet.binancefuture.com": "https://demo-fapi.binance.com"}


class Pacer:
    """The budget of one exchange address and account, shared through a file with all other processes.

    Request weight counts per address and orders per account, whatever state directory a process uses. An
    answer's headers are the truth; reservations stand for what is not answered yet. The API key is kept as
    a hash.
    """

    def __init__(
        self,
        rest: str,
        api_key: str,
        limits: Limits,
        now_ms: Callable[[], int],
        *,
        shared_by_key: bool = False,
    ) -> None:
        """``shared_by_key``: several exchanges may have used this address (loopback ports are reused).

        ``now_ms`` is exchange time.
        """
        self._limits = limits
        self._now_ms = now_ms
        self._account = hashlib.sha256(f"orderkit {api_key}".encode()).hexdigest()[:16]
        host = _SAME_HOST.get(rest, rest)
        name = re.sub(r"[^A-Za-z0-9.]+", "_", host.partition("://")[2])
        if shared_by_key:
            name += f"-{self._account}"
        self._file = SharedFile(runtime_directory, f"budget-{name}.json")
        self._closed = threading.Event()
        self._warned = False

    def take(self, cost: Cost, action: str) -> Ticket:
        """Reserve the cost, waiting where the budget is used up; every ticket must be settled.

        Raises:
            RateLimited: it would take longer than this kind of request waits, or this address is banned.
                Nothing was sent.
        """
        begun_ns = time.monotonic_ns()
        bound_s = URGENT_WAIT_S if cost.urgent else QUERY_WAIT_S
        while True:
            found = self._file.change(lambda content: self._try(content, cost))
            if isinstance(found, Ticket):
                return found
            waited_s = (time.monotonic_ns() - begun_ns) / 1e9
            if found.banned or waited_s + found.seconds > bound_s:
                raise self._limited(action, found)
            if not waited_s > POLL_S:
                logger.info("%s waits up to %.1f s: %s", action, found.seconds, found.why)
            if self._closed.wait(min(found.seconds, POLL_S) + random.uniform(0, 0.02)):
                raise self._limited(action, found)

    def settle(self, ticket: Ticket, headers: Mapping[str, str] | None, *, sent: bool) -> None:
        """The request is over. ``headers`` of its answer, if any; ``sent`` unless it certainly was not."""
        told = Told() if headers is None else _told(headers)

        def apply(content: bytes) -> tuple[bytes, float]:
            budget = Budget.decode(content, self._limits)
            budget.settle(ticket, self._account, told, self._now(), counted=sent)
            return budget.encode(), budget.share(self._account)

        share = self._file.change(apply)
        if share > WARN_SHARE and not self._warned:
            logger.warning("%.0f %% of the request budget is used", min(share, 1) * 100)
        self._warned = share > WARN_SHARE

    def halt(self, limited: RateLimited) -> None:
        """The exchange said stop (429, 418): pass it on to every process."""

        def apply(content: bytes) -> tuple[bytes, None]:
            budget = Budget.decode(content, self._limits)
            if limited.code == TOO_MANY_ORDERS and not limited.banned:
                budget.halt_orders(self._account, limited.retry_after_s, self._now())
            else:
                budget.halt(limited.retry_after_s, self._now(), banned=limited.banned)
            return budget.encode(), None

        self._file.change(apply)

    def learn(self, rate_limits: Sequence[Mapping[str, Any]]) -> None:
        """Take the limits of exchangeInfo, for all processes. Fields that make no sense change nothing."""

        def apply(content: bytes) -> tuple[bytes, None]:
            budget = Budget.decode(content, self._limits)
            budget.limits = self._limits
            return budget.encode(), None

        try:
            self._limits = self._limits.told_by(rate_limits)
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("the exchange's rate limits cannot be read: %r", error)
            return
        self._file.change(apply)

    def close(self) -> None:
        """Waiting requests end as RateLimited; the file is let go."""
        self._closed.set()
        self._file.close()

    def _try(self, content: bytes, cost: Cost) -> tuple[bytes, Ticket | Wait]:
        budget = Budget.decode(content, self._limits)
        found = budget.take(cost, self._account, self._now())
        return budget.encode(), found

    def _now(self) -> Moment:
        return Moment(self._now_ms(), time.monotonic_ns())

    @staticmethod
    def _limited(action: str, wait: Wait) -> RateLimited:
        return RateLimited(
            f"{action}: not sent, {wait.why}; free again in {wait.seconds:.0f} s",
            retry_after_s=wait.seconds,
            banned=wait.banned,
            hint=f"wait {wait.seconds:.0f} s"
            + ("; requests before that prolong the ban" if wait.banned else ", or run fewer jobs at once"),
        )


def _told(headers: Mapping[str, str]) -> Told:
    return Told(
        _count(headers, "X-MBX-USED-WEIGHT-1M"),
        _count(headers, "X-MBX-ORDER-COUNT-10S"),
        _count(headers, "X-MBX-ORDER-COUNT-1M"),
    )


def _count(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None
