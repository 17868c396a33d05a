"""The rooms keep to themselves: what may import what, and what pure code must not touch."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "orderkit"
FILES = sorted(SOURCE.rglob("*.py"))

PURE = ("domain", "engine", "orders", "strategies", "risk", "simulator", "validation", "analytics")
IMPURE_MODULES = {
    "aiohttp", "asyncio", "binance", "concurrent", "http", "multiprocessing", "random", "requests", "secrets",
    "select", "selectors", "socket", "sqlite3", "ssl", "subprocess", "threading", "time", "urllib", "uuid",
    "websockets",
}  # fmt: skip
CLOCK_CALLS = {"now", "utcnow", "today"}

# Which rooms a room may import, besides itself. A command's function may import more inside itself.
ALLOWED = {
    "domain": set(),
    "validation": {"domain", "errors"},
    "utils": {"validation"},
    "analytics": {"domain"},
    "engine": {"domain", "risk"},
    "risk": {"domain", "errors"},
    "simulator": {"domain"},
    "orders": {"domain", "engine", "analytics", "utils", "errors", "console.options"},
    "journal": {"domain", "engine", "errors"},
    "exchange": {"domain", "errors", "config", "redaction"},
    "errors": set(),
    "redaction": set(),
    "logfile": {"redaction"},
    "paper": {"domain", "simulator", "errors", "config", "console"},
    "runtime": {"domain", "engine", "exchange", "journal", "simulator", "utils", "errors", "config", "risk"},
}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules imported anywhere in ``tree``, but not under ``if TYPE_CHECKING``."""
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_level(tree: ast.Module) -> ast.Module:
    """The module without the bodies of its functions: what is imported when it is."""
    body = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return ast.Module(body=body, type_ignores=[])


def own_rooms(tree: ast.AST) -> Iterator[str]:
    for module in imports(tree):
        if module.startswith("orderkit."):
            yield module.removeprefix("orderkit.")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_rooms_import_only_what_they_may(path: Path) -> None:
    room = room_of(path)
    tree = ast.parse(path.read_text())
    wanted = set(own_rooms(top_level(tree) if room == "orders" else tree))
    entry = path == SOURCE / "__main__.py"
    assert entry or not any(w == "cli" or w.startswith("cli.") for w in wanted), "nothing imports cli"
    if room not in ALLOWED:
        return
    allowed = {room, "__version__"} | ALLOWED[room]
    strangers = {w for w in wanted if not any(w == a or w.startswith(f"{a}.") for a in allowed)}
    assert not strangers


@pytest.mark.parametrize(
    "path", [p for p in FILES if room_of(p) in PURE], ids=lambda p: str(p.relative_to(SOURCE))
)
def test_pure_rooms_touch_no_network_disk_clock_or_chance(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not {module.split(".")[0] for module in imports(tree)} & IMPURE_MODULES
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    assert not [f.attr for f in calls if isinstance(f, ast.Attribute) and f.attr in CLOCK_CALLS]


def commands() -> list[Path]:
    return [p for p in FILES if room_of(p) == "orders" and '__name__ == "__main__"' in p.read_text()]


def test_there_are_runnable_order_files() -> None:
    assert {p.stem for p in commands()} >= {"market", "limit", "stop_limit", "twap"}


@pytest.mark.parametrize("path", commands(), ids=lambda p: p.name)
def test_an_order_files_command_stands_last_and_imports_the_runtime_inside_itself(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    *_, command, guard = body
    assert isinstance(guard, ast.If)
    assert isinstance(command, ast.FunctionDef)
    assert command.name == path.stem
    assert "orderkit.console.run.run_order" in set(imports(command))


def test_no_file_in_a_folder_of_scripts_is_named_like_a_standard_module() -> None:
    """Running by path puts the script's folder first on sys.path."""
    folders = {p.parent for p in commands()}
    clashes = [p for p in FILES if p.parent in folders and p.stem in sys.stdlib_module_names]
    assert not clashes
