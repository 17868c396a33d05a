"""How much of one rate limit is used: the exchange's fixed windows as seen from this side of the wire."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]

# The exchange counts in windows that start at whole minutes (or ten seconds) of its own clock. A clock more
# than a second ahead of it is refused (-1021), so one second after our boundary its window has begun too;
# and what was answered in the last second before our boundary may have been counted in the new one already.
EDGE_MS = 1_000


class Window(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One counter of the exchange, for example the request weight of a minute.

    Times in ms are exchange time as estimated here, times in ns are this machine's monotonic clock.

    ``used`` is what the newest answer said, at ``as_of_ns``; ``unsaid`` what ended without a word of the
    count, the last of it at ``unsaid_ns``; ``pending`` what is not answered yet; ``carried`` what was in
    flight when the window began, in case it counts here; ``late`` what was answered so close to the
    window's end that it may count in the next. What a killed process had sent is forgotten with the window
    after its own.
    """

    length_ms: Annotated[int, msgspec.Meta(gt=0)]
    index: Count = 0
    used: Count = 0
    pending: Count = 0
    carried: Count = 0
    late: Count = 0
    as_of_ns: Count = 0
    unsaid: Count = 0
    unsaid_ns: Count = 0

    @property
    def total(self) -> int:
        """The most that the exchange can have counted, as far as this machine is concerned."""
        return self.used + self.unsaid + self.pending + self.carried

    def roll(self, now_ms: int, now_ns: int) -> None:
        """Begin the window of ``now_ms`` where the one at hand is over."""
        current = (now_ms - EDGE_MS) // self.length_ms
        ahead = self.index - current
        if 0 <= ahead <= 1:  # another process's clock may be a little ahead of ours
            return
        if ahead > 1:  # the clock was set back: what is used stays so for one window more, not for hours
            self.index = current
            return
        if ahead == -1:
            self.used, self.carried = self.late, self.pending
        else:
            self.used = self.carried = 0
        self.index, self.as_of_ns = current, now_ns
        self.pending = self.late = self.unsaid = 0

    def has_room(self, amount: int, limit: int) -> bool:
        """True when ``amount`` more stays within ``limit``; 0 is no limit, an empty window takes anything."""
        total = self.total
        return not limit or total + amount <= limit or not total

    def left_ms(self, now_ms: int) -> int:
        """How long until the next window has certainly begun."""
        return max(1, (self.index + 1) * self.length_ms + EDGE_MS - now_ms)

    def settle(
        self,
        amount: int,
        index: int,
        *,
        sent_ns: int,
        told: int | None,
        counted: bool,
        now_ms: int,
        now_ns: int,
    ) -> None:
        """Take back what was reserved in window ``index`` and believe what the answer ``told``.

        ``counted`` is False where the request certainly never reached the exchange. Answers overtake each
        other: a smaller count is newer only when its request went out after the larger one was told.
        """
        if index == self.index:
            self.pending = max(0, self.pending - amount)
        elif index == self.index - 1:
            self.carried = max(0, self.carried - amount)
            told = None  # it may speak of either window
        else:
            return
        if told is not None:
            if told >= self.used or sent_ns >= self.as_of_ns:
                self.used, self.as_of_ns = told, now_ns
            if sent_ns >= self.unsaid_ns:  # it includes what ended before it went out
                self.unsaid = 0
        elif counted:
            self.unsaid += amount
            self.unsaid_ns = now_ns
        if counted and now_ms >= (self.index + 1) * self.length_ms - EDGE_MS:
            self.late += amount
