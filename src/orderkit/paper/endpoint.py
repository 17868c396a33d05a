"""What a route is: a synchronous function from a call to a JSON document, its cost and who may call it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from orderkit.domain.instrument import Instrument
from orderkit.paper.host import PaperExchange
from orderkit.paper.keys import ApiKey
from orderkit.paper.parameters import Parameters
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import ExchangeError


class Security(Enum):
    NONE = auto()
    KEY = auto()  # the API-key header alone (listen keys)
    SIGNED = auto()


@dataclass(slots=True)
class Session:
    """A connection to the WebSocket API; ``key`` is set from session.logon to session.logout."""

    connected_ms: int
    return_rate_limits: bool
    key: ApiKey | None = None
    authorized_ms: int | None = None


@dataclass(slots=True)
class Call:
    """One authenticated request as an endpoint sees it. ``now_ms`` is its arrival.

    ``session`` is the connection of a WebSocket API request, None over REST.
    """

    exchange: PaperExchange
    parameters: Parameters
    now_ms: int
    key: ApiKey | None = None
    session: Session | None = None

    @property
    def simulator(self) -> SimulatedExchange:
        return self.exchange.simulator

    @property
    def account_id(self) -> str:
        """The caller's account; only for endpoints that need a key."""
        assert self.key is not None
        return self.key.account_id

    def instrument(self) -> Instrument:
        """The mandatory ``symbol``; -1121 when it is not listed."""
        return self.listed(self.parameters.symbol())

    def optional_instrument(self) -> Instrument | None:
        symbol = self.parameters.optional_symbol()
        return self.listed(symbol) if symbol else None

    def listed(self, symbol: str) -> Instrument:
        instrument = self.exchange.instruments.get(symbol)
        if instrument is None:
            raise ExchangeError(-1121, "Invalid symbol.")
        return instrument


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``weight`` counts against the address's minute, ``orders`` against the account's order limits.

    ``changes`` marks what must be on disk before it is answered.
    """

    method: str
    path: str
    handler: Callable[[Call], object]
    security: Security = Security.NONE
    weight: int | Callable[[Parameters], int] = 1
    orders: int | Callable[[Parameters], int] = 0
    changes: bool = False
