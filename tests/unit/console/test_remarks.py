"""Remarks for people: whole words in a terminal, whole lines in a pipe."""

import io

import pytest

from orderkit.console import terminal

LONG = "take-profit 66000.0 is 303.9 bps and stop 62000.0 320.6 bps from the market (64053.20 / 64053.30)"
REMARK = f"{LONG}\nshort line"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> list[str]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout", stream)
    terminal.say(REMARK)
    return stream.getvalue().splitlines()


def test_a_long_remark_breaks_between_words_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, Terminal()) == [
        "take-profit 66000.0 is 303.9 bps and stop 62000.0 320.6 bps from the market",
        "  (64053.20 / 64053.30)",
        "short line",
    ]


def test_a_pipe_gets_each_remark_as_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, io.StringIO()) == REMARK.split("\n")
