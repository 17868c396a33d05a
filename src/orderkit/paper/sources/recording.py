"""Reads a raw recording of one symbol's public streams: a local time and a frame a line."""

import gzip
import logging
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from pathlib import Path
from typing import IO, cast

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade
from orderkit.errors import ConfigurationError
from orderkit.paper.sources.depth_book import DepthBook, SequenceGap
from orderkit.paper.sources.fit import fitted_quote, fitted_trade, mark_price
from orderkit.paper.sources.frames import (
    MARKET_PRINT,
    AggregateTrade,
    BookTicker,
    DepthDiff,
    DepthSnapshot,
    Frame,
    MarkUpdate,
    TradePrint,
    decode,
)
from orderkit.paper.sources.marks import MidMarks

logger = logging.getLogger(__name__)

_LINE = re.compile(rb"\d{13,19} (\{.*\})\s*")
# Streams overtake each other, and a snapshot arrives after later diffs: frames further apart are in order.
_WINDOW_MS = 5000
_LONGEST_LINE = 10_000_000
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file of frames of one symbol; ``first_ms`` is the exchange time of its first."""

    path: Path
    symbol: str
    first_ms: int

    def frames(self) -> Iterator[tuple[int, Frame]]:
        """Line numbers and frames, as recorded; frames that say nothing about the market are left out.

        Raises:
            ConfigurationError: a line that is no frame or another symbol's, a file that cannot be read.
        """
        for line, frame in _frames(self.path):
            if not isinstance(frame, DepthSnapshot) and frame.symbol != self.symbol:
                raise ConfigurationError(
                    f"{self.path.name}, line {line} is of {frame.symbol}, the ones before of {self.symbol}",
                    hint="record one symbol a file",
                )
            yield line, frame


def open_raw_file(path: Path) -> RawFile | None:
    """The file as a raw recording, plain or gz; None where its first line is no frame.

    Raises:
        ConfigurationError: it begins as a recording, but cannot be read as one.
    """
    if not _begins_as_recording(path):
        return None
    named = (frame for _, frame in _frames(path) if not isinstance(frame, DepthSnapshot))
    first = next(named, None)
    return RawFile(path, first.symbol, first.time_ms) if first else None


class RawRecording:
    """The raw files of one symbol as one continuous recording, in the order of the exchange's own times.

    Diffs make the book; each best price between two diffs moves its touch, so that the touch is right at
    every recorded change and not only every 50 or 100 ms. Of trade and aggTrade frames the kind that comes
    first is used. A print that is no market trade (insurance fund, ADL) is left out. Without recorded mark
    prices mark and index are the mid, once a second. A gap in the diffs is left out up to the next snapshot.
    """

    def __init__(self, instrument: Instrument, files: Sequence[RawFile]) -> None:
        """Raises ConfigurationError where no file has a depth snapshot."""
        self._instrument = instrument
        self._files = sorted(files, key=lambda file: file.first_ms)
        snapshots = (f for file in self._files for _, f in file.frames() if isinstance(f, DepthSnapshot))
        first = next(snapshots, None)
        if first is None:
            raise ConfigurationError(
                f"{', '.join(file.path.name for file in self._files)}: no depth snapshot in the recording",
                hint="record the answer of GET /fapi/v1/depth?limit=1000 near the start",
            )
        self.first_ms = first.time_ms

    def events(self, shift_ms: int) -> Iterator[MarketEvent]:
        """The market ``shift_ms`` later than recorded, from the first snapshot on.

        Raises:
            ConfigurationError: a broken line, or diffs missing with no snapshot after them.
        """
        replay = _Replay(self._instrument, shift_ms)
        for file, line, frame in _in_exchange_order(self._files):
            yield from replay.take(file, line, frame)
        if replay.lost_at:
            raise ConfigurationError(
                f"{replay.lost_at}, and no depth snapshot follows",
                hint="cut the recording before the gap, or record a snapshot after it",
            )


class _Replay:
    """One pass over a recording: frames in, market events out."""

    def __init__(self, instrument: Instrument, shift_ms: int) -> None:
        self._instrument = instrument
        self._shift_ms = shift_ms
        self._now_ms = 0
        self._book = DepthBook(instrument)
        self._marks = MidMarks(instrument.symbol)
        self._marks_are_recorded = False
        self._trade_frames: type[TradePrint | AggregateTrade] | None = None
        self.lost_at = ""

    def take(self, file: RawFile, line: int, frame: Frame) -> Iterator[MarketEvent]:
        """The events that a frame makes; ``lost_at`` says where diffs are missing, until a snapshot."""
        self._now_ms = max(self._now_ms, frame.time_ms + self._shift_ms)
        if self._marks.due(self._now_ms) and not self._marks_are_recorded and self._book.is_synced:
            yield from self._mark()
        try:
            event = self._event(frame)
        except SequenceGap as gap:
            self.lost_at = f"{file.path.name}, line {line}: diffs are missing ({gap})"
            logger.warning("%s; going on at the next snapshot", self.lost_at)
            return
        if event is None:
            return
        yield event
        if not self._marks.begun:
            yield from self._mark()

    def _event(self, frame: Frame) -> MarketEvent | None:
        if isinstance(frame, DepthSnapshot):
            return None if self._book.is_synced else self._snapshot(frame)
        if isinstance(frame, DepthDiff):
            update = self._book.diff(frame)
            return update and replace(update, time_ms=self._now_ms)
        if isinstance(frame, MarkUpdate):
            self._marks_are_recorded = True
            return mark_price(frame, self._now_ms) if self._marks.begun else None
        if not self._book.is_synced:
            return None
        if isinstance(frame, BookTicker):
            if frame.update_id < self._book.update_id:
                return None
            return fitted_quote(frame, self._instrument, self._now_ms)
        return self._trade(frame)

    def _snapshot(self, frame: DepthSnapshot) -> DepthUpdate | None:
        update = self._book.snapshot(frame)
        if update is None:
            return None
        self.lost_at = ""
        return replace(update, time_ms=self._now_ms)

    def _trade(self, frame: TradePrint | AggregateTrade) -> MarketTrade | None:
        if self._trade_frames is None:
            self._trade_frames = type(frame)
        if type(frame) is not self._trade_frames:
            return None
        if isinstance(frame, TradePrint) and frame.kind != MARKET_PRINT:
            return None
        return fitted_trade(frame, self._instrument, self._now_ms)

    def _mark(self) -> Iterator[MarketEvent]:
        touch = self._book.touch()
        if touch is not None:
            (bid, _), (ask, _) = touch
            yield self._marks.mark((bid + ask) / 2, self._now_ms)


def _in_exchange_order(files: Sequence[RawFile]) -> Iterator[tuple[RawFile, int, Frame]]:
    """Frames by exchange time and update id: prints before the books they left, the touch before its diff."""
    waiting: list[tuple[int, int, int, int, RawFile, int, Frame]] = []
    newest_ms, count = 0, 0
    for file in files:
        for line, frame in file.frames():
            count += 1  # ties stay in the recorded order
            heappush(waiting, (frame.time_ms, *_place(frame), count, file, line, frame))
            newest_ms = max(newest_ms, frame.time_ms)
            while waiting[0][0] < newest_ms - _WINDOW_MS:
                yield heappop(waiting)[4:]
    while waiting:
        yield heappop(waiting)[4:]


def _place(frame: Frame) -> tuple[int, int]:
    """The update id, 0 where there is none, and a frame's rank among those of one update."""
    if isinstance(frame, BookTicker):
        return frame.update_id, 0
    if isinstance(frame, DepthSnapshot):
        return frame.last_id, 1
    return (frame.last_id, 2) if isinstance(frame, DepthDiff) else (0, 0)


def _begins_as_recording(path: Path) -> bool:
    try:
        with _open(path) as file:
            return _LINE.match(file.readline(_LONGEST_LINE)) is not None
    except (OSError, EOFError, zlib.error):
        return False


def _frames(path: Path) -> Iterator[tuple[int, Frame]]:
    line = 0
    try:
        with _open(path) as file:
            for line, text in enumerate(file, 1):
                match = _LINE.fullmatch(text)
                if match is None:
                    raise ValueError("no local time and frame")
                frame = decode(match[1])
                if frame is not None:
                    yield line, frame
    except ValueError as error:
        raise ConfigurationError(
            f"{path.name}, line {line} is no recorded frame ({error})",
            hint="a raw recording has <local ns> <JSON frame> on each line",
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(
            f"{path.name} cannot be read: {error}", hint="fetch or unpack it again"
        ) from error


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
