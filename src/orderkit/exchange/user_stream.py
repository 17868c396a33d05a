"""The user data stream: our own orders and trades as they happen, kept up across losses."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from orderkit.domain.events import Input, UserStreamDown, UserStreamUp
from orderkit.errors import OrderKitError
from orderkit.exchange.gateway import Gateway

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 1800.0  # a listen key lives 60 minutes after each call
KEEP_ALIVE_RETRY_S = 60.0
OPEN_TIMEOUT_S = 10.0
PING_INTERVAL_S = 20.0  # finds a connection that died silently within 40 s
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
STABLE_AFTER_S = 10.0
DEAD_LISTEN_KEY = -1125


class UserStream:
    """Reads ``/private/ws`` of an exchange and turns its frames into engine inputs.

    Nothing is queued here: a frame is decoded and handed on before the next one is read, so a slow consumer
    slows the socket down instead of filling memory, and no order event is dropped. The exchange repeats
    nothing after a reconnect: what happened between UserStreamDown and the next UserStreamUp has to be
    asked for.
    """

    def __init__(self, gateway: Gateway, stream_base: str, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        """``stream_base`` is ``wss://host`` without a path."""
        self._gateway = gateway
        self._base = stream_base
        self._keep_alive_s = keep_alive_s

    async def run(self, emit: Callable[[Input], None]) -> None:
        """Deliver until cancelled: UserStreamUp, then facts, and UserStreamDown on each loss.

        ``emit`` is called in the event loop and must not block. No failure of the exchange ends this.
        """
        from websockets.exceptions import WebSocketException

        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._connected(emit)
            except (OSError, EOFError, OrderKitError, WebSocketException) as error:
                logger.warning("user stream lost: %s", error or type(error).__name__)
            failures = 0 if loop.time() - started > STABLE_AFTER_S else failures + 1
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    async def _connected(self, emit: Callable[[Input], None]) -> None:
        """One connection's life; returns when the exchange closes it or its key expires."""
        from websockets.asyncio.client import connect

        key = await asyncio.to_thread(self._gateway.create_listen_key)
        loopback = "//127.0.0.1:" in self._base or "//localhost:" in self._base
        async with connect(
            f"{self._base}/private/ws?listenKey={key}",
            proxy=None if loopback else True,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_INTERVAL_S,
            close_timeout=1.0,
            compression=None,  # Binance does not compress
        ) as socket:
            logger.info("user stream open")
            emit(UserStreamUp())
            keeper = asyncio.create_task(self._keep_alive(key, socket))
            try:
                await self._read(socket, emit)
            except asyncio.CancelledError:
                raise
            except BaseException:
                emit(UserStreamDown())
                raise
            else:
                emit(UserStreamDown())
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper

    async def _read(self, socket: "ClientConnection", emit: Callable[[Input], None]) -> None:
        from orderkit.exchange.user_events import ListenKeyExpired, decode

        async for frame in socket:
            try:
                inputs = decode(frame)
            except ValueError as error:
                logger.warning("user stream frame skipped (%s): %.200r", error, frame)
                continue
            if isinstance(inputs, ListenKeyExpired):
                logger.warning("the listen key expired, opening a new stream")
                return
            for item in inputs:
                emit(item)
        logger.warning("the exchange closed the user stream")

    async def _keep_alive(self, key: str, socket: "ClientConnection") -> None:
        """Extend the key now and then; where it turns out dead, close the socket for a fresh start."""
        pause = self._keep_alive_s
        while True:
            await asyncio.sleep(pause)
            pause = self._keep_alive_s
            try:
                await asyncio.to_thread(self._gateway.keep_listen_key_alive, key)
            except OrderKitError as error:
                if error.code == DEAD_LISTEN_KEY:
                    logger.warning("the listen key is dead, opening a new stream")
                    await socket.close()
                    return
                logger.warning("the listen key was not extended: %s", error)
                pause = min(KEEP_ALIVE_RETRY_S, self._keep_alive_s)
