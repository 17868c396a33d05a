"""An order inside the exchange: mutable, fixed-point, with its place in the book and in its account."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
from orderkit.simulator.fixed import multiply
from orderkit.simulator.types import OrderView

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.algo import AlgoOrder
    from orderkit.simulator.market import Market
    from orderkit.simulator.positions import Position

_ZERO = Decimal(0)
UNKNOWN_AHEAD = -1
# Members of enums as names of the module: they are compared several times per command.
_BUY, _NEW, _PARTIALLY_FILLED = Side.BUY, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED
_CONTRACT_PRICE, _EXPIRE_MAKER = WorkingType.CONTRACT_PRICE, SelfTradePrevention.EXPIRE_MAKER


class Order:
    """A LIMIT or MARKET order.

    ``closing`` is true for what can only shrink its position: reduce-only orders, and in hedge mode sells
    of the long and buys of the short side. ``ahead`` and ``credit`` are its place in the queue (book.py);
    ``reserved`` is the notional it holds in its position's open-order sums (fixed-point); ``published`` its
    state in the last event about it, while the command at work still needs that.
    """

    __slots__ = (
        "account",
        "ahead",
        "algo",
        "client_order_id",
        "close_position",
        "closing",
        "credit",
        "edits",
        "executed",
        "good_till_date_ms",
        "liquidation",
        "market",
        "order_id",
        "original_type",
        "position",
        "position_side",
        "price",
        "price_match",
        "price_protect",
        "published",
        "quantity",
        "quote",
        "realized",
        "reduce_only",
        "reserved",
        "self_trade_prevention",
        "side",
        "sign",
        "status",
        "stop_price",
        "time_in_force",
        "time_ms",
        "type",
        "update_time_ms",
        "working_type",
    )

    def __init__(
        self,
        account: "Account",
        market: "Market",
        position: "Position",
        side: Side,
        order_type: OrderType,
        client_order_id: str,
        quantity: int,
        price: int,
        time_in_force: TimeInForce,
    ) -> None:
        self.account = account
        self.market = market
        self.position = position
        self.position_side: PositionSide = position.side
        self.side = side
        self.sign = 1 if side is _BUY else -1
        self.type = order_type
        self.original_type = order_type
        self.client_order_id = client_order_id
        self.quantity = quantity
        self.price = price
        self.time_in_force = time_in_force
        self.order_id = 0
        self.status: OrderStatus = _NEW
        self.executed = 0
        self.quote = 0
        self.realized = 0
        self.reduce_only = False
        self.closing = False
        self.close_position = False
        self.liquidation = False
        self.stop_price = 0
        self.working_type: WorkingType = _CONTRACT_PRICE
        self.price_protect = False
        self.price_match: PriceMatch | None = None
        self.self_trade_prevention: SelfTradePrevention = _EXPIRE_MAKER
        self.good_till_date_ms = 0
        self.time_ms = 0
        self.update_time_ms = 0
        self.algo: AlgoOrder | None = None
        self.ahead = 0
        self.credit = 0
        self.reserved = 0
        self.published: OrderView | None = None
        self.edits = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        return self.status is _NEW or self.status is _PARTIALLY_FILLED

    def take_published(self) -> OrderView:
        """The state last told, which is the present one right after a command; it is not kept any longer."""
        view = self.published
        self.published = None
        return view if view is not None else self.view()

    def view(self) -> OrderView:
        """The order as it stands now."""
        contract = self.market.contract
        executed = self.executed
        position = self.position
        bids, asks = position.bid_notional, position.ask_notional
        if self.price and not self.reserved and not self.closing and self.is_open:
            # announced or matching, not resting yet: it counts itself as it will when it rests
            if self.side is _BUY:
                bids += multiply(self.price, self.quantity - executed)
            else:
                asks += multiply(self.price, self.quantity - executed)
        return OrderView(
            self.order_id,
            self.client_order_id,
            contract.symbol,
            self.side,
            self.position_side,
            self.type,
            self.original_type,
            self.status,
            contract.quantities[self.quantity],
            contract.prices[self.price],
            contract.quantities[executed] if executed else _ZERO,
            executed,
            self.quote,
            self.reduce_only,
            self.close_position,
            self.time_in_force,
            contract.prices[self.stop_price] if self.stop_price else _ZERO,
            self.working_type,
            self.price_protect,
            self.price_match,
            self.self_trade_prevention,
            self.good_till_date_ms,
            self.realized,
            bids,
            asks,
            self.time_ms,
            self.update_time_ms,
            self.algo.algo_id if self.algo else 0,
        )

    def record(self) -> dict[str, Any]:
        """Everything ``state.py`` needs to rebuild the order, JSON-serialisable."""
        values: dict[str, Any] = {name: getattr(self, name) for name in RECORDED}
        values["account"] = self.account.account_id
        values["symbol"] = self.market.symbol
        values["algo_id"] = self.algo.algo_id if self.algo else 0
        return values


RECORDED = (
    "order_id",
    "client_order_id",
    "side",
    "position_side",
    "type",
    "original_type",
    "status",
    "quantity",
    "price",
    "time_in_force",
    "executed",
    "quote",
    "realized",
    "reduce_only",
    "closing",
    "close_position",
    "liquidation",
    "stop_price",
    "working_type",
    "price_protect",
    "price_match",
    "self_trade_prevention",
    "good_till_date_ms",
    "edits",
    "time_ms",
    "update_time_ms",
)
