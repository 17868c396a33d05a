"""Wallet changes that no fill makes: transfers, funding, insurance. Each is booked, remembered and told."""

from typing import TYPE_CHECKING

from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.statements import IncomeType, IncomeView
from orderkit.simulator.types import AccountUpdateReason

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.positions import Position
    from orderkit.simulator.tape import Tape


def book(
    tape: "Tape",
    account: "Account",
    income_type: IncomeType,
    reason: AccountUpdateReason,
    asset: str,
    amount: int,
    *,
    symbol: str = "",
    changed: "tuple[Position, ...]" = (),
) -> None:
    """Add a signed amount to a wallet, enter it in the income history and emit an AccountUpdate.

    What enters or leaves as INSURANCE_CLEAR is the insurance fund's loss or gain.
    """
    account.wallets[asset] = account.wallets.get(asset, 0) + amount
    if income_type is IncomeType.INSURANCE_CLEAR:
        tape.insurance[asset] = tape.insurance.get(asset, 0) - amount
    income = IncomeView(
        tape.take_transaction_id(), symbol, income_type, to_decimal(amount), asset, tape.now_ms
    )
    account.ledger.append(income)
    tape.income_booked(account, income)
    tape.account_changed(account, reason, asset, changed, amount)
