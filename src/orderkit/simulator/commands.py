"""What an account asks the simulated exchange to place; prices and quantities are Decimal, times ms UTC."""

from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.enums import (
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTradePrevention,
    Side,
    TimeInForce,
    WorkingType,
)


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
