"""When to ask the exchange about an order: the way out of UNKNOWN and the net under the user stream."""

from dataclasses import dataclass
from enum import Enum

from orderkit.domain.enums import OrderStatus
from orderkit.domain.order import Order

SECOND_NS = 1_000_000_000


class Need(Enum):
    """What is still to be learned about an order."""

    NOTHING = "nothing"
    FATE = "fate"  # UNKNOWN: did it reach the exchange at all?
    END = "end"  # an order that cannot rest has not been reported done
    NEWS = "news"  # a resting order that nobody tells us about: the user stream is down
    TRADES = "trades"  # executed, but not at which prices and fees


def need_of(order: Order, *, stream_up: bool) -> Need:
    """What is missing. A request in flight needs nothing: its answer, or the lack of one, will be told."""
    if order.status is OrderStatus.PENDING_NEW or order.unresolved:
        return Need.NOTHING
    if order.status is OrderStatus.UNKNOWN:
        return Need.FATE
    if not order.status.is_terminal and order.request.is_immediate:
        return Need.END
    if order.misses_trades and not order.trades_unavailable:
        return Need.TRADES
    if order.status.is_terminal or stream_up:
        return Need.NOTHING
    return Need.NEWS


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """Pauses before each query in ms; the last one repeats. ``_alone``: without the user stream.

    ``absent_after_ms``: an order that was sent and is nowhere to be found is taken for absent only after
    this time. The exchange refuses a request that arrives later than recvWindow (5 s) after its timestamp
    and checks again before matching (-1021, -5028), so that nothing can appear once recvWindow, the second
    that a clock may be ahead, and a margin have passed. Even then it is searched for once more, among the
    open and recent orders, before it is believed to be nowhere.

    ``audit_ms``: how often the open orders of a symbol are listed while an order rests there, stream or not.

    ``cancel_again_ms``: pauses before a refused cancel of an order that still works is sent again, until
    it is given up.

    ``give_up_after_ms`` and ``least_questions``: how long, and at the least how often, an exchange that
    cannot say is asked before the order is left UNKNOWN (exit 8), or a done order's trades are left unknown.
    Both, because a question can wait for our own request budget for more than the whole time.
    """

    fate_ms: tuple[int, ...] = (100, 200, 400, 800, 1_600, 3_000)
    end_ms: tuple[int, ...] = (1_000, 2_000, 4_000, 8_000)
    end_alone_ms: tuple[int, ...] = (50, 100, 200, 400, 800, 1_600)
    news_alone_ms: tuple[int, ...] = (500, 1_000, 2_000, 5_000)
    audit_ms: int = 60_000
    trades_ms: tuple[int, ...] = (1_000, 1_000, 2_000, 4_000)
    trades_alone_ms: tuple[int, ...] = (0, 100, 200, 400, 800, 1_600)
    absent_after_ms: int = 8_000
    cancel_again_ms: tuple[int, ...] = (500, 1_000, 2_000, 4_000)
    give_up_after_ms: int = 60_000
    least_questions: int = 3

    def gives_up(self, waited_ns: int, questions: int) -> bool:
        """Whether an exchange that was asked so long and so often will not be asked again."""
        return waited_ns >= self.give_up_after_ms * 1_000_000 and questions >= self.least_questions

    def pause_ns(self, need: Need, attempt: int, stream_up: bool) -> int:
        """How long to wait before query number ``attempt`` (from 0)."""
        table = {
            (Need.FATE, True): self.fate_ms,
            (Need.FATE, False): self.fate_ms,
            (Need.END, True): self.end_ms,
            (Need.END, False): self.end_alone_ms,
            (Need.NEWS, True): self.news_alone_ms,
            (Need.NEWS, False): self.news_alone_ms,
            (Need.TRADES, True): self.trades_ms,
            (Need.TRADES, False): self.trades_alone_ms,
        }[need, stream_up]
        return table[min(attempt, len(table) - 1)] * 1_000_000


@dataclass(slots=True)
class Watch:
    """The state of one order's questions.

    ``due``: the number under which the next one is scheduled; ``attempt``: how many were made since the
    user stream last changed; ``heard``: how many in all that the exchange could have answered.
    """

    need: Need
    since_ns: int
    due: int | None = None
    attempt: int = 0
    heard: int = 0
    absences: int = 0
    searched: bool = False
    asking: bool = False
