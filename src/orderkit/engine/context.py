"""What a flow sees and can do: its orders, the time, quotes; submit, cancel, wait."""

from collections.abc import Callable, Generator
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from orderkit.domain.job import Control, ControlKind, active_ns, is_paused
from orderkit.domain.looks import Look, QuoteOf, Sighting
from orderkit.domain.market import Quote
from orderkit.domain.order import Order, OrderRequest

if TYPE_CHECKING:
    from orderkit.domain.events import Event
    from orderkit.engine.engine import Engine

R = TypeVar("R")
Flow = Generator[None, "Event", R]
"""A strategy: one synchronous generator that is resumed with each of its job's events."""


class Context:
    """One job's window on the engine. Read state from here, never from remembered events."""

    def __init__(
        self, engine: "Engine", job_id: str, started_ns: int, orders: list[Order], controls: list[Control]
    ) -> None:
        self._engine = engine
        self.job_id = job_id
        self.started_ns = started_ns
        self.orders = orders
        self.controls = controls
        self.stop_reason: str | None = None
        self.interrupted = False
        self.state = "RUNNING"
        self.message = ""
        self._traded_before = dict(engine.traded)
        self._armed_ns = 0

    @property
    def now_ns(self) -> int:
        """UTC nanoseconds, as of the event being processed."""
        return self._engine.now_ns

    @property
    def now_ms(self) -> int:
        return self._engine.now_ns // 1_000_000

    @property
    def stopping(self) -> bool:
        """True once a person, a signal or a time limit has asked the job to end in order."""
        return self.stop_reason is not None

    @property
    def paused(self) -> bool:
        """True while somebody has paused the job: it sends nothing new."""
        return is_paused(self.controls)

    def active_since(self, since_ns: int) -> int:
        """Nanoseconds from a time until now, pauses not counted."""
        return active_ns(self.controls, since_ns, self.now_ns)

    @property
    def finishing(self) -> bool:
        """True once somebody wants what is left done at once."""
        return any(control.kind is ControlKind.FINISH_NOW for control in self.controls)

    def quote(self, symbol: str) -> Quote | None:
        """The latest best bid and ask that reached the engine."""
        return self._engine.quotes.get(symbol)

    def look(self, look: Look) -> None:
        """Ask for it; a question that is under way is not asked twice."""
        self._engine.look(look)

    def seen(self, look: Look) -> Sighting | None:
        """The latest answer; None before there is one."""
        return self._engine.seen.get(look)

    def quote_age_ns(self, symbol: str) -> int | None:
        """How long ago the market was last heard of; None where it never was."""
        heard = self._engine.seen.get(QuoteOf(symbol))
        return None if heard is None else self.now_ns - heard.at_ns

    def traded_quantity(self, symbol: str) -> Decimal:
        """Base quantity that printed on the market, our own trades with it, since this run of the job began.

        It moves only where the executor `FollowsTrades`. What printed before a restart is not in it.
        """
        return self._engine.traded.get(symbol, Decimal(0)) - self._traded_before.get(symbol, Decimal(0))

    def submit(
        self, request: OrderRequest, *, replaces: Order | None = None, not_before_ns: int = 0
    ) -> Order:
        """Journal the intent and send the order; returns the live order at once.

        With ``not_before_ns``, a few milliseconds ahead, everything up to the sending itself is done before
        that time, and the order leaves at that time.

        Its client order id is job id + sequence: the same submission can never be made under two ids.
        """
        return self._engine.submit(self, request, replaces, not_before_ns)

    def cancel(self, order: Order) -> None:
        """Ask for the order's cancellation, as soon as it is known to exist. Idempotent."""
        self._engine.cancel(order)

    def ask(self, order: Order) -> None:
        """Ask the exchange where the order stands now; ``order.confirmed_ns`` says when it last answered."""
        self._engine.ask(order)

    def wake_at(self, at_ns: int) -> None:
        """Be resumed at the absolute time, whatever else happens before."""
        self._engine.set_timer(self, at_ns)

    def wake_by(self, at_ns: int) -> None:
        """Be resumed at the absolute time at the latest: for a flow that asks anew whenever it wakes."""
        if not self.now_ns < self._armed_ns <= at_ns:
            self._armed_ns = at_ns
            self.wake_at(at_ns)

    def note(self, state: str, message: str = "") -> None:
        """Say in words where the job stands: journaled, and shown to whoever watches."""
        self._engine.note(self, state, message)

    def inquire(self, order: Order) -> None:
        """Ask anew for the fate of an order that was given up as UNKNOWN."""
        self._engine.inquire(order)

    def sleep_until(self, at_ns: int) -> Flow[bool]:
        """Wait for the absolute time; False if the job was asked to stop before."""
        return (yield from self.wait_for(lambda: False, at_ns)) or not self.stopping

    def wait_for(self, condition: Callable[[], bool], deadline_ns: int | None = None) -> Flow[bool]:
        """Wait until ``condition`` holds (True), or the deadline passes or the job is stopped (False)."""
        if deadline_ns is not None and deadline_ns > self.now_ns:
            self.wake_at(deadline_ns)
        while not condition():
            if self.stopping or (deadline_ns is not None and self.now_ns >= deadline_ns):
                return False
            yield
        return True

    def wait_done(self, *orders: Order) -> Flow[None]:
        """Wait until each order is done and its trades are known, or its fate is given up for this run.

        Stopping does not cut this short: cancel what should not be waited for.
        """
        while not all(order.is_settled or order.unresolved for order in orders):
            yield
