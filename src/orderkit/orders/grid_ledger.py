"""A grid's books: what each cell holds, earns and wants next, worked out from its orders alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orderkit.analytics.execution import executed_cost
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order
from orderkit.orders.grid_levels import Bounds, Ladder, Mode, ladder_of, starts_bought
from orderkit.orders.grid_request import GridRequest
from orderkit.orders.outcomes import executed, live, would_have_taken

ZERO = Decimal(0)
FIRST_POST_ONLY_MS, FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 250, 1_000, 60_000
KEPT = 8  # orders of a cell that a late report may still change; older ones are added up for good


@dataclass(frozen=True, slots=True)
class Leg:
    """Where a cell stands. ``inventory`` is what its opening orders did and its closing ones have not undone.

    ``size`` is what the present round trip opens, 0 before its first order; ``cost`` what the inventory cost,
    ``profit`` what closed, before ``fees``; all in quote asset. ``failures``: orders that came to nothing
    since the last one that did something.
    """

    opening: bool = True
    size: Decimal = ZERO
    inventory: Decimal = ZERO
    cost: Decimal = ZERO
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    round_trips: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Want:
    """The order that a cell should have on the book."""

    side: Side
    price: Decimal
    quantity: Decimal


@dataclass(slots=True)
class Cell:
    """One cell and its orders, of which at most the last one is at work. ``role`` opens its round trips."""

    number: int
    bounds: Bounds
    role: Side
    instrument: Instrument
    settled: Leg = field(default_factory=Leg)
    orders: list[Order] = field(default_factory=list)
    _leg: Leg | None = None

    @property
    def sign(self) -> int:
        """+1 where the inventory is long, -1 where it is short."""
        return self.role.sign

    @property
    def last(self) -> Order | None:
        return self.orders[-1] if self.orders else None

    @property
    def is_working(self) -> bool:
        """True while its order is at work, or may be: one in doubt is never doubled."""
        return self.last is not None and not self.last.is_terminal

    @property
    def is_idle(self) -> bool:
        """True where it holds nothing and nothing of the present round trip was done."""
        leg = self.leg
        return leg.opening and leg.inventory == 0

    def add(self, order: Order) -> None:
        self.orders.append(order)
        self.changed()
        while len(self.orders) > KEPT and self.orders[0].is_settled:
            self.settled = self._after(self.settled, self.orders.pop(0))

    def changed(self) -> None:
        """An order of the cell has news."""
        self._leg = None

    @property
    def leg(self) -> Leg:
        if self._leg is None:
            leg = self.settled
            for order in self.orders:
                leg = self._after(leg, order)
            self._leg = leg
        return self._leg

    @property
    def next_ms(self) -> int:
        """UTC ms from which its next order may go out: what comes to nothing is repeated ever less often."""
        failures, last = self.leg.failures, self.last
        if not failures or last is None:
            return 0
        first_ms = FIRST_POST_ONLY_MS if would_have_taken(last) else FIRST_PAUSE_MS
        pause_ms: int = min(first_ms << min(failures - 1, 10), LONGEST_PAUSE_MS)
        return last.created_ms + pause_ms

    def want(self, size: Decimal) -> Want | None:
        """What should be on the book when nothing is; ``size`` is for a new round trip.

        None where what is left is too small for the exchange to take.
        """
        leg = self.leg
        if leg.opening:
            side, quantity = self.role, (leg.size or size) - leg.inventory
        else:
            side, quantity = self.role.opposite, leg.inventory
        return Want(side, self.bounds.price(side), quantity) if self._can_send(side, quantity) else None

    def _after(self, leg: Leg, order: Order) -> Leg:
        """The books with one more order in them. It turns the leg only once it has ended."""
        done = order.executed_quantity
        value = (executed_cost(order) or done * (order.request.price or ZERO)) if done else ZERO
        opening = order.request.side is self.role
        size = (leg.size or order.quantity) if opening else leg.size
        inventory, cost, profit = leg.inventory, leg.cost, leg.profit
        if opening:
            inventory, cost = inventory + done, cost + value
        elif done:
            closed = cost * done / inventory if inventory else value
            inventory, cost = inventory - done, cost - closed
            profit += self.sign * (value - closed)
        failures = leg.failures + 1 if order.is_terminal and not done else 0
        leg = replace(
            leg,
            opening=opening,
            size=size,
            inventory=inventory,
            cost=cost,
            profit=profit,
            fees=leg.fees + fees_of(order, self.instrument.margin_asset),
            failures=failures if order.is_terminal else leg.failures,
        )
        return self._turned(leg) if order.is_terminal else leg

    def _turned(self, leg: Leg) -> Leg:
        """Where the cell goes on; a rest too small to be sent stays in the inventory until the next turn."""
        if leg.opening:
            rest = leg.size - leg.inventory
            if self._can_send(self.role, rest) or not self._can_send(self.role.opposite, leg.inventory):
                return leg
            return replace(leg, opening=False)
        if self._can_send(self.role.opposite, leg.inventory):
            return leg
        return replace(leg, opening=True, size=ZERO, round_trips=leg.round_trips + 1)

    def _can_send(self, side: Side, quantity: Decimal) -> bool:
        enough = quantity > 0 and quantity >= self.instrument.lot_size.min_quantity
        return enough and quantity * self.bounds.price(side) >= self.instrument.min_notional


@dataclass(frozen=True, slots=True)
class Totals:
    """A grid's sums. ``position`` is signed; money in quote asset, profits before ``fees``.

    ``cost`` is what the cells' inventories cost, signed, so that unrealised profit at a price is
    position × price - cost; after an end at the market the position is 0, and this is what the end added.
    """

    position: Decimal
    cost: Decimal
    realised: Decimal
    fees: Decimal
    round_trips: int
    working: int

    def unrealised(self, price: Decimal) -> Decimal:
        return self.position * price - self.cost


class Ledger:
    """All cells of a grid, built from the request's numbers and the job's orders, and from nothing else.

    Which cell an order belongs to follows from its side and price. Orders at the market are the initial
    position (on the grid's own side) or its end (against it). A cell beyond the range, found in an order,
    says that the range has followed the market: as many cells have been left at the other end.
    """

    def __init__(
        self,
        ladder: Ladder,
        mode: Mode,
        market: Decimal,
        quantity: Decimal,
        instrument: Instrument,
        orders: Iterable[Order] = (),
    ) -> None:
        self.ladder = ladder
        self.mode = mode
        self.market = market
        self.quantity = quantity
        self.instrument = instrument
        self.retired: list[Cell] = []
        self.initial: list[Order] = []
        self.closing: list[Order] = []
        self.cells: dict[int, Cell] = {}
        self.prepaid: list[Cell] = []  # those whose first inventory is the initial position
        for number, bounds in enumerate(ladder.cells()):
            bought = starts_bought(bounds, market)
            role = {Mode.LONG: Side.BUY, Mode.SHORT: Side.SELL}.get(mode, Side.SELL if bought else Side.BUY)
            cell = self.cells[number] = Cell(number, bounds, role, instrument)
            if (mode is Mode.LONG and bought) or (mode is Mode.SHORT and not bought):
                self.prepaid.append(cell)
        self.initial_quantity = quantity * len(self.prepaid)
        self.last_fill_ms = 0  # exchange time
        self._opened = False
        self._totals: Totals | None = None
        for order in orders:
            self.add(order)

    # --- orders in --------------------------------------------------------------------------------

    def add(self, order: Order) -> None:
        """Take an order into the books; it may be at any stage of its life."""
        self._totals = None
        if order.request.type is OrderType.MARKET:
            (self.initial if order.request.side is self.initial_side else self.closing).append(order)
            return
        self.share_initial_position()
        self._cell_for(order).add(order)

    def changed(self, order: Order) -> None:
        """An order has news."""
        self._totals = None
        self.last_fill_ms = max(self.last_fill_ms, *(fill.time_ms for fill in order.fills.values()), 0)
        cell = self.cell_of(order)
        if cell is not None:
            cell.changed()

    def audit(self) -> None:
        """Forget what is remembered of all orders' states, and look anew."""
        self._totals = None
        for cell in self.cells.values():
            cell.changed()

    def cell_of(self, order: Order) -> Cell | None:
        """The cell that the order is in; None for orders at the market and in cells that were left."""
        if order.request.type is OrderType.MARKET or order.request.price is None:
            return None
        return self.cells.get(self.ladder.cell_of(order.request.side, order.request.price))

    def share_initial_position(self) -> None:
        """From the first level order on, the initial position lies in the cells, at its average price."""
        if self._opened:
            return
        self._opened = True
        done = executed(self.initial)
        price = sum(map(executed_cost, self.initial), ZERO) / done if done else ZERO
        for cell in self.prepaid:
            size = self.quantity
            cell.settled = Leg(opening=False, size=size, inventory=size, cost=size * price)
            cell.changed()

    def _cell_for(self, order: Order) -> Cell:
        assert order.request.price is not None
        number = self.ladder.cell_of(order.request.side, order.request.price)
        while number not in self.cells:
            self._follow(up=number > max(self.cells))
        return self.cells[number]

    def _follow(self, *, up: bool) -> None:
        """Leave the cell at one end and open one at the other."""
        left, opened = (
            (min(self.cells), max(self.cells) + 1) if up else (max(self.cells), min(self.cells) - 1)
        )
        self.retired.append(self.cells.pop(left))
        role = Side.BUY if up else Side.SELL
        self.cells[opened] = Cell(opened, self.ladder.cell(opened), role, self.instrument)

    # --- what they say ----------------------------------------------------------------------------

    @property
    def initial_side(self) -> Side | None:
        """The side of the orders that make the initial position; None for a neutral grid."""
        return {Mode.LONG: Side.BUY, Mode.SHORT: Side.SELL}.get(self.mode)

    @property
    def bound(self) -> tuple[Decimal, Decimal]:
        """The shortest and the longest position that the cells can come to, signed."""
        shortest = longest = ZERO
        for cell in self.cells.values():
            size = max(cell.leg.size, cell.leg.inventory, self.quantity)
            if cell.role is Side.SELL:
                shortest -= size
            else:
                longest += size
        return shortest, longest

    def nearest_first(self) -> list[Cell]:
        """The cells by their distance from where the market was when the grid began."""
        return sorted(self.cells.values(), key=lambda c: abs(c.bounds.low + c.bounds.high - 2 * self.market))

    def movable(self, price: Decimal) -> Cell | None:
        """The cell to move after the market: the farthest, if idle, once the market is a level beyond."""
        lowest, highest = min(self.cells), max(self.cells)
        if price >= self.ladder.price(highest + 2) and self.mode is not Mode.SHORT:
            cell, role = self.cells[lowest], Side.BUY
        elif price <= self.ladder.price(lowest - 1) and self.mode is not Mode.LONG:
            cell, role = self.cells[highest], Side.SELL
        else:
            return None
        return cell if cell.role is role and cell.is_idle else None

    def working(self) -> Iterator[Order]:
        """Orders that are, or may be, at work."""
        for cell in (*self.cells.values(), *self.retired):
            yield from live(cell.orders)

    def current_position(self) -> Decimal:
        """The signed position by all orders' present states."""
        self.audit()
        return self.totals().position

    def totals(self) -> Totals:
        if self._totals is None:
            self._totals = self._summed()
        return self._totals

    def _summed(self) -> Totals:
        position = cost = realised = fees = ZERO
        round_trips = working = 0
        for cell in (*self.cells.values(), *self.retired):
            leg = cell.leg
            position += cell.sign * leg.inventory
            cost += cell.sign * leg.cost
            realised += leg.profit
            fees += leg.fees
            round_trips += leg.round_trips
            working += cell.is_working
        for order in (*self.initial, *self.closing):
            fees += fees_of(order, self.instrument.margin_asset)
        for order in self.closing if self._opened else (*self.initial, *self.closing):
            position += order.request.side.sign * order.executed_quantity
            cost += order.request.side.sign * executed_cost(order)
        return Totals(position, cost, realised, fees, round_trips, working)


def ledger_of(request: GridRequest, instrument: Instrument, orders: Iterable[Order] = ()) -> Ledger:
    """The books of the grid that was asked for, with these orders in them.

    Raises:
        ValidationError: (GRID) the range or the number of levels makes no grid.
    """
    ladder = ladder_of(request.lower, request.upper, request.count, request.spacing, instrument)
    return Ledger(ladder, request.mode, request.market, request.level_quantity, instrument, orders)


def fees_of(order: Order, asset: str) -> Decimal:
    """What the order's known trades cost in ``asset``."""
    return sum((f.commission for f in order.fills.values() if f.commission_asset == asset), ZERO)
