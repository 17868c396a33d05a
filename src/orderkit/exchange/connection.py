"""A stream's connection to the exchange, and how it is made again for as long as somebody listens."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orderkit.errors import OrderKitError

if TYPE_CHECKING:
    from websockets.asyncio.client import connect

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
STABLE_AFTER_S = 10.0
PING_S = 10.0
OPEN_TIMEOUT_S = 10.0


class StreamLost(Exception):
    """The connection is of no use any more; the text says why."""


def connection(url: str, ping_s: float = PING_S) -> "connect":
    """To be awaited, or entered. A ping every ``ping_s`` must be answered within that time.

    Raises:
        OSError, TimeoutError, WebSocketException: when it cannot be opened.
    """
    from websockets.asyncio.client import connect

    loopback = url.startswith(("ws://127.0.0.1:", "ws://localhost:"))
    return connect(
        url,
        proxy=None if loopback else True,
        open_timeout=OPEN_TIMEOUT_S,
        ping_interval=ping_s,
        ping_timeout=ping_s,
        close_timeout=1.0,
        compression=None,  # Binance does not compress
    )


@asynccontextmanager
async def frames(base: str, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """The frames of ``path`` at ``base`` (``wss://host``), which end when the exchange closes in order.

    Raises:
        OSError, TimeoutError, WebSocketException: it could not be opened, or broke.
    """
    async with connection(base + path) as socket:
        yield (frame if isinstance(frame, bytes) else frame.encode() async for frame in socket)


async def keep_reading(read: Callable[[], Awaitable[None]], what: str) -> None:
    """Read a connection to its end, again and again, until cancelled; no failure of the exchange ends it."""
    from websockets.exceptions import WebSocketException

    failures = 0
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await read()
        except (OSError, EOFError, OrderKitError, WebSocketException, StreamLost) as error:
            logger.warning("%s lost: %s", what, error or type(error).__name__)
        else:
            logger.warning("the exchange closed the %s", what)
        failures = 0 if loop.time() - began_s > STABLE_AFTER_S else failures + 1
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
