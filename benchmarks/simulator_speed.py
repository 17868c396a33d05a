"""How many commands and quotes per second the simulated exchange takes in process.

A command is an order placed, modified or cancelled through ``SimulatedExchange`` with every filter, the
margin check, commissions, the review for liquidation, events and the answer; the events are drained as a host
does. Of eleven commands of the mix four are limit orders that rest among a hundred others, one moves one of
them, four cancel the oldest, and two are market orders that fill, so that a position opens and closes; orders
that rest and orders that fill are also measured alone. A quote moves the mark of an open position and the
queue of a resting order.

    uv run python -m benchmarks.simulator_speed [--seconds 3]
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

from orderkit.domain.enums import OrderType, Side, TimeInForce
from orderkit.domain.market import DepthUpdate, Quote
from orderkit.paper.contracts import brackets, instruments
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import NewOrder

SYMBOL, ACCOUNT = "BTCUSDT", "desk"
START_MS = 1_790_000_000_000
QUANTITY = Decimal("0.010")
DRAINED_EVERY = 100
RESTING_ROUNDS = 25


def new_exchange(*, public_events: bool) -> SimulatedExchange:
    """BTCUSDT with twenty deep levels a side around 60000, and an account with 1,000,000 USDT."""
    exchange = SimulatedExchange(instruments(), brackets(), now_ms=START_MS, public_events=public_events)
    exchange.open_account(ACCOUNT, {"USDT": Decimal(1_000_000)})
    bids, asks = (
        tuple((Decimal(60000) + sign * Decimal(level) / 10, Decimal(10_000)) for level in range(1, 21))
        for sign in (-1, 1)
    )
    exchange.apply(DepthUpdate(SYMBOL, bids, asks, START_MS, snapshot=True))
    return exchange


def limit(number: int, level: int) -> NewOrder:
    return NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id=f"limit-{number}",
        quantity=QUANTITY,
        price=Decimal(59990) - Decimal(level) / 10,
        time_in_force=TimeInForce.GTC,
    )


def market(number: int, side: Side) -> NewOrder:
    return NewOrder(
        symbol=SYMBOL,
        side=side,
        type=OrderType.MARKET,
        client_order_id=f"market-{number}",
        quantity=QUANTITY,
    )


def commands(exchange: SimulatedExchange) -> Iterator[Callable[[], object]]:
    """The mix, endless; requests are built before the command that is timed uses them."""
    ids: list[list[str]] = []
    for number in count():
        ids.append([])
        for step in range(4):
            order = limit(number * 4 + step, (number * 4 + step) % 50)
            ids[number].append(order.client_order_id)
            yield lambda order=order: exchange.place(ACCOUNT, order)  # type: ignore[misc]
        price = Decimal("59980.5") if number % 2 else Decimal("59982.5")
        yield lambda cid=ids[number][0], price=price: exchange.modify(  # type: ignore[misc]
            ACCOUNT, SYMBOL, side=Side.BUY, quantity=QUANTITY, price=price, client_order_id=cid
        )
        for cid in ids[number - RESTING_ROUNDS] if number >= RESTING_ROUNDS else ():
            yield lambda cid=cid: exchange.cancel(ACCOUNT, SYMBOL, client_order_id=cid)  # type: ignore[misc]
        for side in (Side.BUY, Side.SELL):
            order = market(number * 2 + (side is Side.SELL), side)
            yield lambda order=order: exchange.place(ACCOUNT, order)  # type: ignore[misc]


def resting(exchange: SimulatedExchange) -> Iterator[Callable[[], object]]:
    """Limit orders that rest and are cancelled again."""
    for number in count():
        order = limit(number, number % 50)
        cid = order.client_order_id
        yield lambda order=order: exchange.place(ACCOUNT, order)  # type: ignore[misc]
        yield lambda cid=cid: exchange.cancel(ACCOUNT, SYMBOL, client_order_id=cid)  # type: ignore[misc]


def filled(exchange: SimulatedExchange) -> Iterator[Callable[[], object]]:
    """Market orders that open and close a position."""
    for number in count():
        order = market(number, Side.SELL if number % 2 else Side.BUY)
        yield lambda order=order: exchange.place(ACCOUNT, order)  # type: ignore[misc]


def quotes(exchange: SimulatedExchange) -> Iterator[Callable[[], object]]:
    """Quotes that wander by a tick a time around an open position and a resting order."""
    exchange.place(ACCOUNT, market(0, Side.BUY))
    exchange.place(ACCOUNT, limit(0, 500))
    for number in count(1):
        bid = Decimal(60000) + Decimal(number * 7 % 40 - 20) / 10
        quote = Quote(
            SYMBOL, bid, Decimal(number % 9 + 1), bid + Decimal("0.1"), Decimal(5), START_MS + number
        )
        yield lambda quote=quote: exchange.apply(quote)  # type: ignore[misc]


WORKLOADS = {
    "commands of the mix": commands,
    "placed and cancelled limit orders": resting,
    "filled market orders": filled,
    "quotes": quotes,
}


def rate(calls: Iterator[Callable[[], object]], exchange: SimulatedExchange, seconds: float) -> float:
    """Calls per second of CPU time spent inside the calls and in draining: other work does not count."""
    spent = 0
    done = 0
    clock = time.process_time_ns
    while spent < seconds * 1e9:
        batch = [next(calls) for _ in range(DRAINED_EVERY)]
        started = clock()
        for call in batch:
            call()
        exchange.drain()
        spent += clock() - started
        done += DRAINED_EVERY
    return done / spent * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each figure")
    seconds = parser.parse_args().seconds
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for public_events in (True, False):
        told = "with" if public_events else "without"
        for name, workload in WORKLOADS.items():
            exchange = new_exchange(public_events=public_events)
            print(f"{told} public events: {rate(workload(exchange), exchange, seconds):,.0f} {name}/s")


if __name__ == "__main__":
    main()
