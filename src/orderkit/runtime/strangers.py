"""Notices what others do on a job's symbol: trades that change its position, orders beside its own."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Protocol, TypeVar

from orderkit.domain.order import Fill, OrderRef
from orderkit.engine.journal import JobNoted
from orderkit.errors import OrderKitError, OrderNotFound
from orderkit.journal.sqlite import SqliteJournal

log = logging.getLogger(__name__)

MOST_NOTICES = 100  # others may trade all day
MARGIN_MS = 10_000  # looked at twice: a trade may be listed a little late, and clocks differ
REMEMBERED = 5_000
MOST_BACK_MS = 89 * 86_400_000  # userTrades reaches back three months

K = TypeVar("K")


class Named(Protocol):
    @property
    def client_order_id(self) -> str: ...


class Trades(Protocol):
    """The part of an inquiry that a search needs."""

    def trades(self, symbol: str, since_ms: int, until_ms: int) -> list[Fill]: ...

    def order(self, ref: OrderRef) -> Named: ...


class Strangers:
    """Tells other jobs' orders from everybody else's: their intents are in the journal before they go out.

    Whatever is noticed is logged, noted in the journal and kept in ``notices``, once for each trade and each
    open order. Nothing is done about it. Safe to use from several threads.
    """

    def __init__(self, journal: SqliteJournal, job_id: str, now_ms: Callable[[], int]) -> None:
        """``now_ms`` is exchange time."""
        self._journal = journal
        self._job_id = job_id
        self._now_ms = now_ms
        self._lock = threading.Lock()  # never held while anything is waited for: the loop comes here
        self._noticing_lock = threading.Lock()
        self._search_lock = threading.Lock()
        self._met_fills: list[Fill] = []
        self._met_orders: set[str] = set()
        self._trades: dict[tuple[str, int], None] = {}  # in the order of their arrival
        self._orders: set[str] = set()
        self._searched_ms: dict[str, int] = {}
        self.notices: list[str] = []

    def met(self, fills: Iterable[Fill], resting: Collection[str]) -> None:
        """Trades and open orders (client order ids) that the engine does not know; for ``report``."""
        with self._lock:
            self._met_fills += fills
            self._met_orders |= set(resting) - self._orders

    def report(self) -> None:
        """Notice what was ``met``, an order's trades in one sentence. Reads the journal."""
        with self._lock:
            fills, self._met_fills = self._met_fills, []
            orders, self._met_orders = self._met_orders, set()
            self._orders |= orders
        with self._noticing_lock:
            try:
                for cid, trades in _by(fills, lambda fill: fill.client_order_id).items():
                    self._traded(cid, trades)
                for cid in sorted(orders):
                    if not self._journal.knows_order(cid):
                        self._notice("STRANGER", f"order {cid} on this symbol was not sent by any job here")
            except OrderKitError as error:
                log.warning("others' orders could not be told from ours: %s", error.message)

    def search(self, inquiry: Trades, symbols: Iterable[str], since_ms: int) -> None:
        """Ask the exchange for the symbols' trades since then, or since the last search that succeeded.

        A trade does not name its client order id. Where the journal has no such order number, the exchange
        is asked for the order: one of ours may have been journaled without its number yet.
        """
        with self._search_lock:
            for symbol in sorted(symbols):
                until_ms = self._now_ms()
                from_ms = max(self._searched_ms.get(symbol, since_ms), until_ms - MOST_BACK_MS)
                try:
                    trades = inquiry.trades(symbol, from_ms, until_ms)
                    ours = self._journal.order_ids()
                    for order_id, fills in _by(trades, lambda fill: fill.order_id).items():
                        if order_id not in ours and any(_key(fill) not in self._trades for fill in fills):
                            name = _name(inquiry, symbol, order_id)
                            with self._noticing_lock:
                                self._traded(name, fills)
                except OrderKitError as error:
                    log.warning("others' trades on %s were not searched for: %s", symbol, error.message)
                else:
                    self._searched_ms[symbol] = max(since_ms, until_ms - MARGIN_MS)

    def _traded(self, cid: str, fills: list[Fill]) -> None:
        new = [fill for fill in fills if _key(fill) not in self._trades]
        self._trades |= dict.fromkeys(map(_key, new))
        while len(self._trades) > REMEMBERED:
            del self._trades[next(iter(self._trades))]
        if new and not self._journal.knows_order(cid):
            quantity = sum((fill.side.sign * fill.quantity for fill in new), Decimal(0))
            change = f"the {new[0].symbol} position was changed by {quantity:+f} by order {cid}"
            self._notice("POSITION_CHANGED", f"{change}, which no job here has sent")

    def _notice(self, state: str, message: str) -> None:
        if len(self.notices) >= MOST_NOTICES:
            return
        if len(self.notices) == MOST_NOTICES - 1:
            message += "; what follows is not told any more"
        log.warning("job %s: %s", self._job_id, message)
        self.notices.append(message)
        self._journal.append([JobNoted(self._job_id, time.time_ns(), state, message)]).result()


def _key(fill: Fill) -> tuple[str, int]:
    return fill.symbol, fill.trade_id


def _name(inquiry: Trades, symbol: str, order_id: int) -> str:
    """The client order id; the exchange may have forgotten the order."""
    try:
        return inquiry.order(OrderRef(symbol, "", order_id=order_id)).client_order_id
    except OrderNotFound:
        return f"number {order_id}"


def _by(fills: Iterable[Fill], key: Callable[[Fill], K]) -> dict[K, list[Fill]]:
    grouped: dict[K, list[Fill]] = {}
    for fill in fills:
        grouped.setdefault(key(fill), []).append(fill)
    return grouped
