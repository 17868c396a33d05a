"""Funding: what every open position of a symbol pays or receives at 00:00, 08:00 and 16:00 UTC.

Payment = |amount| × mark price × rate; longs pay shorts while the rate is positive (FAQ 360033525031).
The mark price is the one in force at the settlement, the rate the last MarkPrice's. Symbols with another
interval (fundingInfo's 4 hours) are settled every 8 hours like the rest.
"""

from orderkit.simulator import ledger
from orderkit.simulator.fixed import SCALE, to_decimal
from orderkit.simulator.market import Market
from orderkit.simulator.statements import FundingSettlement, IncomeType
from orderkit.simulator.types import AccountUpdateReason

INTERVAL_MS = 8 * 3600 * 1000


def next_settlement_ms(now_ms: int) -> int:
    """The first settlement after ``now_ms``."""
    return (now_ms // INTERVAL_MS + 1) * INTERVAL_MS


def settle(market: Market, rate: int) -> FundingSettlement:
    """Let all positions pay or receive at a rate in units of 1e-8; amounts are cut to 8 decimals.

    A cross position's funding moves the wallet only, and only the balance is told; an isolated one's moves
    its isolated wallet too, and the position is told with the balance (docs of ACCOUNT_UPDATE).
    """
    tape, asset = market.tape, market.contract.margin_asset
    for position in list(market.holders):
        size = abs(position.notional) * abs(rate) // SCALE
        if size == 0:
            continue
        amount = -size if (position.amount > 0) == (rate > 0) else size
        isolated = position.settings.isolated
        if isolated:
            position.isolated_wallet += amount
            position.update_time_ms = tape.now_ms
        ledger.book(
            tape,
            position.account,
            IncomeType.FUNDING_FEE,
            AccountUpdateReason.FUNDING_FEE,
            asset,
            amount,
            symbol=market.symbol,
            changed=(position,) if isolated else (),
        )
        market.touched[position.account] = None
    settlement = FundingSettlement(market.symbol, to_decimal(rate), to_decimal(market.mark), tape.now_ms)
    market.fundings.append(settlement)
    tape.funding_settled(settlement)
    return settlement
