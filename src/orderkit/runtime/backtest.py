"""The backtest runtime: the same engine and flows over the simulator, in virtual time."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orderkit.domain.commands import Command, SetTimer, SubmitOrder
from orderkit.domain.events import (
    Input,
    QuantityTraded,
    QuoteUpdated,
    StopRequested,
    TimerFired,
    UserStreamUp,
)
from orderkit.domain.job import Control, JobResult
from orderkit.domain.market import MarketEvent, Quote
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine, Output
from orderkit.engine.journal import Entry, Journal
from orderkit.runtime.simulated import ExchangeCommand, SimulatedAccount
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import Event, TradePrinted

MS_NS = 1_000_000
TELL_TRADES_EVERY_MS = 100  # as the live stream does


class MemoryJournal:
    """Keeps entries in a list; what a backtest needs of a journal."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> Future[None]:
        self.entries.extend(entries)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@dataclass(frozen=True, slots=True)
class Latency:
    """Fixed delays in virtual ms: a request's way to the exchange, and an answer's or event's way back."""

    request_ms: int = 0
    answer_ms: int = 0


class BacktestRuntime:
    """Feeds market events, timers and answers to the engine in the order of their virtual times.

    Of things that fall on the same time the market moves first, then come requests at the exchange, then
    news for the engine, each in the order in which it was caused. Deterministic: no clock is read.
    """

    def __init__(
        self,
        engine: Engine,
        exchange: SimulatedExchange,
        account_id: str,
        market: Iterable[MarketEvent],
        *,
        latency: Latency | None = None,
        journal: Journal | None = None,
        tells_trades: bool = False,
    ) -> None:
        """``tells_trades``: for flows that follow how much trades; the exchange must keep public events."""
        self._engine = engine
        self._exchange = exchange
        self._account = SimulatedAccount(exchange, account_id)
        self._market: Iterator[MarketEvent] = iter(market)
        self._latency = latency or Latency()
        self._journal = journal or MemoryJournal()
        self._tells_trades = tells_trades
        self._untold: dict[str, Decimal] = {}
        self._told: dict[str, Quote] = {}
        self._queue: list[tuple[int, int, int, Callable[[], None]]] = []
        self._sequence = 0
        self.now_ns = exchange.now_ms * MS_NS
        self.results: dict[str, JobResult] = {}
        self.commands: list[tuple[int, Command]] = []
        self._process(UserStreamUp())

    def start(
        self,
        job_id: str,
        flow: Callable[[Context], Flow[JobResult]],
        *,
        started_ns: int | None = None,
        orders: Sequence[Order] = (),
        controls: Sequence[Control] = (),
    ) -> None:
        """Begin a job at the present virtual time, or go on with one.

        ``started_ns``, ``orders`` and ``controls`` are those of earlier runs.
        """
        for symbol in self._exchange.symbols:  # told where the markets stand
            quote = self._exchange.quote(symbol)
            if min(quote.bid, quote.ask) > 0:
                self._process(QuoteUpdated(quote))
        started = self._engine.start(
            job_id, flow, self.now_ns, started_ns=started_ns, orders=orders, controls=controls
        )
        self._carry_out(started)

    def tell(self, event: Input) -> None:
        """Have something reach the engine at the present virtual time."""
        self._process(event)

    def stop(self, reason: str) -> None:
        """Ask every job to end in order."""
        self._process(StopRequested(reason))

    def advance_market(self, until_ms: int) -> None:
        """Let the market run up to a virtual time, before or between jobs."""
        self._at(until_ms * MS_NS, 2, lambda: None)
        self._run(lambda: self.now_ns >= until_ms * MS_NS)

    def run(self) -> dict[str, JobResult]:
        """Run until every job has ended, or neither market nor anything else is left; results by job id.

        Raises:
            Exception: what a flow raised.
        """
        self._run(lambda: not self._engine.jobs)
        return self.results

    # --- inside -----------------------------------------------------------------------------------

    def _run(self, done: Callable[[], bool]) -> None:
        event = next(self._market, None)
        while not done():
            if event is not None and (not self._queue or event.time_ms * MS_NS <= self._queue[0][0]):
                self.now_ns = max(self.now_ns, event.time_ms * MS_NS)
                self._exchange.apply(event)
                self._follow(event)
                self._publish()
                event = next(self._market, None)
            elif self._queue:
                at_ns, _, _, action = heapq.heappop(self._queue)
                self.now_ns = max(self.now_ns, at_ns)
                self._exchange.advance(self.now_ns // MS_NS)
                self._publish()
                action()
            else:
                return
        if event is not None:
            self._market = _chain(event, self._market)

    def _follow(self, event: MarketEvent) -> None:
        """Tell of a quote, and of what other events make of the best bid and ask."""
        symbol = event.symbol
        quote = event if isinstance(event, Quote) else self._exchange.quote(symbol)
        before = self._told.get(symbol)
        moved = before is None or (quote.bid, quote.ask) != (before.bid, before.ask)
        if (moved or quote is event) and min(quote.bid, quote.ask) > 0:
            self._told[symbol] = quote
            self._at(self.now_ns, 2, self._tell(QuoteUpdated(quote)))

    def _at(self, at_ns: int, rank: int, action: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (at_ns, rank, self._sequence, action))

    def _tell(self, event: Input) -> Callable[[], None]:
        return lambda: self._process(event)

    def _process(self, event: Input) -> None:
        self._carry_out(self._engine.process(event, self.now_ns))

    def _carry_out(self, output: Output) -> None:
        for error in output.failed.values():
            raise error
        if output.entries:
            self._journal.append(output.entries)
        self.results.update(output.ended)
        for command in output.commands:
            self.commands.append((self.now_ns, command))
            if isinstance(command, SetTimer):
                self._at(max(command.at_ns, self.now_ns), 2, self._tell(TimerFired(command.timer_id)))
            else:
                leaves_ns = self.now_ns
                if isinstance(command, SubmitOrder):
                    leaves_ns = max(leaves_ns, command.not_before_ns)
                self._at(leaves_ns + self._latency.request_ms * MS_NS, 1, self._request(command))

    def _request(self, command: ExchangeCommand) -> Callable[[], None]:
        def arrive() -> None:
            answers = self._account.answer(command)
            self._publish()
            for answer in answers:
                self._at(self.now_ns + self._latency.answer_ms * MS_NS, 2, self._tell(answer))

        return arrive

    def _publish(self) -> None:
        """Send what the exchange has to tell on its way; the user stream is no slower than an answer."""
        events = self._exchange.drain()
        for told in self._account.user_events(events):
            self._at(self.now_ns + self._latency.answer_ms * MS_NS, 2, self._tell(told))
        if self._tells_trades:
            self._add_trades(events)

    def _add_trades(self, events: Iterable[Event]) -> None:
        """Sum up what printed and tell of it a little later, all at once."""
        for event in events:
            if isinstance(event, TradePrinted):
                if not self._untold:
                    self._at(self.now_ns + TELL_TRADES_EVERY_MS * MS_NS, 2, self._tell_trades)
                trade = event.trade
                self._untold[trade.symbol] = self._untold.get(trade.symbol, Decimal(0)) + trade.quantity

    def _tell_trades(self) -> None:
        untold, self._untold = self._untold, {}
        for symbol, quantity in untold.items():
            self._process(QuantityTraded(symbol, quantity))


def _chain(first: MarketEvent, rest: Iterator[MarketEvent]) -> Iterator[Any]:
    yield first
    yield from rest
