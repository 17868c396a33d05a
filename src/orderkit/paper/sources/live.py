"""Binance's live market, mirrored from its public streams: no keys, nothing sent but requests for data."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketEvent, MarkPrice
from orderkit.errors import ExchangeUnreachable
from orderkit.paper.sources.live_feed import LiveFeed, LiveTimings
from orderkit.paper.sources.mirror import SymbolMirror

logger = logging.getLogger(__name__)

REST_BASE = "https://fapi.binance.com"
STREAM_BASE = "wss://fstream.binance.com"


class LiveMarket:
    """Depth, best prices, trades and marks of the given instruments, from Binance while it can be reached.

    Depth and best prices come from the ``/public`` path, aggTrade and markPrice from ``/market``. Each book
    begins with a REST snapshot and is checked diff by diff; a gap or a lost connection begins it anew. Our
    own orders change nothing out there: what they take comes back with the next update of its level.
    """

    name = "live"

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        rest_base: str = REST_BASE,
        stream_base: str = STREAM_BASE,
        timings: LiveTimings | None = None,
    ) -> None:
        self._instruments = tuple(instruments)
        self._rest_base = rest_base
        self._stream_base = stream_base
        self._timings = timings or LiveTimings()
        self.symbols = tuple(i.symbol for i in instruments)

    async def live_events(self) -> AsyncGenerator[list[MarketEvent], None]:
        """See `LiveSource.live_events`; the wait for the first batch is ``first_book_s`` of the timings."""
        mirrors = [SymbolMirror(instrument) for instrument in self._instruments]
        async with LiveFeed(mirrors, self._rest_base, self._stream_base, self._timings) as feed:
            yield await self._opening(feed)
            while True:
                yield await feed.read()

    async def _opening(self, feed: LiveFeed) -> list[MarketEvent]:
        waited, events = set(self.symbols), list[MarketEvent]()
        try:
            async with asyncio.timeout(self._timings.first_book_s):
                while waited:
                    arrived = await feed.read()
                    events += arrived
                    # a mark is passed on once there is a book
                    waited -= {event.symbol for event in arrived if isinstance(event, MarkPrice)}
        except TimeoutError:
            missing = ", ".join(sorted(waited))
            if waited == set(self.symbols):
                raise ExchangeUnreachable(
                    f"no market of {missing} from {self._stream_base} within {self._timings.first_book_s:g} s"
                    + (f": {feed.trouble}" if feed.trouble else ""),
                    hint="check the connection to the internet, or take another market",
                ) from None
            logger.warning("no market of %s yet, going on without", missing)
        return events
