"""A recorded market played again, from a directory of Vision files and raw stream recordings."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketEvent, MarketTrade
from orderkit.errors import ConfigurationError
from orderkit.paper.sources.candles import CandleRecording
from orderkit.paper.sources.columns import AGGREGATE_TRADES, BOOK_TICKER, KLINES, TRADES, Kind
from orderkit.paper.sources.recording import RawFile, RawRecording, open_raw_file
from orderkit.paper.sources.ticks import TickRecording
from orderkit.paper.sources.vision import TickFile, open_tick_file

logger = logging.getLogger(__name__)

_OPENING_MS = 10_000


class Recording(Protocol):
    """Everything recorded of one symbol; ``first_ms`` is when it begins."""

    first_ms: int

    def events(self, shift_ms: int) -> Iterator[MarketEvent]:
        """The market ``shift_ms`` later than recorded: first a book, then a mark, then the rest in time.

        Raises:
            ConfigurationError: the recording turns out broken on the way.
        """
        ...


class ReplayMarket:
    """The recordings of a directory, all symbols merged in time order.

    Of each symbol the richest recording is played: raw streams, whose depth makes a whole book; else
    bookTicker and trades (aggTrades where there are no trades); klines only where there is nothing else.
    Times stay relative to the first record of all. Only a symbol whose recording begins within ten seconds
    of that shows its opening book from the start, so that whoever finds the exchange ready finds a market.
    """

    name = "replay"

    def __init__(self, instruments: Sequence[Instrument], data_dir: Path, *, loop: bool = False) -> None:
        """Find the directory's usable files; files of other instruments are left out.

        With ``loop`` the recording starts again when it ends, a millisecond later; trade ids go on.

        Raises:
            ConfigurationError: no such directory, no usable file in it, or a broken one.
        """
        self._recordings = _find(instruments, data_dir)
        self._loop = loop
        self._first_ms = min(recording.first_ms for recording in self._recordings.values())
        self.symbols = tuple(self._recordings)
        for symbol, recording in self._recordings.items():
            late_s = (recording.first_ms - self._first_ms) // 1000
            if late_s > _OPENING_MS // 1000:
                logger.warning("%s has no market before %d s of the recording have passed", symbol, late_s)

    def events(self, start_ms: int) -> Iterator[MarketEvent]:
        """The recording with its first record at ``start_ms`` and all times kept relative to it."""
        round_start_ms, ids_used = start_ms, 0
        while True:
            last_ms, last_id = -1, 0
            for event in self._round(round_start_ms):
                last_ms = event.time_ms
                if isinstance(event, MarketTrade):
                    last_id = max(last_id, event.trade_id)
                    if ids_used:
                        event = replace(event, trade_id=event.trade_id + ids_used)
                yield event
            if not self._loop or last_ms < 0:
                return
            round_start_ms, ids_used = last_ms + 1, ids_used + last_id

    def _round(self, start_ms: int) -> Iterator[MarketEvent]:
        shift_ms = start_ms - self._first_ms
        openings = (_opening_at(start_ms, r.events(shift_ms)) for r in self._recordings.values())
        return merge(*openings, key=attrgetter("time_ms"))


def _opening_at(start_ms: int, events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    """The events with the opening book and its mark at ``start_ms`` if they are near it."""
    for event in islice(events, 2):
        yield replace(event, time_ms=start_ms) if event.time_ms - start_ms <= _OPENING_MS else event
    yield from events


def _find(instruments: Sequence[Instrument], data_dir: Path) -> dict[str, Recording]:
    """The recording of each instrument that has one, in the instruments' order."""
    if not data_dir.is_dir():
        raise ConfigurationError(f"{data_dir} is no directory", hint="name a directory of recordings")
    paths = sorted(path for path in data_dir.iterdir() if path.is_file())
    found = [file for path in paths if (file := open_tick_file(path) or open_raw_file(path))]
    recordings = {
        instrument.symbol: _recording(instrument, files)
        for instrument in instruments
        if (files := [file for file in found if file.symbol == instrument.symbol])
    }
    if recordings:
        return recordings
    others = ", ".join(sorted({file.symbol for file in found}))
    reason = f"only of {others}" if others else "no trades, aggTrades, bookTicker, klines or raw streams"
    raise ConfigurationError(
        f"{data_dir} has no usable recordings: {reason}",
        hint="CSV names begin with the symbol: BTCUSDT-trades-2024-07-18.csv, BTCUSDT-1m-2024-07-18.zip; "
        "raw recordings have <local ns> <JSON frame> on each line",
    )


def _recording(instrument: Instrument, files: Sequence[TickFile | RawFile]) -> Recording:
    raw = [file for file in files if isinstance(file, RawFile)]
    if raw:
        return RawRecording(instrument, raw)
    quotes, trades = _of_kind(files, BOOK_TICKER), _of_kind(files, TRADES)
    trades = trades or _of_kind(files, AGGREGATE_TRADES)
    if quotes or trades:
        return TickRecording(instrument, quotes, trades)
    return CandleRecording(instrument, _of_kind(files, KLINES))


def _of_kind(files: Sequence[TickFile | RawFile], kind: Kind) -> list[TickFile]:
    ticks = [file for file in files if isinstance(file, TickFile) and file.kind == kind]
    return sorted(ticks, key=lambda file: file.first_ms)
