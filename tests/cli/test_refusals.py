"""Bad input of every kind: its exit code, one line, a hint, nothing sent, no traceback."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.support import Desk


class Bad(NamedTuple):
    line: str
    code: int
    says: str


VALIDATION = [
    Bad("market BTCUSDT BUY abc", 3, "NUMBER"),
    Bad("market BTCUSDT BUY -- -1", 3, "NUMBER"),
    Bad("market BTCUSDT BUY 0", 3, "NUMBER"),
    Bad("market BTCUSDT BUY nan", 3, "NUMBER"),
    Bad("market BTCUSDT BUY 1e-3", 3, "NUMBER"),
    Bad("market BTCUSDT HOLD 1", 3, "SIDE"),
    Bad("market BTCUSDTT BUY 1", 3, "BTCUSDT"),
    Bad("market BTCUSDT BUY 0.0105", 3, "LOT_SIZE"),
    Bad("market BTCUSDT BUY 0.0001", 3, "LOT_SIZE"),
    Bad("market BTCUSDT BUY 121", 3, "MARKET_LOT_SIZE"),
    Bad("market ETHUSDT BUY 0.001", 3, "MIN_NOTIONAL"),
    Bad("market BTCUSDT BUY 100", 3, "MARGIN"),
    Bad("market BTCUSDT SELL 0.1 --reduce-only", 3, "REDUCE_ONLY"),
    Bad("market BTCUSDT BUY 0.1 --position-side LONG", 3, "POSITION_SIDE"),
    Bad("market BTCUSDT BUY 0.1 --position-side UP", 3, "POSITION_SIDE"),
    Bad("limit BTCUSDT BUY 0.01 60000.05", 3, "PRICE_FILTER"),
    Bad("limit BTCUSDT BUY 0.01 100", 3, "PRICE_FILTER"),
    Bad("limit BTCUSDT BUY 0.01 70000", 3, "PERCENT_PRICE"),
    Bad("limit BTCUSDT SELL 0.01 50000", 3, "PERCENT_PRICE"),
    Bad("limit BTCUSDT BUY 0.01 59000 --tif XYZ", 3, "TIME_IN_FORCE"),
    Bad("limit BTCUSDT BUY 0.01 59000 --tif GTD", 3, "GOOD_TILL_DATE"),
    Bad("limit BTCUSDT BUY 0.01 59000 --tif GTD --good-till 60s", 3, "GOOD_TILL_DATE"),
    Bad("limit BTCUSDT BUY 0.01 --price-match NEAR", 3, "PRICE_MATCH"),
    Bad("stop-limit BTCUSDT SELL 0.01 61000 60900", 3, "TRIGGER_PRICE"),
    Bad("stop-limit BTCUSDT BUY 0.01 61000 60900", 3, "STOP_LIMIT"),
    Bad("stop-limit BTCUSDT SELL 0.01 59000 58900 --working-type LAST", 3, "WORKING_TYPE"),
    Bad("twap BTCUSDT BUY 0.005 --chunks 7", 3, "LOT_SIZE"),
    Bad("twap BTCUSDT BUY 0.0055 --chunks 5", 3, "LOT_SIZE"),
    Bad("twap ETHUSDT BUY 0.01 --chunks 5", 3, "MIN_NOTIONAL"),
    Bad("twap BTCUSDT BUY 500 --chunks 2", 3, "MARKET_LOT_SIZE"),
]
USAGE = [
    Bad("market BTCUSDT BUY", 2, "QUANTITY"),
    Bad("market BTCUSDT BUY 1 --no-such-option", 2, "--no-such-option"),
    Bad("nonsense", 2, "nonsense"),
    Bad("limit BTCUSDT BUY 0.01", 2, "--price-match"),
    Bad("limit BTCUSDT BUY 0.01 59000 --price-match QUEUE", 2, "--price-match"),
    Bad("limit BTCUSDT BUY 0.01 59000 --post-only --tif IOC", 2, "--post-only"),
    Bad("limit BTCUSDT BUY 0.01 59000 --timeout 5s", 2, "--wait"),
    Bad("limit BTCUSDT BUY 0.01 59000 --wait --on-exit sell", 2, "--on-exit"),
    Bad("limit BTCUSDT BUY 0.01 59000 --tif GTD --good-till soon", 2, "--good-till"),
    Bad("twap BTCUSDT BUY 1 --chunks 0", 2, "--chunks"),
    Bad("twap BTCUSDT BUY 1 --chunks many", 2, "--chunks"),
    Bad("twap BTCUSDT BUY 1 --interval 0", 2, "--interval"),
    Bad("twap BTCUSDT BUY 1 --interval -5", 2, "--interval"),
    Bad("market BTCUSDT BUY 0.01 --job-id has/slash", 2, "job id"),
    Bad("market BTCUSDT BUY 0.01 --job-id " + "x" * 25, 2, "job id"),
    Bad("market BTCUSDT BUY 0.01 --env mars", 2, "mars"),
]
CONFIGURATION = [
    Bad("market BTCUSDT BUY 0.01 --env live", 6, "BINANCE_API_KEY"),
    Bad("market BTCUSDT BUY 0.01 --env testnet", 6, "BINANCE_API_KEY"),
    Bad("market BTCUSDT BUY 0.01 --env demo", 6, "BINANCE_API_KEY"),
]
ALL = VALIDATION + USAGE + CONFIGURATION


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.line)
def test_a_person_reads_one_line_and_a_hint(desk: Desk, bad: Bad) -> None:
    done = desk.bot(bad.line)
    assert done.code == bad.code, done.err
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert bad.says in errors[0]
    assert "hint:" in done.err
    assert "Traceback" not in done.err + done.out
    assert not desk.requests("POST", "/fapi/v1/order")
    assert not desk.requests("POST", "/fapi/v1/algoOrder")


@pytest.mark.parametrize("bad", ALL[::7], ids=lambda bad: bad.line)
def test_a_script_reads_one_document(desk: Desk, bad: Bad) -> None:
    line = bad.line.replace(" -- -1", " --json -- -1") if " -- " in bad.line else bad.line + " --json"
    done = desk.bot(line)
    assert done.code == bad.code
    document = done.json
    assert document["schema"] == 1
    assert set(document["error"]) == {"kind", "code", "message", "hint"}
    assert bad.says in document["error"]["message"]
    assert document["error"]["kind"] == {2: "usage", 3: "validation", 6: "configuration"}[bad.code]


def test_rounding_adapts_instead_of_refusing_and_never_up(desk: Desk) -> None:
    done = desk.bot("limit BTCUSDT BUY 0.0109 59000.19 --round --json")
    assert done.code == 0
    (order,) = done.json["orders"]
    assert (order["quantity"], order["price"]) == ("0.010", "59000.1")
    sell = desk.bot("limit BTCUSDT SELL 0.0109 61000.11 --round --json")
    assert sell.json["orders"][0]["price"] == "61000.2"


def test_a_twap_of_a_quantity_off_the_step_is_rounded_down_where_asked_to(desk: Desk) -> None:
    done = desk.bot("twap BTCUSDT BUY 0.0109 --chunks 2 --interval 50ms --round --json")
    assert done.code == 0, done.err
    assert done.json["executed_quantity"] == "0.010"


def test_an_unreachable_exchange_is_exit_7_and_nothing_is_in_doubt(desk: Desk) -> None:
    down = {"code": -1008, "msg": "Request throttled by system-level protection."}
    desk.fault("GET", "/fapi/v1/premiumIndex", "error", apply="before", status=503, body=down, times=100)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 7
    assert done.json["error"]["kind"] == "unreachable"


def test_a_key_that_the_exchange_refuses_is_exit_6(desk: Desk) -> None:
    bad_key = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=401, body=bad_key, times=1)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 6
    assert done.json["orders"][0]["code"] == -2015


def test_an_order_refused_by_the_exchange_is_exit_5_with_its_code(desk: Desk) -> None:
    margin = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=margin, times=1)
    done = desk.bot("market BTCUSDT BUY 0.01 --json")
    assert done.code == 5
    assert done.json["orders"][0]["code"] == -2019
    assert "-2019" in done.json["reason"]


def test_a_job_id_that_exists_is_reported_and_never_done_twice(desk: Desk) -> None:
    first = desk.bot("market BTCUSDT BUY 0.01 --job-id daily-1 --json")
    again = desk.bot("market BTCUSDT BUY 0.01 --job-id daily-1 --json")
    assert (first.code, again.code) == (0, 0)
    assert again.json["orders"] == first.json["orders"]
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


def test_a_job_id_of_another_job_is_refused(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01 --job-id daily-2").code == 0
    other = desk.bot("market BTCUSDT SELL 0.01 --job-id daily-2")
    assert other.code == 3
    assert "JOB_ID" in other.err
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


BUG = """
from orderkit.console.helptext import App
from orderkit.console.main import run_app

app = App(add_completion=False)

@app.command()
def broken(json: bool = False) -> None:
    raise RuntimeError("this cannot happen")

run_app(app)
"""


def test_a_bug_is_exit_1_one_line_for_people_and_a_traceback_in_the_log(desk: Desk) -> None:
    for words in ([], ["--json"]):
        call = [sys.executable, "-c", BUG, *words]
        done = subprocess.run(call, env=desk.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stdout + done.stderr
        assert "bot.log" in done.stdout + done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "internal"
    assert "Traceback" in desk.log_file.read_text()
