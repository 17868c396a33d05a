"""One symbol's market mirrored from Binance's streams: frames as they arrive in, market events out. No IO."""

from dataclasses import replace

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, Level, MarketEvent, MarkPrice, Quote
from orderkit.paper.sources.depth_book import DepthBook
from orderkit.paper.sources.fit import fitted_quote, fitted_trade, mark_price
from orderkit.paper.sources.frames import (
    BookTicker,
    DepthDiff,
    DepthSnapshot,
    MarkUpdate,
    StreamFrame,
    TradePrint,
)


class SymbolMirror:
    """Follows the depth of one symbol; the bookTicker, which is faster, has the say over the touch.

    A diff tells of up to 100 ms: where the newest best price is younger than the diff, levels of the diff
    that it has passed are left out, so that no price comes back that is gone and fills an order.
    While the book is out of sync nothing but marks is passed on.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._book = DepthBook(instrument)
        self._newest: BookTicker | None = None
        self._mark: MarkPrice | None = None
        self._begun = False
        self._time_ms = 0

    @property
    def symbol(self) -> str:
        return self._instrument.symbol

    @property
    def is_synced(self) -> bool:
        """Whether the book follows the exchange's."""
        return self._book.is_synced

    def lose(self) -> None:
        """The stream was cut: what comes next needs a new snapshot."""
        self._book.lose()
        self._newest = None

    def begin(self, snapshot: DepthSnapshot) -> list[MarketEvent] | None:
        """The whole book, the first time with a mark; None where the snapshot is older than the diffs."""
        update = self._book.snapshot(snapshot)
        if update is None:
            return None
        events: list[MarketEvent] = [self._under_newest_touch(update)]
        if not self._begun and self._mark is not None:
            events.append(self._mark)
        self._begun = True
        return events

    def withdrawn(self) -> DepthUpdate:
        """An empty book: nobody shall trade at prices that may be long gone."""
        return DepthUpdate(self.symbol, (), (), self._time_ms, snapshot=True)

    def take(self, frame: StreamFrame) -> MarketEvent | None:
        """What a frame changes, if anything.

        Raises:
            SequenceGap: diffs are missing; the book needs a snapshot again.
        """
        self._time_ms = max(self._time_ms, frame.time_ms)
        if isinstance(frame, DepthDiff):
            update = self._book.diff(frame)
            return self._under_newest_touch(update) if update else None
        if isinstance(frame, MarkUpdate):
            marked = mark_price(frame, frame.time_ms)
            self._mark = replace(marked, next_funding_ms=frame.next_funding_ms)
            return self._mark if self._begun else None
        if isinstance(frame, BookTicker):
            return self._touch(frame)
        if not self.is_synced or isinstance(frame, TradePrint):  # aggTrade brings the market trades
            return None
        return fitted_trade(frame, self._instrument, frame.time_ms)

    def _touch(self, frame: BookTicker) -> Quote | None:
        if self._newest is None or frame.update_id > self._newest.update_id:
            self._newest = frame
        if not self.is_synced or frame.update_id < max(self._book.update_id, self._newest.update_id):
            return None
        return fitted_quote(frame, self._instrument, frame.time_ms)

    def _under_newest_touch(self, update: DepthUpdate) -> DepthUpdate:
        newest = self._newest
        if newest is None or newest.update_id <= self._book.update_id:
            return update
        touch = fitted_quote(newest, self._instrument, newest.time_ms)
        return replace(
            update,
            bids=_behind(update.bids, (touch.bid, touch.bid_quantity), 1),
            asks=_behind(update.asks, (touch.ask, touch.ask_quantity), -1),
        )


def _behind(levels: tuple[Level, ...], touch: Level, sign: int) -> tuple[Level, ...]:
    """The levels with ``touch`` as the best one: removals stay, better prices go (``sign`` 1 for bids)."""
    return (*(one for one in levels if not one[1] or (touch[0] - one[0]) * sign > 0), touch)
