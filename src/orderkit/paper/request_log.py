"""What the exchange received lately, for tests: bounded, without signatures and listen keys."""

from collections import deque
from dataclasses import asdict, dataclass

CAPACITY = 10_000
_LONGEST_VALUE = 4_000
_HIDDEN = frozenset({"signature", "listenKey", "apiKey"})


@dataclass(slots=True)
class ReceivedRequest:
    """One request; ``status`` stays None when no answer was given. ``time`` is the arrival in ms UTC."""

    method: str
    path: str
    params: dict[str, str]
    time: int
    status: int | None = None


class RequestLog:
    """The last ``CAPACITY`` requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[ReceivedRequest] = deque(maxlen=CAPACITY)

    def add(self, method: str, path: str, params: dict[str, str], now_ms: int) -> ReceivedRequest:
        shown = {k: v[:_LONGEST_VALUE] for k, v in params.items() if k not in _HIDDEN}
        entry = ReceivedRequest(method, path, shown, now_ms)
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        self._entries.clear()

    def to_json(self) -> list[dict[str, object]]:
        return [asdict(entry) for entry in self._entries]
