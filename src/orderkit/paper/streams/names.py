"""Stream names: which path serves a stream, and what it is asked to carry."""

import re
from dataclasses import dataclass
from enum import StrEnum

from orderkit.paper.candles import INTERVALS_MS


class Category(StrEnum):
    """The first path element of a stream URL; a stream asked for on another path yields nothing."""

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"


class Kind(StrEnum):
    BOOK_TICKER = "bookTicker"
    DIFF_DEPTH = "depth"
    PARTIAL_DEPTH = "partialDepth"
    TRADE = "trade"
    AGGREGATE_TRADE = "aggTrade"
    MARK_PRICE = "markPrice"
    KLINE = "kline"
    CONTINUOUS_KLINE = "continuousKline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    FORCE_ORDER = "forceOrder"


_CATEGORIES = {
    Kind.BOOK_TICKER: Category.PUBLIC,
    Kind.DIFF_DEPTH: Category.PUBLIC,
    Kind.PARTIAL_DEPTH: Category.PUBLIC,
    Kind.TRADE: Category.PUBLIC,
}

DEPTH_INTERVAL_MS = 250
MARK_PRICE_INTERVAL_MS = 3_000
TICKER_INTERVAL_MS = 500
ALL_TICKERS_INTERVAL_MS = 1_000
KLINE_INTERVAL_MS = 250
FORCE_ORDER_INTERVAL_MS = 1_000

_PATTERN = re.compile(
    r"(?P<symbol>[^@!]+)@(?:"
    r"(?P<plain>bookTicker|trade|aggTrade|miniTicker|ticker|forceOrder)"
    r"|depth(?P<levels>5|10|20)?(?:@(?P<depth_ms>100|250|500)ms)?"
    r"|(?P<mark>markPrice)(?P<mark_1s>@1s)?"
    r"|kline_(?P<kline>\w+)"
    r"|continuousKline_(?P<continuous>\w+)"
    r")"
)
_ALL_SYMBOLS = {
    "!bookTicker": (Kind.BOOK_TICKER, 0),
    "!markPrice@arr": (Kind.MARK_PRICE, MARK_PRICE_INTERVAL_MS),
    "!markPrice@arr@1s": (Kind.MARK_PRICE, 1_000),
    "!miniTicker@arr": (Kind.MINI_TICKER, ALL_TICKERS_INTERVAL_MS),
    "!ticker@arr": (Kind.TICKER, ALL_TICKERS_INTERVAL_MS),
    "!forceOrder@arr": (Kind.FORCE_ORDER, FORCE_ORDER_INTERVAL_MS),
}
_INTERVALS_MS = {
    Kind.MINI_TICKER: TICKER_INTERVAL_MS,
    Kind.TICKER: TICKER_INTERVAL_MS,
    Kind.FORCE_ORDER: FORCE_ORDER_INTERVAL_MS,
}
_PERPETUAL = "_perpetual"


@dataclass(frozen=True, slots=True)
class StreamName:
    """A market stream. ``symbol`` None means all; ``interval_ms`` is how often it is sent, 0 at once."""

    name: str
    kind: Kind
    symbol: str | None
    interval_ms: int = 0
    levels: int = 0
    candle_interval: str = ""

    @property
    def category(self) -> Category:
        return _CATEGORIES.get(self.kind, Category.MARKET)


def parse(name: str) -> StreamName | None:
    """The market stream of that name; None when there is none (a listen key, a misspelling)."""
    if name in _ALL_SYMBOLS:
        kind, interval_ms = _ALL_SYMBOLS[name]
        return StreamName(name, kind, None, interval_ms)
    match = _PATTERN.fullmatch(name)
    if match is None or match["symbol"] != match["symbol"].lower():
        return None
    symbol = match["symbol"].upper()
    if match["plain"]:
        kind = Kind(match["plain"])
        return StreamName(name, kind, symbol, _INTERVALS_MS.get(kind, 0))
    if match["mark"]:
        return StreamName(
            name, Kind.MARK_PRICE, symbol, 1_000 if match["mark_1s"] else MARK_PRICE_INTERVAL_MS
        )
    if match["kline"]:
        return _kline(name, Kind.KLINE, symbol, match["kline"])
    if match["continuous"]:
        if not match["symbol"].endswith(_PERPETUAL):
            return None
        pair = match["symbol"].removesuffix(_PERPETUAL).upper()
        return _kline(name, Kind.CONTINUOUS_KLINE, pair, match["continuous"])
    interval_ms = int(match["depth_ms"] or DEPTH_INTERVAL_MS)
    if match["levels"]:
        return StreamName(name, Kind.PARTIAL_DEPTH, symbol, interval_ms, levels=int(match["levels"]))
    return StreamName(name, Kind.DIFF_DEPTH, symbol, interval_ms)


def _kline(name: str, kind: Kind, symbol: str, interval: str) -> StreamName | None:
    if interval not in INTERVALS_MS:
        return None
    return StreamName(name, kind, symbol, KLINE_INTERVAL_MS, candle_interval=interval)
