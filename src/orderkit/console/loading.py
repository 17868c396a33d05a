"""Commands that are imported when they are called: of forty, only the one called costs anything."""

import importlib
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from orderkit.console.helptext import Command, Group, purpose_of
from orderkit.console.options import with_shared

_PACKAGE = Path(__file__).parents[1]
_FLAGS = re.MULTILINE | re.DOTALL


class LazyCommands(MutableMapping[str, Any]):
    """Each command by its name, from ``module:function`` or ``module:app`` below the package."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _, attribute = self._places[name].partition(":")
            self._loaded[name] = _command(
                name, getattr(importlib.import_module(f"orderkit.{module}"), attribute)
            )
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def purpose(self, name: str) -> str:
        """What the command is for, read from its source: importing all of them takes ten times as long."""
        module, _, attribute = self._places[name].partition(":")
        source = (_PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        of_function = re.search(rf'^def {attribute}\(.*?\) -> \w+:\n    """(.+?)(?:"""|\n)', source, _FLAGS)
        found = of_function or re.search(rf'^{attribute} = .*?help="([^"]+)"', source, _FLAGS)
        return found[1] if found else purpose_of(self[name].help)


class LazyGroup(Group):
    """The root group: knows its commands by name and loads the one that is called."""

    table: ClassVar[Mapping[str, Mapping[str, str]]] = {}  # panel → name → place

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        places = {name: place for panel in self.table.values() for name, place in panel.items()}
        self.lazy = LazyCommands(places)
        self.commands = self.lazy

    def panels(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        del ctx
        return {
            panel: [(name, self.lazy.purpose(name)) for name in names] for panel, names in self.table.items()
        }

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        from typer._click.shell_completion import CompletionItem

        begun = [name for name in self.lazy if name.startswith(incomplete)]
        # Past the group's own shell_complete, which would load every command for its help line.
        own = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=self.lazy.purpose(name)) for name in begun] + own

    def _main_shell_completion(self, *arguments: Any, **more: Any) -> None:
        from typer import _completion_classes

        # Typer imports rich, twice the time of all else, to strip markup that our help does not have.
        _completion_classes._sanitize_help_text = lambda text: text
        super()._main_shell_completion(*arguments, **more)


def _command(name: str, found: Any) -> Any:
    """What Typer makes of a function, or of an application with commands of its own."""
    if isinstance(found, typer.Typer):
        group = typer.main.get_command(found)
        group.name = name
        return group
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Command)(with_shared(found))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    command.context_settings = {"help_option_names": ["-h", "--help"]}
    return command
