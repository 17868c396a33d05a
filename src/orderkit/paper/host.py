"""The running paper exchange: the simulator with its keys, its store and its streams, on the wall clock."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import DepthUpdate, MarketEvent
from orderkit.paper.faults import Faults
from orderkit.paper.keys import DEFAULT_ACCOUNT, ApiKey, new_default_key
from orderkit.paper.limits import RateLimiter
from orderkit.paper.request_log import RequestLog
from orderkit.paper.store import SECTIONS, Store
from orderkit.paper.streams.hub import Hub
from orderkit.paper.streams.listen_keys import ListenKeys
from orderkit.paper.streams.publisher import MarketPublisher
from orderkit.paper.streams.user import UserPublisher
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import OrderUpdate, PrivateEvent, PublicEvent

logger = logging.getLogger(__name__)

OPENING_BALANCES: Mapping[str, Decimal] = {"USDT": Decimal(100_000)}


@dataclass(frozen=True, slots=True)
class Contracts:
    """What is listed: parsed instruments and brackets, and the documents they were read from."""

    instruments: Sequence[Instrument]
    brackets: Mapping[str, Sequence[Bracket]]
    exchange_info: Mapping[str, Any]
    leverage_brackets: Sequence[Mapping[str, Any]]


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class PaperExchange:
    """Everything a request can touch. Lives on one event loop; all methods are called on it.

    What a request changed is on disk, and published, before ``settled`` returns: one commit and one round
    of messages for everything that happened in the same turn of the loop.
    """

    def __init__(self, contracts: Contracts, store: Store, *, market: str) -> None:
        self.contracts = contracts
        self.market = market
        self.instruments = {i.symbol: i for i in contracts.instruments}
        self.hub = Hub()
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.requests = RequestLog()
        # Connections to the WebSocket API, each with what cuts it off.
        self.open_connections: dict[object, Callable[[], None]] = {}
        self.started_ms = wall_clock_ms()
        self._store = store
        self._keys = {key.api_key: key for key in store.load_keys()}
        if not self._keys:
            self.add_key(new_default_key())
        self._settling: asyncio.Future[None] | None = None
        self._dirty = False
        # What could not be written yet stays here, and what it caused unpublished, until a write succeeds.
        self._unsaved: dict[str, dict[str, Any]] = {}
        self._unpublished: list[PrivateEvent] = []
        self._begin(store.load_state())

    # time

    def now_ms(self) -> int:
        return wall_clock_ms()

    def advance(self) -> None:
        """Bring the simulator's clock up to now."""
        self.simulator.advance(wall_clock_ms())
        self._schedule()

    # keys

    @property
    def default_key(self) -> ApiKey:
        return next(k for k in self._keys.values() if k.account_id == DEFAULT_ACCOUNT)

    def key(self, api_key: str) -> ApiKey | None:
        return self._keys.get(api_key)

    def add_key(self, key: ApiKey) -> None:
        """Accept a key from now on, over restarts too."""
        self._store.add_key(key)
        self._keys[key.api_key] = key

    def new_account_id(self) -> str:
        """A name for an account that does not exist yet."""
        return f"account-{len({k.account_id for k in self._keys.values()}) + 1}"

    def open_account(self, account_id: str) -> None:
        """Create the account with the opening balances unless it exists."""
        if not self.simulator.has_account(account_id):
            self.simulator.open_account(account_id, OPENING_BALANCES)
            self.touch()

    # market

    def apply(self, event: MarketEvent) -> None:
        """Take one market event; what it causes goes out at the end of this turn."""
        self.simulator.apply(event)
        self._schedule()

    # settling

    def touch(self) -> None:
        """Say that account state may have changed, so that this turn's end writes it."""
        self._dirty = True
        self._schedule()

    async def settled(self) -> None:
        """Wait until everything that happened so far is on disk and published.

        Raises:
            sqlite3.Error: the store could not be written.
        """
        if self._settling is not None:
            await asyncio.shield(self._settling)

    def settle_now(self) -> None:
        """Write and publish what happened so far, without waiting for the end of the turn."""
        private = self._unpublished
        public: list[PublicEvent] = []
        for event in self.simulator.drain():
            if event.account_id is None:
                public.append(event)
            else:
                private.append(event)
        if public:
            self.market_publisher.publish(public)
        if private or self._dirty:
            self._save()
            self._dirty = False
            self._unpublished = []
            for event in private:
                self.user_publisher.publish(event)
                if isinstance(event, OrderUpdate):
                    self.market_publisher.note_liquidation(event)

    def send_due(self, interval_ms: int) -> None:
        """Send the market streams that go out every ``interval_ms``."""
        self.market_publisher.send_due(interval_ms)

    def reset(self) -> None:
        """All accounts as on their first day, listen keys, faults, limits and records forgotten.

        The books stay as they are; marks follow them until the source gives the next one.
        """
        self.settle_now()
        old = self.simulator
        for account_id in {k.account_id for k in self._keys.values()}:
            for symbol in {o.symbol for o in old.open_orders(account_id)}:
                old.cancel_all(account_id, symbol)
        books = [old.depth(symbol, 1000) for symbol in self.instruments]
        self._store.wipe_state()
        self.faults.clear()
        self.limiter = RateLimiter(self.limiter.limits)
        self.requests.clear()
        self.hub.set_fault(None)
        self.hub.cut_all()
        # Order and trade ids go on: nobody may take a new order for an old one.
        self._begin({"counters": old.export_state()["counters"]})
        now_ms = wall_clock_ms()
        for book in books:
            if book.bids or book.asks:
                self.simulator.apply(DepthUpdate(book.symbol, book.bids, book.asks, now_ms, snapshot=True))
        self.settle_now()

    @property
    def is_in_use(self) -> bool:
        """True while somebody listens to a stream or is connected to the WebSocket API."""
        return bool(self.hub.subscribers or self.open_connections)

    def cut_all(self) -> None:
        """Cut every connection but those of REST."""
        self.hub.cut_all()
        for cut_off in tuple(self.open_connections.values()):
            cut_off()

    def close(self) -> None:
        self._dirty = True  # what changed without an event, such as records that grew too old
        self.settle_now()
        self._store.close()

    def _begin(self, state: Mapping[str, Any]) -> None:
        self.simulator = SimulatedExchange(
            self.contracts.instruments, self.contracts.brackets, now_ms=wall_clock_ms()
        )
        self.listen_keys = ListenKeys()
        self.market_publisher = MarketPublisher(self.simulator, self.instruments, self.hub, wall_clock_ms)
        self.user_publisher = UserPublisher(self.instruments, self.hub, self.listen_keys, wall_clock_ms)
        if state.get("counters"):
            self.simulator.restore_state({section: {} for section in SECTIONS} | dict(state))
        for account_id in dict.fromkeys(k.account_id for k in self._keys.values()):
            if not self.simulator.has_account(account_id):
                self.simulator.open_account(account_id, OPENING_BALANCES)
        self._dirty = True
        self.settle_now()

    def _save(self) -> None:
        for section, records in self.simulator.export_changes().items():
            self._unsaved.setdefault(section, {}).update(records)
        self._store.save(self._unsaved)
        self._unsaved = {}

    def _schedule(self) -> None:
        if self._settling is None:
            loop = asyncio.get_running_loop()
            self._settling = loop.create_future()
            loop.call_soon(self._settle)

    def _settle(self) -> None:
        future, self._settling = self._settling, None
        assert future is not None
        try:
            self.settle_now()
        except Exception as error:
            logger.exception("the paper account could not be written or published")
            future.set_exception(error)
            future.exception()  # seen: it is logged even when no request waits for it
        else:
            future.set_result(None)
