"""Faults that a test asks for: requests lost, held, refused or delayed, before or after execution."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orderkit.paper.fault_kinds import Action, Moment

# How often a held request looks whether its client is still there.
HOLD_POLL_S = 0.1


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which requests: by method and exact path, either absent means any.

    A WebSocket API request has the method WS and its own method's name as path (order.place).

    ``nth`` starts with the nth matching request, counted from 1 since the fault was set.
    """

    method: str | None = None
    path: str | None = None
    nth: int | None = None


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /paper/faults for requests.

    ``times`` is how many matching requests are hit: one if ``nth`` is given, else all until cleared.
    ``body`` may be a document or a text (sent as HTML, as a gateway in between would).
    """

    match: Match
    action: Action
    apply: Moment = Moment.BEFORE
    status: int = 503
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = {}
    delay_ms: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.match.nth is not None and self.match.nth < 1:
            raise ValueError("nth counts from 1")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        if not 100 <= self.status <= 599:
            raise ValueError("status must be an HTTP status")
        if self.delay_ms < 0:
            raise ValueError("delay_ms must not be negative")


# What the live exchange says when it does not know an order's fate (HTTP 503).
UNKNOWN_BODY: Mapping[str, Any] = {
    "code": -1000,
    "msg": "Unknown error, please check your request or try again later.",
}


@dataclass(slots=True)
class Fault:
    """A fault in force, with what it has seen and hit so far."""

    request: FaultRequest
    seen: int = 0
    hit: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count a request, and say whether it is hit."""
        match, times = self.request.match, self.request.times
        if match.method is not None and match.method.upper() != method:
            return False
        if match.path is not None and match.path != path:
            return False
        self.seen += 1
        if self.seen < (match.nth or 1):
            return False
        if times is None and match.nth is not None:
            times = 1
        if times is not None and self.hit >= times:
            return False
        self.hit += 1
        return True


@dataclass(slots=True)
class Faults:
    """The request faults in force, oldest first; ``cleared`` is set once they are cleared (then replaced)."""

    in_force: list[Fault] = field(default_factory=list)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, request: FaultRequest) -> None:
        self.in_force.append(Fault(request))

    def clear(self) -> None:
        self.in_force.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()

    def striking(self, method: str, path: str) -> FaultRequest | None:
        """The fault that hits this request: every fault counts it, the oldest one that hits acts."""
        hits = [fault.request for fault in tuple(self.in_force) if fault.strikes(method, path)]
        return hits[0] if hits else None

    async def hold(self, is_gone: Callable[[], bool]) -> None:
        """Wait until the faults are cleared or the client has gone."""
        cleared = self.cleared
        while not (cleared.is_set() or is_gone()):
            try:
                await asyncio.wait_for(cleared.wait(), HOLD_POLL_S)
            except TimeoutError:
                continue

    def to_json(self) -> list[dict[str, Any]]:
        return [
            msgspec.to_builtins(fault.request) | {"seen": fault.seen, "hit": fault.hit}
            for fault in self.in_force
        ]
