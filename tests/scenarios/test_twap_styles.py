"""How a TWAP's slices meet the market, in virtual time: waiting, escalating, catching up, holding back."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from orderkit.domain.events import ControlTaken, Input, LookedAt
from orderkit.domain.job import Control, ControlKind, JobResult, JobStatus
from orderkit.domain.looks import ContractOf
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.conditions import parse_stop_when, parse_trigger
from orderkit.orders.pacing import Pacing, Style
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from tests.virtual import BTC, JOB, START_MS, Ran, Venue, book

D = Decimal


def wide(at_ms: int, bid: str, ask: str) -> DepthUpdate:
    """One level a side, some ticks apart."""
    sides = (((D(bid), D(50)),), ((D(ask), D(50)),))
    return DepthUpdate("BTCUSDT", *sides, time_ms=START_MS + at_ms, snapshot=True)


def sold(at_ms: int, price: str, quantity: str = "100") -> MarketTrade:
    """Somebody sells into the bids."""
    return MarketTrade("BTCUSDT", at_ms + 1, D(price), D(quantity), True, START_MS + at_ms)


def run(
    *market: MarketEvent,
    quantity: str = "0.4",
    chunks: int = 4,
    interval_ms: int = 1000,
    venue: Venue | None = None,
    until_ms: int = 60_000,
    request: dict[str, Any] | None = None,
    told: Sequence[tuple[int, Input]] = (),
    **pacing: Any,
) -> Ran:
    venue = venue or Venue()
    wanted = TWAPRequest(
        "BTCUSDT",
        Side.BUY,
        D(quantity),
        chunks,
        interval_ms,
        pacing=Pacing(**pacing),
        **(request or {}),
    )
    executor = TWAPExecutor(wanted, BTC)
    executor.validate(venue.snapshot)
    return venue.run(
        executor.run,
        sorted(market, key=lambda event: event.time_ms),
        until_ms=until_ms,
        tells_trades=executor.follows_trades,
        told=told,
    )


def asked(at_ms: int, kind: ControlKind, **changes: str) -> tuple[int, Input]:
    """A control command, taken ``at_ms`` after the start."""
    return at_ms, ControlTaken(JOB, Control(kind, (START_MS + at_ms) * 1_000_000, changes))


def shown(orders: Iterable[Order]) -> list[tuple[str, str | None, str]]:
    """Quantity, price and status of each order."""
    return [(str(o.quantity), None if o.price is None else f"{o.price:.1f}", o.status.value) for o in orders]


def executed(ran: Ran) -> Decimal:
    return sum((o.executed_quantity for o in ran.context.orders), D(0))


def test_a_passive_slice_joins_the_best_price_and_what_it_missed_is_carried_on() -> None:
    ran = run(sold(1500, "60000"), style=Style.PASSIVE)
    assert shown(ran.context.orders) == [
        ("0.100", "60000.0", "CANCELED"),
        ("0.200", "60000.0", "FILLED"),
        ("0.100", "60000.0", "CANCELED"),
        ("0.200", None, "FILLED"),  # the last one crosses
    ]
    assert ran.result is not None
    assert ran.result.status is JobStatus.COMPLETED
    assert executed(ran) == D("0.4")
    assert all(o.request.time_in_force is TimeInForce.GTX for o in ran.context.orders[:3])


def test_tick_better_stands_before_the_others_and_never_crosses() -> None:
    ran = run(wide(500, "60000", "60000.4"), wide(1500, "60001", "60001.1"), style=Style.TICK_BETTER)
    prices = [o.price for o in ran.context.orders[:3]]
    assert prices == [D("60000"), D("60000.1"), D("60001")]  # joins where the spread is one tick


def test_unfilled_slices_make_the_next_ones_more_aggressive() -> None:
    ran = run(wide(1, "60000", "60000.4"), style=Style.PASSIVE, escalate_after=2, chunks=8, quantity="0.8")
    kinds = [(o.request.type, o.price) for o in ran.context.orders]
    assert kinds[:5] == [
        (OrderType.LIMIT, D("60000.0")),
        (OrderType.LIMIT, D("60000.0")),
        (OrderType.LIMIT, D("60000.1")),
        (OrderType.LIMIT, D("60000.1")),
        (OrderType.MARKET, None),
    ]
    assert executed(ran) == D("0.8")


def test_without_crossing_it_goes_on_waiting_as_long_as_it_may() -> None:
    ran = run(style=Style.PASSIVE, no_cross=True, overtime_ms=5000)
    assert ran.result is not None
    assert ran.result.status is JobStatus.STOPPED
    assert "the time is over" in (ran.result.reason or "")
    assert {o.request.type for o in ran.context.orders} == {OrderType.LIMIT}
    patient = run(sold(20_000, "60000"), sold(30_000, "60000"), style=Style.PASSIVE, no_cross=True)
    assert patient.result is not None
    assert patient.result.status is JobStatus.COMPLETED


def test_a_fill_that_races_the_cancel_never_makes_it_too_much() -> None:
    sizes = [sold(at, "60000", "0.03") for at in range(990, 12_000, 1)]
    ran = run(*sizes, style=Style.PASSIVE, chunks=10, quantity="1.0")
    assert executed(ran) == D("1.0")
    assert ran.result is not None
    assert ran.result.status is JobStatus.COMPLETED


def test_a_limit_price_holds_slices_back_while_the_market_is_worse() -> None:
    ran = run(book(500, "60100"), book(2500, "59990"), limit_price=D("60050"))
    assert shown(ran.context.orders) == [
        ("0.100", "60050.0", "FILLED"),
        ("0.200", "60050.0", "FILLED"),
        ("0.100", "60050.0", "FILLED"),
    ]
    assert [o.created_ms - START_MS for o in ran.context.orders] == [0, 2500, 3000]


def test_without_catching_up_every_slice_keeps_its_size() -> None:
    ran = run(book(500, "60100"), book(2500, "59990"), limit_price=D("60050"), catch_up=False)
    assert {o.quantity for o in ran.context.orders} == {D("0.1")}
    assert executed(ran) == D("0.4")


def test_a_slice_is_at_most_a_share_of_what_traded() -> None:
    prints = [sold(at, "60000", "0.5") for at in range(100, 20_000, 1000)]
    ran = run(*prints, max_participation=D("0.1"), quantity="0.4")
    assert max(o.quantity for o in ran.context.orders) <= D("0.056")  # our own trades are part of it
    assert executed(ran) == D("0.4")


def test_a_violent_minute_is_waited_out() -> None:
    ran = run(
        book(1500, "60300"), book(1600, "60000"), volatility_bps=D(20), until_ms=120_000, interval_ms=1000
    )
    assert times(ran)[:2] == [0, 1000]
    assert min(times(ran)[2:]) > 60_000
    assert executed(ran) == D("0.4")


def test_nothing_is_sent_before_its_time_or_its_trigger() -> None:
    late = run(start_at_ms=START_MS + 5000)
    assert [o.created_ms - START_MS for o in late.context.orders] == [5000, 6000, 7000, 8000]
    triggered = run(book(2500, "61000"), trigger=parse_trigger("BINANCE;BTCUSDT;above;60500"))
    assert times(triggered) == [2500, 3500, 4500, 5500]


def test_a_balance_ends_it() -> None:
    ran = run(stop_when=parse_stop_when("USDT;below;99990"), chunks=40, quantity="4.0")
    assert ran.result is not None
    assert ran.result.status is JobStatus.STOPPED
    assert "USDT below 99990" in (ran.result.reason or "")
    assert ran.context.state == "STOP_CONDITION_MET"
    assert D(0) < executed(ran) < 4


def test_a_slice_that_the_margin_does_not_cover_waits_and_says_so() -> None:
    venue = Venue()
    asked = TWAPRequest("BTCUSDT", Side.BUY, D("40"), 4, 1000)
    ran = venue.run(TWAPExecutor(asked, BTC).run, until_ms=30_000)
    states = {o.status for o in ran.context.orders}
    assert states <= {OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED}  # none was sent to be refused
    assert ran.result is not None
    assert ran.result.status is JobStatus.STOPPED
    assert "needs a margin of" in (ran.result.reason or "")


def test_sizes_and_times_drawn_by_chance_keep_their_bounds_and_the_sum() -> None:
    share = {"randomize_size": D("0.2"), "randomize_time": D("0.2")}
    ran = run(quantity="1.0", chunks=10, request=share)
    sizes = [o.quantity for o in ran.context.orders]
    assert sum(sizes) == D("1.0")
    assert len(set(sizes)) > 1
    assert all(D("0.08") <= size <= D("0.12") for size in sizes)
    assert all(abs(at - 1000 * k) <= 200 for k, at in enumerate(times(ran)))
    assert times(ran) != [1000 * k for k in range(10)]
    again = run(quantity="1.0", chunks=10, request=share)
    assert [o.quantity for o in again.context.orders] == sizes


def test_a_larger_minimum_in_mid_run_makes_slices_larger_and_leaves_no_dust() -> None:
    venue = Venue()
    asked = TWAPRequest("BTCUSDT", Side.BUY, D("0.009"), 9, 1000)
    executor = TWAPExecutor(asked, BTC)

    lot = replace(BTC.market_lot_size, min_quantity=D("0.004"))
    changed = replace(BTC, market_lot_size=lot)
    seen = LookedAt(ContractOf("BTCUSDT"), changed)
    ran = venue.run(executor.run, until_ms=60_000, told=[(2500, seen)])
    assert [str(o.quantity) for o in ran.context.orders] == ["0.001", "0.001", "0.001", "0.006"]
    assert executed(ran) == D("0.009")


@pytest.mark.parametrize("style", list(Style))
def test_every_style_takes_the_other_side_too(style: Style) -> None:
    venue = Venue()
    asked = TWAPRequest("BTCUSDT", Side.SELL, D("0.3"), 3, 1000, pacing=Pacing(style=style))
    ran = venue.run(TWAPExecutor(asked, BTC).run, [wide(1, "60000", "60000.4")])
    assert executed(ran) == D("0.3")
    if style is not Style.TAKING:
        better = D("60000.3") if style is Style.TICK_BETTER else D("60000.4")
        assert {o.price for o in ran.context.orders[:2]} <= {D("60000.1"), better}


def times(ran: Ran) -> list[int]:
    return [o.created_ms - START_MS for o in ran.context.orders]


def test_a_pause_moves_what_is_to_come_and_withdraws_what_waits() -> None:
    asks = [asked(1500, ControlKind.PAUSE), asked(5500, ControlKind.RESUME)]
    ran = run(told=asks)
    assert times(ran) == [0, 1000, 6000, 7000]
    patient = run(told=asks, style=Style.PASSIVE)
    assert [o.status for o in patient.context.orders[:2]] == [OrderStatus.CANCELED] * 2
    assert times(patient)[2] == 5500  # the rest of the slice's own time
    assert executed(patient) == D("0.4")


def test_an_amendment_spreads_what_is_left_over_what_is_to_come() -> None:
    ran = run(told=[asked(1500, ControlKind.AMEND, quantity="0.6")])
    assert [str(o.quantity) for o in ran.context.orders] == ["0.100", "0.100", "0.200", "0.200"]
    slower = run(told=[asked(1500, ControlKind.AMEND, duration_ms="9000")])
    assert times(slower) == [0, 1000, 3000, 6000]
    bolder = run(told=[asked(500, ControlKind.AMEND, style="taking")], style=Style.PASSIVE)
    assert [o.request.type for o in bolder.context.orders[:2]] == [OrderType.LIMIT, OrderType.MARKET]
    assert times(bolder)[1] < 600  # at once, under the new terms


def test_finish_now_does_the_rest_at_once_even_from_a_pause() -> None:
    now = asked(1500, ControlKind.FINISH_NOW)
    ran = run(told=[asked(1200, ControlKind.PAUSE), now], chunks=40, quantity="4.0")
    assert [str(o.quantity) for o in ran.context.orders] == ["0.100", "0.100", "3.800"]
    assert times(ran)[-1] == 1500


def test_a_limit_price_off_the_tick_is_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        run(limit_price=D("60000.05"))
    assert refused.value.rule == "PRICE_FILTER"


def test_a_chunk_sent_alone_is_what_its_target_is_ahead_of_all_that_was_sent() -> None:
    executor = TWAPExecutor(TWAPRequest("BTCUSDT", Side.BUY, D("0.4"), 4, 1000), BTC)

    def by_hand(ctx: Context) -> Flow[JobResult]:
        executor.execute_chunk(ctx, D("0.1"))
        executor.execute_chunk(ctx, D("0.3"))
        assert executor.execute_chunk(ctx, D("0.3")) is None
        yield from ctx.wait_done(*ctx.orders)
        return JobResult(JobStatus.STOPPED)

    sent = Venue().run(by_hand).context.orders
    assert shown(sent) == [("0.100", None, "FILLED"), ("0.200", None, "FILLED")]


def test_the_price_of_another_venue_is_asked_for_until_it_is_there() -> None:
    ran = run(book(2500, "61000"), trigger=parse_trigger("KRAKEN;BTCUSDT;above;60500"))
    assert 2500 < times(ran)[0] < 6000
    assert executed(ran) == D("0.4")


def test_nothing_is_sent_while_the_contract_does_not_trade() -> None:
    closed = LookedAt(ContractOf("BTCUSDT"), replace(BTC, status="SETTLING"))
    again = LookedAt(ContractOf("BTCUSDT"), BTC)
    ran = run(told=[(500, closed), (2500, again)])
    assert times(ran) == [0, 2500, 3000]
    assert executed(ran) == D("0.4")


def test_orders_that_come_to_nothing_are_followed_by_longer_and_longer_pauses() -> None:
    empty = DepthUpdate("BTCUSDT", ((D("60000"), D(50)),), ((D("60000.1"), D("0.1")),), START_MS + 1, True)
    ran = run(empty, chunks=100, quantity="10.0", interval_ms=1000, until_ms=30_000)
    gaps = [b - a for a, b in itertools.pairwise(times(ran))]
    assert gaps[:3] == [1000, 1000, 1000]
    assert any(gap > 3500 for gap in gaps)
    assert max(gaps) <= 17_000
