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
    views,
)
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.contract import Contract
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import to_decimal, to_fixed
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import (
    AccountUpdateReason,
    AccountView,
    AlgoOrderView,
    AlgoStatus,
    DepthView,
    Event,
    ExpireReason,
    NewAlgoOrder,
    NewOrder,
    OrderView,
    PositionView,
    SymbolConfig,
    TradeView,
)


class SimulatedExchange:
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
        self._tape = Tape(now_ms)
        self._markets = {
            instrument.symbol: Market(
                Contract(instrument, brackets.get(instrument.symbol, ())), self._tape, public=public_events
            )
            for instrument in instruments
        }
        self._accounts: dict[str, Account] = {}
        self._good_till: list[tuple[int, int, Order | AlgoOrder]] = []

    # time and market

    @property
    def now_ms(self) -> int:
        """The virtual clock, ms UTC."""
        return self._tape.now_ms

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

    # private queries

    def order(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderView:
        """One order, open or not (``order_id`` wins; of one client id the newest); -2013 if none."""
        account = self._accounts[account_id]
        found = queries.find_order(account, self._market(symbol), order_id, client_order_id)
        if found is None:
            raise refusal(-2013)
        return found.view()

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[OrderView]:
        """Open orders, oldest first."""
        account = self._accounts[account_id]
        if symbol is not None:
            self._market(symbol)
        found = [o for o in account.all_open_orders() if symbol is None or o.market.symbol == symbol]
        return [order.view() for order in sorted(found, key=lambda o: o.order_id)]

    def all_orders(
        self,
        account_id: str,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[OrderView]:
        """Orders ascending by id; from ``order_id`` on if given, else the newest ``limit`` of the window."""
        orders = self._accounts[account_id].orders.values()
        found = [
            o
            for o in orders
            if (symbol is None or o.market.symbol == symbol)
            and queries.within(o.time_ms, start_ms, end_ms)
            and (order_id is None or o.order_id >= order_id)
        ]
        return [o.view() for o in queries.page(found, limit, forward=order_id is not None)]

    def user_trades(
        self,
        account_id: str,
        symbol: str | None = None,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[TradeView]:
        """Fills in the order they happened; from trade ``from_id`` on if given, else the newest ``limit``."""
        trades = queries.trades_of(self._accounts[account_id], symbol)
        found = [
            t
            for t in trades
            if (order_id is None or t.order_id == order_id)
            and (from_id is None or t.trade_id >= from_id)
            and queries.within(t.time_ms, start_ms, end_ms)
        ]
        return queries.page(found, limit, forward=from_id is not None)

    def algo_order(
        self, account_id: str, *, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrderView:
        """One conditional order, open or not; -2013 if there is none."""
        found = queries.find_algo(self._accounts[account_id], algo_id, client_algo_id)
        if found is None:
            raise refusal(-2013)
        return found.view()

    def open_algo_orders(self, account_id: str, symbol: str | None = None) -> list[AlgoOrderView]:
        waiting = self._accounts[account_id].open_algos.values()
        return [a.view() for a in waiting if symbol is None or a.market.symbol == symbol]

    def all_algo_orders(
        self,
        account_id: str,
        symbol: str | None = None,
        *,
        algo_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[AlgoOrderView]:
        """Conditional orders ascending by id, as ``all_orders``."""
        found = [
            a
            for a in self._accounts[account_id].algos.values()
            if (symbol is None or a.market.symbol == symbol)
            and queries.within(a.create_time_ms, start_ms, end_ms)
            and (algo_id is None or a.algo_id >= algo_id)
        ]
        return [a.view() for a in queries.page(found, limit, forward=algo_id is not None)]

    def positions(
        self, account_id: str, symbol: str | None = None, *, include_flat: bool = False
    ) -> list[PositionView]:
        """Positions that are open or have open orders; with ``include_flat`` every symbol and side."""
        account = self._accounts[account_id]
        markets = self._markets.values() if symbol is None else (self._market(symbol),)
        sides = (PositionSide.LONG, PositionSide.SHORT) if account.hedge else (PositionSide.BOTH,)
        return [
            views.position_view(account, position)
            for market in markets
            for side in sides
            if (
                position := account.positions.get((market.symbol, side))
                or queries.flat(account, market, side)
            )
            and (include_flat or not position.is_idle)
        ]

    def account(self, account_id: str) -> AccountView:
        return views.account_view(self._accounts[account_id])

    def is_hedge_mode(self, account_id: str) -> bool:
        return self._accounts[account_id].hedge

    def symbol_config(self, account_id: str, symbol: str) -> SymbolConfig:
        market = self._market(symbol)
        current = self._accounts[account_id].settings_for(market)
        max_notional = to_decimal(market.contract.max_notional(current.leverage))
        return SymbolConfig(symbol, current.leverage, current.isolated, max_notional)

    # public queries

    def quote(self, symbol: str) -> Quote:
        """The public touch; an empty side is price 0, quantity 0."""
        return self._market(symbol).quote()

    def depth(self, symbol: str, limit: int = 500) -> DepthView:
        return self._market(symbol).depth(limit)

    def last_price(self, symbol: str) -> Decimal:
        """The last traded price; the mid while no trade has been seen; 0 before any market data."""
        return to_decimal(self._market(symbol).last)

    def mark_price(self, symbol: str) -> Decimal:
        """The mark price; without a source of marks it follows the mid; 0 before any market data."""
        return to_decimal(self._market(symbol).mark)

    def mark(self, symbol: str) -> MarkPrice:
        """Mark, index and funding as last given; without a source the mid, the mid and 0."""
        return self._market(symbol).mark_fact()

    def recent_trades(self, symbol: str, limit: int = 500) -> list[MarketTrade]:
        """The newest public trades (at most 1000 are kept), oldest first."""
        trades = self._market(symbol).trades
        return list(trades)[-limit:] if limit > 0 else []

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

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise refusal(-1121)
        return market

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
