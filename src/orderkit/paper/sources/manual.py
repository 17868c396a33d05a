"""A market that moves by request only: nothing happens until someone sets a price."""

from collections.abc import Iterator, Sequence

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketEvent


class ManualMarket:
    """The market of tests: the host applies the quotes and marks it is told to."""

    name = "manual"

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.symbols = tuple(instrument.symbol for instrument in instruments)

    def events(self, start_ms: int) -> Iterator[MarketEvent]:  # noqa: ARG002
        """No event at all."""
        return iter(())
