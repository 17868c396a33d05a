"""How late TWAP slices are, and whether lateness adds up: 200 slices of 50 ms over REST.

Run: uv run python -m benchmarks.twap_timing

Each slice's lateness is the time from its absolute deadline to the moment at which its request is handed
to the HTTP client, journal write included. Three runs: orders answered at once, orders whose answer takes
150 ms, and, for comparison, a loop that sleeps for what is left of the interval after each order.
"""

import time
from decimal import Decimal
from typing import Any

from benchmarks.common import ask, bitcoin, exchange, summary
from orderkit.config import Endpoints, Settings, get_client
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.domain.order import OrderReport, OrderRequest
from orderkit.engine.engine import Engine
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.market_stream import MarketStream
from orderkit.exchange.user_stream import UserStream
from orderkit.journal.sqlite import SqliteJournal
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.timing import Clock, run

SLICES = 200
INTERVAL_MS = 50
QUANTITY = Decimal("0.2")


class Stopwatch:
    """A gateway that notes when each order is handed to the client, in monotonic ns."""

    def __init__(self, gateway: BinanceGateway) -> None:
        self._gateway = gateway
        self.sent_ns: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def submit(self, client_order_id: str, request: OrderRequest) -> OrderReport:
        self.sent_ns.append(time.monotonic_ns())
        return self._gateway.submit(client_order_id, request)


def twap(settings: Settings, endpoints: Endpoints, job_id: str) -> list[float]:
    """Run one TWAP; the lateness of each slice in ms."""
    gateway: Any = Stopwatch(BinanceGateway(settings, endpoints))
    journal = SqliteJournal(settings.home / "journal.sqlite")
    request = TWAPRequest("BTCUSDT", Side.BUY, QUANTITY, SLICES, INTERVAL_MS)
    executor = TWAPExecutor(request, bitcoin())
    quote, mark = gateway.quote("BTCUSDT"), gateway.mark_price("BTCUSDT")
    snapshot = TradingSnapshot(bitcoin(), quote, mark.mark_price, 0, gateway.account(["BTCUSDT"]))
    executor.validate(snapshot)

    async def main() -> tuple[JobResult, int]:
        stream = UserStream(gateway, endpoints.stream)
        quotes = MarketStream(gateway, lambda: endpoints.stream, ["BTCUSDT"])
        engine, clock = Engine(), Clock()
        engine.learn(snapshot, clock.now_ns())
        async with LiveRuntime(
            engine, gateway, journal, user_stream=stream, market_streams=[quotes], clock=clock
        ) as runtime:
            start_ns = time.monotonic_ns()
            started_ns = runtime.clock.now_ns()
            journal.open_job(JobRecord(job_id, "twap", "paper", {}, started_ns))
            return await runtime.start(job_id, executor.run, started_ns=started_ns), start_ns

    result, start_ns = run(main())
    journal.close()
    gateway.close()
    assert result.status is JobStatus.COMPLETED, result
    sent = sorted(gateway.sent_ns)
    return [(at - start_ns - i * INTERVAL_MS * 1_000_000) / 1e6 for i, at in enumerate(sent)]


def sleeping(settings: Settings, endpoints: Endpoints) -> list[float]:
    """The usual loop: order, then sleep what is left of the interval. Lateness in ms."""
    client = get_client(settings, endpoints)
    late = []
    start = time.monotonic()
    for index in range(SLICES):
        begun = time.monotonic()
        late.append((begun - start) * 1e3 - index * INTERVAL_MS)
        client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
        time.sleep(max(0.0, INTERVAL_MS / 1e3 - (time.monotonic() - begun)))
    client.close_connection()
    return late


def drift(late: list[float]) -> str:
    """How much later the last ten slices are than the first ten."""
    return (
        f"drift over {SLICES * INTERVAL_MS / 1000:g} s: {sum(late[-10:]) / 10 - sum(late[:10]) / 10:+.3f} ms"
    )


def main() -> None:
    with exchange() as (settings, endpoints):
        late = twap(settings, endpoints, "warm")  # imports, connections, journal file
        late = twap(settings, endpoints, "prompt")
        print(summary("answered at once     ", late, "ms late"), "|", drift(late))
        naive = sleeping(settings, endpoints)
        print(summary("sleep(interval - t)  ", naive, "ms late"), "|", drift(naive))
        match = {"method": "POST", "path": "/fapi/v1/order"}
        fault = {"match": match, "action": "delay", "apply": "after", "delay_ms": 150, "times": SLICES}
        ask(endpoints, "/paper/faults", fault)
        late = twap(settings, endpoints, "slow")
        print(summary("answered after 150 ms", late, "ms late"), "|", drift(late))


if __name__ == "__main__":
    main()
