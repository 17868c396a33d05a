"""Nothing that acts on the live exchange does so in a script that did not say --yes."""

import shlex

from tests.cli.tree import COMMANDS, examples
from tests.support import Desk, finish

KEYS = {"BINANCE_API_KEY": "k" * 64, "BINANCE_API_SECRET": "s" * 64}
# What acts and needs no word: it only makes less happen, or nothing at an exchange of Binance's.
HARMLESS = {"pause", "stop", "halt", "resume-trading", "reconcile"}


def options_of(name: str) -> set[str]:
    return {option for parameter in COMMANDS[name].params for option in parameter.opts}


def test_every_command_that_acts_wants_yes_before_it_does_anything_live(desk: Desk) -> None:
    acting = [name for name in COMMANDS if "--yes" in options_of(name)]
    desk.variables |= KEYS
    try:
        begun = {}
        for name in acting:
            words = [word for word in shlex.split(examples(name)[0]) if word != "--yes"]
            begun[name] = desk.begin(*words, "--env", "live")
        ended = {name: finish(process) for name, process in begun.items()}
    finally:
        for variable in KEYS:
            del desk.variables[variable]
    for name, done in ended.items():
        assert done.code == 6, f"{name}: {done.err}"
        assert "--yes" in done.err, name
        assert KEYS["BINANCE_API_KEY"] not in done.out + done.err


def test_commands_without_yes_only_look_or_make_less_happen() -> None:
    looking = {
        "price", "book", "info", "balance", "positions", "orders", "history", "doctor", "ps", "show",
        "attach", "logs", "risk",
    }  # fmt: skip
    without = {name for name in COMMANDS if "--yes" not in options_of(name) and not name.startswith("paper ")}
    assert without == looking | HARMLESS
