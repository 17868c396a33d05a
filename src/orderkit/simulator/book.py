"""The order book: the market's displayed liquidity and our accounts' resting orders in one price-time order.

The queue model, and what it assumes:

- A resting order joins behind everything displayed at its price at that moment (``ahead``); what the market
  adds to the level later stands behind it. Among our own orders at a price, time decides.
- A public trade at the price moves the queue by its quantity; what reaches an order fills it. A reduction
  of the displayed level is taken as a cancellation behind us: it moves the queue only as far as it must
  (``ahead`` never exceeds what is displayed). Trade and reduction are often one event seen twice, so what a
  reduction gave (``credit``) is first subtracted from later trades. All three err towards filling later.
- A public trade through the price fills up to its quantity, best price first; so does a displayed quantity
  on the other side that crosses the order, at the order's price, and it is used up by that.
- Displayed liquidity that our takers consumed is gone until the market's next absolute size for that level.
- A source of quotes only (``depth_is_known`` False) shows nothing behind the touch. A level keeps the size
  it last displayed until the market quotes through it; an order joining at a price never displayed waits
  for the level's first displayed size and joins behind that. So does an order restored before any quote.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from orderkit.domain.enums import Side
from orderkit.simulator.ladder import Ladder
from orderkit.simulator.orders import UNKNOWN_AHEAD, Order

REMEMBERED_LEVELS = 2000
_BUY = Side.BUY


class BookSide:
    """One side of a book.

    ``changed`` collects the prices whose public size changed; ``quoted`` is the price of the last best quote.
    """

    __slots__ = ("_resting_keys", "changed", "depth_is_known", "displayed", "quoted", "resting", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.displayed = Ladder(sign)
        self.resting: dict[int, dict[int, Order]] = {}
        self._resting_keys: list[int] = []
        self.depth_is_known = False
        self.quoted = 0
        self.changed: set[int] = set()

    # the public view

    def best(self) -> int:
        """The best price of all, 0 when empty."""
        keys = self.displayed.keys
        displayed = keys[-1] * self.sign if keys else 0
        if not self._resting_keys:
            return displayed
        resting = self._resting_keys[-1] * self.sign
        if not displayed:
            return resting
        return max(displayed, resting) if self.sign > 0 else min(displayed, resting)

    def best_resting(self) -> int:
        """The best price of our accounts' orders, 0 without any."""
        return self._resting_keys[-1] * self.sign if self._resting_keys else 0

    def size_at(self, price: int) -> int:
        """Displayed and resting quantity at a price."""
        size = self.displayed.sizes.get(price, 0)
        if price in self.resting:
            for order in self.resting[price].values():
                size += order.quantity - order.executed
        return size

    def prices(self) -> Iterator[int]:
        """All prices, best first. The side must not change meanwhile."""
        resting = [key * self.sign for key in reversed(self._resting_keys)]
        position = 0
        for price in self.displayed.prices():
            while position < len(resting) and (resting[position] - price) * self.sign > 0:
                yield resting[position]
                position += 1
            if position < len(resting) and resting[position] == price:
                position += 1
            yield price
        yield from resting[position:]

    def levels(self, limit: int) -> list[tuple[int, int]]:
        """The best ``limit`` public levels as (price, size)."""
        found: list[tuple[int, int]] = []
        for price in self.prices():
            if len(found) == limit:
                break
            found.append((price, self.size_at(price)))
        return found

    # what the market says

    def set_level(self, price: int, size: int) -> None:
        """Take an absolute displayed size."""
        if self.displayed.sizes.get(price, 0) != size:
            self.changed.add(price)
            self.displayed.put(price, size)
        level = self.resting.get(price)
        if level:
            for order in level.values():
                if order.ahead == UNKNOWN_AHEAD:
                    if size:
                        order.ahead = size
                elif order.ahead > size:
                    order.credit += order.ahead - size
                    order.ahead = size

    def set_touch(self, price: int, size: int) -> None:
        """Take a best quote: better levels are gone, worse ones are remembered."""
        for better in self.displayed.better_than(price):
            self.set_level(better, 0)
        self.set_level(price, size)
        self.quoted = price
        if not self.depth_is_known and len(self.displayed) > 2 * REMEMBERED_LEVELS:
            for forgotten in self.displayed.worst(REMEMBERED_LEVELS):
                self.set_level(forgotten, 0)

    def clear_displayed(self) -> None:
        """The market shows nothing on this side."""
        self.quoted = 0
        for price in list(self.displayed.sizes):
            self.set_level(price, 0)

    def clear_crossed(self, opposite_best: int) -> None:
        """Drop displayed levels that a newer opposite quote has traded through or locked."""
        while self.displayed and (self.displayed.best() - opposite_best) * self.sign >= 0:
            self.set_level(self.displayed.best(), 0)

    # our orders

    def add(self, order: Order) -> None:
        """Queue an order behind what is displayed at its price."""
        price = order.price
        size = self.displayed.sizes.get(price, 0)
        touch = self.displayed.best() or self.quoted
        improves = touch != 0 and (price - touch) * self.sign > 0
        order.ahead = size if size or self.depth_is_known or improves else UNKNOWN_AHEAD
        order.credit = 0
        level = self.resting.get(price)
        if level is None:
            self.resting[price] = {order.order_id: order}
            insort(self._resting_keys, price * self.sign)
        else:
            level[order.order_id] = order
        self.changed.add(price)

    def remove(self, order: Order) -> None:
        """Take an order out of its queue, if it is in one."""
        level = self.resting.get(order.price)
        if level is None or level.pop(order.order_id, None) is None:
            return
        if not level:
            del self.resting[order.price]
            del self._resting_keys[bisect_left(self._resting_keys, order.price * self.sign)]
        self.changed.add(order.price)

    def first_resting(self, price: int) -> Order | None:
        """The oldest of our orders at a price."""
        level = self.resting.get(price)
        return next(iter(level.values())) if level else None

    def consume(self, price: int, quantity: int) -> None:
        """One of our takers took displayed liquidity: the queue behind it moves up."""
        sizes = self.displayed.sizes
        left = sizes[price] - quantity
        if left:
            sizes[price] = left
        else:
            self.displayed.put(price, 0)
        self.changed.add(price)
        level = self.resting.get(price)
        if level:
            for order in level.values():
                if order.ahead > 0:
                    order.ahead = max(0, order.ahead - quantity)

    def advance_queue(self, price: int, quantity: int) -> list[tuple[Order, int]]:
        """A public trade happened at a price: move the queue, return the fills (order, quantity) it gives."""
        level = self.resting.get(price)
        if not level:
            return []
        fills: list[tuple[Order, int]] = []
        used = 0
        blocked = False
        for order in level.values():
            if order.ahead == UNKNOWN_AHEAD:
                if not self.depth_is_known:
                    break
                order.ahead = 0
            reach = quantity - used
            explained = min(order.credit, reach)
            order.credit -= explained
            reach -= explained
            passed = min(order.ahead, reach)
            order.ahead -= passed
            reach -= passed
            if blocked or reach == 0:
                blocked = True
                continue
            fill = min(reach, order.quantity - order.executed)
            fills.append((order, fill))
            used += fill
            blocked = fill < order.quantity - order.executed
        return fills


class Book:
    """Both sides."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(-1)

    def side(self, side: Side) -> BookSide:
        """Where orders of ``side`` rest."""
        return self.bids if side is _BUY else self.asks

    def opposite(self, side: Side) -> BookSide:
        """What orders of ``side`` take from."""
        return self.asks if side is _BUY else self.bids

    def is_reached(self, side: Side, price: int) -> bool:
        """Whether a limit order at ``price`` would take liquidity now."""
        if side is _BUY:
            best = self.asks.best()
            return best != 0 and price >= best
        best = self.bids.best()
        return best != 0 and price <= best

    def touch(self) -> tuple[int, int, int, int]:
        """Best bid, its size, best ask, its size; zeros for an empty side."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid, self.bids.size_at(bid), ask, self.asks.size_at(ask)
