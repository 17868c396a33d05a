"""What the simulated exchange says of orders, fills, positions, accounts and books at one moment.

Prices and quantities are Decimal, money is Decimal in the margin asset, ids and times are int (ms UTC).
Reports are built several times per command, hence msgspec structs (never cyclic, so not tracked by the
garbage collector).
"""

from decimal import Decimal

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
from orderkit.domain.market import Level
from orderkit.simulator.fixed import SCALE, to_decimal
from orderkit.simulator.words import AlgoStatus

_ZERO = Decimal(0)


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


class DepthView(msgspec.Struct, frozen=True, gc=False):
    """The public book, best level first."""

    symbol: str
    last_update_id: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
