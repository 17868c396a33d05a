"""How this process was called, as far as its output depends on it."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO


@dataclass(slots=True)
class Invocation:
    """``json``: stdout is for scripts, and people read stderr; ``events``: lines before the document.

    ``environment`` once it is known.
    """

    json: bool = False
    events: bool = False
    quiet: bool = False
    environment: str | None = None


current = Invocation()


def begin(arguments: list[str]) -> None:
    """Start anew for a command line; ``--json`` counts even where the rest of the line is not understood."""
    current.json = "--json" in arguments or "--events" in arguments
    current.events = False
    current.quiet = False
    current.environment = None


def to_terminal() -> bool:
    """True where people read along live."""
    return sys.stderr.isatty() if current.json else sys.stdout.isatty()


@contextlib.contextmanager
def reader_may_leave(stream: TextIO) -> Iterator[None]:
    """Whoever reads our pipe may close it (``| head``): what follows goes nowhere, and the work goes on."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
