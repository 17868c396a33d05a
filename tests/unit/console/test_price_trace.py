"""The price line: one column for each stretch of time, the fills marked below, whatever is known so far."""

from decimal import Decimal

from orderkit.console.price_trace import MOST_POINTS, PriceTrace
from orderkit.domain.enums import Side
from orderkit.domain.order import Fill


def fill(time_ms: int, price: str, side: Side = Side.BUY) -> Fill:
    one = Decimal(1)
    return Fill("BTCUSDT", "ok-a-1", 1, time_ms, side, Decimal(price), one, one, "USDT", one, False, time_ms)


def trace(*points: tuple[int, str]) -> PriceTrace:
    made = PriceTrace()
    for time_ms, price in points:
        made.add(time_ms, Decimal(price))
    return made


def test_the_lowest_price_is_the_lowest_bar_and_the_highest_the_highest() -> None:
    drawn = trace((100, "10"), (200, "15"), (300, "20"), (400, "10")).lines([], 0, 400, 4)
    assert drawn is not None
    assert (drawn.bars, drawn.low, drawn.high) == ("▁▅█▁", 10, 20)


def test_a_column_without_a_price_shows_the_last_one_and_before_the_first_nothing() -> None:
    drawn = trace((250, "10"), (650, "11")).lines([], 0, 1000, 10)
    assert drawn is not None
    assert drawn.bars == "  ▁▁▁▁████"


def test_a_price_that_does_not_move_is_a_line_in_the_middle() -> None:
    drawn = trace((0, "10"), (50, "10")).lines([], 0, 100, 4)
    assert drawn is not None
    assert drawn.bars == "▅▅▅▅"


def test_fills_are_marked_where_they_happened_and_are_prices_themselves() -> None:
    fills = [fill(150, "10"), fill(350, "12", Side.SELL), fill(360, "12")]
    drawn = PriceTrace().lines(fills, 0, 400, 4)
    assert drawn is not None
    assert (drawn.bars, drawn.marks) == (" ▁▁█", " ▲ ◆")
    sold = PriceTrace().lines(fills[1:2], 0, 400, 4)
    assert sold is not None
    assert sold.marks == "   ▼"


def test_without_a_price_or_time_there_is_nothing_to_draw() -> None:
    assert PriceTrace().lines([], 0, 100, 4) is None
    assert trace((0, "10")).lines([], 100, 100, 4) is None
    assert trace((200, "10")).lines([], 0, 100, 4) is None


def test_a_job_of_days_keeps_a_bounded_number_of_prices() -> None:
    made = PriceTrace()
    for second in range(3 * MOST_POINTS):
        made.add(second, Decimal(second))
    assert len(made.points) <= MOST_POINTS
    assert made.points == sorted(made.points)
