"""The simulated exchange: one object that takes market events and trading requests and answers like Binance.

Synchronous and deterministic: the same calls give the same answers and events. Time moves only through
``advance`` and the times of market events; it never goes back.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import PositionSide, PriceMatch, Side
from orderkit.domain.market import MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.simulator import algo as algos
from orderkit.simulator import (
    amendment,
    countdown,
    entry,
    funding,
    history,
    isolation,
    ledger,
    matching,
    queries,
    settings,
    settlement,
    state,
    triggers,
)
from orderkit.simulator.accounts import Account
from orderkit.simulator.algo import AlgoOrder
from orderkit.simulator.clockwork import Clockwork
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import to_fixed
from orderkit.simulator.orders import Order
from orderkit.simulator.private_queries import PrivateQueries
from orderkit.simulator.public_queries import PublicQueries
from orderkit.simulator.statements import FundingSettlement, IncomeType
from orderkit.simulator.types import (
    AccountUpdateReason,
    AlgoOrderView,
    AlgoStatus,
    Event,
    NewAlgoOrder,
    NewOrder,
    OrderView,
    SymbolConfig,
)

_HIGHEST_RATE = Decimal("0.01")


class SimulatedExchange(PublicQueries, PrivateQueries, Clockwork):
    """An exchange for the given instruments. Every trading method raises ``ExchangeError`` when it refuses.

    ``public_events`` False leaves out QuoteChanged, DepthChanged, TradePrinted, MarkChanged and the memory of
    ``recent_trades``, which a host without market-data subscribers (a backtest) does not read and would only
    pay for.
    """

    # market

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
        self._tape.touch(account)

    def has_account(self, account_id: str) -> bool:
        return account_id in self._accounts

    def deposit(self, account_id: str, asset: str, amount: Decimal) -> None:
        """Add to (or with a negative amount take from) a wallet; emits AccountUpdate DEPOSIT or WITHDRAW.

        -2018 more than is available, -1108 a second asset in multi-assets mode.
        """
        account = self._accounts[account_id]
        change = to_fixed(amount)
        if change < 0 and -change > account.available(asset):
            raise refusal(-2018)
        if account.multi_assets and any(held != asset and wallet for held, wallet in account.wallets.items()):
            raise refusal(-1108)
        reason = AccountUpdateReason.DEPOSIT if change >= 0 else AccountUpdateReason.WITHDRAW
        ledger.book(self._tape, account, IncomeType.TRANSFER, reason, asset, change)

    # trading

    def place(self, account_id: str, order: NewOrder) -> OrderView:
        """Place a LIMIT or MARKET order and match it; the view is its state after matching."""
        market = self._market(order.symbol)
        account = self._accounts[account_id]
        entered = entry.prepare(account, market, order)
        view = triggers.enter(entered)
        if entered.good_till_date_ms and entered.is_open:
            self._expire_at(entered)
        self._settle(market)
        if len(account.orders) > history.OVERFULL:
            history.forget(account, self._tape)
        return view

    def check(self, account_id: str, order: NewOrder) -> None:
        """Run every check of ``place`` and change nothing (POST order/test)."""
        entry.prepare(self._accounts[account_id], self._market(order.symbol), order)

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
            self._expire_at(algo)
        self._tape.algo_changed(algo)
        view = algo.view()
        self._settle(market)
        if len(algo.account.algos) > history.OVERFULL:
            history.forget(algo.account, self._tape)
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
        settings.set_multi_assets(self._accounts[account_id], self._tape, multi_assets=multi_assets)

    def set_commission_rates(self, account_id: str, *, maker: Decimal, taker: Decimal) -> None:
        """Set what the account pays per notional from its next fill on (a fee tier); 0.0005 is 5 bp.

        Raises:
            ValueError: a rate is not within -0.01 … 0.01.
        """
        if not all(-_HIGHEST_RATE <= rate <= _HIGHEST_RATE for rate in (maker, taker)):
            raise ValueError(f"commission rates {maker} and {taker}")
        account = self._accounts[account_id]
        account.maker_rate, account.taker_rate = to_fixed(maker), to_fixed(taker)
        self._tape.touch(account)

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
        account, market = self._accounts[account_id], self._market(symbol)
        entry.check_position_side(account, position_side)
        isolation.change_margin(account.position_for(market, position_side), to_fixed(amount), add=add)

    def countdown_cancel_all(self, account_id: str, symbol: str, countdown_ms: int) -> None:
        """Cancel all open orders of the symbol when the clock has moved ``countdown_ms`` on; 0 disables.

        A new call replaces the old deadline. Untriggered conditional orders stay, as with ``cancel_all``
        (BINANCE documents nothing for them). The deadline survives a restart. -1130 when negative.
        """
        countdown.arm(self._accounts[account_id], self._market(symbol), countdown_ms, self._timers)

    # test control

    def settle_funding(self, symbol: str, rate: Decimal | None = None) -> FundingSettlement:
        """Settle a symbol's funding now, at ``rate`` or the rate of its last MarkPrice (0 without one).

        Every position pays or receives amount × mark × rate, longs pay a positive rate. At 00:00, 08:00 and
        16:00 UTC this happens by itself for every symbol that has a MarkPrice.
        """
        market = self._market(symbol)
        in_force = market.funding_rate or 0
        settlement = funding.settle(market, in_force if rate is None else to_fixed(rate))
        self._settle(market)
        return settlement

    def follow_book(self, symbol: str) -> None:
        """Let the last price follow the middle of the book, also after public trades, until the next one."""
        self._market(symbol).trades_are_fed = False

    # events and state

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        events = self._tape.events
        self._tape.events = []
        return events

    def export_state(self) -> dict[str, Any]:
        """All account state, JSON-serialisable:

        ``{"counters": {...}, "accounts": {account_id: {...}}, "orders": {order_id: {...}},
        "algo_orders": {algo_id: {...}}, "trades": {"SYMBOL:trade_id:order_id": {...}},
        "income": {"account_id:transaction_id": {...}}, "margin_changes": {"account_id:change_id": {...}},
        "fundings": {"SYMBOL:time_ms": {...}}}``; every key a string, every record independent of the others.
        Market data is not part of it.
        """
        return state.export_all(self._tape, self._markets, self._accounts)

    def export_changes(self) -> dict[str, Any]:
        """What changed since the last ``export_changes``, in the form of ``export_state``.

        The first call returns everything, unless the state was restored. Upserting the records by key into a
        store, and deleting those that are None, keeps the store equal to ``export_state``.
        """
        if not self._tape.tracking:
            self._tape.tracking = True
            return self.export_state()
        return state.export_changes(self._tape, self._markets)

    def restore_state(self, saved: Mapping[str, Any]) -> None:
        """Take over a state of ``export_state``. Open orders rejoin the book at the end of their queues.

        Raises:
            ValueError: accounts exist already.
        """
        if self._accounts:
            raise ValueError("state can only be restored into an exchange without accounts")
        state.restore(saved, self._tape, self._markets, self._accounts)
        self._tape.tracking = True
        for account in self._accounts.values():
            waiting: list[Order | AlgoOrder] = [*account.all_open_orders(), *account.open_algos.values()]
            for order in waiting:
                if order.good_till_date_ms:
                    self._expire_at(order)
            for symbol, deadline_ms in account.countdowns.items():
                countdown.watch(account, self._markets[symbol], deadline_ms, self._timers)
