"""The market's price while a job runs, as a line of bars with the job's fills marked below."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Fill
from orderkit.errors import OrderKitError

if TYPE_CHECKING:
    from rich.text import Text

log = logging.getLogger(__name__)

WIDTH = 54  # of 80 columns, with a price on each side
BARS = "▁▂▃▄▅▆▇█"
BUY_MARK, SELL_MARK, BOTH_MARK = "▲", "▼", "◆"
MOST_POINTS = 20_000  # five hours at one a second and more; then the older half is thinned out


@dataclass(slots=True)
class PriceTrace:
    """Prices by time (UTC ms), in the order of their arrival."""

    points: list[tuple[int, float]] = field(default_factory=list)

    def add(self, time_ms: int, price: Decimal) -> None:
        if len(self.points) >= MOST_POINTS:
            half = len(self.points) // 2
            self.points[:half] = self.points[:half:2]
        self.points.append((time_ms, float(price)))

    def lines(self, fills: Sequence[Fill], begin_ms: int, end_ms: int, width: int) -> "Drawn | None":
        """The prices between two times in ``width`` columns, and the fills' marks; None without any price.

        A column shows the last price until its end; one before the first price is empty.
        """
        known = sorted([*self.points, *((fill.time_ms, float(fill.price)) for fill in fills)])
        known = [point for point in known if point[0] <= end_ms]
        if not known or end_ms <= begin_ms:
            return None
        column_ms = (end_ms - begin_ms) / width
        columns: list[float | None] = []
        latest, index = None, 0
        for column in range(width):
            until_ms = begin_ms + (column + 1) * column_ms
            while index < len(known) and known[index][0] <= until_ms:
                latest = known[index][1]
                index += 1
            columns.append(latest)
        shown = [price for price in columns if price is not None]
        low, high = min(shown), max(shown)
        marks = [" "] * width
        for fill in fills:
            column = min(width - 1, max(0, int((fill.time_ms - begin_ms) / column_ms)))
            mark = BUY_MARK if fill.side.value == "BUY" else SELL_MARK
            marks[column] = mark if marks[column] in (" ", mark) else BOTH_MARK
        bars = "".join(" " if price is None else _bar(price, low, high) for price in columns)
        return Drawn(bars, "".join(marks).rstrip(), low, high)


@dataclass(frozen=True, slots=True)
class Drawn:
    bars: str
    marks: str
    low: float
    high: float


def market_lines(
    trace: PriceTrace, fills: Sequence[Fill], begin_ms: int, end_ms: int, instrument: Instrument
) -> "list[Text]":
    """The price between its lowest and highest, and below it the fills; nothing while no price is known."""
    from rich.text import Text

    drawn = trace.lines(fills, min(begin_ms, end_ms - 1), end_ms, WIDTH)
    if drawn is None:
        return []
    tick = instrument.price_filter.tick_size or Decimal("0.01")
    low, high = (Decimal(price).quantize(tick) for price in (drawn.low, drawn.high))
    return [
        Text.assemble((f"{low:>11} ", "dim"), (drawn.bars, "cyan"), (f" {high}", "dim")),
        Text(" " * 12 + drawn.marks),
    ]


def _bar(price: float, low: float, high: float) -> str:
    share = 0.5 if high == low else (price - low) / (high - low)
    return BARS[min(len(BARS) - 1, int(share * len(BARS)))]


class _MarkPrice(msgspec.Struct):
    price: Decimal = msgspec.field(name="p")
    time_ms: int = msgspec.field(name="E")


class PriceFeed:
    """Fills a trace from the mark price stream, one price a second, on a thread of its own.

    It is there for the eye: what a job does never depends on it, and nobody is told when it is down.
    """

    def __init__(self, stream_base: Callable[[], str], symbol: str) -> None:
        """``stream_base`` gives ``wss://host`` without a path, anew for each connection."""
        self.trace = PriceTrace()
        self._base, self._symbol = stream_base, symbol
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="prices", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        with contextlib.suppress(OrderKitError, asyncio.CancelledError):
            asyncio.run(self._listen())

    async def _listen(self) -> None:
        from orderkit.exchange.connection import keep_reading

        reading = asyncio.create_task(keep_reading(self._read, "price feed"))
        while not self._stop.is_set() and not reading.done():
            await asyncio.sleep(0.2)
        reading.cancel()
        await reading

    async def _read(self) -> None:
        from orderkit.exchange.connection import frames

        base = await asyncio.to_thread(self._base)
        async with frames(base, f"/market/ws/{self._symbol.lower()}@markPrice@1s") as arriving:
            async for data in arriving:
                try:
                    mark = msgspec.json.decode(data, type=_MarkPrice)
                except msgspec.MsgspecError:
                    continue
                self.trace.add(time.time_ns() // 1_000_000, mark.price)
