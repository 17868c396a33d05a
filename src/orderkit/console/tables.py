"""Tables and colours that the looking and acting commands share; they fit 80 columns."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from orderkit.console.terminal import console

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_SIDES = {"BUY": "green", "SELL": "red"}
_SHORT_TYPES = {"TAKE_PROFIT": "TP", "TAKE_PROFIT_MARKET": "TP_MARKET", "TRAILING_STOP_MARKET": "TRAILING"}


def table(*columns: str) -> "Table":
    """A plain table; a column whose name begins with ">" is aligned to the right."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=True)
    for name in columns:
        justify: Literal["left", "right"] = "right" if name.startswith(">") else "left"
        made.add_column(name.lstrip(">"), justify=justify, overflow="fold")
    return made


def facts(rows: Sequence[tuple[str, "str | Text"]]) -> "Table":
    """Names beside values."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(Text(f"  {name}", "dim"), Text(value) if isinstance(value, str) else value)
    return grid


def show(*parts: object) -> None:
    """Print on stdout."""
    out = console()
    for part in parts:
        out.print(part)


def text(words: str, style: str = "") -> "Text":
    """Words that are no markup."""
    from rich.text import Text

    return Text(words, style)


def gain(amount: str | None) -> "Text":
    """An amount, green where it is a gain and red where it is a loss."""
    if amount is None:
        return text("")
    value = Decimal(amount)
    return text(amount, "green" if value > 0 else "red" if value < 0 else "")


def side(name: str) -> "Text":
    return text(name, _SIDES.get(name, ""))


def status(name: str) -> "Text":
    """An order's or a job's status in its colour."""
    return text(name, _STATUSES.get(name, ""))


def short_type(name: str) -> str:
    """The long names of conditional types take too much of a line."""
    return _SHORT_TYPES.get(name, name)


def done_of(executed: str, quantity: str) -> str:
    """An order's quantity; what of it is executed before that, where it is a part."""
    return quantity if executed == quantity or not Decimal(executed) else f"{executed}/{quantity}"


def clock(at: str) -> str:
    """Day and time of an ISO 8601 time, without year and milliseconds."""
    return f"{at[5:10]} {at[11:19]}"


def duration(milliseconds: int) -> str:
    """Such as 850ms, 12s, 3m20s, 2h05m, 3d04h."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


_STATUSES = {
    "COMPLETED": "green",
    "PLANNED": "cyan",
    "FILLED": "green",
    "OPEN": "cyan",
    "NEW": "cyan",
    "RUNNING": "cyan",
    "PARTIALLY_FILLED": "yellow",
    "STOPPED": "yellow",
    "CANCELED": "yellow",
    "EXPIRED": "yellow",
    "EXPIRED_IN_MATCH": "yellow",
    "REJECTED": "red",
    "FAILED": "red",
    "UNKNOWN": "bold red",
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
}
