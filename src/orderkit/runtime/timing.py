"""Time in the live runtime: a clock that never jumps, and a loop whose timers are punctual."""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class Clock:
    """UTC nanoseconds that never jump: the wall clock once, the monotonic clock from there on."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return time.monotonic_ns() + self._offset_ns


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on a loop whose timers are exact to some 0.1 ms.

    asyncio's usual selector, epoll, rounds a wait up to the next whole millisecond; select does not. Its
    limit of 1,024 file descriptors is far from what one process of ours holds.
    """
    with asyncio.Runner(loop_factory=_precise_loop) as runner:
        return runner.run(main)


def _precise_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selectors.SelectSelector())
