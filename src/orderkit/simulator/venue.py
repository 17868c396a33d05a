"""What every part of the simulated exchange shares: its clock, its markets and its accounts."""

from collections.abc import Mapping, Sequence

from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.simulator.accounts import Account
from orderkit.simulator.contract import Contract
from orderkit.simulator.errors import refusal
from orderkit.simulator.market import Market
from orderkit.simulator.tape import Tape


class Venue:
    """Markets by symbol and accounts by id on one tape."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        brackets: Mapping[str, Sequence[Bracket]],
        *,
        now_ms: int,
        public_events: bool = True,
    ) -> None:
        self._tape = Tape(now_ms)
        self._markets = {
            instrument.symbol: Market(
                Contract(instrument, brackets.get(instrument.symbol, ())), self._tape, public=public_events
            )
            for instrument in instruments
        }
        self._accounts: dict[str, Account] = {}

    @property
    def now_ms(self) -> int:
        """The virtual clock, ms UTC."""
        return self._tape.now_ms

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise refusal(-1121)
        return market
