"""What engine, journal and gateway add to the client library's own cost of a warm order.

Run: uv run python -m benchmarks.order_overhead

One order in flight at a time against the paper exchange in a process of its own. Rounds of bare
``futures_create_order`` and of the same orders through the live runtime (intent journaled and on disk
first, order tracked, fills from the user stream) take turns in one run. CPU is that of all threads of
this process.
"""

import itertools
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks.common import ask, exchange
from orderkit.config import get_client
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.domain.order import OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.user_stream import UserStream
from orderkit.journal.sqlite import SqliteJournal
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.timing import run

ROUNDS = 7
ORDERS = 100
NO_LIMITS = {"weight_per_minute": 10**9, "orders_per_10s": 10**9, "orders_per_minute": 10**9}
SIDES = itertools.cycle((Side.BUY, Side.SELL))  # the position stays near nothing


def flow(ctx: Context) -> Flow[JobResult]:
    for _ in range(ORDERS):
        order = ctx.submit(OrderRequest("BTCUSDT", next(SIDES), OrderType.MARKET, Decimal("0.001")))
        yield from ctx.wait_for(lambda order=order: order.is_terminal)  # type: ignore[misc]
    yield from ctx.wait_done(*ctx.orders)
    return JobResult(JobStatus.COMPLETED)


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall µs per order."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return (time.process_time() - cpu) / ORDERS * 1e6, (time.perf_counter() - wall) / ORDERS * 1e6


def main() -> None:
    with exchange() as (settings, endpoints):
        ask(endpoints, "/paper/limits", NO_LIMITS)
        client = get_client(settings, endpoints)
        gateway = BinanceGateway(settings, endpoints)
        gateway.instruments(refresh=True)  # tells the pacer of the limits
        journal = SqliteJournal(settings.home / "journal.sqlite")

        def bare() -> None:
            for number in range(ORDERS):
                client.futures_create_order(
                    symbol="BTCUSDT",
                    side=next(SIDES).value,
                    type="MARKET",
                    quantity="0.001",
                    newClientOrderId=f"bare-{time.monotonic_ns()}-{number}",
                    newOrderRespType="RESULT",
                )

        async def through_orderkit() -> None:
            stream = UserStream(gateway, endpoints.stream)
            async with LiveRuntime(Engine(), gateway, journal, user_stream=stream) as runtime:
                for number in range(-1, ROUNDS):  # the first round warms up
                    job_id = f"bench{number}"
                    journal.open_job(JobRecord(job_id, "bench", "paper", {}, 0))
                    own = timed(bare)
                    cpu, wall = time.process_time(), time.perf_counter()
                    await runtime.start(job_id, flow)
                    ours = (
                        (time.process_time() - cpu) / ORDERS * 1e6,
                        (time.perf_counter() - wall) / ORDERS * 1e6,
                    )
                    if number >= 0:
                        rows.append((own, ours))

        rows: list[tuple[tuple[float, float], tuple[float, float]]] = []
        run(through_orderkit())
        journal.close()
        gateway.close()
        client.close_connection()
    for index, name in enumerate(("CPU", "wall")):
        own, ours = (statistics.median(row[side][index] for row in rows) for side in (0, 1))
        ratio = statistics.median(row[1][index] / row[0][index] for row in rows)
        print(
            f"{name:4} per order: client {own:6.0f} µs, orderkit {ours:6.0f} µs,"
            f" adds {ours - own:5.0f} µs, ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
