"""Stream sockets as tests read them: collect messages in the background, wait for one that fits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.waiting import PATIENCE_S

Message = Any


class Listener:
    """Everything a socket has received so far; ``closed`` once the other side is gone."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.messages: list[Message] = []
        self.closed = False
        self._changed = asyncio.Condition()

    async def read(self) -> None:
        try:
            async for raw in self.socket:
                async with self._changed:
                    self.messages.append(json.loads(raw))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        async with self._changed:
            self.closed = True
            self._changed.notify_all()

    async def wait(self, fits: Callable[[Message], bool], timeout_s: float = PATIENCE_S) -> Message:
        """The first message, old or new, that fits."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: any(map(fits, self.messages))), timeout_s)
        return next(m for m in self.messages if fits(m))

    async def received(self, count: int) -> None:
        """Until so many messages have come in all."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.messages) >= count), PATIENCE_S)

    async def wait_closed(self, timeout_s: float = PATIENCE_S) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: self.closed), timeout_s)

    async def command(
        self, method: str, params: list[Any] | dict[str, Any] | None = None, id_: int | str = 1
    ) -> Message:
        """Send a command and return its answer."""
        await self.socket.send(json.dumps({"method": method, "params": params, "id": id_}))
        return await self.wait(lambda m: "id" in m and m["id"] == id_)

    def of_type(self, event: str) -> list[Message]:
        payloads = [m.get("data", m) for m in self.messages]
        return [p for p in payloads if p.get("e") == event]


@asynccontextmanager
async def listen(url: str, **options: Any) -> AsyncIterator[Listener]:
    """A connected socket whose messages are collected."""
    async with connect(url, proxy=None, **options) as socket:
        listener = Listener(socket)
        reader = asyncio.create_task(listener.read())
        try:
            yield listener
        finally:
            reader.cancel()
