"""python-binance clients for many threads: each serves one request at a time."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binance.client import Client


class ClientPool:
    """Lends out clients, the most recently used first, because its connection is the warmest.

    A client keeps the last answer in an attribute and reads it back from there: two threads on one client
    could swap the answers of their orders.
    """

    def __init__(self, build: Callable[[], "Client"]) -> None:
        self._build = build
        self._idle: list[Client] = []
        self._closed = False

    @contextmanager
    def borrow(self) -> Iterator["Client"]:
        """A client that nobody else uses meanwhile. Raises what building one raises."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = _outside_event_loops(self._build)
        try:
            yield client
        finally:
            client.response = None
            if self._closed:
                client.session.close()
            else:
                self._idle.append(client)

    def close(self) -> None:
        """Close the idle connections now, and the lent ones when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().session.close()


def _outside_event_loops(build: Callable[[], "Client"]) -> "Client":
    """Build a client in a thread of its own.

    The constructor leaves an event loop behind as the thread's current one, for a WebSocket API that we do
    not use: in the caller's thread that would leak its sockets and disturb a later ``asyncio.run``.
    """
    built: list[Client] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            client = build()
            client.loop.close()
            built.append(client)
        except BaseException as error:
            failed.append(error)
        finally:
            asyncio.set_event_loop(None)

    thread = threading.Thread(target=run, name="orderkit-client")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return built[0]
