"""The simulated exchange: one object that takes market events and trading requests and answers like Binance.

Synchronous and deterministic: the same calls give the same answers and events. Time moves only through
``advance`` and the times of market events; it never goes back.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import PriceMatch, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.simulator.types import (
    AccountView,
    AlgoOrderView,
    DepthView,
    Event,
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
        raise NotImplementedError

    # time and market

    @property
    def now_ms(self) -> int:
        """The virtual clock, ms UTC."""
        raise NotImplementedError

    def advance(self, now_ms: int) -> None:
        """Move the clock forward (an earlier time is ignored) and do what falls due (GTD expiry)."""
        raise NotImplementedError

    def apply(self, event: MarketEvent) -> None:
        """Take a market event: move the book, fill what it fills, trigger what it triggers.

        Raises:
            KeyError: the symbol is not listed here.
            ValueError: the event's own bids and asks cross, or a price or quantity is negative.
        """
        raise NotImplementedError

    # accounts

    def open_account(self, account_id: str, balances: Mapping[str, Decimal]) -> None:
        """Create an account with wallet balances per asset.

        Raises:
            ValueError: the account exists.
        """
        raise NotImplementedError

    def has_account(self, account_id: str) -> bool:
        raise NotImplementedError

    def deposit(self, account_id: str, asset: str, amount: Decimal) -> None:
        """Add to (or with a negative amount take from) a wallet; emits AccountUpdate DEPOSIT or WITHDRAW."""
        raise NotImplementedError

    # trading

    def place(self, account_id: str, order: NewOrder) -> OrderView:
        """Place a LIMIT or MARKET order and match it; the view is its state after matching."""
        raise NotImplementedError

    def check(self, account_id: str, order: NewOrder) -> None:
        """Run every check of ``place`` and change nothing (POST order/test)."""
        raise NotImplementedError

    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderView:
        """Cancel an open order (``order_id`` wins over ``client_order_id``); -2011 if there is none."""
        raise NotImplementedError

    def cancel_all(self, account_id: str, symbol: str) -> list[OrderView]:
        """Cancel every open order of a symbol (not untriggered conditional ones); returns those cancelled."""
        raise NotImplementedError

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
        raise NotImplementedError

    def place_algo(self, account_id: str, order: NewAlgoOrder) -> AlgoOrderView:
        """Accept a conditional order; margin is checked only when it triggers."""
        raise NotImplementedError

    def cancel_algo(
        self, account_id: str, *, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrderView:
        """Cancel an untriggered conditional order; -2011 if there is none."""
        raise NotImplementedError

    def cancel_all_algo(self, account_id: str, symbol: str) -> list[AlgoOrderView]:
        """Cancel every untriggered conditional order of a symbol."""
        raise NotImplementedError

    # settings

    def set_leverage(self, account_id: str, symbol: str, leverage: int) -> SymbolConfig:
        """Set the initial leverage; -4028 outside the symbol's range, -2027 / -2028 if what is open forbids it."""
        raise NotImplementedError

    def set_margin_type(self, account_id: str, symbol: str, *, isolated: bool) -> None:
        """Switch cross/isolated; -4046 unchanged, -4047 with open orders, -4048 with a position."""
        raise NotImplementedError

    def set_position_mode(self, account_id: str, *, hedge: bool) -> None:
        """Switch one-way/hedge; -4059 unchanged, -4067 with open orders, -4068 with positions."""
        raise NotImplementedError

    # private queries

    def order(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderView:
        """One order, open or not (``order_id`` wins; of several with one client id the newest); -2013 if none."""
        raise NotImplementedError

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[OrderView]:
        """Open orders, oldest first."""
        raise NotImplementedError

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
        """Orders ascending by id; from ``order_id`` on if given, else the newest ``limit`` of the time window."""
        raise NotImplementedError

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
        raise NotImplementedError

    def algo_order(
        self, account_id: str, *, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrderView:
        """One conditional order, open or not; -2013 if there is none."""
        raise NotImplementedError

    def open_algo_orders(self, account_id: str, symbol: str | None = None) -> list[AlgoOrderView]:
        raise NotImplementedError

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
        raise NotImplementedError

    def positions(
        self, account_id: str, symbol: str | None = None, *, include_flat: bool = False
    ) -> list[PositionView]:
        """Positions that are open or have open orders; with ``include_flat`` every symbol and position side."""
        raise NotImplementedError

    def account(self, account_id: str) -> AccountView:
        raise NotImplementedError

    def is_hedge_mode(self, account_id: str) -> bool:
        raise NotImplementedError

    def symbol_config(self, account_id: str, symbol: str) -> SymbolConfig:
        raise NotImplementedError

    # public queries

    def quote(self, symbol: str) -> Quote:
        """The public touch; an empty side is price 0, quantity 0."""
        raise NotImplementedError

    def depth(self, symbol: str, limit: int = 500) -> DepthView:
        raise NotImplementedError

    def last_price(self, symbol: str) -> Decimal:
        """The last traded price; the mid while no trade has been seen; 0 before any market data."""
        raise NotImplementedError

    def mark_price(self, symbol: str) -> Decimal:
        """The mark price; without a source of marks it follows the mid; 0 before any market data."""
        raise NotImplementedError

    def mark(self, symbol: str) -> MarkPrice:
        """Mark, index and funding as last given; without a source, mark and index follow the mid and funding is 0."""
        raise NotImplementedError

    def recent_trades(self, symbol: str, limit: int = 500) -> list[MarketTrade]:
        """The newest public trades (at most 1000 are kept), oldest first."""
        raise NotImplementedError

    # events and state

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        raise NotImplementedError

    def export_state(self) -> dict[str, Any]:
        """All account state, JSON-serialisable:

        ``{"counters": {...}, "accounts": {account_id: {...}}, "orders": {order_id: {...}},
        "algo_orders": {algo_id: {...}}, "trades": {"SYMBOL:trade_id": {...}}}``; every key a string, every
        record independent of the others. Market data is not part of it.
        """
        raise NotImplementedError

    def export_changes(self) -> dict[str, Any]:
        """What changed since the last ``export_changes``, in the form of ``export_state``.

        Upserting the records by key into a store keeps the store equal to ``export_state``.
        """
        raise NotImplementedError

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of ``export_state``. Open orders rejoin the book at the end of their queues.

        Raises:
            ValueError: accounts exist already.
        """
        raise NotImplementedError
