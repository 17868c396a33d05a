"""Matching: takers against the book, and market events against our resting orders."""

from orderkit.domain.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from orderkit.domain.market import DepthUpdate, MarketTrade, Quote
from orderkit.simulator.book import BookSide
from orderkit.simulator.fixed import SCALE, to_fixed
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.settlement import expire, fill, knock_out
from orderkit.simulator.types import ExpireReason

_LIMIT, _MARKET, _SELL = OrderType.LIMIT, OrderType.MARKET, Side.SELL
_PREVENTABLE = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD)
_EXPIRES_TAKER = (SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_BOTH)
_EXPIRES_MAKER = (SelfTradePrevention.EXPIRE_MAKER, SelfTradePrevention.EXPIRE_BOTH)


def execute(order: Order) -> None:
    """Match a new order; afterwards it is filled, expired, or open and resting."""
    if order.type is not _LIMIT or order.market.book.is_reached(order.side, order.price):
        take(order)
        if not order.is_open:
            return
    if order.closing and _allowed(order) == 0:
        expire(order, ExpireReason.REDUCE_ONLY_PRIORITY)
    elif order.type is _MARKET:
        expire(order, ExpireReason.MARKET_REMAINDER)
    elif order.time_in_force is TimeInForce.IOC:
        expire(order, ExpireReason.IOC_REMAINDER)
    else:
        order.account.open(order)
        order.market.book.side(order.side).add(order)
        if order.closing:
            knock_out(order)


def take(taker: Order) -> None:
    """Take liquidity as far as price, quantity and reduce-only allow.

    MARKET walks to mark × (1 ± marketTakeBound). In a book of quotes only, the depth behind the last
    remembered level is unknown: the rest of a MARKET order fills at that level's price (or the last quoted
    one), so that every fill is at a price that was really quoted.
    """
    market = taker.market
    counterparty = market.book.opposite(taker.side)
    sign = taker.sign
    limit = taker.price if taker.type is _LIMIT else _market_bound(market, sign)
    last_displayed = 0 if counterparty.depth_is_known else counterparty.quoted
    while taker.is_open and (wanted := _allowed(taker)):
        price = counterparty.best()
        if price == 0:
            if last_displayed and taker.type is _MARKET:
                _trade(taker, None, last_displayed, wanted)
            return
        if limit and (price - limit) * sign > 0:
            return
        maker = counterparty.first_resting(price)
        displayed = counterparty.displayed.sizes.get(price, 0)
        in_front = displayed if maker is None else max(0, min(displayed, maker.ahead))
        if in_front:
            quantity = min(wanted, in_front)
            counterparty.consume(price, quantity)
            if last_displayed:
                last_displayed = price
            _trade(taker, None, price, quantity)
        elif maker is not None and not _prevent_self_trade(taker, maker):
            _trade(taker, maker, price, min(wanted, _allowed(maker)))


def _allowed(order: Order) -> int:
    """What an order may still trade: its remaining quantity, for closing orders at most the position."""
    if not order.closing:
        return order.quantity - order.executed
    position = order.position
    if position.amount * order.sign >= 0:
        return 0
    return min(order.remaining, position.closable)


def _market_bound(market: Market, sign: int) -> int:
    """mark × (1 ± marketTakeBound), 0 where there is no bound."""
    bound = market.contract.market_take_bound
    return market.mark * (SCALE + sign * bound) // SCALE if bound else 0


def _prevent_self_trade(taker: Order, maker: Order) -> bool:
    """Apply the taker's self-trade prevention; True when it ended the taker or the maker."""
    if taker.account is not maker.account or taker.time_in_force not in _PREVENTABLE:
        return False
    mode = taker.self_trade_prevention
    if mode in _EXPIRES_MAKER:
        expire(maker, ExpireReason.SELF_TRADE)
    if mode in _EXPIRES_TAKER:
        ioc = taker.time_in_force is TimeInForce.IOC
        expire(taker, ExpireReason.IOC_SELF_TRADE if ioc else ExpireReason.SELF_TRADE)
    return mode is not SelfTradePrevention.NONE


def _trade(taker: Order, maker: Order | None, price: int, quantity: int) -> None:
    market = taker.market
    market.last = price
    trade_id = market.print_trade(price, quantity, buyer_is_maker=taker.side is _SELL)
    if maker is not None:
        fill(maker, price, quantity, trade_id, maker=True)
    fill(taker, price, quantity, trade_id, maker=False)


# market events


def apply_quote(market: Market, quote: Quote) -> None:
    """Move the touch, then fill resting orders that the displayed quantities cross."""
    bid, ask = to_fixed(quote.bid), to_fixed(quote.ask)
    bid_size, ask_size = to_fixed(quote.bid_quantity), to_fixed(quote.ask_quantity)
    if bid_size and ask_size and bid >= ask:
        raise ValueError(f"crossed quote for {quote.symbol}: {quote.bid} / {quote.ask}")
    book = market.book
    if bid_size:
        book.bids.set_touch(bid, bid_size)
        book.asks.clear_crossed(bid)
    else:
        book.bids.clear_displayed()
    if ask_size:
        book.asks.set_touch(ask, ask_size)
        book.bids.clear_crossed(ask)
    else:
        book.asks.clear_displayed()
    _cross_displayed(market)


def apply_depth(market: Market, update: DepthUpdate) -> None:
    """Set the levels, drop older ones that they cross, then fill resting orders that are crossed."""
    bids = [(to_fixed(price), to_fixed(size)) for price, size in update.bids]
    asks = [(to_fixed(price), to_fixed(size)) for price, size in update.asks]
    best_bid = max((price for price, size in bids if size), default=0)
    best_ask = min((price for price, size in asks if size), default=0)
    if best_bid and best_ask and best_bid >= best_ask:
        raise ValueError(f"crossed depth for {update.symbol}")
    book = market.book
    book.bids.depth_is_known = book.asks.depth_is_known = True
    for side, levels in ((book.bids, bids), (book.asks, asks)):
        if update.snapshot:
            kept = {price for price, _ in levels}
            for price in [p for p in side.displayed.sizes if p not in kept]:
                side.set_level(price, 0)
        for price, size in levels:
            side.set_level(price, size)
    if best_bid:
        book.asks.clear_crossed(best_bid)
    if best_ask:
        book.bids.clear_crossed(best_ask)
    _cross_displayed(market)


def apply_trade(market: Market, trade: MarketTrade) -> None:
    """Fill what a public trade went through, move the queue at its price, and print it."""
    price, left = to_fixed(trade.price), to_fixed(trade.quantity)
    if price <= 0 or left <= 0:
        raise ValueError(f"a trade of {trade.quantity} at {trade.price}")
    market.trades_are_fed = True
    for side in (market.book.bids, market.book.asks):
        while left and (best := side.best_resting()) and (best - price) * side.sign > 0:
            left -= _fill_resting(side, best, left)
    side = market.book.bids if trade.buyer_is_maker else market.book.asks
    for order, quantity in side.advance_queue(price, left):
        allowed = min(quantity, _allowed(order))
        if allowed and order.is_open:
            _make(order, order.price, allowed)
    market.last = price
    market.repeat_trade(trade)


def _cross_displayed(market: Market) -> None:
    """Fill our resting orders against displayed quantities on the other side that reach their price."""
    book = market.book
    for side, opposite in ((book.bids, book.asks), (book.asks, book.bids)):
        while best := side.best_resting():
            displayed = opposite.displayed.best()
            if not displayed or (best - displayed) * side.sign < 0:
                break
            filled = _fill_resting(side, best, opposite.displayed.sizes[displayed])
            opposite.consume(displayed, filled)


def _fill_resting(side: BookSide, price: int, quantity: int) -> int:
    """Fill the oldest order at a price with up to ``quantity``; returns what was filled."""
    order = side.first_resting(price)
    assert order is not None
    filled = min(quantity, _allowed(order))
    _make(order, price, filled)
    return filled


def _make(order: Order, price: int, quantity: int) -> None:
    """A resting order meets the market: it is the maker of a trade of its own."""
    market = order.market
    market.last = price
    bought = order.side is Side.BUY
    trade_id = market.print_trade(price, quantity, buyer_is_maker=bought)
    fill(order, price, quantity, trade_id, maker=True)
