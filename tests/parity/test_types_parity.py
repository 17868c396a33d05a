"""Each order type sends the same orders as a command on paper and in virtual time, for the same market."""

import json
import time
from decimal import Decimal
from itertools import count
from typing import NamedTuple

import pytest

from orderkit.domain.market import Quote
from orderkit.domain.order import OrderRequest
from orderkit.journal.sqlite import SqliteJournal
from orderkit.orders.registry import executor_of, request_of
from orderkit.runtime.backtest import Latency
from tests.support import Desk, finish
from tests.virtual import BTC, JOB, START_MS, Venue
from tests.waiting import until

TICK = Decimal("0.1")
PLACING = ("/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v1/batchOrders")


class Case(NamedTuple):
    """A command, and the market: so many orders sent in all, then this bid with so much behind it."""

    line: str
    market: tuple[tuple[int, str, str], ...]
    held: str = ""
    stopped: bool = False


CASES = {
    "scaled": Case(
        "scaled BTCUSDT BUY 0.3 59000 58000 --orders 3 --sizes increasing --wait",
        ((3, "58900", "50"), (3, "58400", "50"), (3, "57900", "50")),
    ),
    "iceberg": Case(
        "iceberg BTCUSDT BUY 0.1 59000 --chunk-size 30% --randomize 20%",
        ((1, "58000", "50"),),
    ),
    "chase": Case("chase BTCUSDT BUY 0.01 --interval 100ms", ((1, "60100", "50"), (2, "60050", "50"))),
    "trailing-stop": Case(
        "trailing-stop BTCUSDT SELL 0.01 1 --wait", ((1, "61000", "50"), (1, "60300", "50"))
    ),
    "oco": Case("oco BTCUSDT SELL 0.5 62000 58000", ((2, "62000", "0.2"), (3, "57990", "50")), held="0.5"),
    "bracket": Case("bracket BTCUSDT BUY 0.5 62000 58000 57900", ((3, "62000", "50"),)),
    "grid": Case(
        "grid BTCUSDT 58000 62000 5 0.01 --mode long",
        ((5, "58990", "50"), (6, "60100", "50"), (7, "58990", "50"), (8, "60000", "50")),
        stopped=True,
    ),
}


def sent(desk: Desk) -> int:
    """How many orders of the job have been taken or refused so far."""
    orders = 0
    for row in desk.all_requests():
        if row["method"] == "POST" and row["path"] in PLACING and row["status"]:
            batch = row["params"].get("batchOrders")
            cids = [e["newClientOrderId"] for e in json.loads(batch)] if batch else [_cid(row["params"])]
            orders += sum(cid.startswith(f"ok-{JOB}-") for cid in cids)
    return orders


def _cid(params: dict[str, str]) -> str:
    return params.get("newClientOrderId") or params["clientAlgoId"]


def live(desk: Desk, case: Case) -> tuple[list[OrderRequest], str]:
    if case.held:
        assert desk.bot(f"market BTCUSDT BUY {case.held}").code == 0
        desk.market("60000", "60000.1")
    process = desk.start(f"{case.line} --job-id {JOB} --json")
    for orders, bid, size in case.market:
        until(lambda orders=orders: sent(desk) >= orders, f"no {orders} orders before {bid}")  # type: ignore[misc]
        time.sleep(0.3)  # for the answers
        desk.market(bid, str(Decimal(bid) + TICK), quantities=(size, size))
    if case.stopped:
        time.sleep(0.5)
        assert desk.bot(f"stop {JOB}").code == 0
    done = finish(process)
    journal = SqliteJournal(desk.home / "journal.sqlite")
    record = journal.load_job(JOB)
    journal.close()
    assert record is not None, done.err
    return [order.request for order in record.orders], record.status.value


def virtual(desk: Desk, kind: str, case: Case) -> tuple[list[OrderRequest], str]:
    """The same request, as the journal of the live run has it."""
    journal = SqliteJournal(desk.home / "journal.sqlite")
    record = journal.load_job(JOB)
    journal.close()
    assert record is not None
    venue = Venue(Latency(2, 2))
    if case.held:
        venue.hold(case.held)
    market = [
        Quote("BTCUSDT", Decimal(bid), Decimal(size), Decimal(bid) + TICK, Decimal(size), START_MS + at_ms)
        for at_ms, (_, bid, size) in zip(count(2_000, 2_000), case.market, strict=False)
    ]
    executor = executor_of(kind, request_of(kind, record.parameters), BTC)
    stop_at_ms = 2_000 * (len(market) + 1) if case.stopped else None
    ran = venue.run(executor.run, market, stop_at_ms=stop_at_ms)
    assert ran.result is not None
    return [order.request for order in ran.context.orders], ran.result.status.value


@pytest.mark.parametrize("kind", list(CASES))
def test_a_command_and_a_virtual_run_send_the_same_orders(desk: Desk, kind: str) -> None:
    case = CASES[kind]
    on_paper, status = live(desk, case)
    assert len(on_paper) > 0
    assert (on_paper, status) == virtual(desk, kind, case)
