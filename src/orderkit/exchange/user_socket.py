"""One connection of the user data stream: opened, read to its end, known to be alive or not."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orderkit.domain.events import Input, OrderReported
from orderkit.exchange.connection import StreamLost, connection

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger(__name__)

# All that is decoded here: of an order's four messages the other two would only wake this process.
EVENTS = "ORDER_TRADE_UPDATE/ALGO_UPDATE/listenKeyExpired"


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """When a user stream is looked after.

    ``keep_alive_s``: a listen key lives 60 minutes after each call. ``ping_s``: our own pings, and how long
    each may stay without its pong; silence is normal on a user stream and says nothing. ``life_s``: the
    exchange cuts a connection after 24 hours. ``overlap_s``: how long a connection is read beside its
    successor. ``stale_ms``: an order event that is so much later than the promptest one of its connection
    means a backlog; asking anew is quicker.
    """

    keep_alive_s: float = 1800.0
    ping_s: float = 10.0
    life_s: float = 23 * 3600.0
    overlap_s: float = 2.0
    stale_ms: int = 10_000


class UserSocket:
    """An open connection. Frames are decoded and handed on one by one as they are taken off the socket.

    Nothing is queued here but the few frames that the library reads ahead: a slow consumer slows the socket
    down instead of filling memory, and no order event is dropped.
    """

    def __init__(self, socket: "ClientConnection", timing: StreamTiming) -> None:
        self._socket = socket
        self._timing = timing
        self._least_lag_ms: float | None = None

    @classmethod
    async def open(cls, base: str, listen_key: str, timing: StreamTiming) -> "UserSocket":
        """Connect; ``base`` is ``wss://host``. Raises OSError, TimeoutError, WebSocketException."""
        url = f"{base}/private/ws?listenKey={listen_key}&events={EVENTS}"
        return cls(await connection(url, timing.ping_s), timing)

    async def read(self, emit: Callable[[Input], None]) -> None:
        """Hand on all facts; returns once the exchange has closed the connection in order.

        Raises:
            StreamLost: the listen key expired, or events come far too late.
            ConnectionClosedError: the connection broke, or a ping stayed without pong.
        """
        from websockets.exceptions import ConnectionClosedOK

        from orderkit.exchange.user_events import ListenKeyExpired, decode

        receive = self._socket.recv
        while True:
            try:
                frame = await receive(decode=False)
            except ConnectionClosedOK:
                return
            try:
                inputs = decode(frame)
            except ValueError as error:
                logger.warning("user stream frame skipped (%s): %.200r", error, frame)
                continue
            if isinstance(inputs, ListenKeyExpired):
                raise StreamLost("the listen key expired")
            for item in inputs:
                emit(item)
            if inputs:
                self._check_lag(inputs[-1])

    async def answers(self) -> bool:
        """True when a ping is answered."""
        from websockets.exceptions import ConnectionClosed

        try:
            async with asyncio.timeout(self._timing.ping_s):
                await (await self._socket.ping())
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    async def close(self) -> None:
        """Idempotent; waits for the other side a second at most."""
        await self._socket.close()

    def _check_lag(self, item: Input) -> None:
        """Compare an event's age with the least one seen, so that a wrong clock does not matter.

        Raises StreamLost.
        """
        if not isinstance(item, OrderReported):
            return
        lag_ms = time.monotonic() * 1000 - item.report.time_ms
        if self._least_lag_ms is None or lag_ms < self._least_lag_ms:
            self._least_lag_ms = lag_ms
        elif lag_ms - self._least_lag_ms > self._timing.stale_ms:
            raise StreamLost(f"its events come {(lag_ms - self._least_lag_ms) / 1000:.0f} s late")
