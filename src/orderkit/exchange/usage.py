"""How much of the exchange's request budget is used, as its answers say."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from orderkit.domain.enums import Environment

logger = logging.getLogger(__name__)

WARN_SHARE = 0.8
_ORDERS_10S = 300
_ORDERS_1M = 1200


@dataclass(slots=True)
class Usage:
    """The newest counters: request weight of this address in the running minute, orders of this account.

    ``seen_ns`` is the local monotonic time of the answer that told them; 0 before the first. Counters are
    written whole by whichever thread got the newest answer.
    """

    weight_limit: int
    weight_1m: int = 0
    orders_10s: int = 0
    orders_1m: int = 0
    seen_ns: int = 0
    _warned: bool = False

    @classmethod
    def of(cls, environment: Environment) -> "Usage":
        """Limits as exchangeInfo states them (2026-09): demo and testnet allow more weight."""
        roomy = environment in (Environment.TESTNET, Environment.DEMO)
        return cls(weight_limit=6000 if roomy else 2400)

    def update(self, headers: Mapping[str, str]) -> None:
        """Take the counters of one answer; order counts stay when it has none (reading calls)."""
        self.weight_1m = _count(headers, "X-MBX-USED-WEIGHT-1M", self.weight_1m)
        self.orders_10s = _count(headers, "X-MBX-ORDER-COUNT-10S", self.orders_10s)
        self.orders_1m = _count(headers, "X-MBX-ORDER-COUNT-1M", self.orders_1m)
        self.seen_ns = time.monotonic_ns()
        high = self.share > WARN_SHARE
        if high and not self._warned:
            logger.warning(
                "%.0f %% of the request budget used: weight %d/%d, orders %d/%d in 10 s, %d/%d in a minute",
                self.share * 100,
                self.weight_1m,
                self.weight_limit,
                self.orders_10s,
                _ORDERS_10S,
                self.orders_1m,
                _ORDERS_1M,
            )
        self._warned = high

    @property
    def share(self) -> float:
        """The fullest of the three counters as a fraction of its limit."""
        return max(
            self.weight_1m / self.weight_limit, self.orders_10s / _ORDERS_10S, self.orders_1m / _ORDERS_1M
        )


def _count(headers: Mapping[str, str], name: str, before: int) -> int:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else before
