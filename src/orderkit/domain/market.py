"""Market data as facts with an exchange time: quotes, depth, trades, mark prices."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from orderkit.domain.enums import Side

Level = tuple[Decimal, Decimal]  # price, quantity


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask (the exchange's bookTicker). Quantities in base asset, time in exchange ms."""

    symbol: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal
    time_ms: int

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    def near(self, side: Side) -> Decimal:
        """The near touch: the best price on that side of the book, where an order that joins it rests."""
        return self.bid if side is Side.BUY else self.ask

    def far(self, side: Side) -> Decimal:
        """The far touch: the best price that an order of that side can take."""
        return self.ask if side is Side.BUY else self.bid

    def is_crossed_by(self, side: Side, price: Decimal) -> bool:
        """True where a limit at ``price`` would trade at once."""
        return (price - self.far(side)) * side.sign >= 0


@dataclass(frozen=True, slots=True)
class DepthUpdate:
    """Absolute quantities at prices (0 removes the level); ``snapshot`` replaces the whole book."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ms: int
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A public trade. ``buyer_is_maker`` means that the aggressor sold."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class MarkPrice:
    """Mark and index price with the funding rate in force."""

    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    next_funding_ms: int
    time_ms: int


class BarSize(Enum):
    """How long a volume bar is, by the exchange's name for it."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"

    @property
    def ms(self) -> int:
        return _BAR_MS[self]


_BAR_MS = {
    BarSize.MINUTE: 60_000,
    BarSize.FIVE_MINUTES: 300_000,
    BarSize.QUARTER: 900_000,
    BarSize.HOUR: 3_600_000,
}


@dataclass(frozen=True, slots=True)
class Period:
    """From and until when (UTC ms), in bars of one size."""

    start_ms: int
    end_ms: int
    bar: BarSize


@dataclass(frozen=True, slots=True)
class VolumeBar:
    """What traded in one bar's time, in base asset."""

    open_ms: int
    size: BarSize
    quantity: Decimal


MarketEvent = Quote | DepthUpdate | MarketTrade | MarkPrice
