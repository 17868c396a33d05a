"""What the account holds, as far as an order's checks need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orderkit.domain.enums import PositionSide
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import Quote, VolumeBar

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Position:
    """One position; ``quantity`` is signed (short < 0), prices in quote asset.

    ``maintenance_margin`` and, 0 under cross margin, ``isolated_wallet`` in margin asset.
    """

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None = None
    maintenance_margin: Decimal = ZERO
    isolated_wallet: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Account:
    """Balances in margin asset (USDT), mode, and the settings of the symbols asked for.

    ``isolated``: those of them whose margin is isolated.
    """

    wallet_balance: Decimal
    available_balance: Decimal
    hedge_mode: bool
    positions: tuple[Position, ...] = ()
    leverage: Mapping[str, int] = field(default_factory=dict)
    isolated: frozenset[str] = frozenset()

    def position_quantity(self, symbol: str, position_side: PositionSide = PositionSide.BOTH) -> Decimal:
        """The signed quantity held; 0 where there is no position."""
        return sum(
            (p.quantity for p in self.positions if p.symbol == symbol and p.position_side is position_side),
            ZERO,
        )


@dataclass(frozen=True, slots=True)
class TradingSnapshot:
    """Everything the validation chain looks at, taken once before an order is sent.

    ``account`` is None where no check needs it (reading commands, tests of pure filters). ``volumes``: what
    traded in each of the earlier periods that the order type asked for.
    """

    instrument: Instrument
    quote: Quote
    mark_price: Decimal
    now_ms: int
    account: Account | None = None
    brackets: Sequence[Bracket] = ()
    taker_rate: Decimal = Decimal("0.0005")
    maker_rate: Decimal = Decimal("0.0002")
    volumes: Sequence[Sequence[VolumeBar]] = ()
