"""How a grid ends that cannot close what it holds."""

from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.orders.grid import GridTrader
from orderkit.orders.grid_levels import Mode
from orderkit.orders.grid_request import GridRequest, OnStop
from tests.virtual import BTC, Venue, book

D = Decimal


def grid() -> GridTrader:
    request = GridRequest(
        "BTCUSDT",
        D(58_000),
        D(62_000),
        5,
        D("0.01"),
        mode=Mode.LONG,
        max_runtime_ms=5_000,
        on_stop=OnStop.FLATTEN,
    )
    return GridTrader(request, BTC)


def test_a_position_that_the_exchange_lets_nobody_close_is_no_success_and_is_said() -> None:
    venue, made = Venue(), grid()
    made.validate(venue.snapshot)
    # the mark price stays at 60000: a sale at 56000 is beyond the contract's 5 %
    ended = venue.run(made.run, [book(2_000, "56000")]).result
    assert ended is not None
    assert ended.status is JobStatus.STOPPED
    assert "it holds 0.04 BTC" in (ended.reason or "").replace("0.040", "0.04")
    assert "NOT CLOSED: The counterparty's best price does not meet" in (ended.reason or "")


def test_a_grid_whose_time_is_over_and_whose_position_is_closed_is_done() -> None:
    venue, made = Venue(), grid()
    made.validate(venue.snapshot)
    ended = venue.run(made.run, [book(2_000, "59500")]).result
    assert ended is not None
    assert ended.status is JobStatus.COMPLETED
    assert venue.position == 0


def test_stopped_between_two_tries_at_its_position_it_opens_no_more_of_it() -> None:
    venue, made = Venue(), grid()
    made.validate(venue.snapshot)
    ran = venue.run(made.run, [book(1, "60000", ask_size="0.001")], stop_at_ms=500)
    assert [order.request.side for order in ran.context.orders] == [Side.BUY, Side.SELL]
    assert venue.position == 0
