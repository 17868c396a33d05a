"""Where people read: the console, remarks, warnings, and an error in one line."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orderkit.console import invocation
from orderkit.errors import OrderKitError

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 1000  # a table is as wide as its data; what reads a pipe must not find it cut off


def console(*, stderr: bool = False) -> "Console":
    """A rich console of at most 100 columns; in a pipe without colour, at the width that data needs."""
    from rich.console import Console

    made = Console(
        stderr=stderr, highlight=False, soft_wrap=not (sys.stderr if stderr else sys.stdout).isatty()
    )
    made.width = min(made.width, 100) if made.is_terminal else PIPE_WIDTH
    return made


def say(text: str) -> None:
    """A remark for people: on stderr with --json, dropped with --quiet."""
    if not invocation.current.quiet:
        stream = sys.stderr if invocation.current.json else sys.stdout
        print(_wrapped(text) if stream.isatty() else text, file=stream)


def warn(text: str) -> None:
    """A warning for people, always on stderr."""
    _labelled("warning:", "yellow", text)


def print_warnings(warnings: Sequence[str]) -> None:
    for text in warnings:
        warn(text)


def print_error(error: OrderKitError) -> None:
    """One line that says what was wrong, one that says what to do."""
    code = f" ({error.code})" if error.code is not None else ""
    _labelled("error:", "red", f"{error.message}{code}")
    if error.hint:
        _labelled("hint:", "dim", f" {error.hint}")


def _wrapped(text: str) -> str:
    """Broken between words, where a terminal would break within them."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, 100)
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def _labelled(label: str, style: str, words: str) -> None:
    from rich.text import Text

    console(stderr=True).print(Text.assemble((label, style), f" {words}"))
