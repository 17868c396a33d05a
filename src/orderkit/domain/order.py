"""An order: what was asked, what the exchange reported, and the one table of what may follow what."""

from dataclasses import dataclass, field
from decimal import Decimal

from orderkit.domain.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    Side,
    TimeInForce,
    WorkingType,
)

ZERO = Decimal(0)

_S = OrderStatus
_OUTCOMES = frozenset(
    {_S.NEW, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.EXPIRED_IN_MATCH, _S.REJECTED}
)

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PENDING_NEW: _OUTCOMES | {_S.UNKNOWN},
    _S.UNKNOWN: _OUTCOMES,
    # A conditional order that was accepted can still be REJECTED when it triggers (no margin).
    _S.NEW: (_OUTCOMES - {_S.NEW}) | {_S.PENDING_CANCEL},
    _S.PARTIALLY_FILLED: (_OUTCOMES - {_S.NEW, _S.REJECTED}) | {_S.PENDING_CANCEL},
    # Back to NEW or PARTIALLY_FILLED when the cancel is refused; a fill can win the race.
    _S.PENDING_CANCEL: _OUTCOMES,
    # The fill that raced a cancel or an expiry can be reported after it.
    _S.CANCELED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED}),
    _S.EXPIRED_IN_MATCH: frozenset({_S.FILLED}),
    # Taken for absent, and then it appeared.
    _S.REJECTED: _OUTCOMES - {_S.REJECTED},
    _S.FILLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What is asked of the exchange for one order; quantities in base asset, prices in quote asset.

    ``trigger_price`` belongs to the conditional types; a trailing stop follows the market from there, by
    ``callback_rate`` percent. ``quantity`` is None only with ``close_position``. ``duration_s`` is
    how long Binance takes for a TWAP that it slices itself.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    close_position: bool = False
    price_match: PriceMatch | None = None
    working_type: WorkingType | None = None
    price_protect: bool = False
    good_till_date_ms: int | None = None
    callback_rate: Decimal | None = None
    duration_s: int | None = None

    @property
    def is_immediate(self) -> bool:
        """True when the order cannot rest: the exchange finishes it on arrival."""
        if self.type is OrderType.MARKET:
            return True
        return self.type is OrderType.LIMIT and self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)


@dataclass(frozen=True, slots=True)
class OrderRef:
    """How to name an order to the exchange; ``conditional`` while it lives in the algo service.

    ``native``: a parent that Binance slices itself.
    """

    symbol: str
    client_order_id: str
    conditional: bool = False
    order_id: int | None = None
    native: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of ours. Idempotent by (symbol, trade_id); commission in ``commission_asset``."""

    symbol: str
    client_order_id: str
    order_id: int
    trade_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    is_maker: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the exchange says of one order at ``time_ms`` (its own update time), whatever the channel.

    ``average_price`` is None where the channel does not carry it: order responses since mid-2026 do not.
    """

    client_order_id: str
    symbol: str
    status: OrderStatus
    executed_quantity: Decimal
    time_ms: int
    order_id: int | None = None
    algo_id: int | None = None
    average_price: Decimal | None = None
    price: Decimal | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an order was not taken: ``kind`` as in the error taxonomy, ``code`` the exchange's."""

    kind: str
    message: str
    code: int | None = None
    hint: str | None = None


@dataclass(slots=True)
class Order:
    """A live order: the request and all that is known of its fate. Only the order monitor changes it."""

    client_order_id: str
    job_id: str
    request: OrderRequest
    created_ms: int
    status: OrderStatus = OrderStatus.PENDING_NEW
    order_id: int | None = None
    algo_id: int | None = None
    executed_quantity: Decimal = ZERO
    reported_average_price: Decimal | None = None
    price: Decimal | None = None
    fills: dict[int, Fill] = field(default_factory=dict)
    updated_ms: int = 0
    confirmed_ns: int = 0  # when, by our clock, the exchange last said where the order stands
    denied_ns: int = 0  # when, by our clock, it last said that it knows no such order
    rejection: Rejection | None = None
    reason: str | None = None
    unresolved: bool = False  # UNKNOWN, and given up for this run
    trades_unavailable: bool = False  # executed, but its trades could not be had
    replaces: str | None = None

    def __post_init__(self) -> None:
        if self.price is None:
            self.price = self.request.price

    @property
    def quantity(self) -> Decimal:
        return self.request.quantity or ZERO

    @property
    def filled_by_trades(self) -> Decimal:
        """The quantity whose trades are known, at most ``executed_quantity``."""
        return sum((f.quantity for f in self.fills.values()), ZERO)

    @property
    def misses_trades(self) -> bool:
        """Executed, at prices and fees that are not all known."""
        return self.filled_by_trades < self.executed_quantity

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal

    @property
    def is_settled(self) -> bool:
        """Terminal, and every executed unit is accounted for by a known trade (or never will be)."""
        if not self.status.is_terminal:
            return False
        return self.trades_unavailable or not self.misses_trades

    @property
    def leaves_quantity(self) -> Decimal:
        """What may still execute: nothing once terminal, all that is unfilled until then."""
        return ZERO if self.status.is_terminal else self.quantity - self.executed_quantity

    @property
    def cost(self) -> Decimal:
        """Executed notional in quote asset, from the known trades."""
        return sum((f.price * f.quantity for f in self.fills.values()), ZERO)

    @property
    def average_price(self) -> Decimal | None:
        """Volume weighted price of the known trades, else what the exchange reported."""
        filled = self.filled_by_trades
        return self.cost / filled if filled else self.reported_average_price

    @property
    def ref(self) -> OrderRef:
        return OrderRef(
            symbol=self.request.symbol,
            client_order_id=self.client_order_id,
            conditional=self.request.type.is_conditional and self.order_id is None,
            order_id=self.order_id,
            native=self.request.type is OrderType.TWAP,
        )
