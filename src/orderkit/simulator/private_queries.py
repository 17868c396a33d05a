"""What an account may ask the simulated exchange about itself."""

from orderkit.simulator import history, queries, views
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.market import Market
from orderkit.simulator.statements import AdlQuantile, CommissionRates, IncomeType, IncomeView, MarginChange
from orderkit.simulator.types import (
    AccountView,
    AlgoOrderView,
    OrderView,
    PositionView,
    SymbolConfig,
    TradeView,
)
from orderkit.simulator.venue import Venue


class PrivateQueries(Venue):
    """Orders, fills, positions, balances, income. Raises KeyError for an account that was never opened."""

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
        if found is None or history.is_forgotten(found, self.now_ms):
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
            and not history.is_forgotten(o, self.now_ms)
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
        oldest_ms = max(start_ms or 0, self.now_ms - history.HISTORY_MS)
        trades = queries.trades_of(self._accounts[account_id], symbol)
        found = [
            t
            for t in trades
            if (order_id is None or t.order_id == order_id)
            and (from_id is None or t.trade_id >= from_id)
            and queries.within(t.time_ms, oldest_ms, end_ms)
        ]
        return queries.page(found, limit, forward=from_id is not None)

    def algo_order(
        self, account_id: str, *, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> AlgoOrderView:
        """One conditional order, open or not; -2013 if there is none."""
        found = queries.find_algo(self._accounts[account_id], algo_id, client_algo_id)
        if found is None or history.is_algo_forgotten(found, self.now_ms):
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
            and not history.is_algo_forgotten(a, self.now_ms)
        ]
        return [a.view() for a in queries.page(found, limit, forward=algo_id is not None)]

    def positions(
        self, account_id: str, symbol: str | None = None, *, include_flat: bool = False
    ) -> list[PositionView]:
        """Positions that are open or have open orders; with ``include_flat`` every symbol and side."""
        account = self._accounts[account_id]
        return [
            views.position_view(account, position)
            for market in self._chosen(symbol)
            for side in account.sides
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

    def force_orders(
        self,
        account_id: str,
        symbol: str | None = None,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
    ) -> list[OrderView]:
        """The account's liquidation orders (client ids ``autoclose-…``), ascending; the newest ``limit``."""
        found = [
            o
            for o in self._accounts[account_id].orders.values()
            if o.liquidation
            and (symbol is None or o.market.symbol == symbol)
            and queries.within(o.time_ms, start_ms, end_ms)
            and not history.is_forgotten(o, self.now_ms)
        ]
        return [o.view() for o in queries.page(found, limit, forward=False)]

    def income(
        self,
        account_id: str,
        symbol: str | None = None,
        *,
        income_type: IncomeType | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        page: int = 1,
        limit: int = 100,
    ) -> list[IncomeView]:
        """Changes of wallets ascending by time, of the last three months.

        Page ``page`` of the window, counted from its start. Without times Binance shows the last 7 days:
        the caller passes such a window itself.
        """
        oldest_ms = max(start_ms or 0, self.now_ms - history.HISTORY_MS)
        found = [
            entry
            for entry in queries.income_of(self._accounts[account_id], symbol)
            if (income_type is None or entry.income_type is income_type)
            and queries.within(entry.time_ms, oldest_ms, end_ms)
        ]
        return found[(page - 1) * limit : page * limit] if page > 0 and limit > 0 else []

    def position_margin_history(
        self,
        account_id: str,
        symbol: str,
        *,
        added: bool | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[MarginChange]:
        """Margin moved in and out of isolated positions in the last 30 days, ascending; newest ``limit``."""
        self._market(symbol)
        oldest_ms = max(start_ms or 0, self.now_ms - history.MARGIN_CHANGES_MS)
        found = [
            change
            for change in self._accounts[account_id].margin_changes
            if change.symbol == symbol
            and (added is None or change.added is added)
            and queries.within(change.time_ms, oldest_ms, end_ms)
        ]
        return queries.page(found, limit, forward=False)

    def adl_quantiles(self, account_id: str, symbol: str | None = None) -> list[AdlQuantile]:
        """Places in the auto-deleveraging queue of the symbols with a position (of ``symbol`` always).

        Keys are BOTH in one-way mode, LONG and SHORT in hedge mode. Nothing is ever deleveraged here; the
        quantile is the rank of the position's profit among all accounts' positions of that direction.
        """
        account = self._accounts[account_id]
        found = []
        for market in self._chosen(symbol):
            held = {side: account.positions.get((market.symbol, side)) for side in account.sides}
            if symbol is not None or any(p is not None and p.amount for p in held.values()):
                ranks = {side: views.adl_quantile(p) if p is not None else 0 for side, p in held.items()}
                found.append(AdlQuantile(market.symbol, ranks))
        return found

    def _chosen(self, symbol: str | None) -> list[Market]:
        return list(self._markets.values()) if symbol is None else [self._market(symbol)]

    def commission_rates(self, account_id: str, symbol: str) -> CommissionRates:
        """Maker and taker rates the account pays."""
        self._market(symbol)
        account = self._accounts[account_id]
        return CommissionRates(symbol, views.rate(account.maker_rate), views.rate(account.taker_rate))

    def is_multi_assets(self, account_id: str) -> bool:
        """Whether multi-assets mode is set."""
        return self._accounts[account_id].multi_assets
