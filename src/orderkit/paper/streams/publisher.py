"""Turns what happened in the simulator into stream messages: at once, or at the pace of each stream."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketTrade
from orderkit.paper.candles import Candle
from orderkit.paper.streams.hub import Hub
from orderkit.paper.streams.names import FORCE_ORDER_INTERVAL_MS, Kind, StreamName
from orderkit.paper.tape import Tape
from orderkit.paper.wire import market as wire
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import (
    DepthChanged,
    ExecutionType,
    OrderUpdate,
    PublicEvent,
    QuoteChanged,
    TradePrinted,
)

_DIFF_SUFFIXES = ("@depth", "@depth@100ms", "@depth@250ms", "@depth@500ms")


@dataclass(slots=True)
class _Accumulation:
    """Depth changes of one stream since it was last sent."""

    first_update_id: int
    final_update_id: int
    previous_final_update_id: int
    time_ms: int
    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)

    def add(self, change: DepthChanged) -> None:
        self.final_update_id = change.final_update_id
        self.time_ms = change.time_ms
        self.bids.update(change.bids)
        self.asks.update(change.asks)


@dataclass(slots=True)
class _SentCandle:
    """The candle last sent on a kline stream."""

    close_ms: int
    last_trade_id: int


class MarketPublisher:
    """Publishes market streams of one simulator and keeps its tapes."""

    def __init__(
        self,
        simulator: SimulatedExchange,
        instruments: Mapping[str, Instrument],
        hub: Hub,
        clock: Callable[[], int],
    ) -> None:
        self.tapes = {symbol: Tape() for symbol in instruments}
        self.quote_update_ids: dict[str, int] = dict.fromkeys(instruments, 0)
        self._simulator = simulator
        self._instruments = instruments
        self._hub = hub
        self._clock = clock
        self._depth: dict[str, _Accumulation] = {}
        self._partial_ids: dict[str, int] = {}
        self._candles: dict[str, _SentCandle] = {}
        self._liquidations: dict[str, OrderUpdate] = {}

    def publish(self, events: Iterable[PublicEvent]) -> None:
        """Take one batch of events: send what is sent at once, gather what is sent at intervals."""
        now_ms = self._clock()
        prints: dict[str, list[MarketTrade]] = {}
        for event in events:
            if isinstance(event, QuoteChanged):
                self._quote(event, now_ms)
            elif isinstance(event, DepthChanged):
                self._gather_depth(event)
            elif isinstance(event, TradePrinted):
                prints.setdefault(event.trade.symbol, []).append(event.trade)
            else:
                self.tapes[event.mark.symbol].add_mark(event.mark)
        for symbol, trades in prints.items():
            self._prints(symbol, trades, now_ms)

    def note_liquidation(self, update: OrderUpdate) -> None:
        """Keep the update if it fills a liquidation: of a symbol's in one interval the largest is sent."""
        order = update.order
        if update.execution_type is not ExecutionType.CALCULATED or order.status is not OrderStatus.FILLED:
            return
        largest = self._liquidations.get(order.symbol)
        if largest is None or order.quantity > largest.order.quantity:
            self._liquidations[order.symbol] = update

    def send_due(self, interval_ms: int) -> None:
        """Send the streams that go out every ``interval_ms``."""
        now_ms = self._clock()
        for stream in tuple(self._hub.active.values()):
            if stream.interval_ms == interval_ms and (
                stream.symbol is None or stream.symbol in self._instruments
            ):
                _SENDERS[stream.kind](self, stream, now_ms)
        if interval_ms == FORCE_ORDER_INTERVAL_MS:
            self._liquidations.clear()

    def _quote(self, event: QuoteChanged, now_ms: int) -> None:
        symbol = event.quote.symbol
        self.quote_update_ids[symbol] = event.update_id
        name = f"{symbol.lower()}@bookTicker"
        hub = self._hub
        if hub.wants(name) or hub.wants("!bookTicker"):
            payload = wire.book_ticker_event(
                event.quote, event.update_id, event.time_ms, self._instruments[symbol], now_ms
            )
            hub.publish(name, payload)
            hub.publish("!bookTicker", payload)

    def _gather_depth(self, change: DepthChanged) -> None:
        symbol = change.symbol.lower()
        for suffix in _DIFF_SUFFIXES:
            name = symbol + suffix
            if not self._hub.wants(name):
                self._depth.pop(name, None)
                continue
            gathered = self._depth.get(name)
            if gathered is None:
                gathered = self._depth[name] = _Accumulation(
                    change.first_update_id, 0, change.previous_final_update_id, 0
                )
            gathered.add(change)

    def _prints(self, symbol: str, trades: list[MarketTrade], now_ms: int) -> None:
        instrument, hub = self._instruments[symbol], self._hub
        formed = self.tapes[symbol].add(trades)
        name = f"{symbol.lower()}@trade"
        if hub.wants(name):
            for trade in trades:
                hub.publish(name, wire.trade_event(trade, instrument, now_ms))
        name = f"{symbol.lower()}@aggTrade"
        if hub.wants(name):
            for aggregate in formed:
                hub.publish(name, wire.aggregate_trade_event(aggregate, instrument, now_ms))

    def _send_diff(self, stream: StreamName, now_ms: int) -> None:
        gathered = self._depth.pop(stream.name, None)
        if gathered is None or stream.symbol is None:
            return
        change = DepthChanged(
            gathered.time_ms,
            stream.symbol,
            gathered.first_update_id,
            gathered.final_update_id,
            gathered.previous_final_update_id,
            tuple(sorted(gathered.bids.items(), reverse=True)),
            tuple(sorted(gathered.asks.items())),
        )
        self._hub.publish(stream.name, wire.depth_event(change, self._instruments[stream.symbol], now_ms))

    def _send_partial(self, stream: StreamName, now_ms: int) -> None:
        if stream.symbol is None:
            return
        view = self._simulator.depth(stream.symbol, stream.levels)
        previous = self._partial_ids.get(stream.name, view.last_update_id)
        self._partial_ids[stream.name] = view.last_update_id
        change = DepthChanged(
            view.time_ms,
            stream.symbol,
            min(previous + 1, view.last_update_id),
            view.last_update_id,
            previous,
            view.bids,
            view.asks,
        )
        self._hub.publish(stream.name, wire.depth_event(change, self._instruments[stream.symbol], now_ms))

    def _send_mark(self, stream: StreamName, now_ms: int) -> None:
        self._send_per_symbol(
            stream,
            lambda symbol: wire.mark_price_event(self._simulator.mark(symbol), symbol, now_ms),
        )

    def _send_mini_ticker(self, stream: StreamName, now_ms: int) -> None:
        self._send_per_symbol(
            stream,
            lambda symbol: wire.mini_ticker_event(
                self.tapes[symbol], self._instruments[symbol], self._simulator.last_price(symbol), now_ms
            ),
        )

    def _send_ticker(self, stream: StreamName, now_ms: int) -> None:
        self._send_per_symbol(
            stream,
            lambda symbol: wire.ticker_event(
                self.tapes[symbol], self._instruments[symbol], self._simulator.last_price(symbol), now_ms
            ),
        )

    def _send_force_orders(self, stream: StreamName, now_ms: int) -> None:
        """One message per order: the stream of all symbols carries no list, whatever its name says."""
        for symbol, update in self._liquidations.items():
            if stream.symbol in (None, symbol):
                payload = wire.force_order_event(update, self._instruments[symbol], now_ms)
                self._hub.publish(stream.name, payload)

    def _send_per_symbol(self, stream: StreamName, render: Callable[[str], object]) -> None:
        if stream.symbol is None:
            self._hub.publish(stream.name, [render(symbol) for symbol in self._instruments])
        else:
            self._hub.publish(stream.name, render(stream.symbol))

    def _send_candle(self, stream: StreamName, now_ms: int) -> None:
        if stream.symbol is None:
            return
        series, interval = self.tapes[stream.symbol].candles, stream.candle_interval
        sent = self._candles.get(stream.name)
        if sent is not None and now_ms > sent.close_ms:
            closed = series.closed(interval, sent.close_ms)
            if closed is not None:
                self._publish_candle(stream, closed, now_ms, closed=True)
            del self._candles[stream.name]
            sent = None
        current = series.current(interval, now_ms)
        if current is None or (sent is not None and sent.last_trade_id == current.last_trade_id):
            return
        self._candles[stream.name] = _SentCandle(current.close_ms, current.last_trade_id)
        self._publish_candle(stream, current, now_ms, closed=False)

    def _publish_candle(self, stream: StreamName, candle: Candle, now_ms: int, *, closed: bool) -> None:
        assert stream.symbol is not None
        self._hub.publish(
            stream.name,
            wire.kline_event(
                candle,
                stream.candle_interval,
                self._instruments[stream.symbol],
                now_ms,
                continuous=stream.kind is Kind.CONTINUOUS_KLINE,
                closed=closed,
            ),
        )


_SENDERS: dict[Kind, Callable[[MarketPublisher, StreamName, int], None]] = {
    Kind.DIFF_DEPTH: MarketPublisher._send_diff,
    Kind.PARTIAL_DEPTH: MarketPublisher._send_partial,
    Kind.MARK_PRICE: MarketPublisher._send_mark,
    Kind.KLINE: MarketPublisher._send_candle,
    Kind.CONTINUOUS_KLINE: MarketPublisher._send_candle,
    Kind.MINI_TICKER: MarketPublisher._send_mini_ticker,
    Kind.TICKER: MarketPublisher._send_ticker,
    Kind.FORCE_ORDER: MarketPublisher._send_force_orders,
}
