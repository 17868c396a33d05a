"""A trading desk on a simulated exchange, so that a test reads as what is traded and what comes of it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import DepthUpdate, MarketTrade, MarkPrice, Quote
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.statements import IncomeType
from orderkit.simulator.types import (
    AlgoOrderView,
    Event,
    ExchangeError,
    NewAlgoOrder,
    NewOrder,
    OrderUpdate,
    OrderView,
    PositionView,
    TradeView,
)

D = Decimal
START_MS = 1_790_000_000_000
SYMBOL = "BTCUSDT"
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
BUY, SELL = Side.BUY, Side.SELL

BRACKETS = [
    Bracket(1, 125, Decimal(0), Decimal(50_000), Decimal("0.004"), Decimal(0)),
    Bracket(2, 100, Decimal(50_000), Decimal(600_000), Decimal("0.005"), Decimal(50)),
    Bracket(3, 75, Decimal(600_000), Decimal(3_000_000), Decimal("0.0065"), Decimal(950)),
    Bracket(4, 50, Decimal(3_000_000), Decimal(12_000_000), Decimal("0.01"), Decimal(11_450)),
    Bracket(5, 20, Decimal(12_000_000), Decimal(70_000_000), Decimal("0.02"), Decimal(131_450)),
    Bracket(6, 10, Decimal(70_000_000), Decimal(1_000_000_000), Decimal("0.05"), Decimal(2_231_450)),
]


def btc_info(**changes: Any) -> dict[str, Any]:
    """exchangeInfo's BTCUSDT with the live filters of September 2026; keyword arguments replace fields."""
    info: dict[str, Any] = {
        "symbol": SYMBOL,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "orderTypes": [],
        "timeInForce": [],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "50"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500"},
        ],
    }
    return info | changes


def decimal(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


class Desk:
    """One exchange with one contract; accounts "a" and "b" hold 100,000 USDT each."""

    def __init__(self, wallet: str = "100000", **info: Any) -> None:
        instrument = Instrument.from_exchange_info(btc_info(**info))
        self.exchange = SimulatedExchange([instrument], {SYMBOL: BRACKETS}, now_ms=START_MS)
        for account in ("a", "b"):
            self.exchange.open_account(account, {"USDT": Decimal(wallet)})
        self._next_id = 0

    # market

    def quote(self, bid: str, ask: str, bid_size: str = "10", ask_size: str = "10") -> None:
        now = self.exchange.now_ms + 1
        self.exchange.apply(
            Quote(SYMBOL, Decimal(bid), Decimal(bid_size), Decimal(ask), Decimal(ask_size), now)
        )

    def depth(
        self, bids: list[tuple[str, str]], asks: list[tuple[str, str]], *, snapshot: bool = False
    ) -> None:
        bid_levels, ask_levels = (tuple((Decimal(p), Decimal(q)) for p, q in side) for side in (bids, asks))
        self.exchange.apply(DepthUpdate(SYMBOL, bid_levels, ask_levels, self.exchange.now_ms + 1, snapshot))

    def trade(self, price: str, quantity: str, *, seller_hits: bool) -> None:
        now = self.exchange.now_ms + 1
        self.exchange.apply(MarketTrade(SYMBOL, now, Decimal(price), Decimal(quantity), seller_hits, now))

    def mark(self, price: str, rate: str = "0.0001") -> None:
        now = self.exchange.now_ms + 1
        self.exchange.apply(MarkPrice(SYMBOL, Decimal(price), Decimal(price), Decimal(rate), now, now))

    def pass_time(self, milliseconds: int) -> None:
        self.exchange.advance(self.exchange.now_ms + milliseconds)

    # trading

    def order(
        self,
        side: Side,
        quantity: str | None,
        price: str | None = None,
        *,
        account: str = "a",
        tif: TimeInForce | None = None,
        **rest: Any,
    ) -> OrderView:
        """A LIMIT (GTC unless said otherwise) with a price or a price match, a MARKET without."""
        limit = price is not None or rest.get("price_match") is not None
        rest.setdefault("client_order_id", self.new_id())
        return self.exchange.place(
            account,
            NewOrder(
                symbol=SYMBOL,
                side=side,
                type=LIMIT if limit else MARKET,
                quantity=decimal(quantity),
                price=decimal(price),
                time_in_force=tif or (TimeInForce.GTC if limit else None),
                **rest,
            ),
        )

    def algo(
        self,
        side: Side,
        order_type: OrderType,
        trigger: str | None,
        quantity: str | None = None,
        price: str | None = None,
        **rest: Any,
    ) -> AlgoOrderView:
        account = rest.pop("account", "a")
        rest.setdefault("client_algo_id", self.new_id())
        return self.exchange.place_algo(
            account,
            NewAlgoOrder(
                symbol=SYMBOL,
                side=side,
                type=order_type,
                trigger_price=decimal(trigger),
                quantity=decimal(quantity),
                price=decimal(price),
                **rest,
            ),
        )

    def new_id(self) -> str:
        self._next_id += 1
        return f"id-{self._next_id}"

    # looking

    def now(self, order: OrderView, account: str = "a") -> OrderView:
        """The order as it stands now."""
        return self.exchange.order(account, SYMBOL, order_id=order.order_id)

    def algo_now(self, algo: AlgoOrderView, account: str = "a") -> AlgoOrderView:
        return self.exchange.algo_order(account, algo_id=algo.algo_id)

    def fills(self, account: str = "a") -> list[tuple[Decimal, Decimal]]:
        """Price and quantity of every fill."""
        return [(t.price, t.quantity) for t in self.trades(account)]

    def trades(self, account: str = "a") -> list[TradeView]:
        return self.exchange.user_trades(account, SYMBOL)

    def position(self, account: str = "a", side: PositionSide = PositionSide.BOTH) -> PositionView:
        found = self.exchange.positions(account, SYMBOL, include_flat=True)
        return next(p for p in found if p.position_side is side)

    def wallet(self, account: str = "a") -> Decimal:
        return self.exchange.account(account).assets[0].wallet_balance

    def available(self, account: str = "a") -> Decimal:
        return self.exchange.account(account).assets[0].available_balance

    def drain(self) -> list[Event]:
        return self.exchange.drain()

    def income(self, account: str = "a", **which: Any) -> list[tuple[IncomeType, Decimal]]:
        """Kind and amount of every income, oldest first."""
        return [(i.income_type, i.amount) for i in self.exchange.income(account, limit=1000, **which)]

    def updates(self) -> list[OrderUpdate]:
        """The order updates since the last look."""
        return [event for event in self.drain() if isinstance(event, OrderUpdate)]


def refusal_of(call: Callable[[], object]) -> tuple[int, str]:
    """Code and text of the refusal that a call must meet."""
    with pytest.raises(ExchangeError) as caught:
        call()
    return caught.value.code, caught.value.message
