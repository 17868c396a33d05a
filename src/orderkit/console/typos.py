"""The nearest command or option to one that does not exist."""

import re
from typing import Any

_SUGGESTIONS = re.compile(r"\.? (Did you mean .*\?|\(Possible options?: .*\))$")
_UNKNOWN = re.compile(r"No such (command|option):? '?([^' ]+?)'?\.?$")


def without_suggestions(message: str) -> str:
    """Typer's complaint alone: its list of guesses becomes one in the hint."""
    return _SUGGESTIONS.sub("", message)


def nearest(message: str, context: Any) -> str | None:
    """What was meant by the unknown command or option that ``message`` names; None where nothing is near.

    A command that begins as what was typed comes before one that merely looks alike.
    """
    found = _UNKNOWN.search(message)
    if found is None or context is None:
        return None
    import difflib

    kind, typed = found[1], found[2]
    if kind == "command":
        known = list(getattr(context.command, "commands", ()))
    else:
        known = [opt for parameter in context.command.params for opt in parameter.opts if opt[:2] == "--"]
    begun = [name for name in known if name.startswith(typed)]
    near = begun[:1] or difflib.get_close_matches(typed, known, n=1, cutoff=0.5)
    return near[0] if near else None
