"""Whenever a job is killed, and however often: what goes on in its place ends where the job would have."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, Side, WorkingType
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.market import Quote
from orderkit.domain.order import OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.orders.bracket import BracketExecutor, BracketRequest
from orderkit.orders.chase import ChaseExecutor, ChaseRequest, OnTimeout
from orderkit.orders.executor import Executor
from orderkit.orders.grid import GridTrader
from orderkit.orders.grid_levels import Mode
from orderkit.orders.grid_request import GridRequest, OnStop
from orderkit.orders.iceberg import IcebergExecutor, IcebergRequest
from orderkit.orders.oco import OCOExecutor, OCORequest
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.registry import executor_of
from orderkit.orders.scaled import ScaledExecutor, ScaledRequest
from orderkit.orders.single import SingleRequest
from orderkit.orders.trailing_stop import TrailingStopExecutor
from orderkit.orders.twap import TWAPExecutor
from orderkit.orders.twap_request import TWAPRequest
from orderkit.runtime.backtest import Latency
from tests.virtual import BTC, START_MS, Venue

D = Decimal
LONGEST_MS = 60_000


def at(at_ms: int, bid: str, size: str = "50") -> Quote:
    price = D(bid)
    return Quote("BTCUSDT", price, D(size), price + D("0.1"), D(size), START_MS + at_ms)


@dataclass(frozen=True)
class Case:
    """A job, the market it meets within a minute, and the position that it must end with."""

    build: Callable[[], Executor]
    market: tuple[tuple[int, str, str], ...]
    position: str
    held: str = ""


DOWN = tuple((n, price, "0.02") for n, price in enumerate(("59900", "59400", "58990", "58900") * 4, 1))
UP_AND_BACK = ((1, "60010", "50"), (2, "60100", "50"), (8, "60150", "0.004"), (20, "60140", "50"))
CASES = {
    "scaled": Case(
        lambda: ScaledExecutor(
            ScaledRequest("BTCUSDT", Side.BUY, D("0.1"), D(59_500), D(59_000), 4, wait=True), BTC
        ),
        DOWN,
        "0.1",
    ),
    "iceberg": Case(
        lambda: IcebergExecutor(
            IcebergRequest("BTCUSDT", Side.BUY, D("0.1"), D(59_000), D("0.03"), randomize=D("0.3")), BTC
        ),
        DOWN,
        "0.1",
    ),
    "chase": Case(
        lambda: ChaseExecutor(
            ChaseRequest("BTCUSDT", Side.BUY, D("0.05"), D(100), 100_000, on_timeout=OnTimeout.TAKE), BTC
        ),
        UP_AND_BACK,
        "0.05",
    ),
    "trailing-stop": Case(
        lambda: TrailingStopExecutor(
            SingleRequest(
                OrderRequest(
                    "BTCUSDT",
                    Side.SELL,
                    OrderType.TRAILING_STOP_MARKET,
                    D("0.1"),
                    reduce_only=True,
                    working_type=WorkingType.CONTRACT_PRICE,
                    callback_rate=D(1),
                ),
                wait=True,
            ),
            BTC,
        ),
        ((5, "61000", "50"), (30, "60300", "50")),
        "0",
        held="0.1",
    ),
    "oco": Case(
        lambda: OCOExecutor(OCORequest("BTCUSDT", Side.SELL, D("0.1"), D(61_000), D(59_000)), BTC),
        ((5, "61000", "0.04"), (6, "60500", "50"), (30, "58900", "50")),
        "0",
        held="0.1",
    ),
    "bracket": Case(
        lambda: BracketExecutor(BracketRequest("BTCUSDT", Side.BUY, D("0.1"), D(61_000), D(58_000)), BTC),
        ((5, "60100", "50"), (30, "61000", "0.04"), (31, "60500", "50"), (40, "61200", "50")),
        "0",
    ),
    "twap": Case(
        lambda: TWAPExecutor(TWAPRequest("BTCUSDT", Side.BUY, D("0.3"), 6, interval_ms=5_000), BTC),
        ((1, "60010", "50"), (12, "60020", "0.03"), (20, "60000", "50")),
        "0.3",
    ),
    "twap passive": Case(
        lambda: TWAPExecutor(
            TWAPRequest(
                "BTCUSDT",
                Side.SELL,
                D("0.3"),
                6,
                interval_ms=5_000,
                pacing=Pacing(Style.PASSIVE, escalate_after=2),
            ),
            BTC,
        ),
        ((3, "60010", "50"), (12, "60020", "0.03"), (14, "60000", "50"), (22, "60100", "50")),
        "-0.3",
    ),
    "grid": Case(
        lambda: GridTrader(
            GridRequest(
                "BTCUSDT",
                D(58_000),
                D(62_000),
                9,
                D("0.01"),
                mode=Mode.LONG,
                trailing=True,
                max_runtime_ms=LONGEST_MS + 10_000,
                on_stop=OnStop.FLATTEN,
            ),
            BTC,
        ),
        tuple((n, str(60_000 + (-1) ** n * 30 * n), "0.02") for n in range(1, 60)),
        "0",
    ),
}


@pytest.mark.parametrize("kind", list(CASES))
@settings(max_examples=40, deadline=None)
@given(
    kills_ms=st.lists(
        st.one_of(st.integers(0, 40), st.integers(0, LONGEST_MS), st.integers(4_990, 6_040)),
        min_size=1,
        max_size=4,
    ),
    latency=st.builds(Latency, st.integers(0, 30), st.integers(0, 30)),
)
def test_a_job_ends_where_it_would_have(kind: str, kills_ms: list[int], latency: Latency) -> None:
    case, venue = CASES[kind], Venue(latency)
    if case.held:
        venue.hold(case.held)
    executor = case.build()
    executor.validate(venue.snapshot)
    market = [at(1_000 * second, price, size) for second, price, size in case.market]
    # what was not there in time meets the market too
    market += [at(LONGEST_MS + 20_000 * late, case.market[-1][1]) for late in range(1, 5)]

    def flow(ctx: Context) -> Flow[JobResult]:  # each process has nothing but the request and the orders
        return executor_of(executor.kind, executor.request, BTC).run(ctx)

    ran = venue.run_with_kills(flow, market, kills_ms=kills_ms)
    assert ran.result is not None
    assert ran.result.status is JobStatus.COMPLETED, ran.result
    assert venue.position == D(case.position)
    assert venue.resting == []
    assert venue.waiting == 0
