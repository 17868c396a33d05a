"""What scenarios of resting orders look at: the exchange's own list, and how long they wait for it."""

import time
from collections.abc import Callable

from tests.faults.truth import client_of
from tests.support import Desk


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for ``condition``, and fail with ``what`` when it does not come true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def resting(desk: Desk) -> list[tuple[str, str]]:
    """Price and quantity of the open orders, lowest price first."""
    client = client_of(desk)
    try:
        rows = client.futures_get_open_orders(symbol="BTCUSDT")
    finally:
        client.close_connection()
    return sorted((row["price"], row["origQty"]) for row in rows)
