"""The reading requests of the looking commands; nothing here changes anything at the exchange."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from orderkit.domain.market import MarketTrade, Period, VolumeBar
from orderkit.domain.order import Fill, OrderRef
from orderkit.exchange import detail_mapping as detail
from orderkit.exchange.details import (
    AccountSettings,
    AssetBalance,
    DayStatistics,
    DepthBook,
    HeldPosition,
    IncomeEntry,
    ListedOrder,
    SymbolSettings,
)
from orderkit.exchange.failures import Call
from orderkit.exchange.transport import Transport

T = TypeVar("T")
H = TypeVar("H", ListedOrder, Fill, IncomeEntry)

DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
PRINTS_PER_PAGE = 1000
BARS_PER_PAGE = 1500
HISTORY_KEPT_MS = 90 * 86_400_000  # trades and orders reach three months back (2026-08-26)
HISTORY_WINDOW_MS = 7 * 86_400_000 - 1000


class Inquiry:
    """Blocking calls, one request each unless said otherwise; they raise what ``Gateway``'s reads raise."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def server_time_ms(self) -> int:
        return self._ask("exchange time", "futures_time", {}, lambda raw: int(raw["serverTime"]))

    def depth(self, symbol: str, levels: int) -> DepthBook:
        """The best ``levels`` (1 to 1000) of both sides."""
        limit = next(size for size in DEPTH_LIMITS if size >= levels)
        params = {"symbol": symbol, "limit": str(limit)}
        book = self._ask(
            f"order book of {symbol}",
            "futures_order_book",
            params,
            lambda raw: detail.depth_book(raw, symbol),
        )
        return DepthBook(symbol, book.bids[:levels], book.asks[:levels], book.time_ms)

    def day(self, symbol: str) -> DayStatistics:
        params = {"symbol": symbol}
        return self._ask(f"24 hours of {symbol}", "futures_ticker", params, detail.day_statistics)

    def prints(self, symbol: str, from_id: int) -> list[MarketTrade]:
        """Up to 1,000 aggregate trades of the market from an aggregate id on, oldest first."""
        params = {"symbol": symbol, "fromId": str(from_id), "limit": str(PRINTS_PER_PAGE)}
        return self._list(
            f"market trades of {symbol}",
            "futures_aggregate_trades",
            params,
            lambda row: detail.market_print(row, symbol),
        )

    def volumes(self, symbol: str, period: Period) -> list[VolumeBar]:
        """What traded in each bar of a period, up to 1,500 bars."""
        params = {
            "symbol": symbol,
            "interval": period.bar.value,
            "startTime": str(period.start_ms),
            "endTime": str(period.end_ms - 1),
            "limit": str(min(-(-(period.end_ms - period.start_ms) // period.bar.ms), BARS_PER_PAGE)),
        }
        return self._list(
            f"volumes of {symbol}", "futures_klines", params, lambda row: detail.volume_bar(row, period.bar)
        )

    def balances(self) -> list[AssetBalance]:
        """Every asset of the wallet that is not empty."""
        rows = self._ask(
            "balances",
            "futures_account",
            {"version": 3},
            lambda raw: [detail.asset_balance(row) for row in raw["assets"]],
        )
        return [row for row in rows if row.wallet_balance or row.margin_balance]

    def positions(self) -> list[HeldPosition]:
        """Every position that is not empty."""
        rows = self._list("positions", "futures_position_information", {}, detail.held_position)
        return [row for row in rows if row.quantity]

    def symbol_settings(self, symbol: str) -> SymbolSettings:
        rows = self._list(
            f"settings of {symbol}", "futures_symbol_config", {"symbol": symbol}, detail.symbol_settings
        )
        return rows[0]

    def account_settings(self) -> AccountSettings:
        return self._ask("account settings", "futures_account_config", {}, detail.account_settings)

    def open_orders(self, symbol: str | None = None) -> list[ListedOrder]:
        """Ordinary and conditional orders in one list, oldest first (two requests; for all: weight 80)."""
        params = {} if symbol is None else {"symbol": symbol}
        of = f" of {symbol}" if symbol else ""
        # In this order: a conditional order that triggers in between is then listed twice rather than not.
        conditional = self._list(
            f"open conditional orders{of}", "futures_get_open_algo_orders", params, detail.listed_algo
        )
        ordinary = self._list(f"open orders{of}", "futures_get_open_orders", params, detail.listed_order)
        also_ordinary = {(order.symbol, order.client_order_id) for order in ordinary}
        untriggered = [o for o in conditional if (o.symbol, o.client_order_id) not in also_ordinary]
        return detail.merged(ordinary, untriggered)

    def order(self, ref: OrderRef) -> ListedOrder:
        """One order as the book knows it. Raises OrderNotFound."""
        named = {"origClientOrderId": ref.client_order_id}
        if ref.order_id is not None:
            named = {"orderId": str(ref.order_id)}
        action = f"query order {ref.client_order_id}"
        return self._ask(action, "futures_get_order", {"symbol": ref.symbol} | named, detail.listed_order)

    def past_orders(self, symbol: str, since_ms: int, until_ms: int) -> list[ListedOrder]:
        """Orders of a period, open ones included, oldest first."""
        ordinary = self._pages(
            f"orders of {symbol}", "futures_get_all_orders", symbol, since_ms, until_ms, detail.listed_order
        )
        conditional = self._pages(
            f"conditional orders of {symbol}",
            "futures_get_all_algo_orders",
            symbol,
            since_ms,
            until_ms,
            detail.listed_algo,
            page=100,
        )
        return detail.merged(
            list({order.order_id: order for order in ordinary}.values()),
            list({order.algo_id: order for order in conditional}.values()),
        )

    def trades(self, symbol: str, since_ms: int, until_ms: int) -> list[Fill]:
        """Our trades of a period, oldest first; the exchange does not name their client order ids."""
        rows = self._pages(
            f"trades of {symbol}", "futures_account_trades", symbol, since_ms, until_ms, detail.own_trade
        )
        fills = {fill.trade_id: fill for fill in rows}
        return sorted(fills.values(), key=lambda fill: (fill.time_ms, fill.trade_id))

    def income(self, symbol: str, since_ms: int, until_ms: int) -> list[IncomeEntry]:
        """Bookings of a period, oldest first."""
        rows = self._pages(
            f"income of {symbol}", "futures_income_history", symbol, since_ms, until_ms, detail.income_entry
        )
        return sorted(dict.fromkeys(rows), key=lambda entry: (entry.time_ms, entry.transaction_id))

    def _pages(
        self,
        action: str,
        method: str,
        symbol: str,
        since_ms: int,
        until_ms: int,
        read: Callable[[Any], H],
        page: int = 1000,
    ) -> list[H]:
        """All rows of a period: windows of less than 7 days, which is the most that one request may span.

        A full page goes on at its last row's time, so a row can come twice. Of one millisecond no more rows
        than a page holds can be had this way.
        """
        rows: list[H] = []
        start_ms = since_ms
        while start_ms <= until_ms:
            end_ms = min(start_ms + HISTORY_WINDOW_MS, until_ms)
            params = {
                "symbol": symbol,
                "startTime": str(start_ms),
                "endTime": str(end_ms),
                "limit": str(page),
            }
            found = self._list(action, method, params, read)
            rows += found
            is_last = len(found) < page
            start_ms = end_ms + 1 if is_last else max(start_ms + 1, *map(_time_of, found))
        return rows

    def _ask(self, action: str, method: str, params: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        return self._transport.call(Call(action), method, params, read)

    def _list(self, action: str, method: str, params: Mapping[str, Any], read: Callable[[Any], T]) -> list[T]:
        return self._ask(action, method, params, lambda raw: [read(row) for row in raw])


def margin_ratio(balance: AssetBalance) -> Decimal | None:
    """Maintenance margin over margin balance; a cross account is liquidated at 1. None without balance."""
    return balance.maintenance_margin / balance.margin_balance if balance.margin_balance > 0 else None


def _time_of(row: ListedOrder | Fill | IncomeEntry) -> int:
    return row.created_ms if isinstance(row, ListedOrder) else row.time_ms
