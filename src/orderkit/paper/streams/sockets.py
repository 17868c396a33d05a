"""The WebSocket side of streams: connection paths, subscription commands, and the task that writes."""

import asyncio
import time
from collections import deque

import msgspec
from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from orderkit.paper.streams.hub import Hub, Subscriber
from orderkit.paper.streams.names import Category

# A client that leaves a ping unanswered for half this time is cut off; Binance waits ten minutes.
PING_INTERVAL_S = 180
# Binance ends every connection after a day.
LIFE_S = 24 * 3600.0
MAX_STREAMS = 1_024
MAX_COMMANDS_PER_S = 10
MAX_COMMAND_BYTES = 64 * 1024
GOING_AWAY = 1001
POLICY_VIOLATION = 1008


class Command(msgspec.Struct):
    """A client's message; ``id`` is echoed as it came (int or string)."""

    method: str
    params: list[str | bool] | None = None
    id: int | str | None = None


class StreamSockets:
    """Serves the stream paths of one exchange; a connection is closed when it is ``life_s`` old."""

    def __init__(self, hub: Hub, *, life_s: float = LIFE_S) -> None:
        self._hub = hub
        self._life_s = life_s

    def routes(self) -> list[web.RouteDef]:
        """All paths. The ones without a category were retired in April 2026 and carry /public data only."""
        routes = []
        for prefix, category in [("", Category.PUBLIC)] + [(f"/{c}", c) for c in Category]:
            routes += [
                web.get(f"{prefix}/ws", self._handler(category, wrapped=False)),
                web.get(f"{prefix}/ws/{{names:.*}}", self._handler(category, wrapped=False)),
                web.get(f"{prefix}/stream", self._handler(category, wrapped=True)),
            ]
        return routes

    def _handler(self, category: Category, *, wrapped: bool) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, category, wrapped=wrapped)

        return handle

    async def _serve(self, request: web.Request, category: Category, *, wrapped: bool) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=PING_INTERVAL_S, compress=False, max_msg_size=MAX_COMMAND_BYTES
        )
        if not socket.can_prepare(request):
            return web.json_response({"code": -1000, "msg": "This path is for WebSocket."}, status=400)
        await socket.prepare(request)

        def cut_off() -> None:
            if request.transport is not None:
                request.transport.abort()

        events = request.query.get("events")
        subscriber = Subscriber(
            category,
            wrapped=wrapped,
            events=frozenset(events.split("/")) if events else None,
            cut_off=cut_off,
        )
        self._hub.subscribers.add(subscriber)
        self._hub.subscribe(subscriber, _names_in(request)[:MAX_STREAMS])
        writer = asyncio.create_task(self._write(socket, subscriber))
        try:
            async with asyncio.timeout(self._life_s):
                await self._read(socket, subscriber)
        except TimeoutError:
            await socket.close(code=GOING_AWAY)
        finally:
            self._hub.leave(subscriber)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _write(self, socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
        frames, filled, hub = subscriber.frames, subscriber.filled, self._hub
        while True:
            await filled.wait()
            filled.clear()
            while frames:
                if not hub.flowing.is_set():
                    await hub.flowing.wait()
                    continue
                await socket.send_frame(subscriber.take(), WSMsgType.TEXT)

    async def _read(self, socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
        received: deque[float] = deque(maxlen=MAX_COMMANDS_PER_S)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            now = time.monotonic()
            if len(received) == MAX_COMMANDS_PER_S and now - received[0] < 1:
                await socket.close(code=POLICY_VIOLATION, message=b"Too many requests")
                return
            received.append(now)
            subscriber.offer(msgspec.json.encode(self._answer(message.data, subscriber)))

    def _answer(self, text: str, subscriber: Subscriber) -> object:
        try:
            command = msgspec.json.decode(text, type=Command)
        except msgspec.DecodeError as error:
            return {"error": {"code": 2, "msg": f"Invalid request: {error}"}, "id": None}
        params = command.params or []
        names = [name for name in params if isinstance(name, str)]
        match command.method:
            case "SUBSCRIBE":
                if len(subscriber.streams) + len(names) > MAX_STREAMS:
                    return _error(command, "too many streams on this connection")
                self._hub.subscribe(subscriber, names)
                return {"result": None, "id": command.id}
            case "UNSUBSCRIBE":
                self._hub.unsubscribe(subscriber, names)
                return {"result": None, "id": command.id}
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(subscriber.streams), "id": command.id}
            case "SET_PROPERTY" if len(params) == 2 and params[0] == "combined":
                subscriber.wrapped = params[1] is True
                return {"result": None, "id": command.id}
            case "GET_PROPERTY" if params == ["combined"]:
                return {"result": subscriber.wrapped, "id": command.id}
        return _error(command, f"unknown method or property in `{command.method}`")


def _error(command: Command, text: str) -> object:
    return {"error": {"code": 2, "msg": f"Invalid request: {text}"}, "id": command.id}


def _names_in(request: web.Request) -> list[str]:
    """Stream names of a URL: /ws/a/b, /stream?streams=a/b, ?listenKey=k."""
    names = request.match_info.get("names", "").split("/")
    names += request.query.get("streams", "").split("/")
    names.append(request.query.get("listenKey", ""))
    return [name for name in names if name]
