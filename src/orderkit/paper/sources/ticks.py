"""Recorded trades and best prices as a market: what Vision files hold, with quotes and marks added."""

from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from heapq import merge
from operator import attrgetter

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketEvent, MarketTrade, Quote
from orderkit.errors import ConfigurationError
from orderkit.paper.sources.columns import Candle, Record
from orderkit.paper.sources.fit import fitted_quote, fitted_trade
from orderkit.paper.sources.marks import MidMarks
from orderkit.paper.sources.vision import TickFile

_DISPLAY_WINDOW_MS = 5000

Tick = Quote | MarketTrade


class TickRecording:
    """One symbol's bookTicker files, its trades or aggTrades files, or both.

    Assumptions: mark and index are the mid. Trades alone are quoted one tick wide around the last one, each
    side showing what traded there within the last five seconds.
    """

    def __init__(
        self, instrument: Instrument, quotes: Sequence[TickFile], trades: Sequence[TickFile]
    ) -> None:
        self._instrument = instrument
        self._quotes = quotes
        self._trades = trades
        self.first_ms = min(file.first_ms for file in (*quotes, *trades))

    def events(self, shift_ms: int) -> Iterator[MarketEvent]:
        """The market ``shift_ms`` later than recorded. Raises ConfigurationError for a broken file."""
        # At the same time a trade comes before the quote that shows what it left.
        records = merge(chained(self._trades), chained(self._quotes), key=attrgetter("time_ms"))
        ticks = (self._fitted(record, shift_ms) for record in records if not isinstance(record, Candle))
        return with_marks(ticks if self._quotes else with_quotes(ticks, self._tick_size))

    @property
    def _tick_size(self) -> Decimal:
        return self._instrument.price_filter.tick_size

    def _fitted(self, record: Tick, shift_ms: int) -> Tick:
        time_ms = record.time_ms + shift_ms
        if isinstance(record, Quote):
            return fitted_quote(record, self._instrument, time_ms)
        return fitted_trade(record, self._instrument, time_ms)


def chained(files: Sequence[TickFile]) -> Iterator[Record]:
    """The records of files of one symbol and kind, one file after the other.

    Raises:
        ConfigurationError: two of them overlap, or one is broken.
    """
    last_ms = 0
    for file in files:
        if file.first_ms < last_ms:
            raise ConfigurationError(
                f"{file.path.name} begins at {file.first_ms}, before the file before it ends ({last_ms})",
                hint="remove one of the overlapping files",
            )
        for record in file.records():
            last_ms = record.time_ms
            yield record


def with_quotes(trades: Iterator[Tick], tick: Decimal) -> Iterator[Tick]:
    """Trades, each after the quote that it may have met."""
    recent: deque[MarketTrade] = deque()
    traded = {True: Decimal(0), False: Decimal(0)}  # by buyer_is_maker: the side of the book that gave
    for trade in trades:
        assert isinstance(trade, MarketTrade)
        recent.append(trade)
        traded[trade.buyer_is_maker] += trade.quantity
        while recent[0].time_ms < trade.time_ms - _DISPLAY_WINDOW_MS:
            old = recent.popleft()
            traded[old.buyer_is_maker] -= old.quantity
        bid = trade.price if trade.buyer_is_maker else trade.price - tick
        yield Quote(
            symbol=trade.symbol,
            bid=bid,
            bid_quantity=traded[True] or trade.quantity,
            ask=bid + tick,
            ask_quantity=traded[False] or trade.quantity,
            time_ms=trade.time_ms,
        )
        yield trade


def with_marks(ticks: Iterator[Tick]) -> Iterator[MarketEvent]:
    """Ticks from the first quote on (there is no book before it), with a mark at the mid every second."""
    marks: MidMarks | None = None
    mid = Decimal(0)
    for tick in ticks:
        if marks is not None and marks.due(tick.time_ms):
            yield marks.mark(mid, tick.time_ms)
        if isinstance(tick, Quote):
            mid = tick.mid
        if marks is not None:
            yield tick
        elif mid:
            yield tick
            marks = MidMarks(tick.symbol)
            yield marks.mark(mid, tick.time_ms)
