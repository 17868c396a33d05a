"""What must hold after every fault: the exchange's own history against the journal."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from orderkit.config import Endpoints, Settings
from orderkit.domain.enums import Environment, OrderStatus
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.journal.sqlite import SqliteJournal
from tests.support import Desk

SYMBOL = "BTCUSDT"


def client_of(desk: Desk) -> Any:
    """A python-binance client for the desk's account: the exchange's word, past our own code."""
    from orderkit.config import get_client

    settings = Settings(environment=Environment.PAPER, home=desk.home)
    return get_client(settings, Endpoints.of(settings))


def gateway_of(desk: Desk) -> BinanceGateway:
    return BinanceGateway(Settings(environment=Environment.PAPER, home=desk.home))


def _all(ask: Callable[..., list[dict[str, Any]]], start: str, key: str) -> list[dict[str, Any]]:
    """Every row, by pages of a thousand: ``start`` names the first id wanted, ``key`` a row's id."""
    rows: list[dict[str, Any]] = []
    page = ask(symbol=SYMBOL, limit=1000)
    if len(page) == 1000:  # without a start the exchange gives the latest ones
        page = ask(symbol=SYMBOL, limit=1000, **{start: 1})
    while page:
        rows += page
        if len(page) < 1000:
            break
        page = ask(symbol=SYMBOL, limit=1000, **{start: int(page[-1][key]) + 1})
    return rows


def assert_true(desk: Desk, *, executed: Decimal | None, open_orders: int = 0) -> None:
    """The journal equals the exchange's history, and the history is what was asked for.

    ``executed`` is the signed quantity that all jobs together should have done (None: any).
    """
    client = client_of(desk)
    try:
        listed = _all(client.futures_get_all_orders, "orderId", "orderId")
        history = {o["clientOrderId"]: o for o in listed}
        trades = _all(client.futures_account_trades, "fromId", "id")
        resting = client.futures_get_open_orders(symbol=SYMBOL)
        waiting = client.futures_get_open_algo_orders(symbol=SYMBOL)
    finally:
        client.close_connection()
    assert len(history) == len(listed), "two orders have one client order id"
    done = sum((Decimal(t["qty"]) * (1 if t["buyer"] else -1) for t in trades), Decimal(0))
    if executed is not None:
        assert done == executed, f"{done} was executed, {executed} was asked for"
    assert len(resting) + len(waiting) == open_orders, "an orphan is left on the book"

    journal = SqliteJournal(desk.home / "journal.sqlite")
    jobs = [journal.load_job(job.job_id) for job in journal.recent_jobs(1000)]
    journal.close()
    orders = {o.client_order_id: o for job in jobs if job is not None for o in job.orders}
    for cid, order in orders.items():
        theirs = history.get(cid)
        if theirs is None:  # never reached the exchange, or waits in the algo service
            assert order.executed_quantity == 0, f"{cid} is filled in the journal alone"
            assert order.status in (OrderStatus.REJECTED, OrderStatus.NEW, OrderStatus.CANCELED), cid
            continue
        assert order.status.value == theirs["status"], cid
        assert order.executed_quantity == Decimal(theirs["executedQty"]), cid
    unknown = set(history) - set(orders)
    assert not unknown, f"the journal does not know {unknown}"
    ours = Counter(
        (fill.trade_id, fill.quantity, fill.price)
        for order in orders.values()
        for fill in order.fills.values()
    )
    assert ours == Counter((t["id"], Decimal(t["qty"]), Decimal(t["price"])) for t in trades)


def assert_executed_once(desk: Desk) -> None:
    """No intent reached the book twice: of all requests to place one id, one was accepted at most.

    An answer that was lost counts as not accepted here; ``assert_true`` sees what such a request did.
    """
    placed = Counter(
        row["params"]["newClientOrderId"]
        for row in desk.requests("POST", "/fapi/v1/order")
        if row["status"] == 200
    )
    assert not [cid for cid, count in placed.items() if count > 1]


def assert_sent_once(desk: Desk) -> None:
    """No client order id was executed under two orders, and no id was reused."""
    connection = sqlite3.connect(desk.home / "journal.sqlite")
    repeated = connection.execute(
        "SELECT client_order_id FROM orders GROUP BY client_order_id HAVING count(*) > 1"
    ).fetchall()
    connection.close()
    assert not repeated
