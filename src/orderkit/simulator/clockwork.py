"""What happens by itself: what falls due on the virtual clock, and what prices and margins set off."""

from collections.abc import Mapping, Sequence

from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.simulator import funding, history, risk, settlement, triggers
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.timers import Timers
from orderkit.simulator.types import AlgoStatus, ExpireReason
from orderkit.simulator.venue import Venue


class Clockwork(Venue):
    """A venue whose clock moves only when it is told to."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        brackets: Mapping[str, Sequence[Bracket]],
        *,
        now_ms: int,
        public_events: bool = True,
    ) -> None:
        super().__init__(instruments, brackets, now_ms=now_ms, public_events=public_events)
        self._timers = Timers()
        self._schedule_funding()
        self._schedule_housekeeping()

    def advance(self, now_ms: int) -> None:
        """Move the clock forward (an earlier time is ignored) and do what falls due on the way.

        That is GTD expiry, countdowns, funding, and at midnight UTC the end of GTC orders after a year and
        the forgetting of old records.
        """
        tape, timers = self._tape, self._timers
        if now_ms <= tape.now_ms:
            return
        while timers.next_due_ms <= now_ms:
            due_ms, _, is_live, action = timers.pop()
            tape.now_ms = max(tape.now_ms, due_ms)
            if is_live():
                action()
        tape.now_ms = now_ms

    def _settle(self, market: Market) -> None:
        """After anything that may have moved a price or a margin: conditional orders, liquidations, the book.

        A liquidation can trade in the account's other symbols, which are then settled too.
        """
        others: dict[Market, None] = {}
        while True:
            if market.algos:
                triggers.watch(market)
            if not market.touched and market.mark == market.reviewed_mark:
                break
            for traded in risk.review(market):
                if traded is not market:
                    others[traded] = None
        market.publish_book()
        for other in others:
            self._settle(other)

    def _expire_at(self, order: Order | AlgoOrder) -> None:
        """Expire an order at its good-till date unless it has ended before."""

        def expire() -> None:
            if isinstance(order, AlgoOrder):
                order.end(AlgoStatus.EXPIRED)
            else:
                settlement.expire(order, ExpireReason.NONE)
                order.market.publish_book()

        def is_live() -> bool:
            return order.status.is_open if isinstance(order, AlgoOrder) else order.is_open

        self._timers.at(order.good_till_date_ms, is_live, expire)

    def _schedule_funding(self) -> None:
        def settle_all() -> None:
            for market in self._markets.values():
                rate = market.funding_rate
                if rate is not None:
                    funding.settle(market, rate)
                    self._settle(market)
            self._schedule_funding()

        self._timers.at(funding.next_settlement_ms(self.now_ms), lambda: True, settle_all)

    def _schedule_housekeeping(self) -> None:
        def keep_house() -> None:
            for account in self._accounts.values():
                history.expire_old(account, self.now_ms)
                history.forget(account, self._tape)
            self._timers.sweep()
            self._schedule_housekeeping()

        tomorrow_ms = (self.now_ms // history.DAY_MS + 1) * history.DAY_MS
        self._timers.at(tomorrow_ms, lambda: True, keep_house)
