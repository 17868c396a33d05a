"""How slices are worked: how aggressively, under which conditions, within which bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from orderkit.errors import UsageError
from orderkit.orders.conditions import StopWhen, Trigger


class Style(StrEnum):
    """How a slice's order meets the market, the most patient first."""

    PASSIVE = "passive"  # joins the best price of our side
    TICK_BETTER = "tick-better"  # one tick better than it, never crossing
    TAKING = "taking"  # takes what the other side offers


LADDER = (Style.PASSIVE, Style.TICK_BETTER, Style.TAKING)


@dataclass(frozen=True, slots=True)
class Pacing:
    """``escalate_after``: so many unfilled slices in a row make the next one a step more aggressive.

    ``no_cross``: never take, not even with the last slice. ``limit_price``: wait while the market is worse.
    A slice is at most ``max_slice_multiplier`` times the usual one to make up for others, without
    ``catch_up`` it makes up for none; at most the share ``max_participation`` of what traded since the last.
    Nothing is sent while the mid price moved more than ``volatility_bps`` within a minute, before
    ``start_at_ms`` (UTC), or while ``trigger`` does not hold; ``stop_when`` ends the job. ``overtime_ms``:
    how long after the schedule's end what is left is worked; None until it is done.
    """

    style: Style = Style.TAKING
    escalate_after: int | None = None
    no_cross: bool = False
    limit_price: Decimal | None = None
    max_slice_multiplier: Decimal = Decimal(2)
    catch_up: bool = True
    max_participation: Decimal | None = None
    volatility_bps: Decimal | None = None
    start_at_ms: int | None = None
    trigger: Trigger | None = None
    stop_when: StopWhen | None = None
    overtime_ms: int | None = None
    leverage: int | None = None

    def began_ns(self, started_ns: int, first_order_ms: int | None) -> int | None:
        """When the time of a job began that started then: at the start, or with a trigger at the first order.

        None where the trigger has not let an order out yet.
        """
        if self.trigger is not None:
            return None if first_order_ms is None else first_order_ms * 1_000_000
        return max(started_ns, (self.start_at_ms or 0) * 1_000_000)

    def amended(self, changes: Mapping[str, str]) -> "Pacing":
        """With another ``limit_price`` ("none" lifts it) or ``style``."""
        fields: dict[str, Any] = {}
        if "limit_price" in changes:
            price = changes["limit_price"]
            fields["limit_price"] = None if price == "none" else Decimal(price)
        if "style" in changes:
            fields["style"] = Style(changes["style"])
        return replace(self, **fields)

    def check(self) -> None:
        """Whether the options go together.

        Raises:
            UsageError: they do not.
        """
        if self.style is Style.TAKING and (self.no_cross or self.escalate_after is not None):
            raise UsageError(
                "--no-cross and --escalate-after need slices that wait",
                hint="add --style passive or --style tick-better",
            )
        if self.max_slice_multiplier < 1:
            raise UsageError("--max-slice-multiplier must be at least 1", hint="the usual slice is 1")


def read_style(text: str, name: str) -> Style:
    """Raises UsageError: no such style."""
    try:
        return Style(text.strip().lower())
    except ValueError:
        accepted = ", ".join(style.value for style in reversed(LADDER))
        raise UsageError(f"{name} {text!r} is not known", hint=f"one of {accepted}") from None
