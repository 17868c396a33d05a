"""python-binance clients for many threads: each serves one request at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binance.client import Client

# Servers close idle connections after a minute or so. A request that meets the closing one is lost without
# anybody knowing whether it was read, so a slice every 60 s must not gamble on it.
MAX_IDLE_S = 25.0


class ClientPool:
    """Lends out clients, the most recently used first, because its connection is the warmest.

    A client keeps the last answer in an attribute and reads it back from there: two threads on one client
    could swap the answers of their orders.
    """

    def __init__(self, build: Callable[[], "Client"]) -> None:
        self._build = build
        self._idle: list[tuple[float, Client]] = []
        self._closed = False

    @contextmanager
    def borrow(self) -> Iterator["Client"]:
        """A client that nobody else uses meanwhile. Raises what building one raises."""
        try:
            since, client = self._idle.pop()
        except IndexError:
            client = self._build()
        else:
            if time.monotonic() - since > MAX_IDLE_S:
                client.session.close()  # its connections; the session opens new ones
        try:
            yield client
        finally:
            client.response = None
            if self._closed:
                client.session.close()
            else:
                self._idle.append((time.monotonic(), client))

    def close(self) -> None:
        """Close the idle connections now, and the lent ones when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].session.close()
