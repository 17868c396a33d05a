"""The simulated exchange: one object that takes market events and trading requests and answers like Binance.

Synchronous and deterministic: the same calls give the same answers and events. Time moves only through
``advance`` and the times of market events; it never goes back.
"""

import heapq
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import PositionSide, PriceMatch, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.simulator import algo as algos
from orderkit.simulator import (
    amendment,
    entry,
    matching,
    queries,
    settings,
    settlement,
    state,
    triggers,
)
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import to_fixed
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.private_queries import PrivateQueries
from orderkit.simulator.public_queries import PublicQueries
from orderkit.simulator.statements import FundingSettlement
from orderkit.simulator.types import (
    AccountUpdateReason,
    AlgoOrderView,
    AlgoStatus,
    Event,
    ExpireReason,
    NewAlgoOrder,
    NewOrder,
    OrderView,
    SymbolConfig,
)


class SimulatedExchange(PublicQueries, PrivateQueries):
    """An exchange for the given instruments. Every trading method raises ``ExchangeError`` when it refuses.

    ``public_events`` False leaves out QuoteChanged, DepthChanged, TradePrinted and MarkChanged, which a
    host without market-data subscribers (a backtest) does not read and would only pay for.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        brackets: Mapping[str, Sequence[Bracket]],
        *,
        now_ms: int,
        public_events: bool = True,
    ) -> None:
        super().__init__(instruments, brackets, now_ms=now_ms, public_events=public_events)
        self._good_till: list[tuple[int, int, Order | AlgoOrder]] = []

    # time and market

    def advance(self, now_ms: int) -> None:
        """Move the clock forward (an earlier time is ignored) and do what falls due (GTD expiry)."""
        if now_ms <= self._tape.now_ms:
            return
        while self._good_till and self._good_till[0][0] <= now_ms:
            due_ms, _, order = heapq.heappop(self._good_till)
            self._tape.now_ms = max(self._tape.now_ms, due_ms)
            self._expire_good_till(order)
        self._tape.now_ms = now_ms

    def apply(self, event: MarketEvent) -> None:
        """Take a market event: move the book, fill what it fills, trigger what it triggers.

        Raises:
            KeyError: the symbol is not listed here.
            ValueError: the event's own bids and asks cross, or a price or quantity is negative.
        """
        market = self._markets[event.symbol]
        self.advance(event.time_ms)
        market.time_ms = self._tape.now_ms
        if isinstance(event, MarkPrice):
            market.set_mark(event)
        elif isinstance(event, MarketTrade):
            matching.apply_trade(market, event)
        elif isinstance(event, Quote):
            matching.apply_quote(market, event)
            market.follow_mid()
        else:
            matching.apply_depth(market, event)
            market.follow_mid()
        self._settle(market)

    # accounts

    def open_account(self, account_id: str, balances: Mapping[str, Decimal]) -> None:
        """Create an account with wallet balances per asset.

        Raises:
            ValueError: the account exists.
        """
        if account_id in self._accounts:
            raise ValueError(f"account {account_id} exists")
        wallets = {asset: to_fixed(balance) for asset, balance in balances.items()}
        account = self._accounts[account_id] = Account(account_id, wallets, self._tape.now_ms)
        self._tape.changed_accounts[account_id] = account

    def has_account(self, account_id: str) -> bool:
        return account_id in self._accounts

    def deposit(self, account_id: str, asset: str, amount: Decimal) -> None:
        """Add to (or with a negative amount take from) a wallet; emits AccountUpdate DEPOSIT or WITHDRAW."""
        account = self._accounts[account_id]
        change = to_fixed(amount)
        if change < 0 and -change > account.available(asset):
            raise refusal(-2018)
        account.wallets[asset] = account.wallets.get(asset, 0) + change
        reason = AccountUpdateReason.DEPOSIT if change >= 0 else AccountUpdateReason.WITHDRAW
        self._tape.account_changed(account, reason, asset, change=change)

    # trading

    def place(self, account_id: str, order: NewOrder) -> OrderView:
        """Place a LIMIT or MARKET order and match it; the view is its state after matching."""
        market = self._market(order.symbol)
        view = triggers.enter(self._prepare(account_id, order))
        entered = self._accounts[account_id].orders[view.order_id]
        if entered.good_till_date_ms and entered.is_open:
            heapq.heappush(self._good_till, (entered.good_till_date_ms, entered.order_id, entered))
        self._settle(market)
        return view

    def check(self, account_id: str, order: NewOrder) -> None:
        """Run every check of ``place`` and change nothing (POST order/test)."""
        self._prepare(account_id, order)

    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderView:
        """Cancel an open order (``order_id`` wins over ``client_order_id``); -2011 if there is none."""
        account = self._accounts[account_id]
        order = queries.find_open(account, self._market(symbol), order_id, client_order_id)
        view = settlement.cancel(order)
        self._settle(order.market)
        return view

    def cancel_all(self, account_id: str, symbol: str) -> list[OrderView]:
        """Cancel every open order of a symbol (not untriggered conditional ones); returns those cancelled."""
        market = self._market(symbol)
        orders = list(self._accounts[account_id].open_orders.get(symbol, {}).values())
        cancelled = [settlement.cancel(order) for order in orders]
        self._settle(market)
        return cancelled

    def modify(
        self,
        account_id: str,
        symbol: str,
        *,
        side: Side,
        quantity: Decimal | None,
        price: Decimal | None = None,
        price_match: PriceMatch | None = None,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderView:
        """Change price and quantity of an open LIMIT order (PUT order); it loses its queue place.

        A quantity not above what is executed, or a post-only order that would cross, cancels the order.
        """
        account = self._accounts[account_id]
        order = queries.find_open(account, self._market(symbol), order_id, client_order_id)
        view = amendment.modify(order, side, quantity, price, price_match)
        self._settle(order.market)
        return view

    def place_algo(self, account_id: str, order: NewAlgoOrder) -> AlgoOrderView:
        """Accept a conditional order; margin is checked only when it triggers."""
        market = self._market(order.symbol)
        algo = algos.prepare(self._accounts[account_id], market, order)
        algo.algo_id = self._tape.take_algo_id()
        algo.create_time_ms = self._tape.now_ms
        algo.adopt()
        if algo.good_till_date_ms:
            heapq.heappush(self._good_till, (algo.good_till_date_ms, algo.algo_id, algo))
        self._tape.algo_changed(algo)
        view = algo.view()
        self._settle(market)
        return view

    def cancel_algo(
        self, account_id: str, *, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrderView:
        """Cancel an untriggered conditional order; -2011 if there is none."""
        algo = queries.find_algo(self._accounts[account_id], algo_id, client_algo_id)
        if algo is None or not algo.status.is_open:
            raise refusal(-2011)
        algo.end(AlgoStatus.CANCELED)
        return algo.view()

    def cancel_all_algo(self, account_id: str, symbol: str) -> list[AlgoOrderView]:
        """Cancel every untriggered conditional order of a symbol."""
        self._market(symbol)
        waiting = [a for a in self._accounts[account_id].open_algos.values() if a.market.symbol == symbol]
        for algo in waiting:
            algo.end(AlgoStatus.CANCELED)
        return [algo.view() for algo in waiting]

    # settings

    def set_leverage(self, account_id: str, symbol: str, leverage: int) -> SymbolConfig:
        """Set the initial leverage; -4028 outside the range, -2027, -2028, -4161 if what is open forbids."""
        market = self._market(symbol)
        settings.set_leverage(self._accounts[account_id], market, leverage)
        return self.symbol_config(account_id, symbol)

    def set_margin_type(self, account_id: str, symbol: str, *, isolated: bool) -> None:
        """Switch cross/isolated; -4046 unchanged, -4047 with open orders, -4048 with a position."""
        settings.set_margin_type(self._accounts[account_id], self._market(symbol), isolated=isolated)

    def set_position_mode(self, account_id: str, *, hedge: bool) -> None:
        """Switch one-way/hedge; -4059 unchanged, -4067 with open orders, -4068 with positions."""
        settings.set_position_mode(self._accounts[account_id], self._tape, hedge=hedge)

    def set_multi_assets(self, account_id: str, *, multi_assets: bool) -> None:
        """Switch multi-assets mode: -4171 unchanged, -4167 with an isolated symbol, -4170 with open orders.

        Margin shared between assets is not modelled, so the mode is accepted only while it changes nothing:
        an account with balances in more than one asset is refused with -4169, and in the mode a deposit of
        another asset is refused (-1108). With one asset both modes compute the same.
        """
        raise NotImplementedError

    def set_commission_rates(self, account_id: str, *, maker: Decimal, taker: Decimal) -> None:
        """Set what the account pays per notional from its next fill on (a fee tier); 0.0005 is 5 bp.

        Raises:
            ValueError: a rate is not within -0.01 … 0.01.
        """
        raise NotImplementedError

    def change_position_margin(
        self,
        account_id: str,
        symbol: str,
        amount: Decimal,
        *,
        add: bool,
        position_side: PositionSide = PositionSide.BOTH,
    ) -> None:
        """Move margin into (``add``) or out of an isolated position; emits AccountUpdate MARGIN_TRANSFER.

        -4055 not positive, -4061 wrong side for the mode, -4049 symbol not isolated, -4054 no position,
        -4050 more than is available, -4051 more than the position can spare (its initial margin at the mark
        price and its losses stay).
        """
        raise NotImplementedError

    def countdown_cancel_all(self, account_id: str, symbol: str, countdown_ms: int) -> None:
        """Cancel all open orders of the symbol when the clock has moved ``countdown_ms`` on; 0 disables.

        A new call replaces the old deadline. Untriggered conditional orders stay, as with ``cancel_all``
        (BINANCE documents nothing for them). The deadline survives a restart. -1130 when negative.
        """
        raise NotImplementedError

    # test control

    def settle_funding(self, symbol: str, rate: Decimal | None = None) -> FundingSettlement:
        """Settle a symbol's funding now, at ``rate`` or the rate of its last MarkPrice (0 without one).

        Every position pays or receives amount × mark × rate, longs pay a positive rate. At 00:00, 08:00 and
        16:00 UTC this happens by itself for every symbol that has a MarkPrice.
        """
        raise NotImplementedError

    # events and state

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        events = self._tape.events
        self._tape.events = []
        return events

    def export_state(self) -> dict[str, Any]:
        """All account state, JSON-serialisable:

        ``{"counters": {...}, "accounts": {account_id: {...}}, "orders": {order_id: {...}},
        "algo_orders": {algo_id: {...}}, "trades": {"SYMBOL:trade_id:order_id": {...}}}``;
        every key a string, every record independent of the others. Market data is not part of it.
        """
        return state.export_all(self._tape, self._markets, self._accounts)

    def export_changes(self) -> dict[str, Any]:
        """What changed since the last ``export_changes``, in the form of ``export_state``.

        Upserting the records by key into a store keeps the store equal to ``export_state``.
        """
        return state.export_changes(self._tape, self._markets)

    def restore_state(self, saved: Mapping[str, Any]) -> None:
        """Take over a state of ``export_state``. Open orders rejoin the book at the end of their queues.

        Raises:
            ValueError: accounts exist already.
        """
        if self._accounts:
            raise ValueError("state can only be restored into an exchange without accounts")
        state.restore(saved, self._tape, self._markets, self._accounts)
        for account in self._accounts.values():
            for order in account.all_open_orders():
                if order.good_till_date_ms:
                    heapq.heappush(self._good_till, (order.good_till_date_ms, order.order_id, order))
            for algo in account.open_algos.values():
                if algo.good_till_date_ms:
                    heapq.heappush(self._good_till, (algo.good_till_date_ms, algo.algo_id, algo))

    # inside

    def _prepare(self, account_id: str, order: NewOrder) -> Order:
        return entry.prepare(self._accounts[account_id], self._market(order.symbol), order)

    def _settle(self, market: Market) -> None:
        """After anything that may have moved a price: conditional orders, then the public book."""
        if market.algos:
            triggers.watch(market)
        market.publish_book()

    def _expire_good_till(self, order: Order | AlgoOrder) -> None:
        if isinstance(order, AlgoOrder):
            if order.status.is_open:
                order.end(AlgoStatus.EXPIRED)
        elif order.is_open:
            settlement.expire(order, ExpireReason.NONE)
            order.market.publish_book()
