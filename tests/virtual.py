"""A flow in virtual time: the simulated exchange with one account and a book that the test moves."""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.events import Input
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobResult
from orderkit.domain.market import DepthUpdate, MarketEvent, MarkPrice
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine
from orderkit.paper.contracts import brackets, instruments
from orderkit.runtime.backtest import BacktestRuntime, Latency
from orderkit.runtime.simulated import SimulatedAccount
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import NewOrder, OrderView

START_MS = 1_800_000_000_000
BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")
JOB = "job"


def book(at_ms: int, bid: str, size: str = "50", ask_size: str = "50") -> DepthUpdate:
    """One level a side, a tick apart, ``at_ms`` after the start."""
    price = Decimal(bid)
    return DepthUpdate(
        symbol="BTCUSDT",
        bids=((price, Decimal(size)),),
        asks=((price + Decimal("0.1"), Decimal(ask_size)),),
        time_ms=START_MS + at_ms,
        snapshot=True,
    )


@dataclass
class Venue:
    """An exchange at 60000 / 60000.1 with an account of 100,000 USDT."""

    latency: Latency = field(default_factory=lambda: Latency(2, 2))
    contracts: Sequence[Instrument] = field(default_factory=instruments)

    def __post_init__(self) -> None:
        self.exchange = SimulatedExchange(self.contracts, brackets(), now_ms=START_MS)
        self.exchange.open_account("me", {"USDT": Decimal(100_000)})
        self.exchange.apply(book(0, "60000"))
        mark = Decimal("60000.05")
        self.exchange.apply(MarkPrice("BTCUSDT", mark, mark, Decimal(0), START_MS + 1, START_MS))

    def hold(self, quantity: str) -> None:
        """Open a position, long above zero."""
        size = Decimal(quantity)
        side = Side.BUY if size > 0 else Side.SELL
        order = NewOrder("BTCUSDT", side, OrderType.MARKET, "by-hand", abs(size))
        self.exchange.place("me", order)
        self.exchange.apply(book(0, "60000"))
        self.exchange.drain()

    @property
    def snapshot(self) -> TradingSnapshot:
        return SimulatedAccount(self.exchange, "me").snapshot(BTC, brackets()["BTCUSDT"])

    @property
    def position(self) -> Decimal:
        return sum((p.amount for p in self.exchange.account("me").positions), Decimal(0))

    @property
    def resting(self) -> list[OrderView]:
        """Open ordinary orders; conditional ones are in ``waiting``."""
        return list(self.exchange.open_orders("me", "BTCUSDT"))

    @property
    def waiting(self) -> int:
        return len(self.exchange.open_algo_orders("me", "BTCUSDT"))

    def run(
        self,
        flow: Callable[[Context], Flow[JobResult]],
        market: Iterable[MarketEvent] = (),
        *,
        stop_at_ms: int | None = None,
        until_ms: int = 600_000,
        tells_trades: bool = False,
        orders: Sequence[Order] = (),
        controls: Sequence[Control] = (),
        told: Sequence[tuple[int, Input]] = (),
    ) -> "Ran":
        """Run a flow over the market's events for a time; ``stop_at_ms`` asks it to stop.

        ``orders`` and ``controls`` are those of an earlier run, by the journal. ``told``: what the engine is
        told besides, each ``at_ms`` after the start.
        """
        engine = Engine()
        runtime = BacktestRuntime(
            engine, self.exchange, "me", market, latency=self.latency, tells_trades=tells_trades
        )
        contexts: list[Context] = []

        def noted(ctx: Context) -> Flow[JobResult]:
            contexts.append(ctx)
            return flow(ctx)

        runtime.start(JOB, noted, orders=orders, controls=controls)
        for at_ms, event in told:
            runtime.advance_market(START_MS + at_ms)
            runtime.tell(event)
        if stop_at_ms is not None:
            runtime.advance_market(START_MS + stop_at_ms)
            runtime.stop("stopped by a test")
        runtime.advance_market(START_MS + until_ms)
        return Ran(contexts[0], runtime.results.get(JOB))

    def run_with_kills(
        self,
        flow: Callable[[Context], Flow[JobResult]],
        market: Iterable[MarketEvent] = (),
        *,
        kills_ms: Iterable[int],
        until_ms: int = 600_000,
    ) -> "Ran":
        """Like ``run``, but at each of these times the process dies, and a new one goes on with the orders.

        Requests and answers on their way are lost with it.
        """
        orders: list[Order] = []
        for at_ms in (*sorted(kills_ms), until_ms):
            engine = Engine()
            engine.learn(self.snapshot, self.exchange.now_ms * 1_000_000)
            runtime = BacktestRuntime(engine, self.exchange, "me", market, latency=self.latency)
            contexts: list[Context] = []

            def noted(ctx: Context, contexts: list[Context] = contexts) -> Flow[JobResult]:
                contexts.append(ctx)
                return flow(ctx)

            runtime.start(JOB, noted, started_ns=START_MS * 1_000_000, orders=orders)
            runtime.advance_market(START_MS + at_ms)
            if JOB in runtime.results:
                break
            orders, market = copy.deepcopy(contexts[0].orders), runtime._market
            self.exchange.drain()
        return Ran(contexts[0], runtime.results.get(JOB))


@dataclass
class Ran:
    """What became of a flow; ``result`` None where it was still waiting in the end."""

    context: Context
    result: JobResult | None
