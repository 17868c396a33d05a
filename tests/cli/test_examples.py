"""The examples run as they stand: each on the embedded exchange, and again where that must do nothing."""

import shlex
import subprocess
import sys
from pathlib import Path

from tests.support import BOT, ROOT, Desk, Done

EXAMPLES = ROOT / "examples"


def example(desk: Desk, line: str) -> Done:
    """Run one of the files below examples/ with its arguments."""
    name, *words = line.split()
    file = EXAMPLES / name
    call = ["sh", str(file)] if file.suffix == ".sh" else [sys.executable, str(file)]
    variables = {"ORDERKIT": shlex.join([sys.executable, str(BOT)]), "DCA_LOG": str(desk.home / "dca.jsonl")}
    done = subprocess.run(
        [*call, *words],
        env=desk.environ | variables,
        cwd=desk.home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def held(desk: Desk) -> dict[str, str]:
    return {row["symbol"]: row["quantity"] for row in desk.bot("positions --json").json["positions"]}


def test_the_daily_buyer_buys_once_a_day_however_often_cron_calls_it(desk: Desk) -> None:
    calls = [example(desk, "cron/dca.sh BTCUSDT 0.002") for _ in range(2)]
    assert [(done.code, done.out, done.err) for done in calls] == [(0, "", "")] * 2
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1
    assert held(desk) == {"BTCUSDT": "0.002"}
    assert len((desk.home / "dca.jsonl").read_text().splitlines()) == 2


def test_the_daily_buyer_says_what_kept_it_and_the_next_call_buys(desk: Desk) -> None:
    down = {"code": -1008, "msg": "Request throttled by system-level protection."}
    desk.fault("GET", "/fapi/v1/premiumIndex", "error", apply="before", status=503, body=down, times=100)
    kept = example(desk, "cron/dca.sh BTCUSDT 0.002")
    assert kept.code == 7
    assert "next call tries again" in kept.err
    desk.control("DELETE", "/paper/faults")
    assert example(desk, "cron/dca.sh BTCUSDT 0.002").code == 0
    assert held(desk) == {"BTCUSDT": "0.002"}
    refused = example(desk, "cron/dca.sh ETHUSDT 0.0001")
    assert refused.code == 3
    assert "exit code 3" in refused.err


def test_the_rebalancer_trades_the_difference_and_then_nothing(desk: Desk) -> None:
    assert desk.bot("market ETHUSDT SELL 3").code == 0
    shown = example(desk, "shell/rebalance.py BTCUSDT=0.05 ETHUSDT=1 --plan")
    assert shown.out.splitlines() == [
        "market BTCUSDT BUY 0.05 --yes",
        "market ETHUSDT BUY 3.000 --yes --reduce-only",
        "market ETHUSDT BUY 1 --yes",
    ]
    assert held(desk) == {"ETHUSDT": "-3.000"}
    done = example(desk, "shell/rebalance.py BTCUSDT=0.05 ETHUSDT=1")
    assert done.code == 0, done.err
    assert held(desk) == {"BTCUSDT": "0.050", "ETHUSDT": "1.000"}
    again = example(desk, "shell/rebalance.py BTCUSDT=0.05 ETHUSDT=1")
    assert again.code == 0
    assert all("near enough" in line for line in again.out.splitlines())


def test_the_rebalancer_ends_with_the_exit_code_of_what_failed(desk: Desk) -> None:
    done = example(desk, "shell/rebalance.py BTCUSDT=10000")
    assert done.code == 3
    assert "LOT_SIZE" in done.err


def test_the_guard_gives_each_bare_position_a_stop_once(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.05").code == 0
    assert desk.bot("market ETHUSDT SELL 2").code == 0
    first = example(desk, "shell/stop_guard.py --percent 2")
    assert first.code == 0, first.err
    assert sorted(first.out.splitlines()) == [
        "BTCUSDT: stop at 58800.1 for 0.050",
        "ETHUSDT: stop at 3060.00 for 2.000",
    ]
    again = example(desk, "shell/stop_guard.py --percent 2")
    assert (again.code, again.out, again.err) == (0, "", "")
    rows = desk.bot("positions --json").json["positions"]
    assert {row["protection"] for row in rows} == {"full"}


def test_the_guard_says_which_position_it_could_not_protect(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.05").code == 0
    refusal = {"code": -4045, "msg": "Reach max stop order limit."}
    desk.fault("POST", "/fapi/v1/algoOrder", "error", apply="before", status=400, body=refusal, times=1)
    done = example(desk, "shell/stop_guard.py")
    assert done.code == 9
    assert "BTCUSDT: NO STOP" in done.err


def test_every_example_is_listed_and_runs_from_its_own_first_line() -> None:
    files = {path for path in EXAMPLES.rglob("*") if path.is_file() and path.name != "README.md"}
    listed = (EXAMPLES / "README.md").read_text()
    for path in files:
        assert f"]({path.relative_to(EXAMPLES)})" in listed
        if path.suffix in (".sh", ".py"):
            assert path.read_text().startswith("#!")
            assert path.stat().st_mode & 0o111
    assert {Path(path).name for path in files} >= {"dca.sh", "crontab", "rebalance.py", "stop_guard.py"}
