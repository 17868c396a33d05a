"""Public market data over REST."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from orderkit.domain.instrument import Instrument
from orderkit.paper.candles import INTERVALS_MS, Candle, CandleSeries
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.parameters import Parameters, invalid
from orderkit.paper.tape import Tape
from orderkit.paper.wire import market as wire
from orderkit.paper.wire.numbers import MONEY_DECIMALS, fixed
from orderkit.simulator.types import ExchangeError

DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
DEFAULT_DEPTH = 500
MAX_KLINES = 1_500


def ping(_call: Call) -> object:
    return {}


def time(call: Call) -> object:
    return {"serverTime": call.now_ms}


def exchange_info(call: Call) -> object:
    return dict(call.exchange.contracts.exchange_info) | {
        "serverTime": call.now_ms,
        "rateLimits": call.exchange.limiter.limits.listed,
    }


def depth(call: Call) -> object:
    instrument = call.instrument()
    limit = call.parameters.integer("limit") or DEFAULT_DEPTH
    if limit not in DEPTH_WEIGHTS:
        raise ExchangeError(-4021, f"{limit} is not valid depth limit.")
    return wire.depth(call.simulator.depth(instrument.symbol, limit), instrument, call.now_ms)


def trades(call: Call) -> object:
    instrument = call.instrument()
    recent = call.simulator.recent_trades(instrument.symbol, call.parameters.limit(500, 1000))
    return [wire.trade(trade, instrument) for trade in recent]


def historical_trades(call: Call) -> object:
    """Older trades: here the same thousand, from ``fromId`` on."""
    instrument = call.instrument()
    limit, from_id = call.parameters.limit(500, 1000), call.parameters.integer("fromId")
    kept = call.simulator.recent_trades(instrument.symbol, 1000)
    if from_id is not None:
        kept = [trade for trade in kept if trade.trade_id >= from_id][:limit]
    return [wire.trade(trade, instrument) for trade in kept[-limit:]]


def aggregate_trades(call: Call) -> object:
    instrument = call.instrument()
    tape = call.exchange.market_publisher.tapes[instrument.symbol]
    chosen = tape.aggregates(
        from_id=call.parameters.integer("fromId"),
        start_ms=call.parameters.integer("startTime"),
        end_ms=call.parameters.integer("endTime"),
        limit=call.parameters.limit(500, 1000),
    )
    return [wire.aggregate_trade(aggregate, instrument) for aggregate in chosen]


def klines(call: Call) -> object:
    """Candles of what printed since this exchange started; the last one is still open."""
    return _klines(call, call.instrument())


def mark_klines(call: Call) -> object:
    """Candles of the mark price."""
    instrument = call.instrument()
    return _price_klines(call, _tape(call, instrument).marks)


def index_klines(call: Call) -> object:
    """Candles of the index price, by pair."""
    instrument = call.listed(call.parameters.required("pair").upper())
    return _price_klines(call, _tape(call, instrument).indexes)


def premium_klines(call: Call) -> object:
    """Candles of the premium of the mark price over the index."""
    instrument = call.instrument()
    return _price_klines(call, _tape(call, instrument).premiums)


def continuous_klines(call: Call) -> object:
    """The same by pair and contract type; every contract here is perpetual."""
    pair = call.parameters.required("pair").upper()
    if call.parameters.required("contractType") != "PERPETUAL":
        raise invalid("contractType")
    return _klines(call, call.listed(pair))


def premium_index(call: Call) -> object:
    return _one_or_all(call, lambda i: wire.premium_index(call.simulator.mark(i.symbol), i.symbol))


def price(call: Call) -> object:
    return _one_or_all(call, lambda i: _price(call, i))


def book_ticker(call: Call) -> object:
    ids = call.exchange.market_publisher.quote_update_ids
    return _one_or_all(call, lambda i: wire.book_ticker(call.simulator.quote(i.symbol), ids[i.symbol], i))


def day_ticker(call: Call) -> object:
    tapes = call.exchange.market_publisher.tapes
    return _one_or_all(
        call,
        lambda i: wire.day_ticker(tapes[i.symbol], i, call.simulator.last_price(i.symbol), call.now_ms),
    )


def _price(call: Call, instrument: Instrument) -> Mapping[str, Any]:
    last: Decimal = call.simulator.last_price(instrument.symbol)
    trade = call.exchange.market_publisher.tapes[instrument.symbol].last_trade
    return {
        "symbol": instrument.symbol,
        "price": fixed(last, instrument.price_precision),
        "time": trade.time_ms if trade else call.now_ms,
    }


def _klines(call: Call, instrument: Instrument) -> object:
    return [wire.kline_row(c, instrument) for c in _candles(call, _tape(call, instrument).candles)]


def _price_klines(call: Call, series: CandleSeries) -> object:
    return [wire.price_kline_row(candle, MONEY_DECIMALS) for candle in _candles(call, series)]


def _candles(call: Call, series: CandleSeries) -> list[Candle]:
    interval = call.parameters.required("interval")
    if interval not in INTERVALS_MS:
        raise ExchangeError(-1120, "Invalid interval.")
    return series.candles(
        interval,
        start_ms=call.parameters.integer("startTime"),
        end_ms=call.parameters.integer("endTime"),
        limit=call.parameters.limit(500, MAX_KLINES),
    )


def _tape(call: Call, instrument: Instrument) -> Tape:
    return call.exchange.market_publisher.tapes[instrument.symbol]


def _one_or_all(call: Call, render: Callable[[Instrument], object]) -> object:
    instrument = call.optional_instrument()
    if instrument is not None:
        return render(instrument)
    return [render(each) for each in call.exchange.instruments.values()]


def _depth_weight(parameters: Parameters) -> int:
    text = parameters.text("limit") or str(DEFAULT_DEPTH)
    return DEPTH_WEIGHTS.get(int(text) if text.isascii() and text.isdigit() else 0, 1)


def _klines_weight(parameters: Parameters) -> int:
    text = parameters.text("limit") or "500"
    limit = int(text) if text.isascii() and text.isdigit() else 0
    return next((weight for bound, weight in ((100, 1), (500, 2), (1001, 5)) if limit < bound), 10)


def _by_symbol(one: int, all_: int) -> Callable[[Parameters], int]:
    return lambda parameters: one if "symbol" in parameters else all_


ENDPOINTS = (
    Endpoint("GET", "/fapi/v1/ping", ping),
    Endpoint("GET", "/fapi/v1/time", time),
    # The asynchronous python-binance client asks the spot host for these two at construction.
    Endpoint("GET", "/api/v3/ping", ping),
    Endpoint("GET", "/api/v3/time", time),
    Endpoint("GET", "/fapi/v1/exchangeInfo", exchange_info),
    Endpoint("GET", "/fapi/v1/depth", depth, weight=_depth_weight),
    Endpoint("GET", "/fapi/v1/trades", trades, weight=5),
    Endpoint("GET", "/fapi/v1/historicalTrades", historical_trades, Security.KEY, weight=200),
    Endpoint("GET", "/fapi/v1/aggTrades", aggregate_trades, weight=20),
    Endpoint("GET", "/fapi/v1/klines", klines, weight=_klines_weight),
    Endpoint("GET", "/fapi/v1/continuousKlines", continuous_klines, weight=_klines_weight),
    Endpoint("GET", "/fapi/v1/markPriceKlines", mark_klines, weight=_klines_weight),
    Endpoint("GET", "/fapi/v1/indexPriceKlines", index_klines, weight=_klines_weight),
    Endpoint("GET", "/fapi/v1/premiumIndexKlines", premium_klines, weight=_klines_weight),
    Endpoint("GET", "/fapi/v1/premiumIndex", premium_index, weight=_by_symbol(1, 10)),
    Endpoint("GET", "/fapi/v1/ticker/price", price, weight=_by_symbol(1, 2)),
    Endpoint("GET", "/fapi/v2/ticker/price", price, weight=_by_symbol(1, 2)),
    Endpoint("GET", "/fapi/v1/ticker/bookTicker", book_ticker, weight=_by_symbol(2, 5)),
    Endpoint("GET", "/fapi/v1/ticker/24hr", day_ticker, weight=_by_symbol(1, 40)),
)
