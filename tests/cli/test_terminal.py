"""A real terminal: a TWAP's live view, paused and resumed from a second terminal; questions; colours."""

import re
import sys
from collections.abc import Callable, Iterator

import pexpect
import pytest

from tests.support import BOT, Desk

Terminal = Callable[..., "pexpect.spawn[str]"]
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;\d+)*m")


@pytest.fixture
def terminal(desk: Desk) -> Iterator[Terminal]:
    """Opens a terminal of 80 columns with a command in it; what is left open is closed at the end."""
    opened: list[pexpect.spawn[str]] = []

    def open_with(line: str, **variables: str) -> "pexpect.spawn[str]":
        environ = {k: v for k, v in desk.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        made = pexpect.spawn(
            sys.executable,
            [str(BOT), *line.split()],
            env=environ | {"TERM": "xterm-256color"} | variables,
            cwd=str(desk.home),
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=60,
        )
        opened.append(made)
        return made

    yield open_with
    for window in opened:
        window.close(force=True)


def ended(window: "pexpect.spawn[str]") -> int:
    """Read to the end; the exit code."""
    window.expect(pexpect.EOF)
    window.close()
    assert window.exitstatus is not None
    return int(window.exitstatus)


def test_a_twap_is_paused_and_resumed_from_a_second_terminal(desk: Desk, terminal: Terminal) -> None:
    first = terminal("twap BTCUSDT BUY 0.05 --chunks 5 --interval 1 --job-id tty")
    first.expect("twap BUY BTCUSDT")
    first.expect("░")
    first.expect(r"0\.010 at 60000\.1")
    second = terminal("pause tty")
    second.expect("pause taken")
    assert ended(second) == 0
    first.expect("PAUSED")
    placed = len(desk.requests("POST", "/fapi/v1/order"))
    assert placed < 5
    third = terminal("attach tty")
    third.expect("PAUSED")
    third.sendintr()
    third.expect("job tty goes on")
    assert ended(third) == 130
    assert len(desk.requests("POST", "/fapi/v1/order")) == placed  # a slice was due while we looked
    again = terminal("resume tty")
    again.expect("job tty goes on")
    assert ended(again) == 0
    first.expect("COMPLETED")
    first.expect(r"0\.050 of 0\.050 BTC")
    assert ended(first) == 0
    assert desk.bot("show tty --json").json["job"]["executed_quantity"] == "0.050"


def test_ctrl_c_ends_a_job_in_order_and_says_what_was_not_done(desk: Desk, terminal: Terminal) -> None:
    window = terminal("twap BTCUSDT BUY 0.05 --chunks 5 --interval 10 --job-id cut", NO_COLOR="1")
    window.expect("░")
    window.expect(r"0\.010 at 60000\.1")
    window.sendintr()
    window.expect("stopping: no new orders")
    window.expect("STOPPED")
    said = window.before or ""
    assert ended(window) == 130
    assert not COLOUR.search(said), "NO_COLOR is set"
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


def test_a_resting_order_that_is_waited_for_is_shown_until_it_fills(desk: Desk, terminal: Terminal) -> None:
    window = terminal("limit BTCUSDT BUY 0.01 59000 --wait --job-id rest")
    window.expect("░")
    window.expect("0% done")
    desk.market("58999", "58999.9")
    window.expect("COMPLETED")
    assert ended(window) == 0


@pytest.mark.parametrize("line", ["market BTCUSDT BUY 0.01 --env live", "flatten"])
def test_a_person_is_asked_once_and_no_means_no(desk: Desk, terminal: Terminal, line: str) -> None:
    window = terminal(line, BINANCE_API_KEY="k" * 64, BINANCE_API_SECRET="s" * 64, BINANCE_ENV="paper")
    window.expect(r"\[y/N\]")
    window.sendline("n")
    assert ended(window) == 130
    assert not desk.requests("POST", "/fapi/v1/order")


def test_a_terminal_has_colours_unless_they_are_not_wanted(desk: Desk, terminal: Terminal) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01").code == 0
    shown = []
    for variables in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        window = terminal("positions", **variables)
        assert ended(window) == 0
        shown.append(bool(COLOUR.search(window.before or "")))
    assert shown == [True, False, False]
