"""The simulated exchange's own words: refusals, what happened to an order, why a balance changed."""

from enum import IntEnum, StrEnum


class ExchangeError(Exception):
    """A refusal with Binance's own code and text; nothing was changed by the refused request."""

    def __init__(self, code: int, message: str, http_status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status


class ExecutionType(StrEnum):
    """Field ``x`` of ORDER_TRADE_UPDATE."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"
    CALCULATED = "CALCULATED"  # an execution of a liquidation order


class ExpireReason(IntEnum):
    """Field ``er`` of ORDER_TRADE_UPDATE."""

    NONE = 0
    SELF_TRADE = 1
    IOC_REMAINDER = 2
    IOC_SELF_TRADE = 3
    REDUCE_ONLY_PRIORITY = 4
    LIQUIDATION = 5
    MARKET_REMAINDER = 9


class AlgoStatus(StrEnum):
    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        """True until the order triggers or ends: what openAlgoOrders lists."""
        return self is AlgoStatus.NEW


class AccountUpdateReason(StrEnum):
    """Field ``m`` of ACCOUNT_UPDATE."""

    ORDER = "ORDER"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"
