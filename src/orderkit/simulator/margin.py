"""What an order costs before it is accepted, and the price at which a cross position would be liquidated."""

from typing import TYPE_CHECKING

from orderkit.domain.enums import OrderType, PositionSide, Side
from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import SCALE, multiply

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.orders import Order
    from orderkit.simulator.positions import Position

_BUY, _LIMIT = Side.BUY, OrderType.LIMIT
# A market BUY is margined at best ask × (1 + 0.05 %): Binance FAQ on the cost of opening a position.
_MARKET_BUY_MARKUP = SCALE + SCALE // 2000


def assumed_price(order: "Order") -> int:
    """The price at which the margin check values an order.

    LIMIT: its price. MARKET BUY: best ask × 1.0005. MARKET SELL: the higher of best bid and mark.
    """
    if order.type is _LIMIT:
        return order.price
    market = order.market
    if order.side is _BUY:
        return multiply(market.book.asks.best() or market.mark, _MARKET_BUY_MARKUP)
    return max(market.book.bids.best(), market.mark)


def check_affordable(order: "Order", quantity: int, price: int) -> None:
    """Refuse what the account cannot carry: -2027 beyond the leverage's largest position, -2019 margin.

    The order costs what it adds to the initial margin plus its open loss, the amount by which its price is
    worse than the mark. What can only shrink a position costs nothing.
    """
    position, mark = order.position, order.market.mark
    amount = position.amount
    held = mark * amount // SCALE if amount >= 0 else -(mark * -amount // SCALE)
    before = position.exposure(held)
    notional = price * quantity // SCALE
    if order.side is _BUY:
        exposure = abs(held + position.bid_notional + notional)
        worse = price - mark if mark else 0
    else:
        exposure = abs(held - position.ask_notional - notional)
        worse = mark - price
    if exposure <= before:
        return
    contract, leverage = order.market.contract, position.settings.leverage
    if exposure > contract.max_notional(leverage):
        raise refusal(-2027)
    cost = -(-exposure // leverage) + (-before // leverage)  # either margin is rounded up
    if worse > 0:
        cost += worse * quantity // SCALE
    if cost > order.account.available(contract.margin_asset):
        raise refusal(-2019)


def liquidation_price(account: "Account", position: "Position") -> int:
    """Where the margin of a position's asset would equal its maintenance margin; 0 where it never does.

    LP = (WB - TMM + UPNL + cum - side·q·EP) / (q·(MMR - side)), Binance FAQ b3c689c1f50a44cabb3a84e663b81d93,
    with the maintenance margin and unrealised profit of the asset's other cross positions (an isolated
    position has its own wallet and no others). The bracket is the one
    that holds the notional at the liquidation price, so brackets are tried until one confirms itself. In
    hedge mode the symbol's two legs are taken together, as the FAQ's long form does.
    """
    if position.amount == 0:
        return 0
    market = position.market
    legs = [
        p for s in PositionSide if (p := account.positions.get((market.symbol, s))) is not None and p.amount
    ]
    asset = market.contract.margin_asset
    if position.settings.isolated:
        legs = [position]
        base = position.isolated_wallet
    else:
        base = account.cross_wallet(asset)
        for other in account.positions_in(asset):
            if other.market is not market and not other.settings.isolated:
                base += other.unrealized - other.maintenance_margin
    # margin(LP) = base + Σ (amount·LP - signed cost); maintenance(LP) = Σ (|amount|·LP·ratio - cum)
    fixed_part = base - sum(leg.cost if leg.amount > 0 else -leg.cost for leg in legs)
    tiers = market.contract.tiers
    for tier in tiers:
        slope = sum(abs(leg.amount) * tier.ratio - leg.amount * SCALE for leg in legs)
        if slope == 0:
            continue
        price = (fixed_part + tier.cum * len(legs)) * SCALE * SCALE // slope
        if price > 0 and market.contract.tier_for(multiply(price, abs(position.amount))) is tier:
            return price
    return 0
