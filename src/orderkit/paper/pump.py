"""Feeds a market source to the exchange in real time, and beats the streams' intervals."""

import asyncio
import logging
import time
from dataclasses import replace
from itertools import chain

from orderkit.paper.host import PaperExchange
from orderkit.paper.sources import MarketSource

logger = logging.getLogger(__name__)

# Events this close together are applied in one go: a stream message is not sent more often than this anyway.
BATCH_MS = 5
# After this long at a stretch the loop gets its turn, so that a burst does not delay an answer.
SLICE_S = 0.005
BEAT_MS = 50


class MarketPump:
    """Feeds one source at ``speed`` times the recorded pace. Events carry the time they are applied at."""

    def __init__(self, exchange: PaperExchange, source: MarketSource, *, speed: float) -> None:
        self._exchange = exchange
        self._name = source.name
        self._speed = speed
        self._start_ms = exchange.now_ms()
        self._events = source.events(self._start_ms)

    def prime(self) -> None:
        """Apply what stands at the very beginning, so that every book is usable before the first request."""
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
