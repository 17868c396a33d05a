"""What the live views on a terminal share: a picture that draws itself anew, and the market in it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from orderkit.console import invocation
from orderkit.console.price_trace import PriceFeed, market_lines
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Fill

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.live import Live
    from rich.text import Text

    from orderkit.console.progress import Shown


class Panel(ABC):
    """Draws itself four times a second, from a thread of its own; without ``stream_base`` no prices."""

    def __init__(self, instrument: Instrument, stream_base: Callable[[], str] | None) -> None:
        self._instrument = instrument
        self._feed = None if stream_base is None else PriceFeed(stream_base, instrument.symbol)
        self._context: Shown | None = None
        self._began_ms = 0
        self._live: Live | None = None
        self._drawn: Group | None = None

    def begin(self, context: "Shown") -> None:
        from rich.console import Console
        from rich.live import Live

        self._context = context
        self._began_ms = time.time_ns() // 1_000_000
        if self._feed is not None:
            self._feed.start()
        console = Console(stderr=invocation.current.json, highlight=False)
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=4, transient=True)
        self._live.start()

    def step(self) -> None:  # noqa: B027 - there is nothing to do
        """Drawn by the panel's own clock, not by events."""

    def end(self) -> None:
        if self._feed is not None:
            self._feed.stop()
        if self._live is not None:
            self._live.stop()

    def render(self) -> "Group":
        """The picture as of now; the last one where the orders change while they are drawn."""
        from rich.console import Group

        assert self._context is not None
        try:
            self._drawn = Group(*self._picture(self._context, time.time_ns()))
        except RuntimeError:  # a dictionary grew
            self._drawn = self._drawn or Group()
        return self._drawn

    @abstractmethod
    def _picture(self, context: "Shown", now_ns: int) -> "list[RenderableType]":
        """From top to bottom."""

    def _market(self, fills: list[Fill], begin_ms: int, now_ns: int) -> "list[Text]":
        if self._feed is None:
            return []
        return market_lines(self._feed.trace, fills, begin_ms, now_ns // 1_000_000, self._instrument)
