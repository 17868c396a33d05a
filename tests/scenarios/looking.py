"""What scenarios of resting orders look at: the exchange's own list."""

from tests.faults.truth import client_of
from tests.support import Desk


def resting(desk: Desk) -> list[tuple[str, str]]:
    """Price and quantity of the open orders, lowest price first."""
    client = client_of(desk)
    try:
        rows = client.futures_get_open_orders(symbol="BTCUSDT")
    finally:
        client.close_connection()
    return sorted((row["price"], row["origQty"]) for row in rows)
