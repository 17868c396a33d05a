"""The live runtime: what its threads do for each other, and what they do not keep each other from."""

import threading
from pathlib import Path
from typing import cast

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.job import JobRecord, JobResult, JobStatus
from orderkit.domain.order import OrderReport, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.errors import ExchangeUnreachable, OutcomeUnknown
from orderkit.exchange.gateway import Gateway
from orderkit.journal.reader import JournalReader
from orderkit.journal.sqlite import SqliteJournal
from orderkit.runtime.live import LiveRuntime
from orderkit.runtime.timing import run

WAIT_S = 10.0
MARKET = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, quantity=None)


class Slow:
    """Loses every order, and is silent when it is asked about one until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go_on = threading.Event()

    def submit(self, *_: object) -> OrderReport:
        raise OutcomeUnknown("no answer in time")

    def query(self, *_: object) -> OrderReport:
        self.asked.release()
        self.go_on.wait(WAIT_S)
        raise ExchangeUnreachable("no connection")


def test_what_happened_is_on_disk_soon_also_while_all_questions_wait_for_their_answers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    journal, gateway = SqliteJournal(path), Slow()
    journal.open_job(JobRecord("job", "test", "paper", {}, 0))

    def flow(ctx: Context) -> Flow[JobResult]:
        orders = [ctx.submit(MARKET) for _ in range(2)]
        yield from ctx.wait_for(lambda: all(order.status == "UNKNOWN" for order in orders))
        for _ in orders:
            while not gateway.asked.acquire(blocking=False):
                yield from ctx.sleep_until(ctx.now_ns + 10_000_000)
        ctx.note("WAITING", "for answers")
        deadline_ns = ctx.now_ns + int(WAIT_S / 2 * 1e9)
        while JournalReader(path).last_note("job") is None and ctx.now_ns < deadline_ns:
            yield from ctx.sleep_until(ctx.now_ns + 10_000_000)
        written = JournalReader(path).last_note("job") is not None
        return JobResult(JobStatus.COMPLETED if written else JobStatus.FAILED)

    async def job() -> JobResult:
        async with LiveRuntime(Engine(), cast(Gateway, gateway), journal) as runtime:
            result = await runtime.start("job", flow)
            gateway.go_on.set()
            return result

    assert run(job()) == JobResult(JobStatus.COMPLETED)
    journal.close()
