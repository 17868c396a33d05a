"""The risk gate in front of every command."""

import time
from collections.abc import Iterator

import pytest

from tests.support import Desk, finish
from tests.waiting import until


@pytest.fixture
def guarded(desk: Desk) -> Iterator[Desk]:
    """A desk with the limits that a new user has, trading."""
    desk.variables = {"ORDERKIT_RISK_MAX_POSITION_NOTIONAL": ""}
    yield desk
    desk.bot("resume-trading")
    desk.variables = {}


def nothing_sent(desk: Desk) -> bool:
    return not desk.requests("POST", "/fapi/v1/order")


def test_a_position_beyond_the_default_limit_is_refused_with_the_numbers(guarded: Desk) -> None:
    done = guarded.bot("market BTCUSDT BUY 1.7 --json")
    assert done.code == 4
    assert done.json["error"]["kind"] == "risk"
    assert "102000" in done.json["error"]["message"]
    assert "100000" in done.json["error"]["message"]
    assert nothing_sent(guarded)


def test_a_twap_counts_as_a_whole_and_with_the_position_that_is_there(guarded: Desk) -> None:
    assert guarded.bot("twap BTCUSDT BUY 1.0 --chunks 2 --interval 50ms").code == 0
    again = guarded.bot("twap BTCUSDT BUY 1.0 --chunks 10 --interval 50ms")
    assert again.code == 4
    assert len(guarded.requests("POST", "/fapi/v1/order")) == 2
    assert guarded.bot("twap BTCUSDT SELL 1.0 --chunks 2 --interval 50ms --reduce-only").code == 0


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("MAX_ORDER_NOTIONAL", "500", "market BTCUSDT BUY 0.01"),
        ("MAX_DISTANCE_BPS", "100", "limit BTCUSDT BUY 0.01 59000"),
        ("ALLOWED_SYMBOLS", "ETHUSDT", "market BTCUSDT BUY 0.01"),
        ("MAX_LEVERAGE", "10", "market BTCUSDT BUY 0.01"),
    ],
)
def test_each_limit_of_the_environment_is_held(guarded: Desk, variable: str, value: str, line: str) -> None:
    guarded.variables[f"ORDERKIT_RISK_{variable}"] = value
    done = guarded.bot(line)
    assert done.code == 4
    assert variable in done.err or "allowed" in done.err
    assert nothing_sent(guarded)


def test_limits_of_the_file_are_held_and_shown(guarded: Desk) -> None:
    (guarded.home / "risk.toml").write_text("max_open_orders = 1\n")
    try:
        assert guarded.bot("risk --json").json["limits"]["max_open_orders"] == "1"
        assert guarded.bot("limit BTCUSDT BUY 0.01 59000").code == 0
        assert guarded.bot("limit BTCUSDT BUY 0.01 58000").code == 4
    finally:
        (guarded.home / "risk.toml").unlink()


def test_limits_that_cannot_be_understood_stop_everything(guarded: Desk) -> None:
    guarded.variables["ORDERKIT_RISK_MAX_ORDER_NOTIONAL"] = "lots"
    done = guarded.bot("market BTCUSDT BUY 0.01")
    assert done.code == 6
    assert nothing_sent(guarded)


def test_a_halt_refuses_new_jobs_and_ends_running_ones(guarded: Desk) -> None:
    twap = guarded.start("twap BTCUSDT BUY 1.0 --chunks 10 --interval 1 --json")
    deadline = time.monotonic() + 60
    while nothing_sent(guarded) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert guarded.bot("halt").code == 0
    done = finish(twap)
    assert done.code == 9
    assert "halted" in done.json["reason"]
    assert guarded.bot("market BTCUSDT SELL 0.01 --reduce-only").code == 4
    assert guarded.bot("resume-trading --json").json["state"] == "ACTIVE"
    assert guarded.bot("market BTCUSDT SELL 0.01 --reduce-only").code == 0


def test_a_resumed_job_counts_once_what_it_has_executed(guarded: Desk) -> None:
    twap = guarded.start("twap BTCUSDT BUY 1.5 --chunks 3 --interval 1 --job-id once")
    until(lambda: len(guarded.requests("POST", "/fapi/v1/order")) >= 2, "no two slices were sent")
    twap.kill()
    twap.communicate()
    done = guarded.bot("resume once --json")
    assert (done.code, done.json["executed_quantity"]) == (0, "1.500"), done.out
    assert guarded.bot("twap BTCUSDT SELL 1.5 --chunks 2 --interval 50ms --reduce-only").code == 0


def test_reducing_lets_positions_be_closed_only(guarded: Desk) -> None:
    assert guarded.bot("market BTCUSDT BUY 0.02").code == 0
    assert guarded.bot("halt --reduce").code == 0
    assert guarded.bot("market BTCUSDT BUY 0.01").code == 4
    assert guarded.bot("market BTCUSDT SELL 0.02").code == 0


def test_a_daily_loss_stops_what_would_open_a_position(guarded: Desk) -> None:
    guarded.variables["ORDERKIT_RISK_MAX_DAILY_LOSS"] = "5"
    assert guarded.bot("market BTCUSDT BUY 0.1").code == 0
    guarded.market("59900", "59900.1")
    assert guarded.bot("market BTCUSDT SELL 0.1").code == 0  # 10 USDT lost, and the fees
    done = guarded.bot("market BTCUSDT BUY 0.1")
    assert done.code == 4
    assert "MAX_DAILY_LOSS" in done.err


def test_limits_of_the_env_file_count_too(guarded: Desk) -> None:
    """A limit that somebody wrote down and that is silently ignored would be worse than none."""
    (guarded.home / ".env").write_text("ORDERKIT_RISK_MAX_ORDER_NOTIONAL=500\n")
    try:
        assert guarded.bot("market BTCUSDT BUY 0.01").code == 4
    finally:
        (guarded.home / ".env").unlink()


def test_a_named_file_that_is_not_there_stops_everything(guarded: Desk) -> None:
    guarded.variables["ORDERKIT_RISK_FILE"] = str(guarded.home / "nowhere.toml")
    assert guarded.bot("market BTCUSDT BUY 0.01").code == 6
