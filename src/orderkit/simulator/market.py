"""What the exchange knows about one symbol's market: its book, last and mark price, recent trades."""

from collections import deque
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from orderkit.domain.market import Level, MarketTrade, MarkPrice, Quote
from orderkit.simulator.book import Book, BookSide
from orderkit.simulator.contract import Contract
from orderkit.simulator.fixed import to_decimal, to_fixed
from orderkit.simulator.statements import FundingSettlement
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import DepthChanged, DepthView, MarkChanged, QuoteChanged, TradePrinted

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.algo import AlgoOrder
    from orderkit.simulator.positions import Position

_ZERO = Decimal(0)
_EIGHT_HOURS_MS = 8 * 3600 * 1000
KEPT_TRADES = 1000
KEPT_FUNDINGS = 1000


class Market:
    """One symbol's market. Prices are fixed-point, 0 while unknown.

    A source without trades moves the last price to the mid of each quote, and a source without mark prices
    moves the mark there, so that conditional orders and margins have something to follow. ``holders`` are the
    open positions; ``touched`` the accounts whose margin must be reviewed besides those that a mark other
    than ``reviewed_mark`` concerns.
    """

    __slots__ = (
        "_mark_fact",
        "_public",
        "_shown_touch",
        "algos",
        "book",
        "contract",
        "fundings",
        "holders",
        "last",
        "mark",
        "next_trade_id",
        "reviewed_mark",
        "symbol",
        "tape",
        "time_ms",
        "touched",
        "trades",
        "trades_are_fed",
        "update_id",
    )

    def __init__(self, contract: Contract, tape: Tape, *, public: bool) -> None:
        self.contract = contract
        self.symbol = contract.symbol
        self.tape = tape
        self.book = Book()
        self.algos: dict[int, AlgoOrder] = {}
        self.holders: dict[Position, None] = {}
        self.touched: dict[Account, None] = {}
        self.reviewed_mark = 0
        self.fundings: deque[FundingSettlement] = deque(maxlen=KEPT_FUNDINGS)
        self.last = 0
        self.mark = 0
        self.time_ms = tape.now_ms
        self.trades: deque[MarketTrade] = deque(maxlen=KEPT_TRADES)
        self.trades_are_fed = False
        self.next_trade_id = 1_000_000_001
        self.update_id = 9_000_000_000_000
        self._mark_fact: MarkPrice | None = None
        self._public = public
        self._shown_touch = (0, 0, 0, 0)

    def follow_mid(self) -> None:
        """After the book moved: derive last and mark price where the source does not give them."""
        if self.trades_are_fed and self._mark_fact is not None:
            return
        bid, ask = self.book.bids.displayed.best(), self.book.asks.displayed.best()
        if bid == 0 or ask == 0:
            return
        mid = (bid + ask) // 2
        if not self.trades_are_fed:
            self.last = mid
        if self._mark_fact is None:
            self.mark = mid

    def set_mark(self, mark: MarkPrice) -> None:
        """Take a mark price from the source."""
        self._mark_fact = mark
        self.mark = to_fixed(mark.mark_price)
        if self._public:
            self.tape.events.append(MarkChanged(mark.time_ms, mark))

    def mark_fact(self) -> MarkPrice:
        """Mark, index and funding as given by the source, else derived from the book with no funding."""
        if self._mark_fact is not None:
            return self._mark_fact
        now_ms = self.tape.now_ms
        price = to_decimal(self.mark)
        next_funding_ms = (now_ms // _EIGHT_HOURS_MS + 1) * _EIGHT_HOURS_MS
        return MarkPrice(self.symbol, price, price, _ZERO, next_funding_ms, now_ms)

    @property
    def funding_rate(self) -> int | None:
        """The rate in force, in units of 1e-8; None without a source of mark prices."""
        return None if self._mark_fact is None else to_fixed(self._mark_fact.funding_rate)

    def take_trade_id(self) -> int:
        trade_id = self.next_trade_id
        self.next_trade_id += 1
        return trade_id

    def print_trade(self, price: int, quantity: int, *, buyer_is_maker: bool) -> int:
        """Number a trade between orders here, and publish it where market data is; returns its id."""
        trade_id = self.next_trade_id
        self.next_trade_id = trade_id + 1
        if self._public:
            contract, now_ms = self.contract, self.tape.now_ms
            shown = (contract.prices[price], contract.quantities[quantity])
            self._publish_trade(MarketTrade(self.symbol, trade_id, *shown, buyer_is_maker, now_ms))
        return trade_id

    def repeat_trade(self, trade: MarketTrade) -> None:
        """Publish the source's trade under a number of this exchange."""
        trade_id = self.take_trade_id()
        if self._public:
            self._publish_trade(replace(trade, trade_id=trade_id))

    def _publish_trade(self, trade: MarketTrade) -> None:
        self.trades.append(trade)
        self.tape.events.append(TradePrinted(trade.time_ms, trade))

    def publish_book(self) -> None:
        """Publish what changed in the public book since the last call."""
        book = self.book
        if not book.bids.changed and not book.asks.changed:
            return
        if self._public:
            self._publish_depth()
        book.bids.changed.clear()
        book.asks.changed.clear()

    def _publish_depth(self) -> None:
        book = self.book
        bids = self._changed_levels(book.bids) if book.bids.changed else ()
        asks = self._changed_levels(book.asks) if book.asks.changed else ()
        previous = self.update_id
        self.update_id += len(bids) + len(asks)
        now_ms = self.tape.now_ms
        self.tape.events.append(
            DepthChanged(now_ms, self.symbol, previous + 1, self.update_id, previous, bids, asks)
        )
        touch = book.touch()
        if touch != self._shown_touch:
            self._shown_touch = touch
            self.tape.events.append(QuoteChanged(now_ms, self._as_quote(*touch), self.update_id))

    def _changed_levels(self, side: BookSide) -> tuple[Level, ...]:
        prices, quantities, size_at = self.contract.prices, self.contract.quantities, side.size_at
        return tuple([(prices[price], quantities[size_at(price)]) for price in side.changed])

    def quote(self) -> Quote:
        """The public touch; an empty side is 0 and 0."""
        return self._as_quote(*self.book.touch())

    def _as_quote(self, bid: int, bid_size: int, ask: int, ask_size: int) -> Quote:
        prices, quantities = self.contract.prices, self.contract.quantities
        return Quote(
            self.symbol, prices[bid], quantities[bid_size], prices[ask], quantities[ask_size], self.time_ms
        )

    def depth(self, limit: int) -> DepthView:
        """The best ``limit`` levels of each side of the public book."""
        contract = self.contract
        bids, asks = (
            tuple((contract.prices[price], contract.quantities[size]) for price, size in side.levels(limit))
            for side in (self.book.bids, self.book.asks)
        )
        return DepthView(self.symbol, self.update_id, self.time_ms, bids, asks)
