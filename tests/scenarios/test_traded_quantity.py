"""A flow follows how much trades on the market, in virtual time."""

from decimal import Decimal

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.events import QuantityTraded, TradesMissed
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.market import MarketEvent, MarketTrade
from orderkit.domain.order import OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.engine.journal import JobNoted
from tests.virtual import START_MS, Venue, book


def printed(at_ms: int, quantity: str) -> MarketTrade:
    return MarketTrade("BTCUSDT", 0, Decimal("60000.1"), Decimal(quantity), False, START_MS + at_ms)


def test_a_flow_wakes_when_enough_has_traded_and_counts_its_own_trades_too() -> None:
    seen: list[tuple[int, Decimal]] = []

    def flow(ctx: Context) -> Flow[JobResult]:
        yield from ctx.wait_for(lambda: ctx.traded_quantity("BTCUSDT") >= 3)
        seen.append((ctx.now_ms - START_MS, ctx.traded_quantity("BTCUSDT")))
        order = ctx.submit(OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(2)))
        yield from ctx.wait_done(order)
        yield from ctx.wait_for(lambda: ctx.traded_quantity("BTCUSDT") >= 5)
        seen.append((ctx.now_ms - START_MS, ctx.traded_quantity("BTCUSDT")))
        return JobResult(JobStatus.COMPLETED)

    market: list[MarketEvent] = [printed(ms, "0.5") for ms in range(1_000, 5_000, 1_000)]
    market += [printed(5_010, "0.5"), printed(5_020, "0.5"), book(60_000, "60000")]
    ran = Venue().run(flow, market, tells_trades=True)
    assert ran.result == JobResult(JobStatus.COMPLETED)
    assert seen[0] == (5_110, Decimal("3.0"))  # the two last came as one, a tenth of a second after the first
    assert seen[1][1] == Decimal("5.0")


def test_what_traded_before_a_job_began_is_none_of_its_business() -> None:
    seen: list[Decimal] = []

    def flow(ctx: Context) -> Flow[JobResult]:
        while True:
            yield
            seen.append(ctx.traded_quantity("BTCUSDT"))

    engine = Engine()
    engine.process(QuantityTraded("BTCUSDT", Decimal(7)), 1)
    engine.start("job", flow, 2)
    engine.process(QuantityTraded("ETHUSDT", Decimal(9)), 3)
    engine.process(QuantityTraded("BTCUSDT", Decimal("0.5")), 4)
    assert seen == [0, Decimal("0.5")]


def test_a_gap_in_what_is_known_is_noted_in_the_job() -> None:
    def flow(ctx: Context) -> Flow[JobResult]:
        yield from ctx.wait_for(lambda: ctx.stopping)
        return JobResult(JobStatus.STOPPED)

    engine = Engine()
    engine.start("job", flow, 1)
    output = engine.process(TradesMissed("BTCUSDT", "a day is missing"), 2)
    assert output.entries == [JobNoted("job", 2, "RUNNING", "BTCUSDT: a day is missing")]
