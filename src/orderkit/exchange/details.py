"""What a person asks the exchange about, in more detail than any order's flow needs."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side
from orderkit.domain.market import Level
from orderkit.domain.order import OrderRef

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order as the exchange lists it, ours or not; a conditional one has an ``algo_id``.

    ``quantity`` is 0 for an order that closes a whole position. ``order_type`` is the exchange's own word:
    liquidations and the web page know types that we never send.
    """

    symbol: str
    client_order_id: str
    order_id: int | None
    algo_id: int | None
    side: Side
    position_side: PositionSide
    order_type: str
    status: OrderStatus
    quantity: Decimal
    executed_quantity: Decimal
    price: Decimal | None
    average_price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: str | None
    reduce_only: bool
    close_position: bool
    created_ms: int
    updated_ms: int

    @property
    def is_conditional(self) -> bool:
        """True while it lives in the algo service: it has not become an order of the book."""
        return self.algo_id is not None and self.order_id is None

    @property
    def is_stop(self) -> bool:
        """True for the types that end a position's loss; take-profits end its gain."""
        return self.order_type in (OrderType.STOP, OrderType.STOP_MARKET, OrderType.TRAILING_STOP_MARKET)

    @property
    def ref(self) -> OrderRef:
        return OrderRef(self.symbol, self.client_order_id, self.is_conditional, self.order_id)


@dataclass(frozen=True, slots=True)
class DepthBook:
    """The best levels of a book, best first on both sides."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ms: int


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """The last 24 hours; ``change_percent`` as the exchange rounds it, volume in base and quote asset."""

    symbol: str
    last_price: Decimal
    change_percent: Decimal
    high_price: Decimal
    low_price: Decimal
    volume: Decimal
    quote_volume: Decimal


@dataclass(frozen=True, slots=True)
class AssetBalance:
    """One asset of the futures wallet, in that asset."""

    asset: str
    wallet_balance: Decimal
    unrealized_pnl: Decimal
    margin_balance: Decimal
    available_balance: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """A position with its margin; ``quantity`` and ``notional`` are signed (short < 0)."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    break_even_price: Decimal | None
    mark_price: Decimal
    unrealized_pnl: Decimal
    notional: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    liquidation_price: Decimal | None
    margin_asset: str


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """Leverage and margin type of a symbol."""

    symbol: str
    leverage: int
    isolated: bool
    max_notional: Decimal


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What the key may do and how the account is set up."""

    can_trade: bool
    hedge_mode: bool
    multi_assets: bool


@dataclass(frozen=True, slots=True)
class IncomeEntry:
    """One booking of the account, signed (a fee < 0), in ``asset``."""

    symbol: str | None
    income_type: str
    amount: Decimal
    asset: str
    info: str
    time_ms: int
    transaction_id: int
    trade_id: int | None
