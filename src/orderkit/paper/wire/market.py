"""Market data as REST answers and stream payloads spell it."""

from collections.abc import Iterable
from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Level, MarketTrade, MarkPrice, Quote
from orderkit.paper.candles import Candle
from orderkit.paper.tape import AggregateTrade, Tape
from orderkit.paper.wire.numbers import fixed, money
from orderkit.paper.wire.orders import average_price
from orderkit.simulator.types import DepthChanged, DepthView, OrderUpdate

Document = dict[str, object]

INTEREST_RATE = "0.00010000"
ZERO = Decimal(0)


def levels(side: Iterable[Level], instrument: Instrument) -> list[list[str]]:
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return [[fixed(p, price), fixed(q, quantity)] for p, q in side]


def depth(view: DepthView, instrument: Instrument, now_ms: int) -> Document:
    """GET depth."""
    return {
        "lastUpdateId": view.last_update_id,
        "E": now_ms,
        "T": view.time_ms,
        "bids": levels(view.bids, instrument),
        "asks": levels(view.asks, instrument),
    }


def trade(print_: MarketTrade, instrument: Instrument) -> Document:
    """An element of GET trades."""
    quote = print_.price * print_.quantity
    return {
        "id": print_.trade_id,
        "price": fixed(print_.price, instrument.price_precision),
        "qty": fixed(print_.quantity, instrument.quantity_precision),
        "quoteQty": fixed(quote, instrument.price_precision),
        "time": print_.time_ms,
        "isBuyerMaker": print_.buyer_is_maker,
        "isRPITrade": False,
    }


def aggregate_trade(aggregate: AggregateTrade, instrument: Instrument) -> Document:
    """An element of GET aggTrades, and the body of the stream's event."""
    quantity = fixed(aggregate.quantity, instrument.quantity_precision)
    return {
        "a": aggregate.aggregate_id,
        "p": fixed(aggregate.price, instrument.price_precision),
        "q": quantity,
        "nq": quantity,
        "f": aggregate.first_id,
        "l": aggregate.last_id,
        "T": aggregate.time_ms,
        "m": aggregate.buyer_is_maker,
    }


def kline_row(candle: Candle, instrument: Instrument) -> list[object]:
    """A row of GET klines."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return [
        candle.open_ms,
        fixed(candle.open, price),
        fixed(candle.high, price),
        fixed(candle.low, price),
        fixed(candle.close, price),
        fixed(candle.volume, quantity),
        candle.close_ms,
        fixed(candle.quote_volume, price + quantity),
        candle.trades,
        fixed(candle.taker_buy_volume, quantity),
        fixed(candle.taker_buy_quote_volume, price + quantity),
        "0",
    ]


def price_kline_row(candle: Candle, decimals: int) -> list[object]:
    """A row of GET markPriceKlines, indexPriceKlines, premiumIndexKlines: no volumes, a count of prices."""
    return [
        candle.open_ms,
        *(fixed(p, decimals) for p in (candle.open, candle.high, candle.low, candle.close)),
        "0",
        candle.close_ms,
        "0",
        candle.trades,
        *("0", "0", "0"),
    ]


def premium_index(mark: MarkPrice, symbol: str) -> Document:
    """GET premiumIndex."""
    return {
        "symbol": symbol,
        "markPrice": money(mark.mark_price),
        "indexPrice": money(mark.index_price),
        "estimatedSettlePrice": money(mark.index_price),
        "lastFundingRate": money(mark.funding_rate),
        "interestRate": INTEREST_RATE,
        "nextFundingTime": mark.next_funding_ms,
        "time": mark.time_ms,
    }


def book_ticker(quote: Quote, update_id: int, instrument: Instrument) -> Document:
    """GET ticker/bookTicker."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return {
        "symbol": quote.symbol,
        "bidPrice": fixed(quote.bid, price),
        "bidQty": fixed(quote.bid_quantity, quantity),
        "askPrice": fixed(quote.ask, price),
        "askQty": fixed(quote.ask_quantity, quantity),
        "time": quote.time_ms,
        "lastUpdateId": update_id,
    }


def day_ticker(tape: Tape, instrument: Instrument, last_price: Decimal, now_ms: int) -> Document:
    """GET ticker/24hr; before the first print every figure is the last price or zero."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    day = tape.candles.day(now_ms) or Candle(
        now_ms - 86_400_000, now_ms, last_price, last_price, last_price, last_price
    )
    change = day.close - day.open
    average = day.quote_volume / day.volume if day.volume else day.close
    return {
        "symbol": instrument.symbol,
        "priceChange": fixed(change, price),
        "priceChangePercent": fixed(change / day.open * 100 if day.open else ZERO, 3),
        "weightedAvgPrice": fixed(average, price),
        "lastPrice": fixed(day.close, price),
        "lastQty": fixed(tape.last_trade.quantity if tape.last_trade else ZERO, quantity),
        "openPrice": fixed(day.open, price),
        "highPrice": fixed(day.high, price),
        "lowPrice": fixed(day.low, price),
        "volume": fixed(day.volume, quantity),
        "quoteVolume": fixed(day.quote_volume, 2),
        "openTime": day.open_ms,
        "closeTime": day.close_ms,
        "firstId": day.first_trade_id,
        "lastId": day.last_trade_id,
        "count": day.trades,
    }


def book_ticker_event(
    quote: Quote, update_id: int, time_ms: int, instrument: Instrument, now_ms: int
) -> Document:
    """Stream ``<symbol>@bookTicker``."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": quote.symbol,
        "b": fixed(quote.bid, price),
        "B": fixed(quote.bid_quantity, quantity),
        "a": fixed(quote.ask, price),
        "A": fixed(quote.ask_quantity, quantity),
        "T": time_ms,
        "E": now_ms,
    }


def depth_event(change: DepthChanged, instrument: Instrument, now_ms: int) -> Document:
    """Streams ``<symbol>@depth…``: changed levels, or for a partial stream the best ones."""
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": change.time_ms,
        "s": change.symbol,
        "U": change.first_update_id,
        "u": change.final_update_id,
        "pu": change.previous_final_update_id,
        "b": levels(change.bids, instrument),
        "a": levels(change.asks, instrument),
    }


def trade_event(print_: MarketTrade, instrument: Instrument, now_ms: int) -> Document:
    """Stream ``<symbol>@trade``."""
    return {
        "e": "trade",
        "E": now_ms,
        "T": print_.time_ms,
        "s": print_.symbol,
        "t": print_.trade_id,
        "p": fixed(print_.price, instrument.price_precision),
        "q": fixed(print_.quantity, instrument.quantity_precision),
        "X": "MARKET",
        "m": print_.buyer_is_maker,
    }


def aggregate_trade_event(aggregate: AggregateTrade, instrument: Instrument, now_ms: int) -> Document:
    """Stream ``<symbol>@aggTrade``."""
    return {"e": "aggTrade", "E": now_ms, "s": instrument.symbol} | aggregate_trade(aggregate, instrument)


def mark_price_event(mark: MarkPrice, symbol: str, now_ms: int) -> Document:
    """Stream ``<symbol>@markPrice``; ``ap`` is the moving average of the mark, here the mark itself."""
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": symbol,
        "p": money(mark.mark_price),
        "ap": money(mark.mark_price),
        "P": money(mark.index_price),
        "i": money(mark.index_price),
        "r": money(mark.funding_rate),
        "T": mark.next_funding_ms,
    }


def kline_event(
    candle: Candle, interval: str, instrument: Instrument, now_ms: int, *, continuous: bool, closed: bool
) -> Document:
    """Streams ``<symbol>@kline_<interval>`` and ``<pair>_perpetual@continuousKline_<interval>``."""
    price, quantity = instrument.price_precision, instrument.quantity_precision
    symbol = instrument.symbol
    body: Document = {
        "t": candle.open_ms,
        "T": candle.close_ms,
        "i": interval,
        "f": candle.first_trade_id,
        "L": candle.last_trade_id,
        "o": fixed(candle.open, price),
        "c": fixed(candle.close, price),
        "h": fixed(candle.high, price),
        "l": fixed(candle.low, price),
        "v": fixed(candle.volume, quantity),
        "n": candle.trades,
        "x": closed,
        "q": fixed(candle.quote_volume, price + quantity),
        "V": fixed(candle.taker_buy_volume, quantity),
        "Q": fixed(candle.taker_buy_quote_volume, price + quantity),
        "B": "0",
    }
    if continuous:
        return {"e": "continuous_kline", "E": now_ms, "ps": symbol, "ct": "PERPETUAL", "k": body}
    return {"e": "kline", "E": now_ms, "s": symbol, "k": body | {"s": symbol}}


def mini_ticker_event(tape: Tape, instrument: Instrument, last_price: Decimal, now_ms: int) -> Document:
    """Stream ``<symbol>@miniTicker``."""
    day = day_ticker(tape, instrument, last_price, now_ms)
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": instrument.symbol,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }


def ticker_event(tape: Tape, instrument: Instrument, last_price: Decimal, now_ms: int) -> Document:
    """Stream ``<symbol>@ticker``."""
    day = day_ticker(tape, instrument, last_price, now_ms)
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": instrument.symbol,
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "c": day["lastPrice"],
        "Q": day["lastQty"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def force_order_event(update: OrderUpdate, instrument: Instrument, now_ms: int) -> Document:
    """Streams ``<symbol>@forceOrder`` and ``!forceOrder@arr``: a liquidation, once it is filled."""
    order, trade = update.order, update.trade
    quantity = instrument.quantity_precision
    return {
        "e": "forceOrder",
        "E": now_ms,
        "o": {
            "s": order.symbol,
            "S": order.side.value,
            "o": order.type.value,
            "f": order.time_in_force.value,
            "q": fixed(order.quantity, quantity),
            "p": fixed(order.price, instrument.price_precision),
            "ap": average_price(order, instrument),
            "X": order.status.value,
            "l": fixed(trade.quantity if trade else ZERO, quantity),
            "z": fixed(order.executed_quantity, quantity),
            "T": update.time_ms,
        },
    }
