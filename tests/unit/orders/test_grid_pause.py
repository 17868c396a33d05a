"""What a paused grid does and leaves, in virtual time."""

from dataclasses import replace
from decimal import Decimal

from orderkit.domain.events import ControlTaken, Input
from orderkit.domain.job import Control, ControlKind, JobStatus
from orderkit.domain.market import DepthUpdate
from orderkit.orders.grid import GridTrader
from orderkit.orders.grid_levels import Mode
from orderkit.orders.grid_request import GridRequest
from tests.virtual import BTC, JOB, START_MS, Ran, Venue, book

D = Decimal
GRID = GridRequest("BTCUSDT", D(58_000), D(62_000), 5, D("0.01"))
PAUSE, RESUME = ControlKind.PAUSE, ControlKind.RESUME


def run(request: GridRequest, market: list[DepthUpdate], asked: dict[int, ControlKind], venue: Venue) -> Ran:
    """A grid over ``market``, asked for these things so many milliseconds after its start, or before it."""
    trader = GridTrader(request, BTC)
    trader.validate(venue.snapshot)
    controls = {at_ms: Control(kind, (START_MS + at_ms) * 1_000_000) for at_ms, kind in asked.items()}
    known = [control for at_ms, control in controls.items() if at_ms < 0]
    told: list[tuple[int, Input]] = [
        (at_ms, ControlTaken(JOB, control)) for at_ms, control in controls.items() if at_ms >= 0
    ]
    return venue.run(trader.run, market, controls=known, told=told, until_ms=20_000)


def resting(venue: Venue) -> list[tuple[str, int]]:
    orders = sorted(venue.resting, key=lambda order: order.price or 0)
    return [(order.side.value, int(order.price or 0)) for order in orders]


def test_a_paused_grid_leaves_its_orders_and_turns_nothing_round_until_it_is_resumed() -> None:
    fill, back = book(2_000, "58999"), book(3_000, "59500")
    venue = Venue()
    ran = run(GRID, [fill, back], {1_000: PAUSE}, venue)
    assert resting(venue) == [("BUY", 58_000), ("SELL", 61_000), ("SELL", 62_000)]
    assert venue.position == D("0.01")
    assert (ran.context.state, ran.result) == ("PAUSED", None)
    assert ran.context.message == "3 orders, 0 round trips; 1 levels without an order until it is resumed"
    venue = Venue()
    assert run(GRID, [fill, back], {1_000: PAUSE, 5_000: RESUME}, venue).context.state == "RUNNING"
    assert resting(venue) == [("BUY", 58_000), ("SELL", 60_000), ("SELL", 61_000), ("SELL", 62_000)]


def test_paused_before_it_has_its_position_it_sends_nothing_at_all() -> None:
    long = replace(GRID, mode=Mode.LONG)
    assert run(long, [], {-1: PAUSE}, Venue()).context.orders == []
    venue = Venue()
    run(long, [], {-1: PAUSE, 5_000: RESUME}, venue)
    assert len(resting(venue)) == 4


def test_the_range_of_a_paused_grid_does_not_follow_the_market() -> None:
    trailing = replace(GRID, mode=Mode.LONG, trailing=True)
    beyond = [book(2_000, "62500"), book(3_000, "63500")]
    venue = Venue()
    run(trailing, beyond, {1_000: PAUSE}, venue)
    assert resting(venue) == [("BUY", 58_000), ("BUY", 59_000)]
    venue = Venue()
    run(trailing, beyond, {1_000: PAUSE, 5_000: RESUME}, venue)
    assert max(resting(venue)) == ("BUY", 62_000)


def test_a_pause_holds_back_no_stop_loss() -> None:
    venue = Venue()
    ran = run(replace(GRID, stop_loss=D(57_500)), [book(2_000, "57400")], {1_000: PAUSE}, venue)
    assert ran.result is not None
    assert ran.result.status is JobStatus.STOPPED
    assert resting(venue) == []
    assert venue.position == 0


def test_paused_while_a_level_is_being_moved_it_places_it_only_once_resumed() -> None:
    trailing = replace(GRID, trailing=True)
    venue = Venue()
    run(trailing, [book(2_000, "63500")], {2_002: PAUSE}, venue)
    assert not {("BUY", 58_000), ("BUY", 62_000)} & set(resting(venue))  # cancelled, and not sent anew
    venue = Venue()
    run(trailing, [book(2_000, "63500")], {2_002: PAUSE, 5_000: RESUME}, venue)
    assert ("BUY", 62_000) in resting(venue)
