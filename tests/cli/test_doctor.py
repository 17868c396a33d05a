"""Doctor on the embedded exchange: each check, sound and ailing, and the exit code by the worst."""

import signal
import sqlite3

from orderkit.console.looking_documents import CheckRow, DoctorDocument
from tests.cli.normal import document_of, normal, wait_for_orders
from tests.support import Desk, Done, finish

NAMES = [
    "environment",
    "key",
    "clock",
    "position mode",
    "margin mode",
    "exchange info",
    "stream /public",
    "stream /market",
    "stream /private",
    "orders",
    "jobs",
    "positions",
    "journal",
    "trading",
    "disk",
    "permissions",
    "log",
]


def checks(done: Done) -> dict[str, CheckRow]:
    return {row.name: row for row in document_of(done, DoctorDocument).checks}


def test_everything_is_sound_after_a_trade(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02 --job-id entry").code == 0
    assert desk.bot("stop-limit BTCUSDT SELL 0.02 58000 57900 --reduce-only").code == 0
    done = desk.bot("doctor --json")
    assert done.code == 0
    assert document_of(done, DoctorDocument).verdict == "ok"
    assert list(checks(done)) == NAMES
    assert all(row.verdict == "ok" and row.action is None for row in checks(done).values())


def test_a_person_reads_a_line_for_each_and_what_to_do(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02").code == 0
    done = desk.bot("doctor")
    assert done.code == 0
    lines = normal(done.out, desk).splitlines()
    assert [line.split("  ")[0].strip() for line in lines[2:5]] == ["ok", "ok", "ok"]
    assert " warn  positions        no stop protects BTCUSDT 0.020 (0.000 protected) in full" in lines
    assert "                        → place a stop: bot.py stop-limit … --reduce-only" in lines


def test_orders_of_nobody_are_found_and_orders_that_are_gone(desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id theirs").code == 0
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    assert desk.bot("limit BTCUSDT BUY 0.01 58900 --job-id gone").code == 0
    desk.control("POST", "/paper/market", {"symbol": "BTCUSDT", "bid": "58800", "ask": "58800.1"})
    found = checks(desk.bot("doctor --json"))
    assert (found["orders"].verdict, found["journal orders"].verdict) == ("ok", "warn")  # both have filled
    assert "ok-gone-1" in found["journal orders"].message
    desk.market("60000", "60000.1")
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id stray").code == 0
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    stray = checks(desk.bot("doctor --json"))["orders"]
    assert (stray.verdict, "ok-stray-1" in stray.message) == ("warn", True)


def test_a_job_that_was_killed_is_found(desk: Desk) -> None:
    running = desk.start("twap BTCUSDT BUY 0.1 --chunks 10 --interval 1 --job-id left")
    wait_for_orders(desk, 1)
    running.send_signal(signal.SIGKILL)
    finish(running)
    found = checks(desk.bot("doctor --json"))["jobs"]
    assert (found.verdict, "left" in found.message) == ("warn", True)
    assert "bot.py resume" in (found.action or "")


def test_an_order_in_doubt_is_exit_8_and_named(desk: Desk) -> None:
    assert desk.bot("limit BTCUSDT BUY 0.01 59000 --job-id doubt").code == 0
    with sqlite3.connect(desk.home / "journal.sqlite") as journal:
        journal.execute("UPDATE orders SET status = 'UNKNOWN'")
    journal.close()
    done = desk.bot("doctor --json")
    assert done.code == 8
    assert "ok-doubt-1" in checks(done)["journal"].message


def test_a_damaged_journal_is_exit_6(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01").code == 0
    for path in desk.home.glob("journal.sqlite-*"):
        path.unlink()
    (desk.home / "journal.sqlite").write_bytes(b"not a database at all" * 500)
    done = desk.bot("doctor --json")
    assert done.code == 6
    assert checks(done)["journal"].verdict == "fail"
    assert checks(done)["key"].verdict == "ok"


def test_a_refused_key_is_exit_6_and_the_rest_is_still_looked_at(desk: Desk) -> None:
    bad_key = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    desk.fault("GET", "/fapi/v1/accountConfig", "error", apply="before", status=401, body=bad_key, times=100)
    done = desk.bot("doctor --json")
    assert done.code == 6
    assert (checks(done)["key"].verdict, checks(done)["clock"].verdict) == ("fail", "ok")


def test_a_missing_key_is_exit_6_and_this_machine_is_still_looked_at(desk: Desk) -> None:
    done = desk.bot("doctor --env testnet --json")
    assert done.code == 6
    assert list(checks(done)) == ["environment", "journal", "trading", "disk", "permissions", "log"]
    assert "BINANCE_API_KEY" in checks(done)["environment"].message


def test_a_stream_that_does_not_answer_is_exit_7(desk: Desk) -> None:
    down = {"code": -1008, "msg": "Request throttled by system-level protection."}
    desk.fault("POST", "/fapi/v1/listenKey", "error", apply="before", status=503, body=down, times=100)
    done = desk.bot("doctor --json")
    assert done.code == 7
    assert checks(done)["stream /private"].verdict == "fail"
    assert checks(done)["stream /public"].verdict == "ok"


def test_a_halt_is_told(desk: Desk) -> None:
    assert desk.bot("halt").code == 0
    try:
        found = checks(desk.bot("doctor --json"))["trading"]
        assert (found.verdict, found.message) == ("warn", "halted")
    finally:
        desk.bot("resume-trading")
