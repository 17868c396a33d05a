"""Who listens to which stream, and the bounded way a message reaches them."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from orderkit.paper.fault_kinds import StreamFault
from orderkit.paper.streams.names import Category, StreamName, parse

# A subscriber that lags by this much is cut off; a burst of a busy market is far smaller.
MAX_QUEUED_FRAMES = 10_000
MAX_QUEUED_BYTES = 16 * 1024 * 1024
REORDER_HOLD_S = 0.05

_encode = msgspec.json.encode


class Subscriber:
    """One stream socket's end of the hub: a bounded queue of encoded frames.

    ``cut_off`` ends the connection; it is called when the queue overflows.
    """

    def __init__(
        self,
        category: Category,
        *,
        wrapped: bool,
        events: frozenset[str] | None,
        cut_off: Callable[[], None],
    ) -> None:
        self.cut_off = cut_off
        self.category = category
        self.wrapped = wrapped
        self.streams: dict[str, None] = {}  # in order of subscription
        self.frames: deque[bytes] = deque()
        self.filled = asyncio.Event()
        self._events = events
        self._queued_bytes = 0
        self._held: bytes | None = None

    def accepts(self, event_type: str | None) -> bool:
        return self._events is None or event_type is None or event_type in self._events

    def offer(self, frame: bytes) -> None:
        """Queue a frame, or cut the subscriber off when it lags too far behind."""
        self._queued_bytes += len(frame)
        if len(self.frames) >= MAX_QUEUED_FRAMES or self._queued_bytes > MAX_QUEUED_BYTES:
            self.frames.clear()
            self._queued_bytes = 0
            self.cut_off()
            return
        self.frames.append(frame)
        self.filled.set()

    def take(self) -> bytes:
        frame = self.frames.popleft()
        self._queued_bytes -= len(frame)
        return frame

    def offer_swapped(self, frame: bytes) -> None:
        """Hold a frame back until the next one has gone ahead of it, or for a moment if none comes."""
        held, self._held = self._held, None
        if held is None:
            self._held = frame
            asyncio.get_running_loop().call_later(REORDER_HOLD_S, self.release_held)
            return
        self.offer(frame)
        self.offer(held)

    def release_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.offer(held)


class Hub:
    """Routes messages by stream name. Only names that somebody listens to cost anything."""

    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self.active: dict[str, StreamName] = {}
        self.fault: StreamFault | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._routes: dict[str, set[Subscriber]] = {}

    def wants(self, name: str) -> bool:
        return name in self._routes

    def subscribe(self, subscriber: Subscriber, names: Iterable[str]) -> None:
        """Note the names; those which the subscriber's path does not serve stay silent."""
        for name in names:
            subscriber.streams[name] = None
            stream = parse(name)
            served_on = stream.category if stream else Category.PRIVATE
            if served_on is not subscriber.category:
                continue
            self._routes.setdefault(name, set()).add(subscriber)
            if stream:
                self.active[name] = stream

    def unsubscribe(self, subscriber: Subscriber, names: Iterable[str]) -> None:
        for name in names:
            subscriber.streams.pop(name, None)
            listeners = self._routes.get(name)
            if listeners is None:
                continue
            listeners.discard(subscriber)
            if not listeners:
                del self._routes[name]
                self.active.pop(name, None)

    def leave(self, subscriber: Subscriber) -> None:
        self.unsubscribe(subscriber, list(subscriber.streams))
        self.subscribers.discard(subscriber)

    def publish(self, name: str, payload: object, event_type: str | None = None) -> None:
        """Send ``payload`` to the listeners of ``name``; ``event_type`` lets a user stream filter."""
        listeners = self._routes.get(name)
        if not listeners:
            return
        raw = _encode(payload)
        wrapped: bytes | None = None
        for subscriber in tuple(listeners):
            if not subscriber.accepts(event_type):
                continue
            if subscriber.wrapped:
                if wrapped is None:
                    wrapped = b'{"stream":' + _encode(name) + b',"data":' + raw + b"}"
                self._deliver(subscriber, wrapped)
            else:
                self._deliver(subscriber, raw)

    def cut_all(self) -> None:
        """Cut every socket, as when the exchange goes away."""
        for subscriber in tuple(self.subscribers):
            subscriber.cut_off()

    def set_fault(self, fault: StreamFault | None) -> None:
        """Put a lasting fault in force, or clear it."""
        self.fault = fault
        if fault is StreamFault.STALL:
            self.flowing.clear()
        else:
            self.flowing.set()
        if fault is not StreamFault.REORDER:
            for subscriber in self.subscribers:
                subscriber.release_held()

    def _deliver(self, subscriber: Subscriber, frame: bytes) -> None:
        if self.fault is StreamFault.REORDER:
            subscriber.offer_swapped(frame)
            return
        subscriber.offer(frame)
        if self.fault is StreamFault.DUPLICATE:
            subscriber.offer(frame)
