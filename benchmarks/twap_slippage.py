"""What a TWAP pays in each style, on a recorded market: slippage against arrival, interval TWAP and VWAP.

    uv run python -m benchmarks.twap_slippage DIR

DIR is a directory of recordings as ``paper start --market replay --data DIR`` takes it. The orders meet the
recorded book in the simulated exchange, in virtual time; the market does not react to them. Positive is
worse, in basis points; the fees are those of a regular account (maker 2, taker 5 bps).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from orderkit.analytics.execution import execution_report, slippage_bps
from orderkit.domain.enums import Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.market import MarketEvent, MarketTrade
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.paper.contracts import brackets, instruments
from orderkit.paper.sources.replay import ReplayMarket
from orderkit.runtime.backtest import BacktestRuntime, Latency
from orderkit.runtime.simulated import SimulatedAccount
from orderkit.simulator.exchange import SimulatedExchange

START_MS = 1_790_000_000_000
BEGIN_MS = 5_000  # into the recording, when the book is there
CHUNKS, INTERVAL_MS = 20, 20_000
QUANTITIES = {"BTCUSDT": Decimal("1.000"), "ETHUSDT": Decimal("20.000")}
LATENCY = Latency(request_ms=5, answer_ms=5)
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Paid:
    """One run. Slippages and fees in basis points of what was paid; positive is worse."""

    symbol: str
    side: Side
    style: Style
    status: JobStatus | None
    executed: Decimal
    orders: int
    maker_share: Decimal
    against_arrival: Decimal
    against_twap: Decimal
    against_vwap: Decimal
    fees: Decimal


def run(
    events: Sequence[MarketEvent], instrument: Instrument, side: Side, style: Style, chunks: int = CHUNKS
) -> Paid:
    """One TWAP over one symbol's recorded events."""
    exchange = SimulatedExchange([instrument], brackets(), now_ms=START_MS, public_events=False)
    exchange.open_account("me", {"USDT": Decimal(1_000_000)})
    engine = Engine()
    runtime = BacktestRuntime(engine, exchange, "me", events, latency=LATENCY)
    runtime.advance_market(START_MS + BEGIN_MS)
    quantity = QUANTITIES[instrument.symbol]
    pacing = Pacing(style=style, escalate_after=3 if style is Style.PASSIVE else None)
    request = TWAPRequest(instrument.symbol, side, quantity, chunks, INTERVAL_MS, pacing=pacing)
    executor = TWAPExecutor(request, instrument)
    snapshot = SimulatedAccount(exchange, "me").snapshot(instrument, brackets()[instrument.symbol])
    executor.validate(snapshot)
    contexts: list[Context] = []

    def flow(ctx: Context) -> Flow[JobResult]:
        contexts.append(ctx)
        return executor.run(ctx)

    watch = Benchmarks(runtime, exchange, instrument.symbol)
    runtime.start("job", flow)
    while "job" not in runtime.results and watch.step():
        pass
    orders = contexts[0].orders
    report = execution_report(side, quantity, orders, snapshot.quote.mid)
    fills = [fill for order in orders for fill in order.fills.values()]
    average = report.average_price or Decimal(0)
    began_ms, ended_ms = contexts[0].started_ns // 1_000_000, runtime.now_ns // 1_000_000
    result = runtime.results.get("job")
    return Paid(
        symbol=instrument.symbol,
        side=side,
        style=style,
        status=result.status if result else None,
        executed=report.executed_quantity,
        orders=len(orders),
        maker_share=sum((f.quantity for f in fills if f.is_maker), Decimal(0)) / report.executed_quantity,
        against_arrival=slippage_bps(side, average, snapshot.quote.mid),
        against_twap=slippage_bps(side, average, watch.time_weighted),
        against_vwap=slippage_bps(side, average, volume_weighted(events, began_ms, ended_ms)),
        fees=sum((f.commission for f in fills), Decimal(0)) / report.cost * BPS,
    )


class Benchmarks:
    """Steps a run by seconds and takes the mid price at each: the interval's TWAP."""

    def __init__(self, runtime: BacktestRuntime, exchange: SimulatedExchange, symbol: str) -> None:
        self._runtime, self._exchange, self._symbol = runtime, exchange, symbol
        self._sum, self._count = Decimal(0), 0

    def step(self) -> bool:
        """One second on; False once the run has taken too long."""
        self._sum += self._exchange.quote(self._symbol).mid
        self._count += 1
        self._runtime.advance_market(self._runtime.now_ns // 1_000_000 + 1_000)
        return self._count < 2 * CHUNKS * INTERVAL_MS // 1_000

    @property
    def time_weighted(self) -> Decimal:
        return self._sum / self._count


def volume_weighted(events: Sequence[MarketEvent], began_ms: int, ended_ms: int) -> Decimal:
    """The average price of the trades in a time, weighted by their quantities."""
    trades = [e for e in events if isinstance(e, MarketTrade) and began_ms <= e.time_ms <= ended_ms]
    volume = sum((trade.quantity for trade in trades), Decimal(0))
    return sum((trade.price * trade.quantity for trade in trades), Decimal(0)) / volume


def table(directory: Path) -> list[Paid]:
    """Every style on both sides of every symbol of the recording."""
    listed = {i.symbol: i for i in instruments()}
    events: dict[str, list[MarketEvent]] = {}
    for event in ReplayMarket(list(listed.values()), directory).events(START_MS):
        events.setdefault(event.symbol, []).append(event)
    return [
        run(events[symbol], listed[symbol], side, style)
        for symbol in QUANTITIES
        for side in Side
        for style in reversed(Style)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    print("| symbol | side | style | executed | orders | maker | vs arrival | vs TWAP | vs VWAP | fees |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for paid in table(parser.parse_args().directory):
        print(
            f"| {paid.symbol} | {paid.side} | {paid.style} | {paid.executed} | {paid.orders}"
            f" | {paid.maker_share:.0%} | {paid.against_arrival:+.2f} | {paid.against_twap:+.2f}"
            f" | {paid.against_vwap:+.2f} | {paid.fees:.2f} |"
        )


if __name__ == "__main__":
    main()
