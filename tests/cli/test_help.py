"""Every command's --help: what it is for in one line, two examples that can be run, its options in groups."""

import re
import shlex

import pytest

from orderkit.console.helptext import purpose_of
from tests.cli.tree import COMMANDS, examples, help_of, options_of


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_in_one_line_what_it_is_for(name: str) -> None:
    purpose = purpose_of(COMMANDS[name].help)
    assert re.fullmatch(r"[A-Z].{10,118}\.", purpose), purpose
    assert help_of(name).splitlines()[0].startswith(f"Usage: bot.py {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_two_examples_of_its_own_that_parse(name: str) -> None:
    found = examples(name)
    assert len(set(found)) >= 2
    for line in found:
        assert line == name or line.startswith(f"{name} ")
        words = shlex.split(line.removeprefix(name), comments=True)
        COMMANDS[name].make_context(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_stands_in_a_group(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name
        if parameter.param_type_name == "option":
            assert parameter.rich_help_panel, parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_page_fits_80_columns_but_for_examples_and_has_no_control_codes(name: str) -> None:
    text = help_of(name)
    assert "\x1b" not in text
    long = [line for line in text.splitlines() if len(line) > 80 and "bot.py " not in line]
    assert long == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_options_that_scripts_rely_on(name: str) -> None:
    own = options_of(name)
    if name == "paper serve":  # prints one line and serves
        return
    assert "--json" in own
    if not name.startswith("paper "):
        assert {"--quiet", "--env"} <= own
    if "--plan" in own:
        assert {"--yes", "--events", "--detach", "--wait", "--timeout", "--job-id"} <= own
