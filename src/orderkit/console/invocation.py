"""How this process was called, as far as its output depends on it."""

import sys
from dataclasses import dataclass


@dataclass(slots=True)
class Invocation:
    """``json``: one document on stdout and nothing else there. ``environment`` once it is known."""

    json: bool = False
    quiet: bool = False
    environment: str | None = None


current = Invocation()


def begin(arguments: list[str]) -> None:
    """Start anew for a command line; ``--json`` counts even where the rest of the line is not understood."""
    current.json = "--json" in arguments
    current.quiet = False
    current.environment = None


def to_terminal() -> bool:
    """True where people read along live."""
    return sys.stderr.isatty() if current.json else sys.stdout.isatty()
