"""The kinds of data.binance.vision files that make a market: their columns and what a row means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.market import MarketTrade, Quote

_FIRST_MICROSECOND = 10**14  # as ms this would be the year 5138: such a file counts microseconds


@dataclass(frozen=True, slots=True)
class Candle:
    """What traded from ``time_ms`` until the next candle."""

    symbol: str
    time_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


Record = Quote | MarketTrade | Candle


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: the word in its name, its columns in order and what a row means.

    A row without header has one of ``widths`` columns; those after the named ones are not needed.
    """

    word: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    parse: Callable[[str, Mapping[str, str]], Record]


def _positive(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{text} is no price or quantity")
    return value


def _time_ms(text: str) -> int:
    value = int(text)
    if not 0 < value < _FIRST_MICROSECOND:
        raise ValueError(f"{text} is no time in milliseconds")
    return value


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text} for true or false")
    return text.lower() == "true"


def _trades(trade_id: str, quantity: str, time: str) -> Callable[[str, Mapping[str, str]], MarketTrade]:
    """How a row is read whose kind of file calls these columns so."""

    def parse(symbol: str, row: Mapping[str, str]) -> MarketTrade:
        return MarketTrade(
            symbol=symbol,
            trade_id=int(row[trade_id]),
            price=_positive(row["price"]),
            quantity=_positive(row[quantity]),
            buyer_is_maker=_truth(row["is_buyer_maker"]),
            time_ms=_time_ms(row[time]),
        )

    return parse


def _quote(symbol: str, row: Mapping[str, str]) -> Quote:
    quote = Quote(
        symbol=symbol,
        bid=_positive(row["best_bid_price"]),
        bid_quantity=_positive(row["best_bid_qty"]),
        ask=_positive(row["best_ask_price"]),
        ask_quantity=_positive(row["best_ask_qty"]),
        time_ms=_time_ms(row["transaction_time"]),
    )
    if quote.bid >= quote.ask:
        raise ValueError(f"bid {quote.bid} is not below ask {quote.ask}")
    return quote


def _candle(symbol: str, row: Mapping[str, str]) -> Candle:
    candle = Candle(
        symbol=symbol,
        time_ms=_time_ms(row["open_time"]),
        open=_positive(row["open"]),
        high=_positive(row["high"]),
        low=_positive(row["low"]),
        close=_positive(row["close"]),
        volume=Decimal(row["volume"]),
    )
    if not candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high:
        raise ValueError(f"open and close are not between low {candle.low} and high {candle.high}")
    if not candle.volume.is_finite() or candle.volume < 0:
        raise ValueError(f"{row['volume']} is no volume")
    return candle


AGGREGATE_TRADES = Kind(
    "aggtrades",
    (
        "agg_trade_id",
        "price",
        "quantity",
        "first_trade_id",
        "last_trade_id",
        "transact_time",
        "is_buyer_maker",
    ),
    (7,),
    _trades("agg_trade_id", "quantity", "transact_time"),
)
TRADES = Kind(
    "trades",
    ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker"),
    (6,),
    _trades("id", "qty", "time"),
)
BOOK_TICKER = Kind(
    "bookticker",
    (
        "update_id",
        "best_bid_price",
        "best_bid_qty",
        "best_ask_price",
        "best_ask_qty",
        "transaction_time",
        "event_time",
    ),
    (7,),
    _quote,
)
KLINES = Kind("klines", ("open_time", "open", "high", "low", "close", "volume"), (6, 12), _candle)
KINDS = (AGGREGATE_TRADES, TRADES, BOOK_TICKER, KLINES)  # by name in this order: aggtrades has trades in it
