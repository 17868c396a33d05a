"""A grid's price levels and what each of its cells may earn: pure arithmetic, on ticks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import Side
from orderkit.domain.instrument import Instrument, floor_to_step
from orderkit.errors import ValidationError
from orderkit.utils import format_decimal

ZERO = Decimal(0)
FEWEST = 2


class Spacing(StrEnum):
    ARITHMETIC = "arithmetic"  # the same difference between neighbours
    GEOMETRIC = "geometric"  # the same ratio between neighbours


class Mode(StrEnum):
    NEUTRAL = "neutral"  # buys below and sells above the market, from no position
    LONG = "long"  # never short: what it sells above the market it buys at the start
    SHORT = "short"  # never long: what it buys below the market it sells at the start


@dataclass(frozen=True, slots=True)
class Bounds:
    """One cell of a grid: it buys at ``low`` and sells at ``high``, the next level."""

    low: Decimal
    high: Decimal

    def price(self, side: Side) -> Decimal:
        return self.low if side is Side.BUY else self.high

    def profit(self, quantity: Decimal) -> Decimal:
        """What one round trip earns before fees, in quote asset."""
        return (self.high - self.low) * quantity


@dataclass(slots=True)
class Ladder:
    """``count`` levels from ``lower`` to ``upper``, numbered from 0, going on beyond them by the same rule.

    Each is rounded to the nearest tick; the first and the last are exact.
    """

    lower: Decimal
    upper: Decimal
    count: int
    spacing: Spacing
    tick: Decimal
    _numbers: dict[Decimal, int] = field(default_factory=dict)

    def price(self, number: int) -> Decimal:
        """The level's price in quote asset."""
        steps = self.count - 1
        if self.spacing is Spacing.ARITHMETIC:
            exact = self.lower + (self.upper - self.lower) * number / steps
        else:
            exact = self.lower * (self.upper / self.lower) ** (Decimal(number) / steps)
        if number == 0:
            return self.lower
        if number == steps:
            return self.upper
        return floor_to_step(exact + self.tick / 2, self.tick)

    def prices(self) -> list[Decimal]:
        """The levels from lower to upper."""
        return [self.price(number) for number in range(self.count)]

    def cell(self, number: int) -> Bounds:
        """The cell between the level of that number and the next."""
        return Bounds(self.price(number), self.price(number + 1))

    def cells(self) -> Iterator[Bounds]:
        return (self.cell(number) for number in range(self.count - 1))

    def cell_of(self, side: Side, price: Decimal) -> int:
        """The number of the cell that an order belongs to: a BUY at its low, a SELL at its high level.

        Raises:
            KeyError: no level has that price.
        """
        number = self._number(price)
        return number if side is Side.BUY else number - 1

    def _number(self, price: Decimal) -> int:
        known = self._numbers
        if not known:
            known.update((level, number) for number, level in enumerate(self.prices()))
        lowest, highest = min(known.values()), max(known.values())
        while price > self.price(highest):
            highest += 1
            known[self.price(highest)] = highest
        while ZERO < price < self.price(lowest):
            lowest -= 1
            known[self.price(lowest)] = lowest
        return known[price]


def ladder_of(lower: Decimal, upper: Decimal, count: int, spacing: Spacing, instrument: Instrument) -> Ladder:
    """The ladder on the instrument's ticks; ``lower`` and ``upper`` are on the tick.

    Raises:
        ValidationError: (GRID) lower not below upper, fewer than two levels, or more than ticks or the
            exchange's open orders (MAX_NUM_ORDERS) allow.
    """
    if lower >= upper:
        raise ValidationError(
            f"GRID: lower price {_plain(lower)} is not below upper price {_plain(upper)}; "
            "accepted: lower below upper",
            rule="GRID",
            hint="Swap the two.",
        )
    tick = instrument.price_filter.tick_size or Decimal(1).scaleb(-instrument.price_precision)
    ladder = Ladder(lower, upper, count, spacing, tick)
    most = min(_most_on_ticks(ladder), instrument.max_num_orders + 1)
    if FEWEST <= count <= most:
        return ladder
    raise ValidationError(
        f"GRID: {count} levels from {_plain(lower)} to {_plain(upper)}; accepted: {FEWEST} to {most} "
        f"(tick {_plain(tick)}, at most {instrument.max_num_orders} open orders)",
        rule="GRID",
        hint=f"Use {FEWEST} to {most} levels.",
    )


def _most_on_ticks(ladder: Ladder) -> int:
    """How many levels keep at least a tick between neighbours: the closest two are at the lower end."""
    ticks = int((ladder.upper - ladder.lower) / ladder.tick)
    if ladder.spacing is Spacing.ARITHMETIC:
        return ticks + 1
    ratio = 1 + ladder.tick / ladder.lower
    return min(ticks, int((ladder.upper / ladder.lower).ln() / ratio.ln())) + 1


def starts_bought(cell: Bounds, market: Decimal) -> bool:
    """True where a cell's first order is its sell: it lies above the market, as far as it can be told.

    Of the two levels around the market the nearer one stays empty.
    """
    return market - cell.low <= cell.high - market


def trip_fees(cell: Bounds, quantity: Decimal, maker: Decimal, first: Decimal) -> Decimal:
    """What a round trip costs: the closing order always rests, the opening one pays the rate ``first``."""
    return (cell.high * max(maker, first) + cell.low * min(maker, first)) * quantity


def check_profit(
    ladder: Ladder, quantity: Decimal, snapshot: TradingSnapshot, *, post_only: bool
) -> list[tuple[Bounds, Decimal]]:
    """Each cell with what its round trip earns after fees, in quote asset.

    Raises:
        ValidationError: (GRID_PROFIT) a cell does not earn its fees; says how many levels would.
    """
    maker = snapshot.maker_rate
    first = maker if post_only else snapshot.taker_rate

    def net(cell: Bounds) -> Decimal:
        return cell.profit(quantity) - trip_fees(cell, quantity, maker, first)

    earned = [(cell, net(cell)) for cell in ladder.cells()]
    worst, least = min(earned, key=lambda pair: pair[1])
    if least > 0:
        return earned
    asset = snapshot.instrument.quote_asset
    most = next((n for n in range(ladder.count - 1, FEWEST - 1, -1) if _covers(ladder, n, net)), 0)
    rates = f"{_percent(maker)} maker" + ("" if post_only else f" and {_percent(first)} taker")
    raise ValidationError(
        f"GRID_PROFIT: buying at {_plain(worst.low)} and selling at {_plain(worst.high)} earns "
        f"{_money(worst.profit(quantity))} {asset}, fees ({rates}) take "
        f"{_money(trip_fees(worst, quantity, maker, first))}; accepted: "
        + (f"at most {most} levels" if most else "a wider range"),
        rule="GRID_PROFIT",
        hint=f"Use at most {most} levels or a wider range." if most else "Use a wider range.",
    )


def _covers(ladder: Ladder, count: int, net: Callable[[Bounds], Decimal]) -> bool:
    fewer = Ladder(ladder.lower, ladder.upper, count, ladder.spacing, ladder.tick)
    return all(net(cell) > 0 for cell in fewer.cells())


def _plain(value: Decimal) -> str:
    text = format_decimal(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(value: Decimal) -> str:
    return _plain(value.quantize(Decimal("0.0001")))


def _percent(rate: Decimal) -> str:
    return f"{_plain(rate * 100)} %"
