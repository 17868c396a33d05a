"""What crosses the simulated exchange's boundary: requests, views, events and the exchange's own error.

Prices and quantities are Decimal, money is Decimal in the margin asset, ids and times are int (ms UTC).
What comes out is built several times per command, hence msgspec structs (never cyclic, so not tracked by the
garbage collector); what goes in is a plain dataclass.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec

from orderkit.domain.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    Side,
    TimeInForce,
    WorkingType,
)
from orderkit.domain.market import Level, MarketTrade, MarkPrice, Quote
from orderkit.simulator.fixed import SCALE, to_decimal

_ZERO = Decimal(0)


class ExchangeError(Exception):
    """A refusal with Binance's own code and text; nothing was changed by the refused request."""

    def __init__(self, code: int, message: str, http_status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status


class ExecutionType(StrEnum):
    """Field ``x`` of ORDER_TRADE_UPDATE."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"
    CALCULATED = "CALCULATED"  # an execution of a liquidation order


class ExpireReason(IntEnum):
    """Field ``er`` of ORDER_TRADE_UPDATE."""

    NONE = 0
    SELF_TRADE = 1
    IOC_REMAINDER = 2
    IOC_SELF_TRADE = 3
    REDUCE_ONLY_PRIORITY = 4
    LIQUIDATION = 5
    MARKET_REMAINDER = 9


class AlgoStatus(StrEnum):
    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        """True until the order triggers or ends: what openAlgoOrders lists."""
        return self is AlgoStatus.NEW


class AccountUpdateReason(StrEnum):
    """Field ``m`` of ACCOUNT_UPDATE."""

    ORDER = "ORDER"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"


@dataclass(slots=True, frozen=True)
class NewOrder:
    """A MARKET or LIMIT order as POST /fapi/v1/order takes it. The caller chooses ``client_order_id``.

    ``time_in_force`` None means GTC for MARKET and is an error for LIMIT. A LIMIT gives ``price`` or
    ``price_match``, never both. ``close_position`` is refused here: it belongs to conditional orders.
    """

    symbol: str
    side: Side
    type: OrderType
    client_order_id: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    price_match: PriceMatch | None = None
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER
    good_till_date_ms: int = 0
    close_position: bool = False


@dataclass(slots=True, frozen=True)
class NewAlgoOrder:
    """A conditional order as POST /fapi/v1/algoOrder takes it.

    ``callback_rate`` is in percent (1 is 1 %). ``price`` belongs to STOP and TAKE_PROFIT only.
    ``close_position`` closes the whole position at the trigger and excludes ``quantity``.
    """

    symbol: str
    side: Side
    type: OrderType
    client_algo_id: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    time_in_force: TimeInForce = TimeInForce.GTC
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    close_position: bool = False
    price_protect: bool = False
    price_match: PriceMatch | None = None
    activation_price: Decimal | None = None
    callback_rate: Decimal | None = None
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER
    good_till_date_ms: int = 0


class OrderView(msgspec.Struct, frozen=True, gc=False):
    """An order at one moment. ``price`` is 0 for MARKET; ``average_price`` is 0 until something is filled.

    Fields in ``units`` are ints of 1e-8; the properties give them as Decimal when somebody looks, which
    most often nobody does.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    type: OrderType
    original_type: OrderType
    status: OrderStatus
    quantity: Decimal
    price: Decimal
    executed_quantity: Decimal
    executed_units: int
    quote_units: int
    reduce_only: bool
    close_position: bool
    time_in_force: TimeInForce
    stop_price: Decimal
    working_type: WorkingType
    price_protect: bool
    price_match: PriceMatch | None
    self_trade_prevention: SelfTradePrevention
    good_till_date_ms: int
    realized_units: int
    bid_units: int
    ask_units: int
    time_ms: int
    update_time_ms: int
    algo_id: int

    @property
    def average_price(self) -> Decimal:
        """Cumulative quote / executed quantity, cut to eight decimals."""
        executed = self.executed_units
        return to_decimal(self.quote_units * SCALE // executed) if executed else _ZERO

    @property
    def cumulative_quote(self) -> Decimal:
        return to_decimal(self.quote_units)

    @property
    def realized_pnl(self) -> Decimal:
        """What the order's fills realised, before commission."""
        return to_decimal(self.realized_units)

    @property
    def bid_notional(self) -> Decimal:
        """The position's open buy orders, this one with them while it is open."""
        return to_decimal(self.bid_units) if self.bid_units else _ZERO

    @property
    def ask_notional(self) -> Decimal:
        """The position's open sell orders, this one with them while it is open."""
        return to_decimal(self.ask_units) if self.ask_units else _ZERO


class AlgoOrderView(msgspec.Struct, frozen=True, gc=False):
    """A conditional order at one moment; ``actual_*`` describe the order it became (id 0 until it triggered).

    A ``close_position`` order lives as long as its position (Binance shows its time in force as GTE_GTC).
    """

    algo_id: int
    client_algo_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    type: OrderType
    status: AlgoStatus
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    working_type: WorkingType
    time_in_force: TimeInForce
    reduce_only: bool
    close_position: bool
    price_protect: bool
    price_match: PriceMatch | None
    activation_price: Decimal | None
    callback_rate: Decimal | None
    activated: bool
    self_trade_prevention: SelfTradePrevention
    good_till_date_ms: int
    actual_order_id: int
    actual_price: Decimal
    actual_quantity: Decimal
    reject_reason: str
    create_time_ms: int
    update_time_ms: int
    trigger_time_ms: int


class TradeView(msgspec.Struct, frozen=True, gc=False):
    """One fill of an account's order. ``trade_id`` is unique per symbol; ``commission`` > 0 was paid."""

    trade_id: int
    order_id: int
    symbol: str
    side: Side
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    maker: bool
    time_ms: int


class PositionView(msgspec.Struct, frozen=True, gc=False):
    """One position (symbol × position side) with the figures of positionRisk; margins in margin asset.

    ``amount`` and ``notional`` are signed; ``liquidation_price`` is 0 where none exists.
    """

    symbol: str
    position_side: PositionSide
    amount: Decimal
    entry_price: Decimal
    break_even_price: Decimal
    mark_price: Decimal
    unrealized_profit: Decimal
    liquidation_price: Decimal
    notional: Decimal
    margin_asset: str
    leverage: int
    isolated: bool
    isolated_margin: Decimal
    isolated_wallet: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    position_initial_margin: Decimal
    open_order_initial_margin: Decimal
    bid_notional: Decimal
    ask_notional: Decimal
    max_notional: Decimal
    adl_quantile: int
    update_time_ms: int


class AssetView(msgspec.Struct, frozen=True, gc=False):
    """One margin asset of an account (an element of ``assets`` of GET account)."""

    asset: str
    wallet_balance: Decimal
    unrealized_profit: Decimal
    margin_balance: Decimal
    maintenance_margin: Decimal
    initial_margin: Decimal
    position_initial_margin: Decimal
    open_order_initial_margin: Decimal
    cross_wallet_balance: Decimal
    cross_unrealized_profit: Decimal
    available_balance: Decimal
    max_withdraw_amount: Decimal
    update_time_ms: int


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account's assets and its positions that are open or have open orders."""

    account_id: str
    hedge_mode: bool
    multi_assets: bool
    maker_commission_rate: Decimal
    taker_commission_rate: Decimal
    assets: tuple[AssetView, ...]
    positions: tuple[PositionView, ...]
    update_time_ms: int


class SymbolConfig(msgspec.Struct, frozen=True, gc=False):
    """What an account has set for a symbol; ``max_notional`` is the largest position at this leverage."""

    symbol: str
    leverage: int
    isolated: bool
    max_notional: Decimal


class BalanceChange(msgspec.Struct, frozen=True, gc=False):
    """A wallet after a change, in units of 1e-8 with Decimal properties."""

    asset: str
    wallet_units: int
    cross_wallet_units: int
    change_units: int

    @property
    def wallet_balance(self) -> Decimal:
        return to_decimal(self.wallet_units)

    @property
    def cross_wallet_balance(self) -> Decimal:
        return to_decimal(self.cross_wallet_units)

    @property
    def change(self) -> Decimal:
        """The balance change apart from P&L and commission, as field ``bc`` of ACCOUNT_UPDATE."""
        return to_decimal(self.change_units)


class PositionChange(msgspec.Struct, frozen=True, gc=False):
    """A position after a change, prices and money in units of 1e-8 with Decimal properties."""

    symbol: str
    position_side: PositionSide
    amount: Decimal
    entry_units: int
    break_even_units: int
    realized_units: int
    unrealized_units: int
    isolated: bool
    isolated_units: int

    @property
    def entry_price(self) -> Decimal:
        return to_decimal(self.entry_units)

    @property
    def break_even_price(self) -> Decimal:
        return to_decimal(self.break_even_units)

    @property
    def accumulated_realized(self) -> Decimal:
        """Profit realised since the account was opened, before fees (field ``cr``)."""
        return to_decimal(self.realized_units)

    @property
    def unrealized_profit(self) -> Decimal:
        return to_decimal(self.unrealized_units)

    @property
    def isolated_wallet(self) -> Decimal:
        return to_decimal(self.isolated_units)


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """An order changed; ``trade`` is set exactly when ``execution_type`` is TRADE or CALCULATED."""

    account_id: str
    time_ms: int
    order: OrderView
    execution_type: ExecutionType
    trade: TradeView | None = None
    expire_reason: ExpireReason = ExpireReason.NONE


class AccountUpdate(msgspec.Struct, frozen=True, gc=False):
    """Balances and positions that changed, only those."""

    account_id: str
    time_ms: int
    reason: AccountUpdateReason
    balances: tuple[BalanceChange, ...]
    positions: tuple[PositionChange, ...]


class AccountConfigUpdate(msgspec.Struct, frozen=True, gc=False):
    """A symbol's leverage was set."""

    account_id: str
    time_ms: int
    symbol: str
    leverage: int


class MultiAssetsUpdate(msgspec.Struct, frozen=True, gc=False):
    """The account's multi-assets mode was set (``ai`` of ACCOUNT_CONFIG_UPDATE)."""

    account_id: str
    time_ms: int
    multi_assets: bool


class MarginCallPosition(msgspec.Struct, frozen=True, gc=False):
    """A position that a margin call names."""

    symbol: str
    position_side: PositionSide
    amount: Decimal
    isolated: bool
    isolated_wallet: Decimal
    mark_price: Decimal
    unrealized_profit: Decimal
    maintenance_margin: Decimal


class MarginCall(msgspec.Struct, frozen=True, gc=False):
    """Positions came close to liquidation; ``cross_wallet_balance`` is set for cross positions only."""

    account_id: str
    time_ms: int
    cross_wallet_balance: Decimal | None
    positions: tuple[MarginCallPosition, ...]


class AlgoUpdate(msgspec.Struct, frozen=True, gc=False):
    """A conditional order changed."""

    account_id: str
    time_ms: int
    order: AlgoOrderView


class QuoteChanged(msgspec.Struct, frozen=True, gc=False):
    """The public touch (market and accounts' orders together) changed; an empty side shows 0 and 0."""

    time_ms: int
    quote: Quote
    update_id: int
    account_id: None = None


class DepthChanged(msgspec.Struct, frozen=True, gc=False):
    """Public levels that changed, with absolute quantities (0 removes), numbered as in a diff stream."""

    time_ms: int
    symbol: str
    first_update_id: int
    final_update_id: int
    previous_final_update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    account_id: None = None


class TradePrinted(msgspec.Struct, frozen=True, gc=False):
    """A public trade, from the market source or between accounts, numbered by this exchange."""

    time_ms: int
    trade: MarketTrade
    account_id: None = None


class MarkChanged(msgspec.Struct, frozen=True, gc=False):
    time_ms: int
    mark: MarkPrice
    account_id: None = None


class DepthView(msgspec.Struct, frozen=True, gc=False):
    """The public book, best level first."""

    symbol: str
    last_update_id: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


PrivateEvent = OrderUpdate | AccountUpdate | AccountConfigUpdate | MultiAssetsUpdate | MarginCall | AlgoUpdate
PublicEvent = QuoteChanged | DepthChanged | TradePrinted | MarkChanged
Event = PrivateEvent | PublicEvent
