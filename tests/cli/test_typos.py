"""A mistyped command or option is answered with the one that was meant."""

from typing import NamedTuple

import pytest

from tests.support import Desk


class Typo(NamedTuple):
    line: str
    error: str
    hint: str


TYPOS = [
    Typo("markte BTCUSDT BUY 1", "No such command 'markte'", "did you mean 'market'? try 'bot.py --help'"),
    Typo("bal", "No such command 'bal'", "did you mean 'balance'? try 'bot.py --help'"),
    Typo("paper strat", "No such command 'strat'", "did you mean 'start'? try 'bot.py paper --help'"),
    Typo("qqqqqq", "No such command 'qqqqqq'.", "try 'bot.py --help'"),
    Typo("ps --al", "No such option: --al", "did you mean '--all'? try 'bot.py ps --help'"),
    Typo(
        "market BTCUSDT BUY 1 --redcue-only",
        "No such option: --redcue-only",
        "did you mean '--reduce-only'? try 'bot.py market --help'",
    ),
    Typo("market BTCUSDT", "Missing argument 'SIDE'.", "try 'bot.py market --help'"),
]


@pytest.mark.parametrize("typo", TYPOS, ids=lambda typo: typo.line)
def test_the_hint_names_what_was_meant(desk: Desk, typo: Typo) -> None:
    done = desk.bot(typo.line)
    assert (done.code, done.err) == (2, f"error: {typo.error}\nhint:  {typo.hint}\n")


def test_a_script_finds_it_in_the_document(desk: Desk) -> None:
    error = desk.bot("markte --json").json["error"]
    assert (error["kind"], error["hint"]) == ("usage", "did you mean 'market'? try 'bot.py --help'")


def test_no_words_at_all_show_the_help(desk: Desk) -> None:
    done = desk.bot("")
    assert done.code == 2
    assert "Usage:" in done.out + done.err
    assert "error:" not in done.err
