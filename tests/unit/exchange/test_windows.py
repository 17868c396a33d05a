"""The window arithmetic against an exchange that counts by its own clock, with delays in between."""

import heapq
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orderkit.exchange.windows import EDGE_MS, Window

LENGTH_MS = 10_000
START_MS = 1_795_000_000_000


@dataclass
class Exchange:
    """Fixed windows of its own clock, which is ``skew_ms`` ahead of ours; what is over the limit is noted."""

    limit: int
    skew_ms: int
    window: int = 0
    count: int = 0
    highest: int = 0

    def receive(self, now_ms: int) -> int:
        window = (now_ms + self.skew_ms) // LENGTH_MS
        if window != self.window:
            self.window, self.count = window, 0
        self.count += 1
        self.highest = max(self.highest, self.count)
        return self.count


@dataclass(order=True)
class Request:
    at_ms: int
    order: int
    step: str = field(compare=False)
    sent_ms: int = field(compare=False)
    delays: tuple[int, int] = field(compare=False)
    index: int = field(compare=False, default=0)
    told: int | None = field(compare=False, default=None)
    lost: bool = field(compare=False, default=False)


def drive(limit: int, skew_ms: int, attempts: list[tuple[int, int, int, bool]]) -> tuple[Exchange, int]:
    """Send what the window lets through: per attempt a pause, the two ways' delays, whether it is lost."""
    exchange, window = Exchange(limit, skew_ms), Window(LENGTH_MS)
    queue: list[Request] = []
    at_ms, sent = START_MS, 0
    for n, (pause_ms, there_ms, back_ms, lost) in enumerate(attempts):
        at_ms += pause_ms
        queue.append(Request(at_ms, n, "try", 0, (there_ms, back_ms), lost=lost))
    heapq.heapify(queue)
    while queue:
        request = heapq.heappop(queue)
        now_ms, now_ns = request.at_ms, request.at_ms * 1_000_000
        window.roll(now_ms, now_ns)
        if request.step == "try":
            if not window.has_room(1, limit):
                continue
            window.pending += 1
            sent += 1
            request.index, request.sent_ms, request.step = window.index, now_ms, "arrive"
            request.at_ms += request.delays[0]
        elif request.step == "arrive":
            request.told = exchange.receive(now_ms)
            request.step = "answer"
            request.at_ms += request.delays[1]
        else:
            window.settle(
                1,
                request.index,
                sent_ns=request.sent_ms * 1_000_000,
                told=None if request.lost else request.told,
                counted=True,
                now_ms=now_ms,
                now_ns=now_ns,
            )
            continue
        heapq.heappush(queue, request)
    return exchange, sent


ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 7, 120, 900, 4000, 9000]),
        st.sampled_from([0, 1, 30, 400, 2000]),
        st.sampled_from([1, 30, 400, 2000]),
        st.booleans(),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 12), st.integers(-EDGE_MS, EDGE_MS), ATTEMPTS)
@example(2, 0, [(4000, 0, 1, False)] * 2 + [(4000, 30, 1, True), (0, 1, 30, False), (120, 0, 1, False)])
@example(4, 1000, [(9000, 0, 1, False)] + [(0, 0, 1, False)] * 4 + [(2000, 0, 1, False)] * 3)
def test_the_exchange_never_counts_more_than_its_limit(
    limit: int, skew_ms: int, attempts: list[tuple[int, int, int, bool]]
) -> None:
    exchange, _ = drive(limit, skew_ms, attempts)
    assert exchange.highest <= limit


def test_with_clocks_alike_each_window_gives_its_whole_limit() -> None:
    attempts = [(100, 5, 5, False)] * 1000  # 100 s, a try every 100 ms
    exchange, sent = drive(20, 0, attempts)
    assert exchange.highest == 20
    assert sent >= 10 * 20


def a_window(now_ms: int, **counts: int) -> Window:
    return Window(LENGTH_MS, (now_ms - EDGE_MS) // LENGTH_MS, **counts)


def test_a_clock_that_is_set_back_blocks_for_two_windows_at_most() -> None:
    window = a_window(START_MS, used=20)
    now_ms = START_MS - 3_600_000
    window.roll(now_ms, 0)
    assert not window.has_room(1, 20)
    window.roll(now_ms + 2 * LENGTH_MS, 0)
    assert window.has_room(20, 20)


def test_a_clock_that_is_set_forward_only_begins_a_new_window() -> None:
    window = a_window(START_MS, used=20)
    window.roll(START_MS + 3_600_000, 0)
    assert window.has_room(20, 20)


def test_what_a_killed_process_had_reserved_is_forgotten_in_time() -> None:
    window = a_window(START_MS, pending=20)
    window.roll(START_MS + LENGTH_MS, 0)
    assert not window.has_room(1, 20)  # it may have reached the exchange in the new window
    window.roll(START_MS + 2 * LENGTH_MS, 0)
    assert window.has_room(20, 20)


def test_a_smaller_count_is_believed_when_its_request_went_out_later() -> None:
    window = a_window(START_MS + 5_000, pending=2)

    def answer(sent_ns: int, told: int, now_ns: int) -> None:
        window.settle(
            1,
            window.index,
            sent_ns=sent_ns,
            told=told,
            counted=True,
            now_ms=START_MS + 5_000,
            now_ns=now_ns,
        )

    answer(sent_ns=10, told=15, now_ns=20)
    answer(sent_ns=11, told=14, now_ns=21)  # overtaken on its way back
    assert window.total == 15
    window.pending += 1
    answer(sent_ns=30, told=3, now_ns=40)  # the exchange has begun a new window
    assert window.total == 3
