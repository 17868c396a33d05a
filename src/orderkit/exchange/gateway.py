"""The gateway interface: what the runtime needs of an exchange, whichever it is."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from orderkit.domain.account import Account
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import MarkPrice, Quote
from orderkit.domain.order import Fill, OrderRef, OrderReport, OrderRequest
from orderkit.errors import OrderKitError


class Gateway(Protocol):
    """Blocking calls, safe to make from several threads at once; one request each unless said otherwise.

    Every call may raise, from ``orderkit.errors``:
        ExchangeUnreachable, RateLimited: certainly not executed.
        OrderRejected (ClockSkew, OrderNotFound): refused by the exchange, with its code.
        AuthenticationFailed: the key was refused.
        OutcomeUnknown: sent, and the answer is missing or says "unknown". Never raised by reading calls,
            which raise ExchangeUnreachable instead.
    No call retries a request that may have been executed.
    """

    def submit(self, client_order_id: str, request: OrderRequest) -> OrderReport:
        """Place one order, conditional types through the algo service."""

    def submit_batch(
        self, orders: Sequence[tuple[str, OrderRequest]]
    ) -> Sequence[OrderReport | OrderKitError]:
        """Place two to five ordinary orders; each has its report, or its error, in their order.

        What is raised holds for every one of them.
        """

    def cancel(self, ref: OrderRef) -> OrderReport:
        """Cancel one order wherever it lives; a triggered conditional is cancelled as the order it became."""

    def query(self, ref: OrderRef) -> OrderReport:
        """The order's present state, with its average price. Raises OrderNotFound."""

    def fills(self, ref: OrderRef) -> Sequence[Fill]:
        """The order's trades, oldest first; looks the order id up first where ``ref`` has none."""

    def search(self, ref: OrderRef, since_ms: int) -> OrderReport:
        """The order by its client id among open and recent orders (three requests). Raises OrderNotFound.

        For an order that ``query`` does not find; ``since_ms`` is an exchange time before it was sent.
        """

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """All open orders of the account, ordinary and conditional (two requests)."""

    def instruments(self, *, refresh: bool = False) -> Mapping[str, Instrument]:
        """All contracts by symbol, from the disk cache while it is fresh, else from exchangeInfo."""

    def quote(self, symbol: str) -> Quote: ...

    def mark_price(self, symbol: str) -> MarkPrice: ...

    def account(self, symbols: Sequence[str]) -> Account:
        """Balances, position mode, open positions, and the leverage of ``symbols`` (several requests)."""

    def balance(self, asset: str) -> Decimal:
        """The wallet balance of one asset; 0 where the account has none of it."""

    def reference_price(self, venue: str, pair: str) -> Decimal:
        """The mid price of a contract at "binance", the last price at another venue that ccxt knows."""

    def brackets(self, symbol: str) -> Sequence[Bracket]: ...

    def commission_rates(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Maker and taker rate as fractions."""

    def daily_result(self) -> Decimal:
        """Realised P&L, fees and funding since 00:00 UTC, in margin asset; a loss is negative."""

    def count_down(self, symbol: str, countdown_ms: int) -> None:
        """Have all open orders of the symbol cancelled after this time, unless called again; 0 lifts it."""

    def create_listen_key(self) -> str: ...

    def keep_listen_key_alive(self, listen_key: str) -> None:
        """Raises OrderRejected with code -1125 where the key is dead."""

    def close(self) -> None:
        """Close all connections; idempotent."""
