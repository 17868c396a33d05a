"""What an account can look up about its money: income, margin moved, funding, rates, its place in ADL."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from orderkit.domain.enums import PositionSide


class IncomeType(StrEnum):
    """Field ``incomeType`` of GET income: the kinds that arise here."""

    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


class IncomeView(msgspec.Struct, frozen=True, gc=False):
    """One change of a wallet (GET income). ``amount`` is signed, in ``asset``.

    ``symbol`` is "" for transfers; ``trade_id`` is 0 where no trade caused it. ``transaction_id`` is unique
    per account and income type.
    """

    transaction_id: int
    symbol: str
    income_type: IncomeType
    amount: Decimal
    asset: str
    time_ms: int
    trade_id: int = 0


class MarginChange(msgspec.Struct, frozen=True, gc=False):
    """Margin added to (``added``, type 1) or taken from (type 2) an isolated position; ``amount`` > 0."""

    change_id: int
    symbol: str
    position_side: PositionSide
    added: bool
    amount: Decimal
    asset: str
    time_ms: int


class FundingSettlement(msgspec.Struct, frozen=True, gc=False):
    """One settlement of a symbol's funding (an element of GET fundingRate)."""

    symbol: str
    rate: Decimal
    mark_price: Decimal
    time_ms: int


class AdlQuantile(msgspec.Struct, frozen=True, gc=False):
    """A symbol's place in the auto-deleveraging queue per position side, 0 (last) to 4 (first)."""

    symbol: str
    quantiles: dict[PositionSide, int]


class CommissionRates(msgspec.Struct, frozen=True, gc=False):
    """What an account pays per notional: 0.0005 is 5 basis points."""

    symbol: str
    maker: Decimal
    taker: Decimal
