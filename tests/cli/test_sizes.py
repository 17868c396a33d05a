"""Sizes given in other ways than base asset: worth, share of the balance, the position, standard input."""

import subprocess
import sys

import pytest

from tests.cli.tree import COMMANDS, ORDERS, options_of, parsed
from tests.support import BOT, Desk, Done

SIZED = [name for name in ORDERS if "--notional" in options_of(name)]


def planned(desk: Desk, line: str) -> Done:
    return desk.bot(f"{line} --plan --json")


def quantity(done: Done) -> str:
    assert done.code == 0, done.err
    return str(done.json["quantity"])


def test_every_order_command_but_grid_and_close_takes_every_size() -> None:
    # the grid has --investment, and close a position to go by
    assert {*ORDERS} - {*SIZED} == {"close", "grid"}


@pytest.mark.parametrize("option", ["--notional 500", "--percent=25"])
@pytest.mark.parametrize("command", SIZED)
def test_with_such_an_option_the_quantity_is_left_out_and_the_rest_is_read_as_ever(
    command: str, option: str
) -> None:
    arguments = [p for p in COMMANDS[command].params if p.param_type_name == "argument"]
    rest = {p.name: str(70_000 + number) for number, p in enumerate(arguments[3:])}
    words = parsed(" ".join([command, "BTCUSDT", "BUY", *rest.values(), option])).params
    assert words | rest == words
    assert (words["symbol"], words["side"], words["quantity"]) == ("BTCUSDT", "BUY", None)
    assert [words["notional"], words["percent"]].count(None) == 1


@pytest.mark.parametrize("command", ["twap BTCUSDT BUY --chunks 2", "oco BTCUSDT BUY 58000 62000"])
def test_the_parent_of_several_orders_is_sized_as_a_whole(desk: Desk, command: str) -> None:
    assert quantity(planned(desk, f"{command} --notional 1500")) in ("0.024", "0.025")


@pytest.mark.parametrize(
    ("line", "expected", "said"),
    [
        ("market BTCUSDT BUY --notional 500", "0.008", "500 USDT is 0.008 BTC at 60000.1"),
        ("limit BTCUSDT BUY 58000 --notional=500", "0.008", "500 USDT is 0.008 BTC at 58000"),
        ("limit BTCUSDT SELL 63000 --notional 630", "0.010", "630 USDT is 0.010 BTC at 63000"),
        ("market BTCUSDT BUY --percent 10", "1.658", "10 % of 100000"),
        ("limit BTCUSDT BUY 59000 --percent 50%", "8.432", "with leverage 10 and the fee"),
    ],
)
def test_a_size_is_rounded_down_and_what_it_became_is_said(
    desk: Desk, line: str, expected: str, said: str
) -> None:
    desk.control("POST", "/paper/mark", {"symbol": "BTCUSDT", "price": "60000"})
    assert desk.bot("leverage BTCUSDT 10").code == 0
    desk.market("60000", "60000.1")
    done = planned(desk, line)
    assert said in done.err
    assert quantity(done) == expected  # 10,000 of margin x 10 / (1 + 10 x 0.0005 of fee) / 60000.1


def test_all_of_the_balance_is_what_the_exchange_takes(desk: Desk) -> None:
    done = desk.bot("market BTCUSDT BUY --percent 1 --json")
    assert done.code == 0, done.err
    whole = desk.bot("limit ETHUSDT BUY 3000 --percent 100 --json")
    assert whole.code == 0, whole.err


def test_all_closes_the_position_and_nothing_more(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.017").code == 0
    plan = planned(desk, "twap BTCUSDT SELL all --chunks 2")
    assert quantity(plan) == "0.017"
    done = desk.bot("market BTCUSDT SELL all --json")
    assert quantity(done) == "0.017"
    assert desk.requests("POST", "/fapi/v1/order")[-1]["params"]["reduceOnly"] == "true"
    assert desk.bot("positions --json").json["positions"] == []


def test_a_quantity_is_read_from_standard_input(desk: Desk) -> None:
    def fed(text: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(BOT), "market", "BTCUSDT", "BUY", "-", "--plan", "--json"]
        return subprocess.run(
            command, env=desk.environ, input=text, capture_output=True, text=True, timeout=60, check=False
        )

    done = fed("0.012\nwhat follows is not read\n")
    assert (done.returncode, '"quantity":"0.012"' in done.stdout.replace(" ", "")) == (0, True), done.stderr
    assert fed("").returncode == 2
    assert fed("twelve\n").returncode == 3


def test_a_job_keeps_the_size_with_which_it_began(desk: Desk) -> None:
    first = desk.bot("market BTCUSDT BUY --notional 1000 --job-id sized --json")
    assert quantity(first) == "0.016"
    desk.market("30000", "30000.1")
    again = desk.bot("market BTCUSDT BUY --notional 1000 --job-id sized --json")
    assert quantity(again) == "0.016"
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1
    assert desk.bot("market BTCUSDT SELL all --job-id closed").code == 0
    assert desk.bot("market BTCUSDT SELL all --job-id closed").code == 0
    assert len(desk.requests("POST", "/fapi/v1/order")) == 2


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("market BTCUSDT BUY", 2, "QUANTITY"),
        ("market BTCUSDT BUY 0.01 --notional 500", 2, "0.01"),
        ("market BTCUSDT BUY --percent 25 --notional 500", 2, "two sizes"),
        ("market BTCUSDT BUY all --notional 500", 2, "all"),
        ("bracket BTCUSDT BUY all 62000 58000", 2, "opens one"),
        ("market BTCUSDT BUY --percent 101", 2, "at most 100"),
        ("market BTCUSDT BUY --percent 0", 3, "above zero"),
        ("market BTCUSDT BUY --notional 5", 3, "or more"),
        ("market BTCUSDT SELL all", 3, "no position"),
    ],
)
def test_a_size_that_cannot_be_is_refused(desk: Desk, line: str, code: int, said: str) -> None:
    done = desk.bot(line)
    assert (done.code, said in done.err) == (code, True), done.err
    assert desk.requests("POST", "/fapi/v1/order") == []
