"""What a running flow may look at outside: each is a question, and its answer is kept with its time."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.account import Account
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Quote


@dataclass(frozen=True, slots=True)
class AccountFor:
    """The account, with the leverage set for ``symbol``. Seen: Account."""

    symbol: str


@dataclass(frozen=True, slots=True)
class BalanceOf:
    """The wallet balance of an asset. Seen: Decimal."""

    asset: str


@dataclass(frozen=True, slots=True)
class ContractOf:
    """A contract's rules and status as they are now. Seen: Instrument."""

    symbol: str


@dataclass(frozen=True, slots=True)
class QuoteOf:
    """Best bid and ask, where the market stream is silent. Seen: Quote."""

    symbol: str


@dataclass(frozen=True, slots=True)
class PriceAt:
    """The price of ``pair`` at a venue: the mid price at binance, the last trade elsewhere. Seen: Decimal."""

    venue: str
    pair: str


Look = AccountFor | BalanceOf | ContractOf | QuoteOf | PriceAt
Seen = Account | Decimal | Instrument | Quote


@dataclass(frozen=True, slots=True)
class Sighting:
    """The latest answer, seen at ``at_ns``; ``failure`` says why a later look brought none."""

    at_ns: int
    value: Seen | None
    failure: str | None = None
