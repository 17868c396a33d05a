"""Asks each stream path of an exchange whether it answers, as a subscriber and not only as a socket."""

import asyncio
import json
import time
from typing import TYPE_CHECKING

from orderkit.exchange.connection import connection

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

ANSWER_TIMEOUT_S = 5.0
STREAMS = {"public": "btcusdt@bookTicker", "market": "btcusdt@markPrice@1s"}


def probe(base: str, path: str, listen_key: str = "") -> float:
    """Milliseconds until ``path`` (public, market or private) of ``wss://host`` answered.

    Public and market must name the stream that they were asked for: an address that is retired still
    shakes hands. Private must answer a ping.

    Raises:
        OSError, TimeoutError: nobody there, or no answer.
        WebSocketException: the handshake was refused, or the connection was closed.
        ValueError: it answers, but serves another stream.
    """
    return asyncio.run(_probe(base, path, listen_key))


async def _probe(base: str, path: str, listen_key: str) -> float:
    began = time.monotonic()
    what = f"?listenKey={listen_key}" if path == "private" else f"/{STREAMS[path]}"
    async with connection(f"{base}/{path}/ws{what}") as socket:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            if path == "private":
                await (await socket.ping())
            else:
                await _list_streams(socket, STREAMS[path])
        return (time.monotonic() - began) * 1000


async def _list_streams(socket: "ClientConnection", stream: str) -> None:
    await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 1}))
    while True:
        answer = json.loads(await socket.recv())
        if isinstance(answer, dict) and answer.get("id") == 1:
            if stream not in (answer.get("result") or []):
                raise ValueError(f"it does not serve {stream}")
            return
