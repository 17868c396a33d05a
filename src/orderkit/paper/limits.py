"""Rate limits as the live exchange counts them: request weight per address, orders per account.

Live figures since mid-2026: 2400 weight a minute, 300 orders in 10 s and 1200 a minute. Over the limit is
429, going on regardless is 418 with a ban
(https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info).
"""

from dataclasses import dataclass

from orderkit.simulator.types import ExchangeError

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
BAN_MS = 120_000
# The exchange does not publish how many refused requests lead to a ban.
REFUSALS_BEFORE_BAN = 200


class LimitExceeded(ExchangeError):
    """429 or 418; ``retry_after_s`` is what the Retry-After header says."""

    def __init__(self, code: int, message: str, http_status: int, retry_after_s: int) -> None:
        super().__init__(code, message, http_status)
        self.retry_after_s = retry_after_s


class _Window:
    """A count that starts anew at each multiple of its length."""

    __slots__ = ("count", "length_ms", "started_ms")

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.started_ms = 0
        self.count = 0

    def at(self, now_ms: int) -> int:
        start = now_ms - now_ms % self.length_ms
        if start != self.started_ms:
            self.started_ms = start
            self.count = 0
        return self.count

    def seconds_left(self, now_ms: int) -> int:
        return (self.length_ms - now_ms % self.length_ms) // 1000 + 1


def limit_row(kind: str, interval: str, number: int, limit: int) -> dict[str, str | int]:
    """A limit as the exchange lists it: so many of ``kind`` in ``number`` times the interval."""
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force; 0 switches one off."""

    weight_per_minute: int = 2400
    orders_per_10s: int = 300
    orders_per_minute: int = 1200

    @property
    def listed(self) -> list[dict[str, str | int]]:
        """As exchangeInfo's ``rateLimits`` has them; one that is switched off is left out."""
        rows = (
            limit_row("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            limit_row("ORDERS", "MINUTE", 1, self.orders_per_minute),
            limit_row("ORDERS", "SECOND", 10, self.orders_per_10s),
        )
        return [row for row in rows if row["limit"]]


class RateLimiter:
    """Counts weight and orders, and refuses what is over a limit; a new one has no counts and bans no one."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._weight = _Window(MINUTE_MS)
        self._orders: dict[str, tuple[_Window, _Window]] = {}
        self._refusals = 0
        self._banned_until_ms = 0

    def used_weight(self, now_ms: int) -> int:
        return self._weight.at(now_ms)

    def order_counts(self, account_id: str, now_ms: int) -> tuple[int, int]:
        """Orders counted for the account in this 10 s window and in this minute."""
        short, long = self._windows(account_id)
        return short.at(now_ms), long.at(now_ms)

    def count_weight(self, weight: int, now_ms: int) -> None:
        """Raises LimitExceeded: 429 / -1003 over the limit, 418 while banned."""
        if now_ms < self._banned_until_ms:
            raise self._banned(now_ms)
        used = self._weight.at(now_ms)
        if used == 0:
            self._refusals = 0
        limit = self.limits.weight_per_minute
        if limit and used + weight > limit:
            self._refusals += 1
            if self._refusals > REFUSALS_BEFORE_BAN:
                self._banned_until_ms = now_ms + BAN_MS
                raise self._banned(now_ms)
            raise LimitExceeded(
                -1003,
                f"Too many requests; current limit of IP(127.0.0.1) is {limit} requests per minute. "
                "Please use the websocket for live updates to avoid polling the API.",
                429,
                self._weight.seconds_left(now_ms),
            )
        self._weight.count = used + weight

    def count_orders(self, account_id: str, orders: int, now_ms: int) -> None:
        """Raises LimitExceeded (429 / -1015) when the account is over an order limit."""
        windows = self._windows(account_id)
        bounds = (self.limits.orders_per_10s, self.limits.orders_per_minute)
        for window, bound, name in zip(windows, bounds, ("TEN_SECONDS", "MINUTE"), strict=True):
            if bound and window.at(now_ms) + orders > bound:
                raise LimitExceeded(
                    -1015,
                    f"Too many new orders; current limit is {bound} orders per {name}.",
                    429,
                    window.seconds_left(now_ms),
                )
        for window in windows:
            window.count = window.at(now_ms) + orders

    def _windows(self, account_id: str) -> tuple[_Window, _Window]:
        windows = self._orders.get(account_id)
        if windows is None:
            windows = self._orders[account_id] = (_Window(TEN_SECONDS_MS), _Window(MINUTE_MS))
        return windows

    def _banned(self, now_ms: int) -> LimitExceeded:
        return LimitExceeded(
            -1003,
            f"Way too many requests; IP(127.0.0.1) banned until {self._banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            418,
            (self._banned_until_ms - now_ms) // 1000 + 1,
        )
