"""What happened on the simulated exchange: events of one account, and public ones whose account is None.

As cheap to build as reports.py says; times are int (ms UTC).
"""

from decimal import Decimal

import msgspec

from orderkit.domain.enums import PositionSide
from orderkit.domain.market import Level, MarketTrade, MarkPrice, Quote
from orderkit.simulator import profit
from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.reports import AlgoOrderView, OrderView, TradeView
from orderkit.simulator.words import AccountUpdateReason, ExecutionType, ExpireReason


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
    """A position after a change.

    Fields in ``units`` are ints of 1e-8; prices and profit are worked out from them when somebody looks.
    """

    symbol: str
    position_side: PositionSide
    amount: Decimal
    amount_units: int
    cost_units: int
    carry_units: int
    mark_units: int
    realized_units: int
    isolated: bool
    isolated_units: int

    @property
    def entry_price(self) -> Decimal:
        return to_decimal(profit.entry_price(self.amount_units, self.cost_units))

    @property
    def break_even_price(self) -> Decimal:
        return to_decimal(profit.break_even_price(self.amount_units, self.cost_units, self.carry_units))

    @property
    def accumulated_realized(self) -> Decimal:
        """Profit realised since the account was opened, before fees (field ``cr``)."""
        return to_decimal(self.realized_units)

    @property
    def unrealized_profit(self) -> Decimal:
        return to_decimal(profit.unrealized_profit(self.amount_units, self.cost_units, self.mark_units))

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


PrivateEvent = OrderUpdate | AccountUpdate | AccountConfigUpdate | MultiAssetsUpdate | MarginCall | AlgoUpdate
PublicEvent = QuoteChanged | DepthChanged | TradePrinted | MarkChanged
Event = PrivateEvent | PublicEvent
