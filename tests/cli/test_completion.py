"""What the shell completes, for bash, zsh and fish: from the caches, without starting or asking anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from orderkit.console import completion
from tests.support import Desk

COMPLETE = "import sys; sys.argv[0] = 'orderkit'; from orderkit.cli import main; main()"


@pytest.fixture
def traded(desk: Desk) -> Desk:
    assert desk.bot("market BTCUSDT BUY 0.01 --job-id daily-1").code == 0
    assert desk.bot("market BTCUSDT BUY 0.01 --job-id daily-2").code == 0
    return desk


def ask(desk: Desk, words: str, **variables: str) -> list[str]:
    """What completion offers for the last of ``words``."""
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE],
        env=desk.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "", words
    return [line for line in done.stdout.splitlines() if line]


def bash(desk: Desk, words: str) -> list[str]:
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    return ask(desk, words, _ORDERKIT_COMPLETE="complete_bash", **variables)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("orderkit market BTC", ["BTCUSDT"]),
        ("orderkit market btc", ["btcUSDT"]),
        ("orderkit cancel --symbol ETHU", ["ETHUSDT"]),
        ("orderkit show daily", ["daily-2", "daily-1"]),
        ("orderkit stop daily", []),
        ("orderkit resu", ["resume", "resume-trading"]),
        ("orderkit market BTCUSDT BUY 1 --pl", ["--plan"]),
    ],
)
def test_bash_is_offered_commands_options_symbols_and_jobs(
    traded: Desk, words: str, offered: list[str]
) -> None:
    before = len(traded.all_requests())
    assert bash(traded, words) == offered
    assert len(traded.all_requests()) == before


def test_zsh_and_fish_are_told_what_a_job_came_to(traded: Desk) -> None:
    words = "orderkit show daily-1"
    zsh = ask(traded, words, _ORDERKIT_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=words)
    assert zsh == ['_arguments \'*: :(("daily-1":"COMPLETED"))\'']
    fish = ask(
        traded,
        words,
        _ORDERKIT_COMPLETE="complete_fish",
        _TYPER_COMPLETE_ARGS=words,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert fish == ["daily-1\tCOMPLETED"]


def test_a_home_without_caches_offers_nothing_and_stays_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERKIT_HOME", str(tmp_path))
    assert list(completion.symbols("BTC")) == []
    assert list(completion.job_ids("")) == []
    assert not list(tmp_path.iterdir())


def test_damaged_caches_offer_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERKIT_HOME", str(tmp_path))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "exchange_info-paper.jsonl").write_bytes(b"BTCUSDT\t{}")
    (tmp_path / "journal.sqlite").write_bytes(b"no journal")
    assert list(completion.symbols("BTC")) == []
    assert list(completion.job_ids("")) == []
