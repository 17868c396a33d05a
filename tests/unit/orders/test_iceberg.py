"""An iceberg's chunks, pauses, refusals and ends, in virtual time."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.domain.market import MarketEvent
from orderkit.errors import ValidationError
from orderkit.orders.iceberg import Chunks, IcebergExecutor, IcebergRequest
from tests.virtual import BTC, JOB, Ran, Venue, book

D = Decimal


def iceberg(**changes: object) -> IcebergExecutor:
    """0.1 BTC at 59000, 0.03 of it visible, but for ``changes``."""
    plain = IcebergRequest("BTCUSDT", Side.BUY, D("0.1"), D(59_000), D("0.03"))
    return IcebergExecutor(replace(plain, **changes), BTC)  # type: ignore[arg-type]


def ran(venue: Venue, made: IcebergExecutor, *market: MarketEvent, stop_at_ms: int | None = None) -> Ran:
    made.validate(venue.snapshot)
    return venue.run(made.run, market, stop_at_ms=stop_at_ms)


def visits(*at_ms: int) -> list[MarketEvent]:
    """The market comes down to the price for 100 ms, with as much as one chunk, and goes again."""
    return [event for at in at_ms for event in (book(at, "58990", "50", "0.03"), book(at + 100, "60000"))]


def test_the_interval_lies_between_a_fill_and_the_next_chunk() -> None:
    venue = Venue()
    ended = ran(venue, iceberg(interval_ms=5_000), *visits(1_000, 10_000, 20_000, 30_000))
    assert ended.result is not None
    assert ended.result.status is JobStatus.COMPLETED
    sent = [order.created_ms for order in ended.context.orders]
    filled = [max(fill.time_ms for fill in order.fills.values()) for order in ended.context.orders]
    pauses = [after - before for after, before in zip(sent[1:], filled, strict=False)]
    assert all(5_000 <= pause < 5_050 for pause in pauses), pauses


def test_without_an_interval_a_market_through_the_price_takes_it_all_chunk_by_chunk() -> None:
    venue = Venue()
    ended = ran(venue, iceberg(), book(1_000, "58990"))
    assert [order.quantity for order in ended.context.orders] == [D("0.03")] * 3 + [D("0.01")]
    assert venue.position == D("0.1")


def test_a_stop_cancels_or_leaves_the_chunk() -> None:
    for cancels, left in ((True, 0), (False, 1)):
        venue = Venue()
        ended = ran(venue, iceberg(cancel_on_exit=cancels), *visits(1_000), stop_at_ms=3_000)
        assert ended.result is not None
        assert ended.result.status is (JobStatus.STOPPED if cancels else JobStatus.RUNNING)
        assert (ended.result.reason or "").startswith("0.070 of 0.100 BTC not done: stopped by a test")
        assert len(venue.resting) == left


def test_a_chunk_that_somebody_cancels_ends_it() -> None:
    venue = Venue()

    def market() -> Iterator[MarketEvent]:
        yield from visits(1_000)
        venue.exchange.cancel_all("me", "BTCUSDT")
        yield book(2_000, "60000")

    made = iceberg()
    made.validate(venue.snapshot)
    ended = venue.run(made.run, market()).result
    assert ended is not None
    assert ended.reason == "0.070 of 0.100 BTC not done: its order was cancelled"


def test_a_post_only_chunk_waits_for_the_market() -> None:
    venue = Venue()
    made = iceberg(price=D(60_500), chunk=D("0.1"), post_only=True)
    ended = ran(venue, made, book(3_000, "60600"), book(40_000, "60400"))
    assert ended.result is not None
    assert ended.result.status is JobStatus.COMPLETED
    *refused, filled = ended.context.orders
    assert refused
    assert all(o.rejection is not None and o.rejection.code == -5022 for o in refused)
    assert filled.average_price == 60_500


def test_sizes_vary_with_the_job_and_are_drawn_again_alike() -> None:
    request = replace(iceberg().request, quantity=D(10), randomize=D("0.2"))
    chunks = Chunks(request, BTC)
    sizes = chunks.all(JOB)
    assert len(set(sizes)) > 10
    assert all(D("0.024") <= size <= D("0.036") for size in sizes[:-1])
    assert sizes == chunks.all(JOB) != chunks.all("another")


def test_a_rest_above_one_orders_maximum_is_halved_rather_than_sent_whole() -> None:
    lot = replace(BTC.lot_size, min_quantity=D(1), step_size=D("0.5"), max_quantity=D(100))
    made = Chunks(replace(iceberg().request, quantity=D("100.5"), chunk=D(100)), replace(BTC, lot_size=lot))
    assert made.all(JOB) == [D(50), D("50.5")]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"chunk": D(0), "chunk_share": D("0.005")}, "CHUNK_SIZE"),
        ({"chunk": D("0.2")}, "CHUNK_SIZE"),
        ({"quantity": D(1_000), "chunk": D("0.001")}, "CHUNK_SIZE"),
        ({"chunk": D("0.0305")}, "LOT_SIZE"),
        ({"quantity": D(100), "chunk": D(1)}, "MARGIN"),
        ({"side": Side.SELL, "price": D(61_000), "reduce_only": True}, "REDUCE_ONLY"),
        ({"price": D(70_000)}, "PERCENT_PRICE"),
    ],
)
def test_what_makes_no_iceberg_is_refused(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        iceberg(**changes).validate(Venue().snapshot)
    assert refused.value.rule == rule
