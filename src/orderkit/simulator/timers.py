"""What falls due on the virtual clock, in order of time and then of setting."""

import heapq
from collections.abc import Callable
from itertools import count

NEVER_MS: int = 10**18

Timer = tuple[int, int, Callable[[], bool], Callable[[], None]]


class Timers:
    """Actions with a due time. A timer whose ``is_live`` turned false does nothing and is swept out later."""

    __slots__ = ("_heap", "_numbers", "next_due_ms")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._numbers = count()
        self.next_due_ms = NEVER_MS

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due_ms: int, is_live: Callable[[], bool], action: Callable[[], None]) -> None:
        """Do ``action`` when the clock reaches ``due_ms``, if ``is_live`` says so then."""
        heapq.heappush(self._heap, (due_ms, next(self._numbers), is_live, action))
        self.next_due_ms = self._heap[0][0]

    def pop(self) -> Timer:
        """Take out the timer that is due first."""
        timer = heapq.heappop(self._heap)
        self.next_due_ms = self._heap[0][0] if self._heap else NEVER_MS
        return timer

    def sweep(self) -> None:
        """Forget the timers that would do nothing."""
        self._heap = [timer for timer in self._heap if timer[2]()]
        heapq.heapify(self._heap)
        self.next_due_ms = self._heap[0][0] if self._heap else NEVER_MS
