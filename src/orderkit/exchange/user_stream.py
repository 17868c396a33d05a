"""The user data stream: our own orders and trades as they happen, kept up across losses and renewals."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

from orderkit.domain.events import Input, UserStreamDown, UserStreamUp
from orderkit.errors import OrderKitError
from orderkit.exchange.connection import StreamLost, keep_reading
from orderkit.exchange.user_socket import StreamTiming, UserSocket

logger = logging.getLogger(__name__)

RETRY_S = 60.0  # until a key is extended, or a connection renewed, that could not be
DEAD_LISTEN_KEY = -1125

Emit = Callable[[Input], None]


class ListenKeys(Protocol):
    """The part of a gateway that a stream needs."""

    def create_listen_key(self) -> str: ...

    def keep_listen_key_alive(self, listen_key: str) -> None: ...


class UserStream:
    """Reads ``/private/ws`` of an exchange and turns its frames into engine inputs.

    UserStreamUp says that nothing is missed from here on, UserStreamDown that something may be. The exchange
    repeats nothing after a reconnect: what happened in between has to be asked for. Before a connection
    reaches the age at which the exchange cuts it, its successor is opened and both are read for a moment;
    what comes twice then, or in another order, is what the order monitor sorts out anyway.
    """

    def __init__(
        self,
        gateway: ListenKeys,
        stream_base: str | Callable[[], str],
        *,
        timing: StreamTiming | None = None,
    ) -> None:
        """``stream_base`` is ``wss://host`` without a path, or gives it anew for each connection."""
        self._gateway = gateway
        self._base = stream_base
        self._timing = timing or StreamTiming()
        self._key = ""

    async def run(self, emit: Emit) -> None:
        """Deliver until cancelled: UserStreamUp, then facts, and UserStreamDown on each loss.

        ``emit`` is called in the event loop and must not block. No failure of the exchange ends this.
        """
        await keep_reading(lambda: self._session(emit), "user stream")

    async def _session(self, emit: Emit) -> None:
        """From one UserStreamUp to the UserStreamDown, over as many connections as it takes."""
        socket = await self._open()
        emit(UserStreamUp())
        reader = asyncio.create_task(socket.read(emit))
        keeper = asyncio.create_task(self._keep_alive())
        try:
            pause_s = self._life_s()
            while not await _ended({reader, keeper}, pause_s):
                try:
                    successor = await self._open()
                except Exception as error:  # whatever it is: the connection at hand still works
                    logger.warning("the user stream cannot be renewed yet: %s", error or type(error).__name__)
                    pause_s = min(RETRY_S, self._timing.life_s)
                    continue
                old_socket, old_reader = socket, reader
                socket, reader = successor, asyncio.create_task(successor.read(emit))
                if not await self._retired(old_socket, old_reader):
                    logger.warning("the user stream's old connection was dead when it was renewed")
                    emit(UserStreamDown())
                    emit(UserStreamUp())
                pause_s = self._life_s()
        except asyncio.CancelledError:
            raise
        except BaseException:
            emit(UserStreamDown())
            raise
        else:
            emit(UserStreamDown())
        finally:
            await _cancel(reader, keeper)
            await socket.close()

    async def _open(self) -> UserSocket:
        """A connection with the key that lives, which asking for one extends."""
        self._key = await asyncio.to_thread(self._gateway.create_listen_key)
        base = self._base if isinstance(self._base, str) else self._base()
        socket = await UserSocket.open(base, self._key, self._timing)
        logger.info("user stream open")
        return socket

    async def _retired(self, socket: UserSocket, reader: "asyncio.Task[None]") -> bool:
        """End a connection that has a successor; False when it was dead before that was there.

        A pong proves that it was alive beside its successor. It is read on for a moment, for what only it
        was told.
        """
        try:
            alive = await socket.answers()
            if alive:
                await asyncio.wait({reader}, timeout=self._timing.overlap_s)
            return alive
        finally:
            await _cancel(reader)
            await socket.close()

    def _life_s(self) -> float:
        """A little different each time, so that many processes do not renew at once."""
        return self._timing.life_s * random.uniform(0.97, 1.0)

    async def _keep_alive(self) -> None:
        """Extend the key now and then. Raises StreamLost where it turns out dead: a new one is needed."""
        pause_s = self._timing.keep_alive_s
        while True:
            await asyncio.sleep(pause_s)
            pause_s = self._timing.keep_alive_s
            try:
                await asyncio.to_thread(self._gateway.keep_listen_key_alive, self._key)
            except OrderKitError as error:
                if error.code == DEAD_LISTEN_KEY:
                    raise StreamLost("the listen key is dead") from error
                logger.warning("the listen key was not extended: %s", error)
                pause_s = min(RETRY_S, self._timing.keep_alive_s)


async def _ended(tasks: "set[asyncio.Task[None]]", within_s: float) -> bool:
    """True when one of them has ended by then. Raises what it raised."""
    done, _ = await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return bool(done)


async def _cancel(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
