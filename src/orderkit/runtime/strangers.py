"""Notices what others do on a job's symbol: trades that change its position, orders beside its own."""

import logging
import threading
import time
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Protocol

from orderkit.domain.order import Fill
from orderkit.engine.journal import JobNoted
from orderkit.errors import OrderKitError
from orderkit.journal.sqlite import SqliteJournal

log = logging.getLogger(__name__)

REMEMBERED = 1_000  # others may trade all day


class Trades(Protocol):
    """The part of an inquiry that a search needs."""

    def trades(self, symbol: str, since_ms: int, until_ms: int) -> list[Fill]: ...


class Strangers:
    """Tells other jobs' orders from everybody else's: their intents are in the journal before they go out.

    Whatever is noticed is logged, noted in the journal and kept in ``notices``, once for each order. Nothing
    is done about it. Safe to use from several threads.
    """

    def __init__(self, journal: SqliteJournal, job_id: str) -> None:
        self._journal = journal
        self._job_id = job_id
        self._lock = threading.Lock()
        self._known: set[str | int] = set()
        self.notices: list[str] = []

    def met(self, fills: Sequence[Fill], resting: Collection[str]) -> None:
        """Trades of orders, and open orders, that the engine does not know."""
        try:
            for fill in fills:
                if self._is_new(fill.client_order_id) and not self._journal.knows_order(fill.client_order_id):
                    self._notice("POSITION_CHANGED", _changed([fill], f"order {fill.client_order_id}"))
            for cid in sorted(resting):
                if self._is_new(cid) and not self._journal.knows_order(cid):
                    self._notice("STRANGER", f"order {cid} on this symbol was not sent by any job here")
        except OrderKitError as error:
            log.warning("others' orders could not be told from ours: %s", error.message)

    def search(self, inquiry: Trades, symbol: str, since_ms: int) -> None:
        """Look for others' trades while nobody listened; says nothing where our own are still in doubt."""
        try:
            ours = self._journal.order_ids()
            if ours is None:
                return
            trades = inquiry.trades(symbol, since_ms, time.time_ns() // 1_000_000)
        except OrderKitError as error:
            log.warning("others' trades on %s were not searched for: %s", symbol, error.message)
            return
        by_order: dict[int, list[Fill]] = {}
        for trade in trades:
            if trade.order_id not in ours:
                by_order.setdefault(trade.order_id, []).append(trade)
        for order_id, fills in by_order.items():
            if self._is_new(order_id):
                self._notice("POSITION_CHANGED", _changed(fills, f"order number {order_id}"))

    def _is_new(self, order: str | int) -> bool:
        with self._lock:
            if order in self._known or len(self._known) >= REMEMBERED:
                return False
            self._known.add(order)
            return True

    def _notice(self, state: str, message: str) -> None:
        log.warning("job %s: %s", self._job_id, message)
        with self._lock:
            self.notices.append(message)
        self._journal.append([JobNoted(self._job_id, time.time_ns(), state, message)])


def _changed(fills: Sequence[Fill], by: str) -> str:
    quantity = sum((fill.side.sign * fill.quantity for fill in fills), Decimal(0))
    return f"the {fills[0].symbol} position was changed by {quantity:+f} by {by}, which no job here has sent"
