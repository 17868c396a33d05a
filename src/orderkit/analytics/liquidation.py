"""Where a position would be liquidated once planned orders have filled."""

from collections.abc import Iterable
from decimal import Decimal

from orderkit.domain.account import Account, Position, TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.margin import bracket_for

ZERO = Decimal(0)
DEFAULT_LEVERAGE = 20  # the exchange's setting for a symbol whose leverage was never changed


class _After:
    """One leg of a symbol as orders fill: signed quantity, entry price, and what the wallet gained by it."""

    def __init__(self, held: Position | None) -> None:
        self.quantity = held.quantity if held else ZERO
        self.entry = held.entry_price if held else ZERO
        self.isolated_wallet = held.isolated_wallet if held else ZERO
        self.realised = ZERO

    def fill(self, change: Decimal, price: Decimal, leverage: int) -> None:
        """``change`` is signed. What closes realises profit, what opens moves the entry price."""
        closing = ZERO
        if self.quantity * change < 0:
            closing = min(abs(self.quantity), abs(change))
            sign = 1 if self.quantity > 0 else -1
            self.realised += closing * (price - self.entry) * sign
            self.isolated_wallet -= self.isolated_wallet * closing / abs(self.quantity)
            self.quantity -= closing * sign
        opening = change + closing if change < 0 else change - closing
        if opening:
            total = self.quantity + opening
            self.entry = (self.quantity * self.entry + opening * price) / total
            self.quantity = total
            self.isolated_wallet += abs(opening) * price / leverage


def liquidation_price(
    side: Side,
    fills: Iterable[tuple[Decimal, Decimal]],
    snapshot: TradingSnapshot,
    position_side: PositionSide = PositionSide.BOTH,
) -> Decimal | None:
    """The mark price at which the position is liquidated when ``fills`` (quantity, price) of ``side`` are in.

    LP = (WB - TMM + UPNL + cum - side·q·EP) / (q·(MMR - side)), Binance FAQ b3c689c1f50a44cabb3a84e663b81d93:
    cross margin counts the wallet and what other positions hold and need, isolated margin the position's own.
    The bracket must be the one that holds the notional at that price. Fees count as taker's; nothing else
    moves meanwhile. None where there is no such price, no position is left, or the account is not known.
    """
    account, symbol = snapshot.account, snapshot.instrument.symbol
    if account is None or not snapshot.brackets:
        return None
    leverage = account.leverage.get(symbol, DEFAULT_LEVERAGE)
    held = {p.position_side: p for p in account.positions if p.symbol == symbol}
    legs = {key: _After(position) for key, position in held.items()}
    leg = legs.setdefault(position_side, _After(None))
    fees = ZERO
    for quantity, price in fills:
        leg.fill(quantity * side.sign, price, leverage)
        fees += quantity * price * snapshot.taker_rate
    if not leg.quantity:
        return None
    if symbol in account.isolated:
        counted, base = [leg], leg.isolated_wallet
    else:
        counted = [other for other in legs.values() if other.quantity]
        base = _cross_margin(account, symbol) + leg.realised - fees
    fixed = base - sum((other.quantity * other.entry for other in counted), ZERO)
    for row in snapshot.brackets:
        slope = sum(
            (abs(other.quantity) * row.maint_margin_ratio - other.quantity for other in counted), ZERO
        )
        if not slope:
            continue
        price = (fixed + row.cum * len(counted)) / slope
        if price > 0 and bracket_for(snapshot.brackets, leg.quantity * price) is row:
            return price
    return None


def _cross_margin(account: Account, symbol: str) -> Decimal:
    """Cross wallet, with the unrealised profit and less the maintenance margin of other cross positions."""
    margin = account.wallet_balance
    for position in account.positions:
        margin -= position.isolated_wallet
        if position.symbol != symbol and not position.isolated_wallet:
            margin += position.unrealized_pnl - position.maintenance_margin
    return margin
