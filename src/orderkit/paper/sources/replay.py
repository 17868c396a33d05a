"""A recorded market played again: trades and best prices from a directory of Vision files."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from heapq import merge
from operator import attrgetter
from pathlib import Path

from orderkit.domain.instrument import Instrument, ceil_to_step, floor_to_step
from orderkit.domain.market import MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.errors import ConfigurationError
from orderkit.paper.sources.marks import next_funding_ms
from orderkit.paper.sources.vision import BOOK_TICKER, TRADES, Record, TickFile, open_tick_file

_MARK_INTERVAL_MS = 1000
_DISPLAY_WINDOW_MS = 5000
_FUNDING_RATE = Decimal("0.0001")


class ReplayMarket:
    """The recordings of a directory, all files and symbols merged in time order.

    Assumptions, where the recordings are silent: mark and index price are the mid, once a second, with
    the usual funding rate of 0.01 %. A symbol with trades alone is quoted one tick wide around its last
    trade, each side showing what traded there within the last five seconds. Contracts have today's
    filters whatever they were then: a recorded price between today's ticks goes to the passive side.
    """

    name = "replay"

    def __init__(self, instruments: Sequence[Instrument], data_dir: Path, *, loop: bool = False) -> None:
        """Find the directory's usable files; files of other instruments are left out.

        With ``loop`` the recording starts again when it ends, a millisecond later; trade ids go on.

        Raises:
            ConfigurationError: no such directory, no usable file in it, or a broken one.
        """
        self._files = _find(instruments, data_dir)
        self._instruments = {i.symbol: i for i in instruments}
        self._loop = loop
        self._first_ms = min(file.first_ms for file in self._files)
        found = {file.symbol for file in self._files}
        self.symbols = tuple(i.symbol for i in instruments if i.symbol in found)

    def events(self, start_ms: int) -> Iterator[MarketEvent]:
        """The recording with its first record at ``start_ms`` and all times kept relative to it."""
        round_start_ms, ids_used = start_ms, 0
        while True:
            shift_ms, last_ms, last_id = round_start_ms - self._first_ms, round_start_ms, 0
            for event in self._round(shift_ms):
                last_ms = event.time_ms
                if isinstance(event, MarketTrade):
                    last_id = max(last_id, event.trade_id)
                    event = replace(event, trade_id=event.trade_id + ids_used)
                yield event
            if not self._loop:
                return
            round_start_ms, ids_used = last_ms + 1, ids_used + last_id

    def _round(self, shift_ms: int) -> Iterator[MarketEvent]:
        return merge(
            *(self._symbol_events(symbol, shift_ms) for symbol in self.symbols), key=attrgetter("time_ms")
        )

    def _symbol_events(self, symbol: str, shift_ms: int) -> Iterator[MarketEvent]:
        trades, quotes = (
            _chain([f for f in self._files if (f.symbol, f.kind) == (symbol, kind)])
            for kind in (TRADES, BOOK_TICKER)
        )
        quoted = any((f.symbol, f.kind) == (symbol, BOOK_TICKER) for f in self._files)
        # At the same time a trade comes before the quote that shows what it left.
        records = merge(trades, quotes, key=attrgetter("time_ms"))
        instrument = self._instruments[symbol]
        fitted = (_fit(record, instrument, record.time_ms + shift_ms) for record in records)
        return _with_marks(fitted if quoted else _with_quotes(fitted, instrument.price_filter.tick_size))


def _find(instruments: Sequence[Instrument], data_dir: Path) -> list[TickFile]:
    if not data_dir.is_dir():
        raise ConfigurationError(f"{data_dir} is no directory", hint="name a directory of recordings")
    wanted = {i.symbol for i in instruments}
    found = [file for path in sorted(data_dir.iterdir()) if path.is_file() and (file := open_tick_file(path))]
    usable = [file for file in found if file.symbol in wanted]
    if usable:
        return sorted(usable, key=lambda file: file.first_ms)
    others = sorted({file.symbol for file in found})
    reason = (
        f"only of {', '.join(others)}" if others else "no trades or bookTicker CSV files (plain, gz or zip)"
    )
    raise ConfigurationError(
        f"{data_dir} has no usable recordings: {reason}",
        hint="names begin with the symbol: BTCUSDT-trades-2024-07-18.csv, BTCUSDT-bookTicker-2024-07-18.zip",
    )


def _chain(files: Sequence[TickFile]) -> Iterator[Record]:
    """Files of one symbol and kind, one after the other."""
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


def _fit(record: Record, instrument: Instrument, time_ms: int) -> Record:
    """The record at another time, on today's ticks and steps (at least one step)."""
    tick, step = instrument.price_filter.tick_size, instrument.lot_size.step_size

    def lots(quantity: Decimal) -> Decimal:
        return max(step, floor_to_step(quantity, step))

    if isinstance(record, Quote):
        return Quote(
            symbol=record.symbol,
            bid=floor_to_step(record.bid, tick),
            bid_quantity=lots(record.bid_quantity),
            ask=ceil_to_step(record.ask, tick),
            ask_quantity=lots(record.ask_quantity),
            time_ms=time_ms,
        )
    on_tick = floor_to_step if record.buyer_is_maker else ceil_to_step
    return replace(record, price=on_tick(record.price, tick), quantity=lots(record.quantity), time_ms=time_ms)


def _with_quotes(trades: Iterator[Record], tick: Decimal) -> Iterator[Record]:
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


def _with_marks(records: Iterator[Record]) -> Iterator[MarketEvent]:
    """Records from the first quote on (there is no book before it), with a mark price every second."""
    next_mark_ms: int | None = None
    mid: Decimal | None = None
    for record in records:
        if mid is not None and next_mark_ms is not None and record.time_ms >= next_mark_ms:
            next_mark_ms += (record.time_ms - next_mark_ms) // _MARK_INTERVAL_MS * _MARK_INTERVAL_MS
            yield _mark(record.symbol, mid, next_mark_ms)
            next_mark_ms += _MARK_INTERVAL_MS
        if isinstance(record, Quote):
            mid = record.mid
        if mid is not None:
            yield record
        if mid is not None and next_mark_ms is None:
            yield _mark(record.symbol, mid, record.time_ms)
            next_mark_ms = record.time_ms + _MARK_INTERVAL_MS


def _mark(symbol: str, mid: Decimal, time_ms: int) -> MarkPrice:
    return MarkPrice(symbol, mid, mid, _FUNDING_RATE, next_funding_ms(time_ms), time_ms)
