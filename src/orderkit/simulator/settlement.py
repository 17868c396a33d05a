"""What a fill or an end does to an order, its position, its account's wallet, and what is told about it."""

from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.simulator.fixed import SCALE, UNIT
from orderkit.simulator.orders import Order
from orderkit.simulator.types import (
    AccountUpdateReason,
    ExecutionType,
    ExpireReason,
    OrderView,
    TradeView,
)

# Members of enums as names of the module: they are used several times per command.
_LIMIT, _FILLED, _PARTIALLY_FILLED = OrderType.LIMIT, OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED
_TRADE, _BY_ORDER = ExecutionType.TRADE, AccountUpdateReason.ORDER


def fill(order: Order, price: int, quantity: int, trade_id: int, *, maker: bool, free: bool = False) -> None:
    """Book one fill: order, position, commission (cut to 8 decimals), wallet, events, reduce-only rules.

    ``free`` fills pay no commission (what the insurance fund takes over).
    """
    market, account, position = order.market, order.account, order.position
    contract, tape = market.contract, market.tape
    now_ms = tape.now_ms
    quote = price * quantity // SCALE
    rate = account.maker_rate if maker else account.taker_rate
    commission = 0 if free else quote * rate // SCALE
    realized = position.fill(order.sign, price, quantity, commission)
    position.update_time_ms = now_ms
    if position.amount:
        market.holders[position] = None
    else:
        market.holders.pop(position, None)
    market.touched[account] = None
    asset = contract.margin_asset
    wallets = account.wallets
    wallets[asset] = wallets.get(asset, 0) + realized - commission
    order.executed += quantity
    order.quote += quote
    order.realized += realized
    if order.executed == order.quantity:
        order.status = _FILLED
        if order.type is _LIMIT:
            _leave(order)
    else:
        order.status = _PARTIALLY_FILLED
        if order.reserved:
            account.reserve(order)
        if maker:
            market.book.side(order.side).changed.add(order.price)
    trade = TradeView(
        trade_id,
        order.order_id,
        market.symbol,
        order.side,
        position.side,
        contract.prices[price],
        contract.quantities[quantity],
        quote * UNIT,
        commission * UNIT,
        asset,
        realized * UNIT,
        maker,
        now_ms,
    )
    try:
        account.trades[market.symbol].append(trade)
    except KeyError:
        account.trades[market.symbol] = [trade]
    if tape.tracking:
        tape.changed_trades.append((account.account_id, trade))
    tape.account_changed(account, _BY_ORDER, asset, (position,))
    tape.order_changed(order, ExecutionType.CALCULATED if order.liquidation else _TRADE, trade)
    if order.algo is not None:
        _report_to_algo(order)
    if position.closing_orders:
        knock_out(order)


def expire(order: Order, reason: ExpireReason) -> None:
    """End an order that the matching gave up: EXPIRED, or EXPIRED_IN_MATCH by self-trade prevention."""
    self_trade = reason in (ExpireReason.SELF_TRADE, ExpireReason.IOC_SELF_TRADE)
    order.status = OrderStatus.EXPIRED_IN_MATCH if self_trade else OrderStatus.EXPIRED
    _leave(order)
    order.market.tape.order_changed(order, ExecutionType.EXPIRED, reason=reason)
    _report_to_algo(order)


def cancel(order: Order) -> OrderView:
    """Cancel an open order."""
    order.status = OrderStatus.CANCELED
    _leave(order)
    order.market.tape.order_changed(order, ExecutionType.CANCELED)
    _report_to_algo(order)
    return order.take_published()


def knock_out(cause: Order) -> None:
    """Expire (er 4) the closing orders for which better or older ones leave nothing of the position.

    ``cause`` is the order whose fill or arrival changed what is left. Priority is price, then time; the
    last order that gets anything may be larger than what is left, its fills are capped at the match.
    """
    position = cause.position
    queue = list(position.closing_orders.values())
    for side in (Side.BUY, Side.SELL):
        sign = side.sign
        left = position.closable if position.amount * sign < 0 else 0
        for order in sorted(
            (o for o in queue if o.side is side), key=lambda o: (-o.price * sign, o.order_id)
        ):
            if left <= 0:
                expire(order, ExpireReason.REDUCE_ONLY_PRIORITY)
            else:
                left -= order.remaining


def _leave(order: Order) -> None:
    if order.type is _LIMIT:
        order.market.book.side(order.side).remove(order)
        order.account.close(order)


def _report_to_algo(order: Order) -> None:
    if order.algo is not None and not order.is_open:
        order.algo.finish(order)
