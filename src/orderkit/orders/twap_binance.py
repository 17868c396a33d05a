"""A TWAP that Binance itself slices: one parent, handed over, watched to its end, ended with the job."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import Environment, OrderType, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import OrderRequest
from orderkit.errors import ValidationError
from orderkit.orders.executor import OPEN_END
from orderkit.orders.single import SingleOrderExecutor, SingleRequest
from orderkit.utils import validate_parent_quantity, validate_sliced_order

# Binance, "Time-Weighted Average Price New Order": 300 to 86,400 s, 1,000 to 1,000,000 USDT, a minute's share
# above the minimum quantity.
SHORTEST_S, LONGEST_S = 300, 86_400
LEAST, MOST = Decimal(1_000), Decimal(1_000_000)


class BinanceTWAPExecutor(SingleOrderExecutor):
    """The job lives as long as the parent: a stop or Ctrl-C cancels it, after a kill `resume` finds it."""

    kind: ClassVar[str] = "twap-binance"
    duration_ms = OPEN_END

    @property
    def uses_user_stream(self) -> bool:
        """The stream tells of the exchange's slices, whose ids are not ours: the parent is asked after."""
        return False

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        order, instrument = self.request.order, snapshot.instrument
        quantity = validate_parent_quantity(self.request.quantity, instrument, rounding=rounding)
        order = replace(order, quantity=quantity)
        self.request = replace(self.request, order=order)
        seconds = order.duration_s or 0
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise _refused(f"{seconds} s", f"durations from {SHORTEST_S} to {LONGEST_S} s")
        notional = quantity * snapshot.mark_price
        if not LEAST < notional < MOST:
            raise _refused(
                f"a value of {notional:.2f} {instrument.quote_asset}",
                f"more than {LEAST} and less than {MOST}",
            )
        minute, least = quantity * 60 / seconds, instrument.lot_size.min_quantity
        if minute <= least:
            raise _refused(f"{minute:f} {instrument.base_asset} a minute", f"more than {least}")
        validate_sliced_order(order, [], snapshot)
        return []


def parent_of(
    side: Side,
    quantity: Decimal,
    duration_s: int,
    limit_price: Decimal | None,
    position_side: PositionSide,
    reduce_only: bool,
) -> Callable[[Instrument], BinanceTWAPExecutor]:
    """What makes the one order that Binance slices, once the contract is known."""

    def build(instrument: Instrument) -> BinanceTWAPExecutor:
        order = OrderRequest(
            symbol=instrument.symbol,
            side=side,
            type=OrderType.TWAP,
            quantity=quantity,
            price=limit_price,
            position_side=position_side,
            reduce_only=reduce_only,
            duration_s=duration_s,
        )
        return BinanceTWAPExecutor(SingleRequest(order, wait=True, cancel_on_exit=True), instrument)

    return build


def check_environment(environment: Environment) -> None:
    """Binance's algo orders exist on the live exchange alone.

    Raises:
        ValidationError: another environment.
    """
    if environment is not Environment.LIVE:
        raise ValidationError(
            f"ENGINE: Binance's own TWAP works on the live exchange only, this is {environment}; accepted:"
            " --engine orderkit",
            rule="ENGINE",
            hint="Leave out --engine: the same command then works slices of its own.",
        )


def _refused(what: str, accepted: str) -> ValidationError:
    return ValidationError(
        f"ENGINE: Binance's own TWAP does not take {what}; accepted: {accepted}",
        rule="ENGINE",
        hint="Change it, or leave out --engine: orderkit's own slices have no such limits.",
    )
