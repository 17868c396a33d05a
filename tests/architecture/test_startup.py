"""What a command may not import: start-up time is the sum of what is imported, on any machine."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import typer
from tests.support import Desk

from orderkit.cli import COMMANDS, app
from orderkit.console.helptext import purpose_of
from orderkit.orders.registry import KINDS

GROUP: Any = typer.main.get_command(app)
RUN = (
    "import atexit, sys; sys.argv[0] = 'orderkit'\n"
    "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    "from orderkit.cli import main; main()"
)
# What no help page and no completion needs.
HEAVY = {
    "aiohttp", "asyncio", "binance", "ccxt", "Crypto", "cryptography", "msgspec", "numpy", "pydantic",
    "requests", "rich", "sqlite3", "ssl", "websockets", "orderkit.runtime", "orderkit.paper.server",
}  # fmt: skip
# What one market order on --json does not need. python-binance itself brings requests, Crypto, dateparser.
UNUSED = {
    "aiohttp", "ccxt", "numpy", "pydantic", "rich", "sortedcontainers", "websockets.asyncio",
    "orderkit.simulator", "orderkit.paper.server", "orderkit.runtime.backtest", "orderkit.runtime.simulated",
    "orderkit.exchange.user_stream", "orderkit.exchange.market_stream", "orderkit.exchange.administration",
    "orderkit.console.detach", "orderkit.console.act", "orderkit.console.look", "orderkit.console.watch",
    "orderkit.console.looking_documents", "orderkit.console.acting_documents",
}  # fmt: skip


def imported(words: Sequence[str], environ: Mapping[str, str]) -> set[str]:
    """Every module that a command has imported by its end."""
    run = [sys.executable, "-c", RUN, *words]
    done = subprocess.run(run, env=environ, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_a_market_order_imports_nothing_that_it_does_not_need(desk: Desk) -> None:
    names = imported(["market", "BTCUSDT", "BUY", "0.001", "--json"], desk.environ)
    assert "orderkit.orders.market" in names
    assert not names & UNUSED
    others = {place.partition(":")[0] for kind, pair in KINDS.items() if kind != "market" for place in pair}
    assert not names & {f"orderkit.orders.{module}" for module in others - {"single"}}


@pytest.mark.parametrize("words", [["--help"], ["market", "--help"], ["paper", "start", "--help"]])
def test_a_help_page_imports_no_library_but_typer(desk: Desk, words: list[str]) -> None:
    assert not imported(words, desk.environ) & HEAVY


def test_a_completion_imports_no_library_but_typer(desk: Desk) -> None:
    for shell, how in (("bash", "COMP_WORDS"), ("zsh", "_TYPER_COMPLETE_ARGS")):
        words = {how: "orderkit market BTC", "COMP_CWORD": "2", "_ORDERKIT_COMPLETE": f"complete_{shell}"}
        assert not imported([], desk.environ | words) & HEAVY


def test_the_purposes_read_from_the_source_are_those_of_the_commands() -> None:
    for names in COMMANDS.values():
        for name in names:
            assert GROUP.lazy.purpose(name) == purpose_of(GROUP.commands[name].help), name
            assert GROUP.lazy.purpose(name)
