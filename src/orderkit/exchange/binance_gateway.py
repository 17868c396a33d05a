"""The gateway to Binance USDⓈ-M futures, and to the embedded exchange that speaks like it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from orderkit.config import Endpoints, Settings
from orderkit.domain.account import Account
from orderkit.domain.enums import OrderStatus, OrderType
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import MarkPrice, Quote
from orderkit.domain.order import Fill, OrderRef, OrderReport, OrderRequest
from orderkit.errors import OrderKitError, OrderNotFound
from orderkit.exchange import mapping
from orderkit.exchange.account import AccountCalls
from orderkit.exchange.failures import Call
from orderkit.exchange.symbol_cache import SymbolCache
from orderkit.exchange.transport import Transport
from orderkit.redaction import register_secret

if TYPE_CHECKING:
    from orderkit.exchange.administration import Administration
    from orderkit.exchange.inquiry import Inquiry
    from orderkit.exchange.native_twap import NativeTwap

INSTRUMENTS_MAX_AGE_MS = 3_600_000  # filters change without notice; a refusal refreshes them at once
TRADES_PER_PAGE = 1000


class BinanceGateway:
    """Implements ``orderkit.exchange.gateway.Gateway`` over REST with python-binance.

    Safe to use from several threads: each request borrows a client of its own. How a request is paced, when
    it is repeated and what its failure means is the transport's business.
    """

    def __init__(self, settings: Settings, endpoints: Endpoints | None = None) -> None:
        """Make no request; on paper, and without ``endpoints``, start the exchange where none is running.

        Raises:
            ConfigurationError: from the first request on, as ``validate_environment``.
        """
        self.settings = settings
        self._transport = Transport(settings, endpoints)
        self._call, self._read = self._transport.call, self._transport.read
        cache = settings.home / "cache"
        name, rest = settings.environment.value, self.endpoints.rest
        self._instruments = SymbolCache(
            cache / f"exchange_info-{name}.jsonl",
            rest,
            INSTRUMENTS_MAX_AGE_MS,
            self._fetch_instruments,
            mapping.instrument,
        )
        self._account = AccountCalls(self._transport, cache / f"brackets-{name}.jsonl")

    @property
    def endpoints(self) -> Endpoints:
        """Where the exchange answers now: a paper exchange that comes back has another port."""
        return self._transport.endpoints

    @cached_property
    def inquiry(self) -> "Inquiry":
        """What people ask about, besides what orders need."""
        from orderkit.exchange.inquiry import Inquiry

        return Inquiry(self._transport)

    @cached_property
    def administration(self) -> "Administration":
        """Changes of settings and open orders that belong to no job."""
        from orderkit.exchange.administration import Administration

        return Administration(self._transport)

    @property
    def _native(self) -> "NativeTwap":
        """Binance's own TWAP, imported where one is met."""
        from orderkit.exchange.native_twap import NativeTwap

        return NativeTwap(self._transport)

    @property
    def instruments_age_ms(self) -> int | None:
        """How long ago the contracts at hand were fetched; None where there are none."""
        return self._instruments.age_ms

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, client_order_id: str, request: OrderRequest) -> OrderReport:
        """Place one order (one request). The report has no average price: answers carry none since 2026-06.

        Raises:
            OutcomeUnknown: also where the answer cannot be read or names another order.
        """
        if request.type is OrderType.TWAP:
            return self._native.submit(client_order_id, request)
        call = Call(f"place {request.side} {request.type} {request.symbol}", trading=True)
        if request.type.is_conditional:
            params = mapping.algo_order_params(client_order_id, request)
            method, id_field, report = "futures_create_algo_order", "clientAlgoId", mapping.algo_report
        else:
            params = mapping.order_params(client_order_id, request)
            method, id_field, report = "futures_create_order", "clientOrderId", mapping.order_report

        def read(raw: Any) -> OrderReport:
            if raw[id_field] != client_order_id:
                raise ValueError("the answer names another order")
            return report(raw, client_order_id)

        return self._call(call, method, params, read)

    def submit_batch(
        self, orders: Sequence[tuple[str, OrderRequest]]
    ) -> Sequence[OrderReport | OrderKitError]:
        """Place two to five ordinary orders (one request of weight 5); the report or error of each."""
        from orderkit.exchange.batch import place_batch

        return place_batch(self._transport, orders)

    def cancel(self, ref: OrderRef) -> OrderReport:
        """Cancel an order (one request; a conditional that has triggered meanwhile takes three).

        Raises:
            OrderNotFound: nothing to cancel, or it is triggering this moment: query the order.
        """
        if ref.native:
            return self._native.cancel(ref)
        if not ref.conditional:
            return self._cancel_order(ref)
        call = Call(f"cancel conditional order {ref.client_order_id}", trading=True)
        params = {"symbol": ref.symbol, "clientAlgoId": ref.client_order_id}
        try:
            return self._call(call, "futures_cancel_algo_order", params, partial(self._canceled_algo, ref))
        except OrderNotFound as absent:
            child = self._child_ref(ref)
            if child is None:
                raise absent
            return self._cancel_order(child)

    def query(self, ref: OrderRef) -> OrderReport:
        """The order's state wherever it lives (one request; two for a conditional that triggered)."""
        if ref.native:
            return self._native.query(ref)
        if not ref.conditional:
            return self._query_order(ref)
        try:
            algo = self._query_algo(ref)
        except OrderNotFound:
            return self._query_order(ref)
        if algo.order_id is None:
            return algo
        try:
            child = self._query_order(_as_child(ref, algo.order_id))
        except OrderNotFound:
            return algo
        return replace(child, algo_id=algo.algo_id)

    def fills(self, ref: OrderRef) -> Sequence[Fill]:
        """The order's trades, oldest first (one request, another where ``ref`` has no order id)."""
        if ref.native:
            return self._native.fills(ref)
        order_id = ref.order_id if ref.order_id is not None else self.query(ref).order_id
        if order_id is None:
            return ()  # a conditional order that has not triggered
        fills: dict[int, Fill] = {}
        params = {"symbol": ref.symbol, "orderId": str(order_id), "limit": str(TRADES_PER_PAGE)}
        while True:
            page = self._call(
                Call(f"trades of order {ref.client_order_id}"),
                "futures_account_trades",
                params,
                lambda raw: [mapping.fill(trade, ref.client_order_id) for trade in raw],
            )
            fills |= {fill.trade_id: fill for fill in page if fill.order_id == order_id}
            if len(page) < TRADES_PER_PAGE:
                return tuple(fills[trade_id] for trade_id in sorted(fills))
            params = params | {"fromId": str(page[-1].trade_id + 1)}

    def search(self, ref: OrderRef, since_ms: int) -> OrderReport:
        """Look through open orders, then through all orders since ``since_ms`` (three requests at most)."""
        if ref.native:
            return self._native.query(ref)
        for report in self.open_orders(ref.symbol):
            if report.client_order_id == ref.client_order_id:
                return report
        recent = self._call(
            Call(f"recent orders of {ref.symbol}"),
            "futures_get_all_orders",
            {"symbol": ref.symbol, "startTime": str(since_ms), "limit": "1000"},
            lambda raw: [mapping.order_report(row, row["clientOrderId"]) for row in raw],
        )
        for report in recent:
            if report.client_order_id == ref.client_order_id:
                return report
        raise OrderNotFound(f"order {ref.client_order_id} is nowhere in the account", code=-2013)

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """All open orders, ordinary ones and untriggered conditional ones (two requests of weight 1)."""
        ordinary = self._call(
            Call(f"open orders of {symbol}"),
            "futures_get_open_orders",
            {"symbol": symbol},
            lambda raw: [mapping.order_report(row, row["clientOrderId"]) for row in raw],
        )
        conditional = self._call(
            Call(f"open conditional orders of {symbol}"),
            "futures_get_open_algo_orders",
            {"symbol": symbol},
            lambda raw: [mapping.algo_report(row, row["clientAlgoId"]) for row in raw],
        )
        return (*ordinary, *conditional)

    def _cancel_order(self, ref: OrderRef) -> OrderReport:
        call = Call(f"cancel order {ref.client_order_id}", trading=True)
        read = partial(mapping.order_report, client_order_id=ref.client_order_id)
        return self._call(call, "futures_cancel_order", _order_id_params(ref), read)

    def _query_order(self, ref: OrderRef) -> OrderReport:
        call = Call(f"query order {ref.client_order_id}")
        read = partial(mapping.order_report, client_order_id=ref.client_order_id)
        return self._call(call, "futures_get_order", _order_id_params(ref), read)

    def _query_algo(self, ref: OrderRef) -> OrderReport:
        params = {"symbol": ref.symbol, "clientAlgoId": ref.client_order_id}
        read = partial(mapping.algo_report, client_order_id=ref.client_order_id)
        call = Call(f"query conditional order {ref.client_order_id}")
        return self._call(call, "futures_get_algo_order", params, read)

    def _child_ref(self, ref: OrderRef) -> OrderRef | None:
        """The ordinary order a conditional one may have become; None while the algo service still has it."""
        try:
            order_id = self._query_algo(ref).order_id
        except OrderNotFound:
            return _as_child(ref, None)  # it carries the same client id
        return _as_child(ref, order_id) if order_id is not None else None

    def _canceled_algo(self, ref: OrderRef, raw: Any) -> OrderReport:
        """DELETE algoOrder answers only success (an older build: the whole order), so the time is our own."""
        if "algoStatus" in raw:
            return mapping.algo_report(raw, ref.client_order_id)
        return OrderReport(
            client_order_id=ref.client_order_id,
            symbol=ref.symbol,
            status=OrderStatus.CANCELED,
            executed_quantity=mapping.ZERO,
            time_ms=self._transport.clock.now_ms(),
            algo_id=int(raw["algoId"]),
        )

    # --- market -----------------------------------------------------------------------------------

    def instruments(self, *, refresh: bool = False) -> Mapping[str, Instrument]:
        """All contracts, parsed one by one as they are looked up; cached on disk for an hour."""
        return self._instruments.get(refresh=refresh)

    def quote(self, symbol: str) -> Quote:
        """Best bid and ask. Raises OrderRejected (-1121) for an unknown symbol."""
        call = Call(f"quote of {symbol}")
        return self._call(call, "futures_orderbook_ticker", {"symbol": symbol}, mapping.quote)

    def mark_price(self, symbol: str) -> MarkPrice:
        """Mark and index price with the funding rate. Raises OrderRejected (-1121) for an unknown symbol."""
        call = Call(f"mark price of {symbol}")
        return self._call(call, "futures_mark_price", {"symbol": symbol}, mapping.mark_price)

    def _fetch_instruments(self) -> Mapping[str, Any]:
        raw: Any = self._call(Call("exchange information"), "futures_exchange_info", None)
        if isinstance(raw, dict):
            self._transport.pacer.learn(raw.get("rateLimits", ()))
        return self._read(Call("exchange information"), raw, lambda raw: mapping.by_symbol(raw["symbols"]))

    # --- account ----------------------------------------------------------------------------------

    def account(self, symbols: Sequence[str]) -> Account:
        return self._account.account(symbols, self._margin_asset(symbols))

    def balance(self, asset: str) -> Decimal:
        held = (row.wallet_balance for row in self.inquiry.balances() if row.asset == asset)
        return next(held, Decimal(0))

    def reference_price(self, venue: str, pair: str) -> Decimal:
        if venue == "binance":
            return self.quote(pair).mid
        from orderkit.exchange.venues import last_price

        return last_price(venue, pair)

    def brackets(self, symbol: str) -> Sequence[Bracket]:
        return self._account.brackets(symbol)

    def commission_rates(self, symbol: str) -> tuple[Decimal, Decimal]:
        return self._account.commission_rates(symbol)

    def daily_result(self) -> Decimal:
        return self._account.daily_result()

    def now_ms(self) -> int:
        """The exchange's time, as far as it is known."""
        return self._transport.clock.now_ms()

    def count_down(self, symbol: str, countdown_ms: int) -> None:
        """Arm or renew the dead man's switch of a symbol (weight 10); 0 lifts it.

        It cancels all open orders of the symbol, whoever sent them. Whether it covers untriggered conditional
        orders is not documented.
        """
        params = {"symbol": symbol, "countdownTime": str(countdown_ms)}
        self._call(Call(f"countdown of {symbol}"), "futures_countdown_cancel_all", params)

    def create_listen_key(self) -> str:
        """A key for the user stream; the exchange returns the one that lives and extends it by 60 minutes."""
        key = self._call(Call("open the user stream"), "futures_stream_get_listen_key", None, str)
        register_secret(key)
        return key

    def keep_listen_key_alive(self, listen_key: str) -> None:
        self._call(Call("keep the user stream open"), "futures_stream_keepalive", {"listenKey": listen_key})

    def close(self) -> None:
        """Close all connections; idempotent. Requests under way end, those waiting for their turn at once."""
        self._transport.close()
        self._account.close()

    def _margin_asset(self, symbols: Sequence[str]) -> str:
        known = self._instruments.peek()
        return next((known[s].margin_asset for s in symbols if s in known), "USDT")


def _order_id_params(ref: OrderRef) -> dict[str, str]:
    if ref.order_id is not None:
        return {"symbol": ref.symbol, "orderId": str(ref.order_id)}
    return {"symbol": ref.symbol, "origClientOrderId": ref.client_order_id}


def _as_child(ref: OrderRef, order_id: int | None) -> OrderRef:
    return OrderRef(symbol=ref.symbol, client_order_id=ref.client_order_id, order_id=order_id)
