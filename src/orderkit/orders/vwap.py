"""VWAP: a quantity in slices at fixed times, as large as the market's volume of that time of day suggests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Period
from orderkit.errors import UsageError, ValidationError
from orderkit.orders.child import child_order, smallest_child
from orderkit.orders.pacing import Pacing
from orderkit.orders.schedule import Schedule, folded, weighted
from orderkit.orders.slice_options import (
    SCHEDULE,
    STYLE,
    MaxParticipation,
    NoCross,
    StartAt,
    StyleOption,
    pacing_of,
)
from orderkit.orders.sliced import SlicedExecutor
from orderkit.orders.volume_profile import DAY_MS, periods, weights
from orderkit.utils import (
    parse_decimal,
    validate_parent_quantity,
    validate_side,
    validate_sliced_order,
)

MOST_DAYS = 30
MOST_SLICES = 1_000


@dataclass(frozen=True, slots=True)
class VWAPRequest:
    """``quantity`` over ``slices`` × ``interval_ms``, in proportion to ``weights``, the mean of ``days``.

    ``weights`` and ``smallest`` (base asset, the least that a slice may have) are worked out when the job
    begins, and kept: a resumed job has the same schedule.
    """

    symbol: str
    side: Side
    quantity: Decimal
    slices: int
    interval_ms: int
    days: int = 7
    weights: tuple[Decimal, ...] = ()
    smallest: Decimal = Decimal(0)
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    pacing: Pacing = field(default_factory=Pacing)

    @property
    def duration_ms(self) -> int:
        return self.slices * self.interval_ms

    def amended(self, changes: Mapping[str, str]) -> "VWAPRequest":
        """With another whole quantity, limit price or style; another duration changes the schedule alone."""
        quantity = Decimal(changes.get("quantity", self.quantity))
        return replace(self, quantity=quantity, pacing=self.pacing.amended(changes))


class VWAPExecutor(SlicedExecutor[VWAPRequest]):
    """Slices that differ: what the days before traded at this time of day says how much.

    Slices that the exchange would not take go with the next one. Without any history they are equal.
    """

    kind: ClassVar[str] = "vwap"

    def planned(self, job_id: str) -> Schedule:
        del job_id
        request = self.request
        shares = request.weights or (Decimal(1),) * request.slices
        return folded(weighted(request.quantity, shares, request.interval_ms, self._cut), request.smallest)

    def volume_periods(self, now_ms: int) -> Sequence[Period]:
        """The time of day that this job covers, on the days before."""
        request = self.request
        start_ms = request.pacing.start_at_ms or now_ms
        return periods(max(start_ms, now_ms), request.duration_ms, request.days)

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request, instrument = self.request, self.instrument
        if not 0 < request.duration_ms <= DAY_MS:
            raise ValidationError(
                f"DURATION: {request.duration_ms / 3_600_000:g} hours; accepted: a day at most",
                rule="DURATION",
                hint="Use a shorter --duration.",
            )
        total = validate_parent_quantity(request.quantity, instrument, rounding=rounding)
        smallest = smallest_child(request, snapshot.mark_price, instrument, market=True)
        start_ms = max(request.pacing.start_at_ms or 0, snapshot.now_ms)
        shares = weights(snapshot.volumes, start_ms, request.interval_ms, request.slices)
        pacing = self.bounded(request.pacing, rounding=rounding)
        self.request = replace(
            request, quantity=total, smallest=smallest, weights=shares or (), pacing=pacing
        )
        self.slices = self.planned("").quantities
        validate_sliced_order(child_order(request, total), self.slices, snapshot)
        warnings = self.warnings(snapshot)
        if shares is None:
            warnings.append(
                "there is no volume of the days before to go by: the slices are equal, as a TWAP's"
            )
        return warnings

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        del snapshot
        request, unit = self.request, self.instrument.base_asset
        known = f"by the volume of {request.days} days" if request.weights else "equal"
        return [
            f"{len(self.slices)} slices of {min(self.slices)} to {max(self.slices)} {unit}, {known},"
            f" over {request.duration_ms / 1000:g} s"
        ]


def vwap(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    duration: Annotated[
        str,
        typer.Option(
            "--duration",
            metavar="DURATION",
            help="Time for all slices together, up to a day.",
            rich_help_panel=SCHEDULE,
        ),
    ] = "1h",
    slices: Annotated[
        int,
        typer.Option(
            "--slices", "-n", min=1, max=MOST_SLICES, help="Number of slices.", rich_help_panel=SCHEDULE
        ),
    ] = 12,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            min=1,
            max=MOST_DAYS,
            help="How many days before make the profile.",
            rich_help_panel=SCHEDULE,
        ),
    ] = 7,
    start_at: StartAt = None,
    style: StyleOption = "taking",
    no_cross: NoCross = False,
    limit_price: Annotated[
        str | None,
        typer.Option(
            "--limit-price",
            metavar="PRICE",
            help="Wait while the market is worse than this.",
            rich_help_panel=STYLE,
        ),
    ] = None,
    max_participation: MaxParticipation = None,
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    *,
    run: options.RunOptions,
) -> None:
    """Work a quantity in slices as large as the market's volume of that time of day suggests (VWAP).

    Examples:

      bot.py vwap BTCUSDT BUY 2 --duration 2h --slices 24

      bot.py vwap ETHUSDT SELL 12 --duration 30m --days 14 --style passive --json
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    interval_ms = parse_duration_ms(duration, "--duration") // slices
    if interval_ms == 0:
        raise UsageError(f"--duration {duration} is too short for {slices} slices", hint="use fewer slices")
    pacing = pacing_of(style, no_cross, limit_price, max_participation, start_at)
    pacing.check()
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> VWAPExecutor:
        request = VWAPRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            slices=slices,
            interval_ms=interval_ms,
            days=days,
            position_side=hedge_side,
            reduce_only=reduce_only,
            pacing=pacing,
        )
        return VWAPExecutor(request, instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(vwap)
