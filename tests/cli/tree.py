"""The commands that bot.py offers: their names, options and help, and what a line of words means to them."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from orderkit.cli import app


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


# By all the words that call it, such as ``paper start``.
COMMANDS: dict[str, Any] = dict(_commands(typer.main.get_command(app)))


def options_of(name: str) -> set[str]:
    return {option for parameter in COMMANDS[name].params for option in parameter.opts}


ORDERS = [name for name in COMMANDS if "--plan" in options_of(name)]


def parsed(line: str) -> Any:
    """The command that ``line`` names, having taken the rest of the line; raises Typer's complaint."""
    words = line.split()
    length = 1 if words[0] in COMMANDS else 2
    name = " ".join(words[:length])
    return COMMANDS[name].make_context(name, words[length:])


def help_of(name: str) -> str:
    context = COMMANDS[name].make_context(f"bot.py {name}", [], resilient_parsing=True)
    text: str = context.get_help()
    return text


def examples(name: str) -> list[str]:
    """What follows ``bot.py`` in the examples of its help."""
    return re.findall(r"^  (?:\w+=\S+ )?bot\.py (.+)$", help_of(name), re.MULTILINE)
