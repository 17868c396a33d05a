"""Help as plain text in groups, drawn without rich, which would cost more than all the rest of a page."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from orderkit.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., Any])
_EXAMPLES = "Examples:"
SIZE_OPTIONS = frozenset({"--notional", "--percent"})
_SIZED = "orderkit.sized"


class Command(TyperCommand):
    """A command whose options stand in their groups, and whose examples can be copied as they are.

    Its argument QUANTITY is left out of the line where an option gives the size.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = {word.partition("=")[0] for word in args}
        ctx.meta[_SIZED] = bool(given & SIZE_OPTIONS) and any(p.name == "notional" for p in self.params)
        rest = super().parse_args(ctx, args)
        if ctx.meta[_SIZED]:
            ctx.params["quantity"] = None
        return rest

    def get_params(self, ctx: Any) -> list[Any]:
        parameters = super().get_params(ctx)
        return [p for p in parameters if p.name != "quantity"] if ctx.meta.get(_SIZED) else parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _begin(self, ctx, formatter)
        _write_parameters(self, ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """[OPTIONS] and the arguments by their names, without Typer's braces."""
        arguments = [p for p in self.get_params(ctx) if p.param_type_name == "argument"]
        return ["[OPTIONS]", *(p.metavar or str(p.name).upper() for p in arguments)]


class Group(TyperGroup):
    """A group whose commands stand in panels; called without a word it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            sys.stderr.write(ctx.get_help() + "\n")
            ctx.exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _begin(self, ctx, formatter)
        for panel, rows in self.panels(ctx).items():
            _write_section(formatter, panel, rows)
        _write_parameters(self, ctx, formatter)

    def panels(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        """Name and purpose of each command, by panel."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return {"Commands": [(name, purpose_of(command.help)) for name, command in commands if command]}


class App(typer.Typer):
    """A Typer application with this help."""

    def __init__(self, cls: type[TyperGroup] = Group, **settings: Any) -> None:
        super().__init__(cls=cls, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        return super().command(name, cls=Command, **settings)


def purpose_of(text: str | None) -> str:
    """The first line of a help text."""
    return inspect.cleandoc(text or "").partition("\n")[0]


def _begin(command: Any, ctx: Any, formatter: Any) -> None:
    """Usage, purpose and remarks, and the examples unbroken."""
    command.format_usage(ctx, formatter)
    text, _, examples = inspect.cleandoc(command.help or "").partition(_EXAMPLES)
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text.strip())
    if examples:
        formatter.write_paragraph()
        formatter.write(_heading(_EXAMPLES) + "\n")
        for line in filter(None, map(str.strip, examples.splitlines())):
            formatter.write(f"  {line}\n")


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    """Arguments, then each group of options; those that every command has come last."""
    groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
    last: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            groups["Arguments"].append((parameter.metavar or record[0], parameter.help or ""))
        elif panel := getattr(parameter, "rich_help_panel", None):
            groups.setdefault(panel, []).append(record)
        else:
            last.append(record)
    for name, rows in (groups | {"Options": last}).items():
        _write_section(formatter, name, rows)


def _write_section(formatter: Any, name: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        formatter.write_paragraph()
        formatter.write(_heading(f"{name}:") + "\n")
        formatter.indent()
        formatter.write_dl(rows)
        formatter.dedent()


def _heading(text: str) -> str:
    """Bold where a person reads it on a terminal that shows it."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[1m{text}\x1b[0m"
