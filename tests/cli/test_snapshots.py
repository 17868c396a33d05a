"""What every command prints for people and for scripts, on the embedded exchange, held to files.

``UPDATE_SNAPSHOTS=1 uv run pytest tests/cli/test_snapshots.py`` writes the files anew; read what changed.
"""

import itertools
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.normal import normal
from tests.cli.story import STORY, Step
from tests.cli.tree import COMMANDS, options_of
from tests.support import Desk, Done

FOLDER = Path(__file__).parent / "snapshots"
UNTOLD = {"paper serve"}  # runs until it is ended: tests/contract/paper/test_process.py

# What differs from one machine or moment to the next, besides what tests/cli/normal.py knows.
_SAME = [
    (re.compile(r"process \d+|pid \d+"), "process N"),
    (re.compile(r"\d+ ms (behind|ahead of) the exchange|exactly with the exchange"), "N ms off the exchange"),
    (re.compile(r"answered in [\d.]+ m?s"), "answered in N ms"),
    (re.compile(r"\d+ contracts, [\dhms.]+ old"), "N contracts, N s old"),
    (re.compile(r"[\d.]+ [MG]B"), "N GB"),
    (re.compile(r"\b\d+(\.\d+)?(ms|s|m) ago\b"), "N s ago"),
]
DIFFERING = {
    "pid", "api_key", "api_secret", "transaction_id", "trade_id", "order_id", "algo_id", "late_ms", "time",
}  # fmt: skip


class Told(NamedTuple):
    people: dict[str, Done]
    scripts: dict[str, Done]


def words_of(step: Step) -> str:
    """The command of a step."""
    words = step.line.split()
    return " ".join(words[:2] if words[0] == "paper" else words[:1])


def tell(home: Path, scripted: bool) -> dict[str, Done]:
    """Run the story in a new home; what each line printed."""
    desk = Desk(home, variables={"NO_COLOR": ""})
    done: dict[str, Done] = {}
    try:
        for step in STORY:
            if step.before is not None:
                step.before(desk)
            quiet = " --quiet" if has_quiet(step) else ""
            done[step.line] = desk.bot(f"{step.line} --json{quiet}" if scripted else step.line)
            if step is STORY[0]:
                desk.rest = desk.bot("paper status --json").json["rest"]
    finally:
        desk.end_all()
        desk.bot("paper stop")
    return done


def has_quiet(step: Step) -> bool:
    name = words_of(step)
    return name in COMMANDS and "--quiet" in options_of(name)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    homes = tmp_path_factory.mktemp("people"), tmp_path_factory.mktemp("scripts")
    with ThreadPoolExecutor(2) as both:
        return Told(*both.map(tell, homes, (False, True)))


def same(text: str) -> str:
    for pattern, other in _SAME:
        text = pattern.sub(other, text)
    return text


def written(step: Step, people: Done, script: Done) -> str:
    """A step's snapshot."""
    document = json.dumps(settled(script.json), indent=1, ensure_ascii=False)
    parts = [f"$ bot.py {step.line}", f"exit {people.code}", "", "--- people read"]
    parts += [same(normal_text(people.out))]
    if people.err:
        parts += ["--- on stderr", same(normal_text(people.err))]
    return "\n".join([*parts, "--- scripts read", document, ""])


def normal_text(text: str) -> str:
    text = re.sub(r"(/[\w.-]+)+/(people|scripts)\d+", "HOME", text)
    return in_order(normal(text, Desk(Path("/no/such/home"))))


def in_order(text: str) -> str:
    """Lines on orders that end at the same time, sorted: which the exchange answers first is chance."""
    sorted_lines: list[str] = []
    for about_orders, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith("ok-")):
        together = list(lines)
        sorted_lines += sorted(together) if about_orders else together
    return "\n".join(sorted_lines)


def settled(node: Any, key: str = "") -> Any:
    """A document without what differs from run to run."""
    if isinstance(node, dict):
        return {name: settled(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [settled(value, key) for value in node]
    if key in DIFFERING and node is not None:
        return key.upper()
    return same(normal_text(node)) if isinstance(node, str) else node


def name_of(step: Step) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", step.line.lower()).strip("-") + ".txt"


def test_every_command_is_part_of_the_story() -> None:
    assert {words_of(step) for step in STORY} - {"nonsense"} == set(COMMANDS) - UNTOLD


@pytest.mark.timeout(300)
def test_people_and_scripts_read_what_the_snapshots_show(told: Told) -> None:
    differing = []
    for step in STORY:
        now = written(step, told.people[step.line], told.scripts[step.line])
        file = FOLDER / name_of(step)
        if os.environ.get("UPDATE_SNAPSHOTS"):
            file.write_text(now)
        elif file.read_text() != now:
            differing.append(f"{file.name}:\n{now}")
    left = {path.name for path in FOLDER.glob("*.txt")} - {name_of(step) for step in STORY}
    assert not differing, "\n".join(differing)
    assert not left, "snapshots of steps that are gone"


def test_exit_codes_are_those_of_the_story_for_people_and_scripts(told: Told) -> None:
    for printed in told:
        wrong = [(s.line, printed[s.line]) for s in STORY if printed[s.line].code != s.code]
        assert wrong == []


def test_nothing_that_is_read_off_a_terminal_has_control_codes(told: Told) -> None:
    for printed in told:
        for line, done in printed.items():
            assert "\x1b" not in done.out + done.err, line


def test_a_script_reads_one_document_and_people_the_rest(told: Told) -> None:
    for line, done in told.scripts.items():
        assert done.out.count("\n") == 1, line
        assert {"schema", "env"} <= done.json.keys() or line.startswith("paper"), line


def test_quietly_a_command_has_nothing_to_remark(told: Told) -> None:
    for line, done in told.scripts.items():
        said = [text for text in done.err.splitlines() if not text.startswith(("warning: ", " "))]
        assert said == [] or not has_quiet(Step(line)), line


def test_the_story_reaches_every_published_exit_code_but_a_bug_and_an_interrupt() -> None:
    assert {step.code for step in STORY} == {0, 2, 3, 4, 5, 6, 7, 8, 9}
