"""A job's report on a terminal of 80 columns."""

import io

import msgspec
import pytest
from rich.console import Console

from orderkit.console import tables
from orderkit.console.documents import JobDocument, OrderRow
from orderkit.console.report import print_job

LIMIT = OrderRow(
    client_order_id="ok-x-1",
    order_id=1,
    algo_id=None,
    type="LIMIT",
    side="BUY",
    status="NEW",
    quantity="0.010",
    price="58500.0",
    trigger_price=None,
    executed_quantity="0.000",
    average_price=None,
    commission="0",
    created_at="2026-11-21T09:30:00.123Z",
    replaces=None,
    code=None,
    reason=None,
)
JOB = JobDocument(
    env="paper",
    job_id="x",
    kind="scaled",
    symbol="BTCUSDT",
    side="BUY",
    status="OPEN",
    reason=None,
    quantity="0.020",
    executed_quantity="0.000",
    average_price=None,
    cost="0",
    commission="0",
    commissions={},
    trades_missing=False,
    arrival_price=None,
    slippage_bps=None,
    started_at="2026-11-21T09:30:00.123Z",
    finished_at=None,
    warnings=[],
    orders=[],
)
TRADED: dict[str, str | None] = {
    "executed_quantity": "0.010",
    "status": "FILLED",
    "average_price": "58500.125",
    "commission": "0.29250062",
}
STOP: dict[str, str | None] = {"type": "STOP", "side": "SELL", "price": "57900.0", "trigger_price": "58000.0"}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(tables, "console", lambda: Console(file=written, width=80, highlight=False))
    return written


def told(page: io.StringIO, *orders: dict[str, str | None]) -> list[list[str]]:
    """The words of the report's table, line by line."""
    rows = [msgspec.structs.replace(LIMIT, **order) for order in orders]
    print_job(msgspec.structs.replace(JOB, orders=rows), "BTC", "USDT")
    return [line.split() for line in page.getvalue().splitlines()[2:]]


def test_orders_that_rest_show_side_and_price(page: io.StringIO) -> None:
    assert told(page, {}, {"side": "SELL", "price": "61500.0"}) == [
        ["#", "time", "(UTC)", "side", "quantity", "price", "status"],
        ["1", "09:30:00.123", "BUY", "0.010", "58500.0", "NEW"],
        ["2", "09:30:00.123", "SELL", "0.010", "61500.0", "NEW"],
    ]


def test_slices_at_the_market_show_what_they_cost(page: io.StringIO) -> None:
    assert told(page, {"price": None, **TRADED}, {"price": None}) == [
        ["#", "time", "(UTC)", "side", "quantity", "average", "fee", "status"],
        ["1", "09:30:00.123", "BUY", "0.010", "58500.125", "0.2925", "FILLED"],
        ["2", "09:30:00.123", "BUY", "0.010", "NEW"],
    ]


def test_with_all_that_can_be_said_of_orders_a_line_is_no_wider(page: io.StringIO) -> None:
    part = TRADED | {"status": "PARTIALLY_FILLED", "executed_quantity": "0.004"}
    assert told(page, {"price": None, **TRADED}, STOP | part) == [
        ["#", "time", "(UTC)", "side", "quantity", "price", "trigger", "average", "fee", "status"],
        ["1", "09:30:00", "BUY", "0.010", "market", "58500.125", "0.2925", "FILLED"],
        ["2", "09:30:00", "SELL", "0.004/0.010", "57900.0", "58000.0", "58500.125", "0.2925", "PARTIAL"],
    ]


def test_what_is_missing_is_said(page: io.StringIO) -> None:
    print_job(msgspec.structs.replace(JOB, trades_missing=True), "BTC", "USDT")
    assert "trades are missing" in page.getvalue()
