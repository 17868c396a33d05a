"""Sees cancels through: sent once the order is known to exist, and again while it still works."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orderkit.domain.commands import CancelOrder, Command
from orderkit.domain.events import Event
from orderkit.domain.order import Order, Rejection
from orderkit.engine.monitor import UNANSWERED, OrderMonitor
from orderkit.engine.questions import Questions, works
from orderkit.engine.watch import WatchPolicy

HOPELESS = frozenset({"authentication", "configuration"})  # refusals that no repetition can escape


class Desk(Protocol):
    """What cancels need of the engine, within the step that is being processed."""

    @property
    def now_ns(self) -> int: ...

    def command(self, command: Command) -> None:
        """Have the runtime carry it out."""

    def set_alarm(self, at_ns: int, ring: Callable[[], None]) -> None:
        """Have ``ring`` called at the time."""

    def order_changed(self, client_order_id: str, events: list[Event]) -> None:
        """Journal the order's new state and tell its flow."""


@dataclass(slots=True)
class Cancelling:
    """A cancel that is wanted until the order is done."""

    since_ns: int
    refusals: int = 0


class Cancels:
    """The cancels that flows want, from the wish to the order's end or to giving up."""

    def __init__(self, monitor: OrderMonitor, questions: Questions, policy: WatchPolicy, desk: Desk) -> None:
        self._monitor = monitor
        self._questions = questions
        self._policy = policy
        self._desk = desk
        self._when_accepted: set[str] = set()
        self._under_way: dict[str, Cancelling] = {}

    def want(self, order: Order) -> None:
        """Cancel the order, once it is known to exist. Idempotent."""
        if order.status in UNANSWERED:
            self._when_accepted.add(order.client_order_id)
        elif self._monitor.begin_cancel(order):
            self._under_way.setdefault(order.client_order_id, Cancelling(self._desk.now_ns))
            self._desk.command(CancelOrder(order.ref))

    def order_changed(self, order: Order) -> None:
        """Send the cancel that has waited for the order to exist."""
        if order.client_order_id in self._when_accepted and order.status not in UNANSWERED:
            self._when_accepted.discard(order.client_order_id)
            self.want(order)

    def refused(self, client_order_id: str, rejection: Rejection) -> Order | None:
        """The exchange did not cancel, or could not be asked; the order, where it is one of ours."""
        order = self._monitor.cancel_refused(client_order_id)
        if order is not None and works(order):
            # Refused because it is done? Then the question is what it did.
            self._questions.ask_out_of_turn(order)
            self._try_again(order, rejection)
        return order

    def forget(self, client_order_id: str) -> None:
        """Want nothing more of the order."""
        self._when_accepted.discard(client_order_id)
        self._under_way.pop(client_order_id, None)

    def _try_again(self, order: Order, rejection: Rejection) -> None:
        """Try once more after a pause: to cancel what is cancelled does no harm, to believe it did does."""
        cid = order.client_order_id
        cancelling = self._under_way.get(cid)
        if cancelling is None:
            return
        cancelling.refusals += 1
        given_up = self._policy.gives_up(self._desk.now_ns - cancelling.since_ns, cancelling.refusals)
        if rejection.kind in HOPELESS or given_up:
            del self._under_way[cid]
            self._desk.order_changed(cid, self._monitor.give_up(cid))
            return

        def again() -> None:
            if self._under_way.get(cid) is cancelling:
                self.want(order)

        pauses_ms = self._policy.cancel_again_ms
        pause_ms = pauses_ms[min(cancelling.refusals, len(pauses_ms)) - 1]
        self._desk.set_alarm(self._desk.now_ns + pause_ms * 1_000_000, again)
