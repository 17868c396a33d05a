"""Where the embedded exchange's market comes from: made up, recorded, mirrored, or set by requests alone."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketEvent
from orderkit.errors import ConfigurationError

SOURCE_NAMES = ("synthetic", "replay", "manual", "live")


@runtime_checkable
class MarketSource(Protocol):
    """A market that a host can pull: in real time, faster, or in virtual time."""

    @property
    def name(self) -> str:
        """One of ``SOURCE_NAMES``."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that get a market, in the instruments' order."""
        ...

    def events(self, start_ms: int) -> Iterator[MarketEvent]:
        """The market from ``start_ms`` (ms UTC) on: lazy, with ``time_ms`` never going back.

        A symbol's first event makes a usable book (snapshot or quote), its second is a MarkPrice; the manual
        source has none. Each call starts anew and gives the same events.

        Raises:
            ConfigurationError: a recording turns out broken on the way.
        """
        ...


@runtime_checkable
class LiveSource(Protocol):
    """A market that happens now: it cannot be pulled ahead, only followed."""

    @property
    def name(self) -> str:
        """One of ``SOURCE_NAMES``."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that get a market, in the instruments' order."""
        ...

    def live_events(self) -> AsyncGenerator[list[MarketEvent], None]:
        """The market from now on, endless, in batches of what has arrived; close it to disconnect.

        The first batch has a book and a mark of every symbol, or of those that can be had within some
        seconds. Times are the exchange's and may differ from this machine's clock.

        Raises:
            ExchangeUnreachable: no symbol can be had. Later losses are mended and only logged.
        """
        ...


def open_source(
    name: str,
    instruments: Sequence[Instrument],
    *,
    seed: int = 1,
    data_dir: Path | None = None,
    loop: bool = False,
) -> MarketSource | LiveSource:
    """The source called ``name`` for these instruments.

    ``seed`` is the synthetic market's; ``data_dir`` (mandatory) and ``loop`` are the replay's.

    Raises:
        ConfigurationError: no such source, no or unusable recordings, an instrument no figures exist for.
    """
    if name == "synthetic":
        from orderkit.paper.sources.synthetic import SyntheticMarket

        return SyntheticMarket(instruments, seed=seed)
    if name == "replay":
        from orderkit.paper.sources.replay import ReplayMarket

        if data_dir is None:
            raise ConfigurationError(
                "the replay market needs recordings", hint="name their directory with --data DIR"
            )
        return ReplayMarket(instruments, data_dir, loop=loop)
    if name == "manual":
        from orderkit.paper.sources.manual import ManualMarket

        return ManualMarket(instruments)
    if name == "live":
        from orderkit.paper.sources.live import LiveMarket

        return LiveMarket(instruments)
    raise ConfigurationError(f"no market source {name!r}", hint=f"one of {', '.join(SOURCE_NAMES)}")
