"""Waiting for what other processes and tasks bring about: for a condition, never for a time.

Patient, as nothing is slower than a test that fails because the machine was busy.
"""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60


def until(condition: Callable[[], object], what: str = "it never came true") -> None:
    """Return once ``condition`` is true; fail with ``what`` when it does not come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


async def eventually(condition: Callable[[], object], what: str = "it never came true") -> None:
    """The same on an event loop."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.005)
