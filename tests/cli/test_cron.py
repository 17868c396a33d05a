"""Twenty commands started at the same moment, as cron does: one account, one journal, one request budget."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orderkit.exchange.budget import Budget, Limits
from tests.support import Desk, Done, finish

MANY = 20
LOGGED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) [\w.]+: ")


def together(desk: Desk, *lines: str) -> list[Done]:
    """Start a command for each line at once; how each ended."""
    return [finish(process, 120) for process in [desk.start(line) for line in lines]]


def rows(desk: Desk, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(desk.home / "journal.sqlite")) as journal:
        return journal.execute(query).fetchall()


def orders_counted(desk: Desk) -> int:
    """The orders of the last minute in the file that all processes of this user share."""
    (file,) = desk.home.rglob("budget-*.json")
    (account,) = Budget.decode(file.read_bytes(), Limits()).accounts.values()
    return account.orders_1m.total


def test_twenty_jobs_at_once_keep_one_journal_and_share_one_budget(desk: Desk) -> None:
    before = desk.log_file.read_text().count("\n") if desk.log_file.exists() else 0
    names = [f"cron-{number}" for number in range(MANY)]
    ended = together(desk, *(f"market BTCUSDT BUY 0.001 --job-id {name} --json" for name in names))
    assert [done.code for done in ended] == [0] * MANY, [done.err for done in ended if done.code]
    assert [done.json["job_id"] for done in ended] == names
    placed = [row["params"]["newClientOrderId"] for row in desk.requests("POST", "/fapi/v1/order")]
    assert sorted(placed) == sorted(f"ok-{name}-1" for name in names)
    assert rows(desk, "PRAGMA integrity_check") == [("ok",)]
    assert sorted(rows(desk, "SELECT job_id, status FROM jobs")) == sorted((n, "COMPLETED") for n in names)
    kept = rows(desk, "SELECT client_order_id, job_id, status FROM orders")
    assert sorted(kept) == sorted((f"ok-{name}-1", name, "FILLED") for name in names)
    assert rows(desk, "SELECT COUNT(*), COUNT(DISTINCT trade_id) FROM fills") == [(MANY, MANY)]
    assert desk.bot("positions --json").json["positions"][0]["quantity"] == "0.020"
    lines = desk.log_file.read_text().splitlines()[before:]
    assert [line for line in lines if not LOGGED.match(line)] == []
    assert 0 < orders_counted(desk) <= MANY  # fewer where a minute ended meanwhile


def test_twenty_times_the_same_job_at_once_is_one_job(desk: Desk) -> None:
    ended = together(desk, *["market BTCUSDT BUY 0.001 --job-id daily --json"] * MANY)
    assert {done.code for done in ended} == {0}, [done.err for done in ended if done.code]
    assert {done.json["job_id"] for done in ended} == {"daily"}
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1
    assert rows(desk, "SELECT job_id, status FROM jobs") == [("daily", "COMPLETED")]
    assert rows(desk, "SELECT client_order_id FROM orders") == [("ok-daily-1",)]


@pytest.mark.slow
def test_twenty_jobs_wait_for_each_other_where_the_exchange_takes_fewer_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.open()
    try:
        limits = {"weight_per_minute": 2400, "orders_per_10s": 12, "orders_per_minute": 1200}
        desk.control("POST", "/paper/limits", limits)
        desk.market("60000", "60000.1")
        lines = [f"market BTCUSDT BUY 0.001 --job-id wait-{number} --json" for number in range(MANY)]
        ended = together(desk, *lines)
        assert {done.code for done in ended} == {0}, [done.err for done in ended if done.code]
        placed = desk.requests("POST", "/fapi/v1/order")
        assert [row["status"] for row in placed] == [200] * MANY
    finally:
        desk.close()
