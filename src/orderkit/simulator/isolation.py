"""Moving margin into and out of an isolated position (POST positionMargin)."""

from orderkit.simulator.errors import refusal
from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.positions import Position
from orderkit.simulator.statements import MarginChange
from orderkit.simulator.types import AccountUpdateReason


def change_margin(position: Position, amount: int, *, add: bool) -> None:
    """Move a fixed-point amount: -4055 not positive, -4049 not isolated, -4054 no position, -4050, -4051.

    What an isolated position can spare is its margin, not counting profits, beyond its initial margin at
    the mark price.
    """
    account, market = position.account, position.market
    tape, asset = market.tape, market.contract.margin_asset
    if amount <= 0:
        raise refusal(-4055)
    if not position.settings.isolated:
        raise refusal(-4049)
    if position.amount == 0:
        raise refusal(-4054)
    if add and amount > account.available(asset):
        raise refusal(-4050)
    spare = position.isolated_wallet + min(0, position.unrealized) - position.position_margin
    if not add and amount > spare:
        raise refusal(-4051)
    position.isolated_wallet += amount if add else -amount
    position.update_time_ms = tape.now_ms
    change = MarginChange(
        tape.take_transaction_id(), market.symbol, position.side, add, to_decimal(amount), asset, tape.now_ms
    )
    account.margin_changes.append(change)
    tape.margin_moved(account, change)
    tape.account_changed(account, AccountUpdateReason.MARGIN_TRANSFER, asset, (position,))
