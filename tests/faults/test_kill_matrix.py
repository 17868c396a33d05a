"""SIGKILL at every request, before and after the exchange executed it; then resume."""

import functools
import shutil
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from orderkit.orders.registry import KINDS
from tests.faults.truth import SYMBOL, assert_sent_once, assert_true, gateway_of
from tests.launcher import Launched
from tests.support import Desk, Done, finish

ORDERS = ("/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v1/batchOrders")


class Scenario(NamedTuple):
    """A command, what it does in all, and what must move the market for it to end.

    ``before`` is a command that is run, and not killed, first; ``executed`` counts it too. ``meanwhile`` is
    what the market does again and again as long as the command runs.
    """

    line: str
    executed: Decimal
    move: Callable[[Desk], None] = lambda _: None
    open_orders: int = 0
    before: str = ""
    meanwhile: Callable[[Desk], None] = lambda _: None


def cross(desk: Desk) -> None:
    desk.market("58990", "58990.1")


def trigger(desk: Desk) -> None:
    desk.market("60550", "60550.1")


def turn(desk: Desk) -> None:
    desk.market("61000", "61000.1")
    desk.market("60300", "60300.1")


def run_away_and_come_back(desk: Desk) -> None:
    desk.market("60100", "60100.1")
    time.sleep(0.6)  # for the order to be moved there
    desk.market("59990", "59990.1")


def take_profit(desk: Desk) -> None:
    desk.market("62000", "62000.1")


def others_trade_both_ways(desk: Desk) -> None:
    desk.trade("60000.1", "0.01")
    desk.trade("59999.9", "0.01", seller_began=True)


def others_trade(desk: Desk) -> None:
    desk.trade("60000.1", "0.01")


def take_some_profit_then_stop(desk: Desk) -> None:
    desk.market("62000", "62000.1", quantities=("0.2", "50"))
    time.sleep(0.6)  # for the stop to be resized
    desk.market("57990", "57990.1")


LIVE_ONLY = {"twap-binance"}  # Binance's own engine, which the paper exchange does not have

SCENARIOS = {
    "market": Scenario("market BTCUSDT BUY 0.01", Decimal("0.01")),
    "limit": Scenario("limit BTCUSDT BUY 0.01 59000 --wait", Decimal("0.01"), cross),
    "stop-limit": Scenario("stop-limit BTCUSDT BUY 0.01 60500 60600 --wait", Decimal("0.01"), trigger),
    "trailing-stop": Scenario("trailing-stop BTCUSDT SELL 0.01 1 --wait", Decimal("-0.01"), turn),
    "twap": Scenario("twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms", Decimal("0.3")),
    "twap-passive": Scenario(
        "twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms --style passive", Decimal("0.3")
    ),
    "twap-tick-better": Scenario(
        "twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms --style tick-better --escalate-after 1",
        Decimal("0.3"),
    ),
    "oco": Scenario("oco BTCUSDT SELL 0.5 62000 58000", Decimal("-0.5"), take_profit),
    "oco-resized": Scenario(
        "oco BTCUSDT SELL 0.5 62000 58000",
        Decimal(0),
        take_some_profit_then_stop,
        before="market BTCUSDT BUY 0.5",
    ),
    "scaled": Scenario("scaled BTCUSDT BUY 0.3 59500 59000 --orders 3 --wait", Decimal("0.3"), cross),
    "iceberg": Scenario(
        "iceberg BTCUSDT BUY 0.03 59000 --chunk-size 50% --interval 200ms", Decimal("0.03"), cross
    ),
    "chase": Scenario(
        "chase BTCUSDT BUY 0.01 --interval 100ms --timeout 60s", Decimal("0.01"), run_away_and_come_back
    ),
    "pov-passive": Scenario(
        "pov BTCUSDT BUY 0.2 --rate 50% --min-slice 0.1 --style passive",
        Decimal("0.2"),
        meanwhile=others_trade_both_ways,
    ),
    "vwap": Scenario("vwap BTCUSDT BUY 0.3 --duration 900ms --slices 3 --days 1", Decimal("0.3")),
    "close": Scenario("close BTCUSDT", Decimal(0), before="market BTCUSDT BUY 0.5"),
    "pov": Scenario("pov BTCUSDT BUY 0.2 --rate 50% --min-slice 0.1", Decimal("0.2"), meanwhile=others_trade),
    "bracket": Scenario("bracket BTCUSDT BUY 0.5 62000 58000", Decimal(0), take_profit),
    # buys at 59000, places the sell at 60000, and closes what it holds at its end
    "grid": Scenario("grid BTCUSDT 58000 62000 5 0.01 --max-runtime 2s --on-stop flatten", Decimal(0), cross),
}


def test_every_kind_of_job_has_its_row() -> None:
    assert set(KINDS) - LIVE_ONLY == {scenario.line.split()[0] for scenario in SCENARIOS.values()}


def requests_of(desk: Desk, scenario: Scenario) -> list[tuple[str, str]]:
    """Method and path of each request of an undisturbed run."""
    since = fresh(desk, scenario)
    process = desk.start(scenario.line + " --job-id job")
    move_when_resting(desk, scenario, process, lambda: False, functools.partial(accepted, since=since))
    done = finish(process)
    assert done.code == 0, done.err
    return [(r["method"], r["path"]) for r in desk.all_requests()[since:] if r["path"].startswith("/fapi")]


def fresh(desk: Desk, scenario: Scenario) -> int:
    """A new account, journal and cache, and what is run before; how many requests that took."""
    desk.control("DELETE", "/paper/faults")
    desk.control("POST", "/paper/reset")
    desk.market("60000", "60000.1")
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    shutil.rmtree(desk.home / "cache", ignore_errors=True)
    if scenario.before:
        done = desk.bot(scenario.before)
        assert done.code == 0, done.err
        desk.market("60000", "60000.1")
    return len(desk.all_requests())


def complete(desk: Desk, scenario: Scenario) -> Done:
    """What a person or cron does next: the same command under the same job id."""
    gateway = gateway_of(desk)
    try:
        process = desk.start(scenario.line + " --job-id job")
        move_when_resting(desk, scenario, process, lambda: False, lambda _: bool(gateway.open_orders(SYMBOL)))
        return finish(process)
    finally:
        gateway.close()


def accepted(desk: Desk, since: int) -> bool:
    """True once an order was taken, as the log of requests says: to ask would itself be a request."""
    posts = [r for r in desk.all_requests()[since:] if r["path"] in ORDERS and r["method"] == "POST"]
    return any(r["status"] == 200 for r in posts)


def move_when_resting(
    desk: Desk,
    scenario: Scenario,
    process: Launched,
    done: Callable[[], bool],
    resting: Callable[[Desk], bool],
) -> None:
    """Wait until ``done`` or the command's end, and move the market as soon as its order rests."""
    deadline = time.monotonic() + 30
    moved = False
    while not done() and time.monotonic() < deadline and process.poll() is None:
        if not moved and resting(desk):
            time.sleep(0.3)
            if done():
                return
            scenario.move(desk)
            moved = True
        scenario.meanwhile(desk)
        time.sleep(0.02)


@pytest.fixture(scope="module")
def matrix() -> Iterator[dict[str, int]]:
    cells: dict[str, int] = {}
    yield cells
    print(f"\nkill matrix: {sum(cells.values())} cells run: {cells}")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", list(SCENARIOS))
def test_a_job_killed_at_any_request_is_completed_by_resume(
    opened: Desk, kind: str, matrix: dict[str, int]
) -> None:
    scenario = SCENARIOS[kind]
    requests = requests_of(opened, scenario)
    seen: dict[tuple[str, str], int] = {}
    for method, path in requests:
        nth = seen[method, path] = seen.get((method, path), 0) + 1
        for apply in ("before", "after"):
            where = f"{kind}: killed {apply} {method} {path} number {nth}"
            since = fresh(opened, scenario)
            opened.fault(method, path, "hold", apply=apply, nth=nth)
            process = opened.start(scenario.line + " --job-id job")
            held = functools.partial(has_received, opened, method, path, nth, since)
            move_when_resting(opened, scenario, process, held, functools.partial(accepted, since=since))
            time.sleep(0.05)
            process.kill()
            process.communicate()
            reached = held()
            opened.control("DELETE", "/paper/faults")
            assert reached, f"{where}: the request was never made"
            done = complete(opened, scenario)
            assert done.code == 0, f"{where}: {done.out} {done.err}"
            try:
                assert_true(opened, executed=scenario.executed, open_orders=scenario.open_orders)
                assert_sent_once(opened)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
            matrix[kind] = matrix.get(kind, 0) + 1


def has_received(desk: Desk, method: str, path: str, count: int, since: int) -> bool:
    received = desk.all_requests()[since:]
    return sum((row["method"], row["path"]) == (method, path) for row in received) >= count


@pytest.mark.slow
def test_resume_all_goes_on_with_every_killed_job(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.open()
    try:
        desk.market("60000", "60000.1")
        jobs = [
            desk.start(f"twap BTCUSDT BUY 0.5 --chunks 5 --interval 300ms --job-id t{n}") for n in range(3)
        ]
        while len(desk.requests("POST", "/fapi/v1/order")) < 6:
            time.sleep(0.02)
        for job in jobs:
            job.kill()
            job.communicate()
        done = desk.bot("resume --all")
        assert done.code == 0, done.err
        assert_true(desk, executed=Decimal("1.5"))
        assert "nothing to resume" in desk.bot("resume --all").out
    finally:
        desk.close()
