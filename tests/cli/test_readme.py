"""The pages say what the code does: commands, examples, exit codes, variables, documents, tables, links."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from orderkit import errors
from orderkit.console.documents import ErrorDocument, JobDocument, PlanDocument, ReconcileDocument
from orderkit.domain.enums import OrderStatus
from orderkit.domain.order import TRANSITIONS
from tests.cli.tree import COMMANDS, ORDERS, options_of, parsed
from tests.support import ROOT, Desk

README = (ROOT / "README.md").read_text()
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "TESTING_GUIDE.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
FIRST_RUN = "pip install uv && uv run bot.py twap BTCUSDT BUY 1.0 --chunks 10 --interval 1"
TEST_RUN = "pip install uv && uv run pytest"


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """The first cell of each row of the tables in ``text``, without their heads."""
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return [cell.strip("`") for cell in rows[1:] if set(cell) - set("-: ")]


def examples() -> list[str]:
    """What follows ``bot.py`` wherever the two pages call it, without comments."""
    found = []
    for page in (ROOT / "README.md", ROOT / "TESTING_GUIDE.md"):
        calls = re.findall(r'uv run bot\.py ((?:"[^"\n]*"|[^`|)\n;])+)', page.read_text())
        found += [" ".join(shlex.split(call, comments=True)) for call in calls]
    return sorted(line for line in set(found) if line != "COMMAND")


def test_the_two_commands_that_set_everything_up_stand_in_the_readme_as_promised() -> None:
    lines = [line.strip() for line in README.splitlines()]
    assert FIRST_RUN in lines
    assert TEST_RUN in lines
    assert f"({TEST_RUN})" in (ROOT / ".ci" / "run").read_text().splitlines()


def name_in(cell: str) -> str:
    """The command that a row of the table is about, without its arguments."""
    return " ".join(word for word in cell.split() if word.islower())


def test_every_command_is_in_the_readmes_table_and_the_reverse() -> None:
    listed = map(name_in, first_cells(section("Commands").split("Options of")[0]))
    assert sorted(listed) == sorted(COMMANDS)


def test_the_table_names_each_commands_arguments() -> None:
    for cell in first_cells(section("Commands").split("Options of")[0]):
        names = [p.metavar for p in COMMANDS[name_in(cell)].params if p.param_type_name == "argument"]
        assert [w for w in cell.split() if not w.islower()] == names


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_an_example(command: str) -> None:
    assert any(line.startswith(command) for line in examples())


@pytest.mark.parametrize("name", ORDERS)
def test_every_shared_option_of_the_table_exists_in_every_order_command(name: str) -> None:
    table = section("Commands").split("Options of every order command:")[1]
    rows = [line for line in table.splitlines() if f"(not `{name}`" not in line]
    assert {cell.split()[0] for cell in first_cells("\n".join(rows))} <= options_of(name)


INCOMPLETE = {"market BTCUSDT BUY"}  # shown for its usage error


@pytest.mark.parametrize("line", sorted(set(examples()) - INCOMPLETE))
def test_every_example_parses(line: str) -> None:
    parsed(line)


def planned() -> list[str]:
    """The README's order examples on paper, without how they wait."""
    calls = re.findall(r"^uv run bot\.py (.+)$", section("Examples").split("```")[1], re.MULTILINE)
    lines = [" ".join(shlex.split(call, comments=True)) for call in calls]
    return [line for line in lines if line.split()[0] in ORDERS and not {"--env", "--all"} & {*line.split()}]


@pytest.mark.parametrize("line", planned())
def test_every_order_example_of_the_readme_passes_the_checks(desk: Desk, line: str) -> None:
    words = line.split()
    if "--reduce-only" in words or "all" in words:
        _, symbol, side, quantity, *_ = words
        size = "0.01" if quantity == "all" else quantity
        opened = desk.bot(f"market {symbol} {'BUY' if side == 'SELL' else 'SELL'} {size}")
        assert opened.code == 0, opened.err
    if words[0] == "close":
        assert desk.bot(f"market {words[1]} BUY 0.02").code == 0
    done = desk.bot(line if "--plan" in line else f"{line} --plan")
    assert done.code == 0, done.err


def test_the_exit_codes_are_those_of_the_errors() -> None:
    listed = {int(cell) for cell in first_cells(section("Exit codes"))}
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.OrderKitError)]
    assert listed == {kind.exit_code for kind in kinds} | {0, 130}


def test_the_variables_are_those_of_the_env_example() -> None:
    known = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    table = section("Environments and keys").split("| variable |")[1]
    assert sorted(first_cells("| variable |" + table)) == sorted(known)


DOCUMENTS = re.findall(r"```json\n(.+?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    ("text", "kind"),
    list(zip(DOCUMENTS, (JobDocument, PlanDocument, ErrorDocument, ReconcileDocument), strict=True)),
)
def test_the_documents_shown_have_exactly_the_fields_of_the_printed_ones(
    text: str, kind: type[msgspec.Struct]
) -> None:
    shown = msgspec.json.decode(text)
    assert msgspec.to_builtins(msgspec.convert(shown, kind)) == shown


def test_the_table_of_transitions_is_the_code() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text().split("| status | may become |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([A-Z_]+) \|(.*)\|$", page, re.MULTILINE)
    shown = {OrderStatus(name): frozenset(map(OrderStatus, re.findall(r"[A-Z_]+", to))) for name, to in rows}
    assert shown == TRANSITIONS


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_named_in_the_text_exist(page: Path) -> None:
    """A path in backquotes with a suffix is one of the checkout, of the package or of a room of it."""
    package = ROOT / "src" / "orderkit"
    roots = [ROOT, package, *(path for path in package.rglob("*") if path.is_dir())]
    for name in re.findall(r"`([\w/]+\.py)(?:`|:)", page.read_text()):
        assert any((root / name).is_file() for root in roots), f"{page.name}: {name}"
