"""The command-line options that say how slices are worked, where several order types have them."""

from typing import Annotated

import typer

from orderkit.console import options
from orderkit.orders.pacing import Pacing, read_style
from orderkit.utils import parse_decimal

SCHEDULE, STYLE = "Schedule", "Style"

StartAt = Annotated[
    str | None,
    typer.Option(
        "--start-at",
        metavar="TIME",
        help="When the first slice is due: 2026-12-24T18:00:00Z, or 10m from now.",
        rich_help_panel=SCHEDULE,
    ),
]
StyleOption = Annotated[
    str,
    typer.Option(
        "--style",
        metavar="STYLE",
        help="taking, or limits that wait: tick-better, passive (joins the best price).",
        rich_help_panel=STYLE,
    ),
]
NoCross = Annotated[
    bool,
    typer.Option("--no-cross", help="Never take, not even with the last slice.", rich_help_panel=STYLE),
]
MaxParticipation = Annotated[
    str | None,
    typer.Option(
        "--max-participation",
        metavar="PERCENT",
        help="A slice is at most so much of what the market traded since the last one: 10%.",
        rich_help_panel=STYLE,
    ),
]


def pacing_of(
    style: str, no_cross: bool, limit_price: str | None, max_participation: str | None, start_at: str | None
) -> Pacing:
    """The pacing as far as these words say it.

    Raises:
        UsageError: one of them cannot be read.
        ValidationError: the limit price is no price.
    """
    from orderkit.console.durations import parse_time_ms

    return Pacing(
        style=read_style(style, "--style"),
        no_cross=no_cross,
        limit_price=options.given(parse_decimal, limit_price, "limit price"),
        max_participation=options.given(options.share, max_participation, "--max-participation"),
        start_at_ms=options.given(parse_time_ms, start_at, "--start-at"),
    )
