"""A slow, obvious order book: lists that are searched, levels laid out as queues of lots."""

from dataclasses import dataclass, field

Trade = tuple[str | None, str | None, int, int]  # taker, maker, price, quantity; None is the market


@dataclass
class Resting:
    """``ahead`` is displayed quantity before it; ``credit`` what reductions already moved it up."""

    name: str
    sign: int
    price: int
    left: int
    ahead: int
    credit: int = 0


@dataclass
class NaiveBook:
    """Prices and quantities are small ints; side is +1 for bids, -1 for asks."""

    displayed: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})
    resting: list[Resting] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)

    def level(self, sign: int, price: int) -> list[Resting]:
        return [r for r in self.resting if (r.sign, r.price) == (sign, price)]

    def size(self, sign: int, price: int) -> int:
        return self.displayed[sign].get(price, 0) + sum(r.left for r in self.level(sign, price))

    def levels(self, sign: int) -> list[tuple[int, int]]:
        prices = {*self.displayed[sign], *(r.price for r in self.resting if r.sign == sign)}
        return [(p, self.size(sign, p)) for p in sorted(prices, key=lambda p: -p * sign)]

    def place(self, name: str, sign: int, price: int | None, quantity: int, kind: str) -> None:
        """``kind``: GTC, IOC, FOK, GTX; without a price a market order."""
        reachable = [(p, q) for p, q in self.levels(-sign) if price is None or (p - price) * sign <= 0]
        if kind == "GTX" and reachable:
            return
        if kind == "FOK" and sum(q for _, q in reachable) < quantity:
            return
        for p, _ in reachable:
            quantity = self._take_level(name, -sign, p, quantity)
        if quantity and price is not None and kind in ("GTC", "GTX"):
            self.resting.append(Resting(name, sign, price, quantity, self.displayed[sign].get(price, 0)))

    def _take_level(self, taker: str, sign: int, price: int, wanted: int) -> int:
        """Lay the level out as its queue of lots and eat from the front."""
        lots: list[tuple[Resting | None, int]] = []
        laid = 0
        for order in self.level(sign, price):
            front = min(order.ahead, self.displayed[sign].get(price, 0))
            if front > laid:
                lots.append((None, front - laid))
                laid = front
            lots.append((order, order.left))
        if self.displayed[sign].get(price, 0) > laid:
            lots.append((None, self.displayed[sign][price] - laid))
        for owner, size in lots:
            eaten = min(size, wanted)
            if not eaten:
                break
            wanted -= eaten
            self.trades.append((taker, owner.name if owner else None, price, eaten))
            if owner:
                owner.left -= eaten
            else:
                self._eat_displayed(sign, price, eaten)
        self._sweep()
        return wanted

    def _eat_displayed(self, sign: int, price: int, quantity: int) -> None:
        self.displayed[sign][price] -= quantity
        for order in self.level(sign, price):
            order.ahead = max(0, order.ahead - quantity)
        self._sweep()

    def _sweep(self) -> None:
        self.resting = [r for r in self.resting if r.left]
        for side in self.displayed.values():
            for price in [p for p, q in side.items() if not q]:
                del side[price]

    def cancel(self, name: str) -> None:
        self.resting = [r for r in self.resting if r.name != name]

    def show(self, sign: int, price: int, size: int) -> None:
        """An absolute displayed size; older levels it crosses are gone; what it crosses of ours fills."""
        self._set(sign, price, size)
        if not size:
            return
        for other in [p for p in self.displayed[-sign] if (p - price) * sign <= 0]:
            self._set(-sign, other, 0)
        while crossed := [r for r in self.resting if r.sign == -sign and (r.price - price) * sign <= 0]:
            if not self.displayed[sign].get(price):
                break
            best = min(crossed, key=lambda r: r.price * sign)
            quantity = min(best.left, self.displayed[sign][price])
            best.left -= quantity
            self.trades.append((None, best.name, best.price, quantity))
            self._eat_displayed(sign, price, quantity)

    def _set(self, sign: int, price: int, size: int) -> None:
        self.displayed[sign][price] = size
        for order in self.level(sign, price):
            if order.ahead > size:
                order.credit += order.ahead - size
                order.ahead = size
        self._sweep()

    def public_trade(self, price: int, quantity: int, *, seller_hits: bool) -> None:
        """A trade of the market: fills what it went through, then moves the queue at its price."""
        for sign in (1, -1):
            through = [r for r in self.resting if r.sign == sign and (r.price - price) * sign > 0]
            for order in sorted(through, key=lambda r: -r.price * sign):
                quantity -= self._make(order, quantity)
        filled = 0
        blocked = False
        for order in self.level(1 if seller_hits else -1, price):
            reach = quantity - filled
            explained = min(order.credit, reach)
            order.credit -= explained
            passed = min(order.ahead, reach - explained)
            order.ahead -= passed
            if not blocked:
                filled += self._make(order, reach - explained - passed)
            blocked = blocked or order.left > 0
        self._sweep()

    def _make(self, order: Resting, quantity: int) -> int:
        quantity = min(order.left, quantity)
        if quantity:
            order.left -= quantity
            self.trades.append((None, order.name, order.price, quantity))
        self._sweep()
        return quantity
