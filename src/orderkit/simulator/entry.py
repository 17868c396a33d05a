"""Order entry: every check between a request and an order that may go to matching, in the exchange's order.

Parameters, symbol and status, precision, tick and step, percent price, notional, duplicates and caps,
reduce-only, margin, and last what only the book can tell (post-only, fill-or-kill).
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from orderkit.domain.enums import OrderType, PositionSide, PriceMatch, Side, TimeInForce
from orderkit.simulator import filters
from orderkit.simulator.errors import refusal
from orderkit.simulator.margin import assumed_price, check_affordable
from orderkit.simulator.orders import Order
from orderkit.simulator.types import NewOrder

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.market import Market

_LATEST_GOOD_TILL_MS = 253_402_300_799_000
_EARLIEST_GOOD_TILL_MS = 600_000
_CLOSED_STATUSES = frozenset({"DELIVERED", "SETTLING", "CLOSE"})
_DEPTH_RANKS = {
    PriceMatch.OPPONENT: 1,
    PriceMatch.OPPONENT_5: 5,
    PriceMatch.QUEUE: 1,
    PriceMatch.QUEUE_5: 5,
    PriceMatch.QUEUE_10: 10,
    PriceMatch.QUEUE_20: 20,
}
_OPPONENT = (PriceMatch.OPPONENT, PriceMatch.OPPONENT_5)
# Members of enums as names of the module: they are compared several times per command.
_BOTH, _LONG, _SELL = PositionSide.BOTH, PositionSide.LONG, Side.SELL
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_GTC, _GTD, _GTX, _FOK = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.GTX, TimeInForce.FOK


def prepare(account: "Account", market: "Market", request: NewOrder) -> Order:
    """The order a request describes, checked in full but without an id and not yet anywhere.

    Raises ExchangeError; changes nothing.
    """
    order = _build(account, market, request)
    contract = market.contract
    if order.type is _LIMIT:
        filters.percent_price(contract, order.side, order.price, market.mark)
    else:
        counterparty = market.book.opposite(order.side)
        filters.market_percent_price(contract, order.side, counterparty.best(), market.mark)
    if not order.closing:
        filters.min_notional(contract, order.price or market.mark, order.quantity)
    _check_caps(order)
    if order.closing:
        check_closing(order)
    else:
        check_affordable(order, order.quantity, assumed_price(order))
    _check_against_book(order)
    return order


def check_position_side(account: "Account", position_side: PositionSide) -> None:
    """-4061 when the position side does not fit the account's mode."""
    if (position_side is _BOTH) == account.hedge:
        raise refusal(-4061)


def check_status(market: "Market", *, closing: bool) -> None:
    """-4141 for a closed symbol, -4140 when only closing is allowed."""
    status = market.contract.instrument.status
    if status == "TRADING":
        return
    if status in _CLOSED_STATUSES:
        raise refusal(-4141)
    if not closing:
        raise refusal(-4140)


def check_good_till(good_till_date_ms: int, now_ms: int) -> int:
    """-1102 without a date, -5040 outside the range; returns the date cut to seconds."""
    if not good_till_date_ms:
        raise refusal(-1102, "goodTillDate")
    if not now_ms + _EARLIEST_GOOD_TILL_MS < good_till_date_ms < _LATEST_GOOD_TILL_MS:
        raise refusal(-5040)
    return good_till_date_ms // 1000 * 1000


def match_price(market: "Market", side: Side, price_match: PriceMatch) -> int:
    """The price that priceMatch stands for now; -5041 when the book does not reach that deep."""
    opponent = price_match in _OPPONENT
    bids = (side is Side.SELL) == opponent
    rank = _DEPTH_RANKS[price_match]
    levels = (market.book.bids if bids else market.book.asks).levels(rank)
    if len(levels) < rank:
        raise refusal(-5041)
    return levels[-1][0]


def is_closing(account: "Account", side: Side, position_side: PositionSide, *, reduce_only: bool) -> bool:
    """Whether an order can only shrink its position."""
    if not account.hedge:
        return reduce_only
    return (side is _SELL) == (position_side is _LONG)


def limit_price(market: "Market", side: Side, price: Decimal | None, price_match: PriceMatch | None) -> int:
    """The limit price from ``price`` or ``price_match``; -1106 with both."""
    if price_match is None:
        return filters.price(market.contract, price)
    if price is not None:
        raise refusal(-1106, "price")
    return match_price(market, side, price_match)


def _build(account: "Account", market: "Market", request: NewOrder) -> Order:
    is_market = request.type is _MARKET
    if not is_market and request.type is not _LIMIT:
        raise refusal(-4120)
    filters.check_client_id("newClientOrderId", request.client_order_id)
    if request.close_position:
        raise refusal(-4136, request.type, "true")
    check_position_side(account, request.position_side)
    if account.hedge and request.reduce_only:
        raise refusal(-1106, "reduceonly")
    if is_market:
        _check_market_parameters(request)
    elif request.time_in_force is None:
        raise refusal(-1102, "timeInForce")
    time_in_force = request.time_in_force or _GTC
    good_till = 0
    if time_in_force is _GTD:
        good_till = check_good_till(request.good_till_date_ms, market.tape.now_ms)
    closing = is_closing(account, request.side, request.position_side, reduce_only=request.reduce_only)
    check_status(market, closing=closing)
    quantity = filters.quantity(market.contract, request.quantity, market=is_market)
    price = 0 if is_market else limit_price(market, request.side, request.price, request.price_match)
    position = account.position_for(market, request.position_side)
    order = Order(
        account,
        market,
        position,
        request.side,
        request.type,
        request.client_order_id,
        quantity,
        price,
        time_in_force,
    )
    order.reduce_only = request.reduce_only
    order.closing = closing
    order.price_match = request.price_match
    order.self_trade_prevention = request.self_trade_prevention
    order.good_till_date_ms = good_till
    return order


def _check_market_parameters(request: NewOrder) -> None:
    if request.price_match is not None:
        raise refusal(-5038)
    if request.price is not None:
        raise refusal(-1106, "price")
    if request.time_in_force is not None:
        raise refusal(-1106, "timeinforce")


def _check_caps(order: Order) -> None:
    if order.client_order_id in order.account.open_by_client_id:
        raise refusal(-4116)
    resting = order.account.open_orders.get(order.market.symbol)
    limit = order.market.contract.max_num_orders
    if resting is not None and order.type is _LIMIT and len(resting) >= limit:
        raise refusal(-2025)


def check_closing(order: Order) -> None:
    """Reduce-only rules: -2022 with nothing to close, -4118 when orders ahead of it already close everything.

    In hedge mode a closing order and the closing orders before it may not exceed the position (-2022).
    """
    position = order.position
    sign = order.sign
    if position.amount * sign >= 0:
        raise refusal(-2022)
    ahead = 0
    if order.type is _LIMIT:
        ahead = sum(
            o.remaining for o in position.closing_orders.values() if (o.price - order.price) * sign >= 0
        )
    if order.account.hedge and ahead + order.remaining > position.closable:
        raise refusal(-2022)
    if ahead >= position.closable:
        raise refusal(-4118)


def _check_against_book(order: Order) -> None:
    if order.time_in_force is _GTX:
        if order.market.book.is_reached(order.side, order.price):
            raise refusal(-5022)
    elif order.time_in_force is _FOK and not _fills_at_once(order):
        raise refusal(-5021)


def _fills_at_once(order: Order) -> bool:
    needed = min(order.quantity, order.position.closable) if order.closing else order.quantity
    sign = order.sign
    counterparty = order.market.book.opposite(order.side)
    for price in counterparty.prices():
        if (price - order.price) * sign > 0:
            return False
        needed -= counterparty.size_at(price)
        if needed <= 0:
            return True
    return False
