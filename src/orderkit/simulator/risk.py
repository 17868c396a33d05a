"""Margin calls and liquidation, reviewed whenever a mark price moved or an account's margin changed.

Sources: Binance FAQ 360033525271 (liquidation protocol: all open orders are cancelled first, liquidation
orders are immediate-or-cancel down to the bankruptcy price, the insurance fund takes over what is left and
brings a negative wallet back to zero, an insurance clearance fee is charged on what was liquidated) and
b3c689c1f50a44cabb3a84e663b81d93 (liquidation at a margin ratio of 100 % at the mark price).

Chosen here, because Binance does not publish it: a position is closed whole, not bracket by bracket; of
several cross positions the one with the largest maintenance margin goes first and the rest stay if that was
enough; the fee is the contract's ``liquidationFee`` on the liquidated notional, as far as margin is left; the
margin call comes at a margin ratio of 80 %, once, and again after the ratio was below that.
"""

from collections.abc import Callable

from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.simulator import ledger, matching, settlement
from orderkit.simulator.accounts import Account
from orderkit.simulator.fixed import SCALE, multiply, to_decimal
from orderkit.simulator.market import Market
from orderkit.simulator.orders import Order
from orderkit.simulator.positions import Position
from orderkit.simulator.statements import IncomeType
from orderkit.simulator.tape import Tape
from orderkit.simulator.types import (
    AccountUpdateReason,
    AlgoStatus,
    ExecutionType,
    ExpireReason,
    MarginCall,
    MarginCallPosition,
)

_CALL_PERCENT = 80


def review(market: Market) -> list[Market]:
    """Review every account that the market's mark or fills touched; returns the markets that were traded in.

    Liquidations touch further accounts (the makers), so this goes on until nobody is touched.
    """
    if market.mark != market.reviewed_mark:
        market.reviewed_mark = market.mark
        for position in market.holders:
            market.touched[position.account] = None
    traded: dict[Market, None] = {}
    while market.touched:
        account, _ = market.touched.popitem()
        for closed in _review_account(account, market):
            traded[closed] = None
    return list(traded)


def _review_account(account: Account, market: Market) -> list[Market]:
    asset = market.contract.margin_asset
    margin = account.wallets.get(asset, 0)
    required = 0
    cross: list[Position] = []
    due: list[Position] = []
    for position in account.positions.values():
        contract = position.market.contract
        if contract.margin_asset != asset:
            continue
        margin -= position.isolated_wallet
        amount = position.amount
        if amount == 0:
            continue
        if position.settings.isolated:
            if _isolated_is_due(position):
                due.append(position)
        else:
            cross.append(position)
            size = position.market.mark * abs(amount) // SCALE
            margin += size - position.cost if amount > 0 else position.cost - size
            required += contract.maintenance_margin(size)
    traded = list(map(_liquidate_isolated, due))
    if cross:
        if required >= margin:
            traded += _liquidate_cross(account, asset, cross)
        elif required * 100 >= margin * _CALL_PERCENT:
            if asset not in account.called:
                account.called.add(asset)
                _call(account, cross, account.cross_wallet(asset))
        elif account.called:
            account.called.discard(asset)
    if account.wallets.get(asset, 0) < 0:
        _cover(account, asset, market.tape)
    return traded


def _isolated_is_due(position: Position) -> bool:
    margin = position.isolated_wallet + position.unrealized
    required = position.maintenance_margin
    if required >= margin:
        return True
    near = required * 100 >= margin * _CALL_PERCENT
    if near and not position.called:
        _call(position.account, [position], None)
    position.called = near
    return False


def _call(account: Account, positions: list[Position], cross_wallet: int | None) -> None:
    tape = positions[0].market.tape
    called = tuple(
        MarginCallPosition(
            p.market.symbol,
            p.side,
            p.market.contract.quantities[p.amount],
            p.settings.isolated,
            to_decimal(p.isolated_wallet),
            to_decimal(p.market.mark),
            to_decimal(p.unrealized),
            to_decimal(p.maintenance_margin),
        )
        for p in positions
    )
    wallet = None if cross_wallet is None else to_decimal(cross_wallet)
    tape.events.append(MarginCall(account.account_id, tape.now_ms, wallet, called))


def _liquidate_isolated(position: Position) -> Market:
    """Close an isolated position; neither its loss nor its fee goes beyond its isolated wallet."""
    account, market = position.account, position.market
    asset = market.contract.margin_asset
    _expire_open_orders(account, lambda other: other is market)
    backing = position.isolated_wallet
    before = account.wallets[asset]
    order = _close(position, backing)
    left = backing + account.wallets[asset] - before
    _clear(account, market.tape, asset, -_fee(order, left) if left > 0 else -left, market.symbol)
    return market


def _liquidate_cross(account: Account, asset: str, cross: list[Position]) -> list[Market]:
    """Close cross positions until the others are covered."""
    _expire_open_orders(
        account,
        lambda market: market.contract.margin_asset == asset and not account.settings_for(market).isolated,
    )
    traded: list[Market] = []
    waiting = sorted(cross, key=lambda p: p.maintenance_margin, reverse=True)
    while waiting:
        position = waiting.pop(0)
        others = sum(p.unrealized for p in waiting)
        order = _close(position, account.cross_wallet(asset) + others)
        traded.append(position.market)
        left = account.cross_wallet(asset) + others
        if left > 0:
            fee = _fee(order, left)
            _clear(account, position.market.tape, asset, -fee, position.market.symbol)
        margin = account.cross_wallet(asset) + others
        if sum(p.maintenance_margin for p in waiting) < margin:
            break
    account.called.discard(asset)
    return traded


def _cover(account: Account, asset: str, tape: Tape) -> None:
    """Bring a negative wallet back to zero once no cross position's profit stands against it."""
    for position in account.positions_in(asset):
        if position.amount and not position.settings.isolated:
            return
    _clear(account, tape, asset, -account.wallets[asset])


def _close(position: Position, backing: int) -> Order:
    """Close a position at its bankruptcy price or better; the insurance fund takes over the rest there."""
    account, market = position.account, position.market
    tape = market.tape
    side = Side.SELL if position.amount > 0 else Side.BUY
    order = Order(
        account,
        market,
        position,
        side,
        OrderType.LIMIT,
        f"autoclose-{tape.now_ms}{tape.next_order_id % 1_000_000:06d}",
        abs(position.amount),
        _bankruptcy_price(position, backing),
        TimeInForce.IOC,
    )
    order.closing = order.liquidation = True
    order.order_id = tape.take_order_id()
    order.time_ms = tape.now_ms
    account.adopt(order)
    tape.order_changed(order, ExecutionType.NEW)
    matching.take(order)
    if order.is_open:
        settlement.fill(order, order.price, order.remaining, market.take_trade_id(), maker=False, free=True)
    assert order.status is OrderStatus.FILLED
    return order


def _bankruptcy_price(position: Position, backing: int) -> int:
    """Where closing would use up exactly ``backing``, rounded to the tick in the account's favour."""
    amount = position.amount
    cost = position.cost if amount > 0 else -position.cost
    price = (cost - backing) * SCALE // amount
    tick = position.market.contract.tick or position.market.contract.price_unit
    rounded = -(-price // tick) * tick if amount > 0 else price // tick * tick
    return max(rounded, tick)


def _fee(order: Order, left: int) -> int:
    """The insurance clearance fee: ``liquidationFee`` of the liquidated notional, at most what is left."""
    return min(multiply(order.market.contract.liquidation_fee, order.quote), left)


def _clear(account: Account, tape: Tape, asset: str, amount: int, symbol: str = "") -> None:
    if amount:
        income, reason = IncomeType.INSURANCE_CLEAR, AccountUpdateReason.INSURANCE_CLEAR
        ledger.book(tape, account, income, reason, asset, amount, symbol=symbol)


def _expire_open_orders(account: Account, concerns: Callable[[Market], bool]) -> None:
    """Expire (er 5) the open orders, and the conditional ones, of the markets concerned."""
    for order in [o for o in account.all_open_orders() if concerns(o.market)]:
        settlement.expire(order, ExpireReason.LIQUIDATION)
    for algo in [a for a in account.open_algos.values() if concerns(a.market)]:
        algo.end(AlgoStatus.EXPIRED)
