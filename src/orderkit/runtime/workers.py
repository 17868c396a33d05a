"""Threads for blocking calls whose result nobody waits for."""

import contextlib
import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVarTuple

log = logging.getLogger(__name__)

Arguments = TypeVarTuple("Arguments")


class Workers:
    """Up to ``most`` threads that make calls in the order in which they were handed over.

    What a ThreadPoolExecutor does, without the future that it makes of each call. A thread is started when
    all others are busy. They live until ``close``, and the interpreter's end waits for them.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._calls: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._closed = False

    def submit(self, call: Callable[[*Arguments], object], *arguments: *Arguments) -> None:
        """Have a thread make the call, which handles its own failures. After ``close`` nothing is done."""
        with self._lock:
            if self._closed:
                return
            self._unfinished += 1
            if self._unfinished > self._threads and self._threads < self._most:
                name = f"{self._name}_{self._threads}"
                self._threads += 1
                threading.Thread(target=self._work, name=name).start()
        self._calls.put((call, arguments))

    def close(self) -> None:
        """Calls that have not begun are dropped, the others end when they end. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        with contextlib.suppress(Empty):
            while True:
                self._calls.get_nowait()
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while (handed := self._calls.get()) is not None:
            call, arguments = handed
            try:
                call(*arguments)
            except Exception:
                log.exception("%s failed", call)
            del handed, call, arguments  # nothing of them may live on while the thread waits
            with self._lock:
                self._unfinished -= 1
