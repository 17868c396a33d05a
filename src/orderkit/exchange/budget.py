"""The request budget that all processes share: limits, what is used of them, and until when all must stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from orderkit.domain.enums import Environment
from orderkit.exchange.weights import Cost
from orderkit.exchange.windows import Count, Window

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
# Queries leave a quarter of the weight to cancels: 600 a minute on live, each of weight 1, which clears the
# full books (MAX_NUM_ORDERS 200) of three symbols one by one. Placing an order weighs nothing.
QUERY_SHARE = (3, 4)


class Limits(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The exchange's limits; 0 is none. Live figures by default (exchangeInfo, 2026-11)."""

    weight_1m: Count = 2400
    orders_10s: Count = 300
    orders_1m: Count = 1200

    @classmethod
    def of(cls, environment: Environment) -> "Limits":
        """What exchangeInfo said in 2026-09; demo and testnet allow more weight."""
        roomy = environment in (Environment.TESTNET, Environment.DEMO)
        return cls(weight_1m=6000) if roomy else cls()

    def told_by(self, rate_limits: Sequence[Mapping[str, Any]]) -> "Limits":
        """These limits with what exchangeInfo's ``rateLimits`` says instead. Raises as bad fields do."""
        told = {
            (row["rateLimitType"], row["interval"], int(row["intervalNum"])): int(row["limit"])
            for row in rate_limits
        }
        return Limits(
            told.get(("REQUEST_WEIGHT", "MINUTE", 1), self.weight_1m),
            told.get(("ORDERS", "SECOND", 10), self.orders_10s),
            told.get(("ORDERS", "MINUTE", 1), self.orders_1m),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: exchange time as estimated here, and this machine's monotonic clock."""

    ms: int
    ns: int


class Stop(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Nothing may be sent until then, told on two clocks: where they differ, one was set or restarted."""

    until_ms: Count = 0
    until_ns: Count = 0
    banned: bool = False

    def left_s(self, now: Moment) -> float:
        """The smaller of the two: a clock that was set must not hold orders up for hours."""
        return max(0.0, min((self.until_ms - now.ms) / 1e3, (self.until_ns - now.ns) / 1e9))

    def extend(self, seconds: float, now: Moment, *, banned: bool) -> None:
        if seconds >= self.left_s(now):
            self.until_ms = now.ms + int(seconds * 1e3)
            self.until_ns = now.ns + int(seconds * 1e9)
            self.banned = banned


def _ten_seconds() -> Window:
    return Window(TEN_SECONDS_MS)


def _minute() -> Window:
    return Window(MINUTE_MS)


class Account(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The order counts of one account."""

    stop: Stop = msgspec.field(default_factory=Stop)
    orders_10s: Window = msgspec.field(default_factory=_ten_seconds)
    orders_1m: Window = msgspec.field(default_factory=_minute)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A reservation: ``indices`` are the windows it was made in (weight, 10 s, minute)."""

    cost: Cost
    sent_ns: int
    indices: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Wait:
    """No reservation before ``seconds`` have passed."""

    seconds: float
    why: str
    banned: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The counters in an answer's headers; None where it had none."""

    weight_1m: int | None = None
    orders_10s: int | None = None
    orders_1m: int | None = None


class Budget(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=2):
    """All of it for one host. Pure: the file around it, and the waiting, are elsewhere.

    The tag is the version of the file, which starts anew with another one.
    """

    limits: Limits
    stop: Stop = msgspec.field(default_factory=Stop)
    weight: Window = msgspec.field(default_factory=_minute)
    accounts: dict[str, Account] = msgspec.field(default_factory=dict)

    def take(self, cost: Cost, account: str, now: Moment) -> Ticket | Wait:
        """Reserve the cost, all of it or nothing."""
        if (left_s := self.stop.left_s(now)) > 0:
            why = "this address is banned" if self.stop.banned else "the exchange asked to wait (429)"
            return Wait(left_s, why, self.stop.banned)
        self.weight.roll(now.ms, now.ns)
        limit = self.limits.weight_1m
        if not cost.urgent:
            limit = limit * QUERY_SHARE[0] // QUERY_SHARE[1]
        if cost.weight and not self.weight.has_room(cost.weight, limit):
            return Wait(self.weight.left_ms(now.ms) / 1e3, f"{self.weight.total}/{limit} weight is used")
        self.weight.pending += cost.weight
        if not cost.orders:
            return Ticket(cost, now.ns, (self.weight.index, 0, 0))
        mine = self._account(account, now)
        if (wait := self._wait_for_orders(mine, cost.orders, now)) is not None:
            self.weight.pending -= cost.weight
            return wait
        mine.orders_10s.pending += cost.orders
        mine.orders_1m.pending += cost.orders
        return Ticket(cost, now.ns, (self.weight.index, mine.orders_10s.index, mine.orders_1m.index))

    def settle(self, ticket: Ticket, account: str, told: Told, now: Moment, *, counted: bool) -> None:
        """The request is over: ``counted`` unless it certainly never reached the exchange."""
        cost = ticket.cost
        rows = [(self.weight, cost.weight, told.weight_1m)]
        if cost.orders:
            mine = self._account(account, now)
            rows.append((mine.orders_10s, cost.orders, told.orders_10s))
            rows.append((mine.orders_1m, cost.orders, told.orders_1m))
        for (window, amount, count), index in zip(rows, ticket.indices, strict=False):
            window.roll(now.ms, now.ns)
            window.settle(
                amount,
                index,
                sent_ns=ticket.sent_ns,
                told=count,
                counted=counted,
                now_ms=now.ms,
                now_ns=now.ns,
            )

    def halt(self, seconds: float, now: Moment, *, banned: bool) -> None:
        """Nobody sends anything for ``seconds`` (429, 418)."""
        self.stop.extend(seconds, now, banned=banned)

    def halt_orders(self, account: str, seconds: float, now: Moment) -> None:
        """The account places no order for ``seconds`` (-1015); cancels and queries are free to go."""
        self._account(account, now).stop.extend(seconds, now, banned=False)

    def share(self, account: str) -> float:
        """The fullest counter as a fraction of its limit."""
        limits = self.limits
        pairs = [(self.weight.total, limits.weight_1m)]
        if (mine := self.accounts.get(account)) is not None:
            pairs.append((mine.orders_10s.total, limits.orders_10s))
            pairs.append((mine.orders_1m.total, limits.orders_1m))
        return max(total / limit if limit else 0.0 for total, limit in pairs)

    def _wait_for_orders(self, mine: Account, orders: int, now: Moment) -> Wait | None:
        if (left_s := mine.stop.left_s(now)) > 0:
            return Wait(left_s, "the exchange takes no more orders of this account (-1015)")
        full = []
        for window, limit, name in (
            (mine.orders_10s, self.limits.orders_10s, "10 s"),
            (mine.orders_1m, self.limits.orders_1m, "this minute"),
        ):
            window.roll(now.ms, now.ns)
            if not window.has_room(orders, limit):
                why = f"{window.total}/{limit} orders of {name} are used"
                full.append(Wait(window.left_ms(now.ms) / 1e3, why))
        return max(full, key=lambda wait: wait.seconds, default=None)

    def _account(self, account: str, now: Moment) -> Account:
        mine = self.accounts.get(account)
        if mine is None:
            idle_index = now.ms // MINUTE_MS - 1
            self.accounts = {
                name: other
                for name, other in self.accounts.items()
                if other.orders_1m.index >= idle_index or other.stop.left_s(now)
            }
            mine = self.accounts[account] = Account()
        return mine

    # --- as bytes ---------------------------------------------------------------------------------

    def encode(self) -> bytes:
        return _encode(self)

    @classmethod
    def decode(cls, content: bytes, limits: Limits) -> "Budget":
        """The budget in a file; an unused one with ``limits`` where there is none that makes sense."""
        try:
            return _decode(content)
        except msgspec.DecodeError:
            return cls(limits)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Budget).decode
