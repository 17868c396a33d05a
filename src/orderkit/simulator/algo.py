"""Conditional orders: their checks, their triggers, and the life cycle of Binance's algo service.

NEW → TRIGGERING → TRIGGERED → FINISHED, or CANCELED, EXPIRED, REJECTED. At the trigger a new order is entered
under the same client id; margin and everything about the book is checked only then.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce, WorkingType
from orderkit.simulator import entry, filters
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import SCALE, to_decimal
from orderkit.simulator.types import AlgoOrderView, AlgoStatus, NewAlgoOrder, NewOrder

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.market import Market
    from orderkit.simulator.orders import Order
    from orderkit.simulator.positions import Position

_ZERO = Decimal(0)
MAX_OPEN_ALGOS = 200
_STOPS = (OrderType.STOP, OrderType.STOP_MARKET)
_WITH_PRICE = (OrderType.STOP, OrderType.TAKE_PROFIT)
_PERCENT = 100 * SCALE
_MIN_CALLBACK = SCALE // 10
_MAX_CALLBACK = 20 * SCALE


class AlgoOrder:
    """One conditional order. ``rises`` says that it triggers when the working price rises to its trigger.

    A trailing stop has no fixed trigger: ``trigger`` is recomputed from ``extreme``, the best working price
    since it was activated. Prices fixed-point; ``callback`` is the rate in percent, fixed-point.
    """

    __slots__ = (
        "account",
        "activated",
        "activation",
        "actual_order_id",
        "actual_price",
        "actual_quantity",
        "algo_id",
        "callback",
        "create_time_ms",
        "extreme",
        "good_till_date_ms",
        "market",
        "price",
        "quantity",
        "reject_reason",
        "request",
        "rises",
        "status",
        "trigger",
        "trigger_time_ms",
        "update_time_ms",
    )

    def __init__(self, account: "Account", market: "Market", request: NewAlgoOrder) -> None:
        self.account = account
        self.market = market
        self.request = request
        self.algo_id = 0
        self.status = AlgoStatus.NEW
        self.quantity = 0
        self.price = 0
        self.trigger = 0
        self.rises = (request.side is Side.BUY) == (
            request.type in _STOPS or request.type is OrderType.TRAILING_STOP_MARKET
        )
        self.activation = 0
        self.activated = False
        self.callback = 0
        self.extreme = 0
        self.good_till_date_ms = 0
        self.actual_order_id = 0
        self.actual_price = 0
        self.actual_quantity = 0
        self.reject_reason = ""
        self.create_time_ms = 0
        self.update_time_ms = 0
        self.trigger_time_ms = 0

    @property
    def working_price(self) -> int:
        by_mark = self.request.working_type is WorkingType.MARK_PRICE
        return self.market.mark if by_mark else self.market.last

    @property
    def is_trailing(self) -> bool:
        return self.request.type is OrderType.TRAILING_STOP_MARKET

    @property
    def position(self) -> "Position":
        return self.account.position_for(self.market, self.request.position_side)

    def is_due(self, price: int) -> bool:
        """Whether the working price has reached the trigger."""
        if price == 0 or self.trigger == 0:
            return False
        return price >= self.trigger if self.rises else price <= self.trigger

    def is_protected(self) -> bool:
        """priceProtect: hold the trigger back while mark and last are further apart than triggerProtect."""
        market = self.market
        if not self.request.price_protect or not market.mark:
            return False
        return abs(market.mark - market.last) * SCALE > market.mark * market.contract.trigger_protect

    def trail(self, price: int) -> bool:
        """Let a trailing stop see a working price; True when it has just become active.

        BUY: activated at or below the activation price, then follows the low; SELL mirrored. The trigger is
        the extreme moved back by the callback rate.
        """
        if price == 0:
            return False
        became_active = False
        if not self.activated:
            reached = price <= self.activation if self.rises else price >= self.activation
            if not reached:
                return False
            self.activated = became_active = True
            self.extreme = price
        self.extreme = min(self.extreme, price) if self.rises else max(self.extreme, price)
        move = self.extreme * self.callback // _PERCENT
        self.trigger = self.extreme + move if self.rises else self.extreme - move
        return became_active

    def child_request(self) -> NewOrder:
        """The order that goes to the book at the trigger."""
        request = self.request
        is_market = request.type.is_market
        reduce_only = request.reduce_only or (request.close_position and not self.account.hedge)
        quantity = self.position.closable if request.close_position else self.quantity
        return NewOrder(
            symbol=request.symbol,
            side=request.side,
            type=OrderType.MARKET if is_market else OrderType.LIMIT,
            client_order_id=request.client_algo_id,
            quantity=self.market.contract.quantities[quantity],
            price=None if is_market or request.price_match else request.price,
            time_in_force=None if is_market else request.time_in_force,
            position_side=request.position_side,
            reduce_only=reduce_only,
            price_match=request.price_match,
            self_trade_prevention=request.self_trade_prevention,
            good_till_date_ms=self.good_till_date_ms,
        )

    def mark_child(self, order: "Order") -> None:
        """Give the triggered order the traits of its conditional order."""
        order.algo = self
        order.original_type = self.request.type
        order.stop_price = self.trigger
        order.working_type = self.request.working_type
        order.price_protect = self.request.price_protect
        if self.request.close_position:
            order.close_position = True

    def finish(self, order: "Order") -> None:
        """The triggered order is done: actual quantity 0 says that nothing of it was filled."""
        self.actual_quantity = order.executed
        self.actual_price = order.quote * SCALE // order.executed if order.executed else 0
        self.status = AlgoStatus.FINISHED
        self.market.tape.algo_changed(self)

    def end(self, status: AlgoStatus, reason: str = "") -> None:
        """Leave the open orders with a final status."""
        self.status = status
        self.reject_reason = reason
        self.leave()
        self.market.tape.algo_changed(self)

    def adopt(self) -> None:
        """Take the conditional order into its account and, while it waits, its market."""
        account = self.account
        account.algos[self.algo_id] = self
        account.algos_by_client_id[self.request.client_algo_id] = self
        if self.status.is_open:
            account.open_algos[self.algo_id] = self
            self.market.algos[self.algo_id] = self

    def leave(self) -> None:
        """Stop waiting for the trigger."""
        self.account.open_algos.pop(self.algo_id, None)
        self.market.algos.pop(self.algo_id, None)

    def view(self) -> AlgoOrderView:
        """The conditional order as it stands now."""
        request, contract = self.request, self.market.contract
        return AlgoOrderView(
            self.algo_id,
            request.client_algo_id,
            self.market.symbol,
            request.side,
            request.position_side,
            request.type,
            self.status,
            contract.quantities[self.quantity],
            contract.prices[self.price],
            contract.prices[0 if self.is_trailing and not self.trigger_time_ms else self.trigger],
            request.working_type,
            request.time_in_force,
            request.reduce_only,
            request.close_position,
            request.price_protect,
            request.price_match,
            contract.prices[self.activation] if self.is_trailing else None,
            request.callback_rate,
            self.activated,
            request.self_trade_prevention,
            self.good_till_date_ms,
            self.actual_order_id,
            to_decimal(self.actual_price) if self.actual_price else _ZERO,
            contract.quantities[self.actual_quantity],
            self.reject_reason,
            self.create_time_ms,
            self.update_time_ms,
            self.trigger_time_ms,
        )

    def record(self) -> dict[str, Any]:
        """Everything ``state.py`` needs to rebuild the conditional order, JSON-serialisable."""
        values: dict[str, Any] = {name: getattr(self, name) for name in RECORDED}
        values["account"] = self.account.account_id
        values["request"] = self.request
        return values


RECORDED = (
    "algo_id",
    "status",
    "quantity",
    "price",
    "trigger",
    "activation",
    "activated",
    "callback",
    "extreme",
    "good_till_date_ms",
    "actual_order_id",
    "actual_price",
    "actual_quantity",
    "reject_reason",
    "create_time_ms",
    "update_time_ms",
    "trigger_time_ms",
)


def prepare(account: "Account", market: "Market", request: NewAlgoOrder) -> AlgoOrder:
    """The conditional order a request describes, checked but without an id. Raises ExchangeError."""
    if not request.type.is_conditional:
        raise refusal(-1116)
    filters.check_client_id("clientAlgoId", request.client_algo_id)
    entry.check_position_side(account, request.position_side)
    if account.hedge and request.reduce_only:
        raise refusal(-1106, "reduceonly")
    closing = request.close_position or entry.is_closing(
        account, request.side, request.position_side, reduce_only=request.reduce_only
    )
    entry.check_status(market, closing=closing)
    algo = AlgoOrder(account, market, request)
    contract = market.contract
    if request.close_position:
        _check_close_position(algo)
    else:
        algo.quantity = filters.quantity(contract, request.quantity, market=request.type.is_market)
    if request.time_in_force is TimeInForce.GTD:
        algo.good_till_date_ms = entry.check_good_till(request.good_till_date_ms, market.tape.now_ms)
    if algo.is_trailing:
        _prepare_trailing(algo)
    else:
        algo.trigger = filters.trigger_price(contract, request.trigger_price)
        _prepare_price(algo)
    if not closing:
        reference = algo.price or algo.trigger or market.mark
        filters.min_notional(contract, reference, algo.quantity)
    if any(o.request.client_algo_id == request.client_algo_id for o in account.open_algos.values()):
        raise refusal(-4116)
    if len(account.open_algos) >= MAX_OPEN_ALGOS:
        raise refusal(-4045)
    if not algo.is_trailing and algo.is_due(algo.working_price):
        raise refusal(-2021)
    return algo


def _check_close_position(algo: AlgoOrder) -> None:
    """closePosition: a market type, no quantity, no reduce-only, a position to close, one per direction."""
    request, position = algo.request, algo.position
    if request.type not in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET):
        raise refusal(-4136, request.type, "true")
    if request.quantity is not None and request.quantity != 0:
        raise refusal(-4137)
    if request.reduce_only:
        raise refusal(-1106, "reduceonly")
    if request.position_side is not PositionSide.BOTH:
        closes = (request.side is Side.SELL) == (request.position_side is PositionSide.LONG)
        if not closes:
            raise refusal(-4136, request.type, "true")
    if position.amount * request.side.sign >= 0:
        raise refusal(-4509)
    for other in algo.account.open_algos.values():
        theirs = other.request
        if (
            theirs.close_position
            and other.position is position
            and theirs.side is request.side
            and (theirs.type in _STOPS) == (request.type in _STOPS)
        ):
            raise refusal(-4130)


def _prepare_price(algo: AlgoOrder) -> None:
    """STOP and TAKE_PROFIT carry a limit price or a price match, the market types neither."""
    request, contract = algo.request, algo.market.contract
    if request.type not in _WITH_PRICE:
        if request.price_match is not None:
            raise refusal(-5038)
        if request.price is not None:
            raise refusal(-1106, "price")
        return
    if request.price_match is not None:
        if request.price is not None:
            raise refusal(-1106, "price")
        return
    algo.price = filters.price(contract, request.price)
    filters.percent_price(contract, request.side, algo.price, algo.trigger, filters.AROUND_TRIGGER)


def _prepare_trailing(algo: AlgoOrder) -> None:
    """callbackRate 0.1 to 20 % (-2007); the activation price lies on the far side of the market (-4135)."""
    request, price = algo.request, algo.working_price
    if request.callback_rate is None or not request.callback_rate.is_finite():
        raise refusal(-1102, "callbackRate")
    algo.callback = int(request.callback_rate * SCALE)
    if not _MIN_CALLBACK <= algo.callback <= _MAX_CALLBACK or algo.callback % _MIN_CALLBACK:
        raise refusal(-2007)
    if request.activation_price is None:
        algo.activation = price
    else:
        algo.activation = filters.trigger_price(
            algo.market.contract, request.activation_price, "activatePrice"
        )
        if price and (algo.activation >= price if algo.rises else algo.activation <= price):
            raise refusal(-4135)
