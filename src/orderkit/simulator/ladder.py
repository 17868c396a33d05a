"""A sorted side of displayed liquidity: price → size, best price at hand in constant time."""

from bisect import bisect_left, insort
from collections.abc import Iterator


class Ladder:
    """Levels of one side. ``keys`` are price × sign (+1 bids, -1 asks), so the best level is the last key.

    Changes cluster at the touch, so insertions move few elements of the list.
    """

    __slots__ = ("keys", "sign", "sizes")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.sizes: dict[int, int] = {}
        self.keys: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def best(self) -> int:
        """The best price; 0 when empty."""
        return self.keys[-1] * self.sign if self.keys else 0

    def put(self, price: int, size: int) -> None:
        """Set a level's size; 0 removes it."""
        if size:
            if price not in self.sizes:
                key = price * self.sign
                if not self.keys or key > self.keys[-1]:
                    self.keys.append(key)
                else:
                    insort(self.keys, key)
            self.sizes[price] = size
        elif price in self.sizes:
            del self.sizes[price]
            key = price * self.sign
            if self.keys[-1] == key:
                self.keys.pop()
            else:
                del self.keys[bisect_left(self.keys, key)]

    def prices(self) -> Iterator[int]:
        """Prices, best first. The ladder must not change meanwhile."""
        sign = self.sign
        return (key * sign for key in reversed(self.keys))

    def better_than(self, price: int) -> list[int]:
        """Prices strictly better than ``price``, best first."""
        start = bisect_left(self.keys, price * self.sign + 1)
        return [key * self.sign for key in reversed(self.keys[start:])]

    def worst(self, count: int) -> list[int]:
        """The ``count`` worst prices."""
        return [key * self.sign for key in self.keys[:count]]
