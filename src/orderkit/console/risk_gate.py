"""What the risk commands do."""

import dataclasses
from collections.abc import Mapping
from typing import NoReturn

import msgspec
import typer

from orderkit.console.beginning import chosen
from orderkit.console.documents import SCHEMA, print_document
from orderkit.console.options import RunOptions
from orderkit.console.terminal import console
from orderkit.risk.gate import TradingState
from orderkit.risk.limits import PREFIX, RiskLimits
from orderkit.runtime.risk import limits_path, load_limits, load_state, save_state

_COLOURS = {TradingState.ACTIVE: "green", TradingState.REDUCING: "yellow", TradingState.HALTED: "red"}


class RiskDocument(msgspec.Struct, kw_only=True):
    """The trading state and the limits in force; null where a limit is off. The state is one per home."""

    schema: int = SCHEMA
    env: None = None
    state: str
    limits: dict[str, str | list[str] | None]
    limits_file: str


def show(options: RunOptions, *, new_state: TradingState | None = None) -> NoReturn:
    """Set the state where asked to, and print it with the limits; both hold for a whole home."""
    settings = chosen(options)
    home, variables = settings.home, settings.risk_variables
    path = limits_path(home, variables)
    if new_state is not None:
        save_state(home, new_state)
    limits, state = load_limits(home, variables), load_state(home)
    if options.json:
        print_document(RiskDocument(state=state.value, limits=_texts(limits), limits_file=str(path)))
    else:
        _print(limits, state, str(path), variables)
    raise typer.Exit(0)


def _texts(limits: RiskLimits) -> dict[str, str | list[str] | None]:
    texts: dict[str, str | list[str] | None] = {}
    for field in dataclasses.fields(limits):
        value = getattr(limits, field.name)
        if isinstance(value, frozenset):
            texts[field.name] = sorted(value)
        else:
            texts[field.name] = None if value is None else str(value)
    return texts


def _print(limits: RiskLimits, state: TradingState, path: str, variables: Mapping[str, str]) -> None:
    from rich.table import Table

    out = console()
    out.print(f"trading is [{_COLOURS[state]}]{state.value}[/{_COLOURS[state]}]")
    table = Table.grid(padding=(0, 2))
    for name, value in _texts(limits).items():
        shown = ", ".join(value) if isinstance(value, list) else value or "off"
        source = f"{PREFIX}{name.upper()}" if variables.get(PREFIX + name.upper()) else ""
        table.add_row(f"  [dim]{name}[/dim]", shown, f"[dim]{source}[/dim]")
    out.print(table)
    out.print(f"[dim]set in {PREFIX}… variables or in {path}[/dim]", soft_wrap=True)
