"""The connections of the live market: two stream paths and depth snapshots, kept up across losses."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orderkit.domain.market import MarketEvent
from orderkit.paper.sources.depth_book import SequenceGap
from orderkit.paper.sources.frames import DepthDiff, DepthSnapshot, decode, decode_snapshot
from orderkit.paper.sources.mirror import SymbolMirror

if TYPE_CHECKING:
    from aiohttp import ClientSession

logger = logging.getLogger(__name__)

_DEPTH_LEVELS = 1000  # weight 20 of 2,400 a minute
_PARALLEL_SNAPSHOTS = 4
_MOST_UNREAD = 10_000
_LARGEST_FRAME = 2**24
_STABLE_S = 30.0


@dataclass(frozen=True, slots=True)
class LiveTimings:
    """How long what may take, in seconds.

    A connection silent for ``stale_s`` is given up. A symbol out of sync for ``withdraw_s`` shows an empty
    book until it is back. Pauses between attempts double from the first to the longest.
    """

    first_book_s: float = 20.0
    stale_s: float = 10.0
    withdraw_s: float = 5.0
    request_s: float = 10.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Before the attempt after so many failures."""
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(failures, 20))


class LiveFeed:
    """Fills the mirrors, and gives what they make of it to whoever calls `read`: a context manager.

    A book is begun when the first diff of its symbol arrives on a new connection or after a gap: a snapshot
    asked for then cannot be older than the diffs.
    """

    def __init__(
        self, mirrors: Sequence[SymbolMirror], rest_base: str, stream_base: str, timings: LiveTimings
    ) -> None:
        self._mirrors = {mirror.symbol: mirror for mirror in mirrors}
        self._rest_base = rest_base
        self._stream_base = stream_base
        self._timings = timings
        self._unread: list[MarketEvent] = []
        self._arrived = asyncio.Event()
        self._syncs: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._synced_at: dict[str, float] = {}
        self._lost_at: dict[str, float] = {}
        self._requests = asyncio.Semaphore(_PARALLEL_SNAPSHOTS)
        self._quiet_until = 0.0
        self.trouble = ""

    async def __aenter__(self) -> "LiveFeed":
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def read(self) -> list[MarketEvent]:
        """What came since the last call, at least one event. No failure of the exchange ends this."""
        while not self._unread:
            if self._running.done():
                self._running.result()
            self._arrived.clear()
            await self._arrived.wait()
        events, self._unread = self._unread, []
        return events

    async def _run(self) -> None:
        from aiohttp import ClientSession, ClientTimeout

        timeout = ClientTimeout(total=self._timings.request_s)
        async with ClientSession(timeout=timeout, trust_env=not _is_loopback(self._rest_base)) as session:
            tasks = [
                asyncio.create_task(self._follow("public", ("depth@100ms", "bookTicker"), session)),
                asyncio.create_task(self._follow("market", ("aggTrade", "markPrice@1s"), session)),
                asyncio.create_task(self._withdraw_lost()),
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                tasks += self._syncs.values()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, path: str, streams: Sequence[str], session: "ClientSession") -> None:
        """Read one path, connection after connection."""
        from websockets.exceptions import WebSocketException

        wanted = "/".join(f"{name.lower()}@{stream}" for name in self._mirrors for stream in streams)
        url = f"{self._stream_base}/{path}/stream?streams={wanted}"
        failures = 0

        def heard() -> None:
            nonlocal failures
            failures = 0

        while True:
            try:
                await self._connected(url, session, heard)
            except (OSError, EOFError, TimeoutError, WebSocketException) as error:
                self._note(f"/{path} streams lost: {error or 'nothing came'}")
            if path == "public":
                self._lose_books()
            await asyncio.sleep(self._timings.pause_s(failures))
            failures += 1

    async def _connected(self, url: str, session: "ClientSession", heard: Callable[[], None]) -> None:
        """One connection's life. Raises TimeoutError where nothing arrives for too long."""
        from websockets.asyncio.client import connect

        async with connect(
            url,
            proxy=None if _is_loopback(url) else True,
            max_size=_LARGEST_FRAME,
            open_timeout=self._timings.request_s,
            close_timeout=1.0,
            compression=None,  # Binance does not compress
        ) as socket:
            logger.info("streams open: %.100s", url)
            while True:
                async with asyncio.timeout(self._timings.stale_s):
                    text = await socket.recv(decode=False)
                heard()
                self._take(text, session)
                while len(self._unread) > _MOST_UNREAD:  # let the socket wait, not the memory grow
                    await asyncio.sleep(0.01)

    def _take(self, text: bytes, session: "ClientSession") -> None:
        try:
            frame = decode(text)
        except ValueError as error:
            logger.warning("a frame is left out (%s): %.200r", error, text)
            return
        if frame is None or isinstance(frame, DepthSnapshot) or frame.symbol not in self._mirrors:
            return
        mirror = self._mirrors[frame.symbol]
        try:
            event = mirror.take(frame)
        except SequenceGap as gap:
            self._note(f"diffs are missing: {gap}")
            self._lost(mirror.symbol)
        else:
            if event is not None:
                self._emit([event])
        if isinstance(frame, DepthDiff) and not mirror.is_synced and mirror.symbol not in self._syncs:
            sync = self._syncs[mirror.symbol] = asyncio.create_task(self._sync(mirror, session))
            sync.add_done_callback(lambda done: self._sync_ended(mirror.symbol, done))

    async def _sync(self, mirror: SymbolMirror, session: "ClientSession") -> None:
        """Ask for snapshots until one begins the book."""
        symbol, loop = mirror.symbol, asyncio.get_running_loop()
        if loop.time() - self._synced_at.get(symbol, -_STABLE_S) > _STABLE_S:
            self._failures[symbol] = 0
        while True:
            if self._failures[symbol]:
                await asyncio.sleep(self._timings.pause_s(self._failures[symbol] - 1))
            self._failures[symbol] += 1
            snapshot = await self._snapshot(symbol, session)
            events = mirror.begin(snapshot) if snapshot else None
            if events is not None:
                break
        self._synced_at[symbol] = loop.time()
        self._lost_at.pop(symbol, None)
        logger.info("%s follows the market", symbol)
        self._emit(events)

    def _sync_ended(self, symbol: str, sync: "asyncio.Task[None]") -> None:
        if self._syncs.get(symbol) is sync:
            del self._syncs[symbol]
        if not sync.cancelled() and (error := sync.exception()):
            logger.error("%s was not begun", symbol, exc_info=error)

    async def _snapshot(self, symbol: str, session: "ClientSession") -> DepthSnapshot | None:
        from aiohttp import ClientError

        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._quiet_until - loop.time())
        url = f"{self._rest_base}/fapi/v1/depth"
        try:
            async with (
                self._requests,
                session.get(url, params={"symbol": symbol, "limit": _DEPTH_LEVELS}) as answer,
            ):
                if answer.status == 200:
                    return decode_snapshot(await answer.read())
                self._note(f"no depth snapshot of {symbol}: HTTP {answer.status}")
                retry_after = answer.headers.get("Retry-After", "")
                if retry_after.isdecimal():  # 429 or 418: asking earlier, for any symbol, would prolong it
                    self._quiet_until = loop.time() + int(retry_after)
        except (OSError, TimeoutError, ClientError, ValueError) as error:
            self._note(f"no depth snapshot of {symbol}: {error or type(error).__name__}")
        return None

    def _lose_books(self) -> None:
        for mirror in self._mirrors.values():
            if mirror.is_synced:
                self._lost(mirror.symbol)
            mirror.lose()
        for sync in self._syncs.values():
            sync.cancel()
        self._syncs = {}

    def _lost(self, symbol: str) -> None:
        self._lost_at[symbol] = asyncio.get_running_loop().time()

    async def _withdraw_lost(self) -> None:
        loop, after_s = asyncio.get_running_loop(), self._timings.withdraw_s
        while True:
            await asyncio.sleep(after_s / 5)
            for symbol, lost_at in list(self._lost_at.items()):
                if loop.time() - lost_at > after_s:
                    del self._lost_at[symbol]
                    self._note(
                        f"{symbol} has been out of step for {after_s:g} s: its book is empty until it is back"
                    )
                    self._emit([self._mirrors[symbol].withdrawn()])

    def _emit(self, events: list[MarketEvent]) -> None:
        self._unread += events
        self._arrived.set()

    def _note(self, trouble: str) -> None:
        self.trouble = trouble
        logger.warning("live market: %s", trouble)


def _is_loopback(url: str) -> bool:
    return "//127.0.0.1:" in url or "//localhost:" in url
