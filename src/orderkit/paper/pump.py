"""Feeds a market source to the exchange in real time, and beats the streams' intervals."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import replace
from itertools import chain
from typing import Protocol

from orderkit.domain.market import MarketEvent
from orderkit.errors import ConfigurationError
from orderkit.paper.host import PaperExchange
from orderkit.paper.sources import LiveSource, MarketSource

logger = logging.getLogger(__name__)

# Events this close together are applied in one go: a stream message is not sent more often than this anyway.
BATCH_MS = 5
# After this long at a stretch the loop gets its turn, so that a burst does not delay an answer.
SLICE_S = 0.005
BEAT_MS = 50


class Pump(Protocol):
    """Brings a market to the exchange."""

    async def prime(self) -> None:
        """Apply what stands at the very beginning, so that every book is usable before the first request.

        Raises:
            OrderKitError: there is no market to be had.
        """
        ...

    async def run(self) -> None:
        """Feed until the source ends; the market then stands still."""
        ...


def open_pump(exchange: PaperExchange, source: MarketSource | LiveSource, *, speed: float) -> Pump:
    """The pump for a source; ``speed`` multiplies the pace of one that can be pulled ahead.

    Raises:
        ConfigurationError: a live market at another pace than its own.
    """
    if not isinstance(source, LiveSource):
        return MarketPump(exchange, source, speed=speed)
    if speed != 1:
        raise ConfigurationError("a live market keeps its own pace", hint="leave --speed out")
    return LivePump(exchange, source)


class MarketPump:
    """Feeds one source at ``speed`` times the recorded pace. Events carry the time they are applied at."""

    def __init__(self, exchange: PaperExchange, source: MarketSource, *, speed: float) -> None:
        self._exchange = exchange
        self._name = source.name
        self._speed = speed
        self._start_ms = exchange.now_ms()
        self._events = source.events(self._start_ms)

    async def prime(self) -> None:
        """Apply the events of the very first millisecond."""
        for event in self._events:
            if event.time_ms > self._start_ms:
                self._events = chain((event,), self._events)
                break
            self._exchange.apply(event)

    async def run(self) -> None:
        """Feed until the source ends; the market then stands still."""
        start_ms, speed, exchange = self._start_ms, self._speed, self._exchange
        slice_ends = time.perf_counter() + SLICE_S
        for event in self._events:
            due_ms = start_ms + (event.time_ms - start_ms) / speed
            wait_ms = due_ms - exchange.now_ms()
            if wait_ms > 0:
                await asyncio.sleep(max(wait_ms, BATCH_MS) / 1000)
                slice_ends = time.perf_counter() + SLICE_S
            elif time.perf_counter() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.perf_counter() + SLICE_S
            exchange.apply(event if speed == 1 else replace(event, time_ms=exchange.now_ms()))
        logger.info("the %s market has no further event: prices stand still", self._name)


class LivePump:
    """Feeds a market as it happens. Events carry this machine's time: the clocks need not agree."""

    def __init__(self, exchange: PaperExchange, source: LiveSource) -> None:
        self._exchange = exchange
        self._batches = source.live_events()

    async def prime(self) -> None:
        """Wait for the first books and apply them. Raises ExchangeUnreachable where none come."""
        self._apply(await anext(self._batches))

    async def run(self) -> None:
        """Feed until cancelled, and disconnect then."""
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                self._apply(batch)
                await asyncio.sleep(0)

    def _apply(self, batch: list[MarketEvent]) -> None:
        now_ms = self._exchange.now_ms()
        for event in batch:
            self._exchange.apply(replace(event, time_ms=now_ms))


async def beat(exchange: PaperExchange) -> None:
    """Every 50 ms: move the clock, and send the streams whose interval has come round. Does not drift."""
    loop = asyncio.get_running_loop()
    started, beats = loop.time(), 0
    intervals = (100, 250, 500, 1_000, 3_000)
    while True:
        beats += 1
        delay = started + beats * BEAT_MS / 1000 - loop.time()
        if delay < -1:  # the machine slept: go on from now
            started, beats, delay = loop.time(), 0, 0.0
        await asyncio.sleep(max(delay, 0))
        exchange.advance()
        exchange.user_publisher.expire_listen_keys()
        for interval_ms in intervals:
            if beats * BEAT_MS % interval_ms == 0:
                exchange.send_due(interval_ms)
