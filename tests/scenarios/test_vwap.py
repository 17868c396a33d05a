"""VWAP: sized by the days before, in virtual time and on the embedded exchange."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.domain.market import MarketEvent, Quote, VolumeBar
from orderkit.errors import ValidationError
from orderkit.orders.vwap import VWAPExecutor, VWAPRequest
from tests.support import Desk
from tests.virtual import BTC, START_MS, Ran, Venue

MINUTE_MS = 60_000
REQUEST = VWAPRequest("BTCUSDT", Side.BUY, Decimal("0.8"), slices=4, interval_ms=15 * MINUTE_MS, days=2)


def checked(request: VWAPRequest, venue: Venue, of_quarter: tuple[int, ...] = (1, 1, 3, 3)) -> VWAPExecutor:
    """With days before on which each quarter of an hour traded so much a minute."""
    executor = VWAPExecutor(request, BTC)
    days = [
        [
            VolumeBar(
                open_ms, period.bar, Decimal(of_quarter[(open_ms - period.start_ms) // (15 * MINUTE_MS)])
            )
            for open_ms in range(period.start_ms, period.end_ms, period.bar.ms)
        ]
        for period in executor.volume_periods(venue.snapshot.now_ms)
    ]
    executor.validate(replace(venue.snapshot, volumes=days if any(of_quarter) else ()))
    return executor


def still(until_ms: int) -> Iterator[MarketEvent]:
    """A market that is quoted once a second and does not move."""
    price, size = Decimal(60_000), Decimal(50)
    for at_ms in range(0, until_ms, 1_000):
        yield Quote("BTCUSDT", price, size, price + Decimal("0.1"), size, START_MS + at_ms)


def sent(ran: Ran) -> list[tuple[int, str]]:
    return [((o.created_ms - START_MS) // MINUTE_MS, str(o.quantity)) for o in ran.context.orders]


def test_slices_follow_the_volume_of_the_days_before() -> None:
    venue = Venue()
    ran = venue.run(checked(REQUEST, venue).run, still(3_000_000), until_ms=3_600_000)
    assert sent(ran) == [(0, "0.100"), (15, "0.100"), (30, "0.300"), (45, "0.300")]
    assert ran.result is not None
    assert ran.result.status is JobStatus.COMPLETED
    assert venue.position == Decimal("0.8")


def test_slices_too_small_for_the_exchange_go_with_the_next() -> None:
    venue = Venue()
    executor = checked(replace(REQUEST, quantity=Decimal("0.01")), venue, (1, 1, 2, 16))
    ran = venue.run(executor.run, still(3_000_000), until_ms=3_600_000)
    assert sent(ran) == [(15, "0.001"), (30, "0.001"), (45, "0.008")]


def test_resumed_it_keeps_its_schedule() -> None:
    venue = Venue()
    kept = checked(REQUEST, venue).request
    kills_ms = [700_000, 1_200_000, 2_000_000]
    done = venue.run_with_kills(
        lambda ctx: VWAPExecutor(kept, BTC).run(ctx), still(3_000_000), kills_ms=kills_ms, until_ms=3_600_000
    )
    assert sent(done) == [(0, "0.100"), (15, "0.100"), (30, "0.300"), (45, "0.300")]


def test_more_than_a_day_has_no_profile() -> None:
    with pytest.raises(ValidationError, match="a day at most"):
        VWAPExecutor(replace(REQUEST, interval_ms=7 * 3_600_000), BTC).validate(Venue().snapshot)


# --- on the embedded exchange ---------------------------------------------------------------------


def plan(desk: Desk, line: str) -> tuple[list[Decimal], dict[str, Any]]:
    done = desk.bot(f"{line} --plan --json")
    assert done.code == 0, done.err
    return [Decimal(order["quantity"]) for order in done.json["plan"]["orders"]], done.json


def test_the_profile_is_asked_of_the_exchange_and_shown(desk: Desk) -> None:
    first_ms = int(time.time()) // 60 * 60_000 - 86_400_000
    opens = range(first_ms, first_ms + 62 * 60_000, 60_000)
    rows = [
        [at, "1", "1", "1", "1", "1" if at < first_ms + 30 * 60_000 else "3", at + 59_999] for at in opens
    ]
    desk.fault(
        "GET", "/fapi/v1/klines", "error", apply="before", status=200, body=json.dumps(rows), times=100
    )
    slices, document = plan(desk, "vwap BTCUSDT BUY 0.8 --duration 1h --slices 4")
    assert sum(slices) == Decimal("0.8")
    assert slices[0] + slices[1] < Decimal("0.22")
    assert slices[2] > Decimal("0.28")
    assert document["warnings"] == []
    assert len(desk.requests("GET", "/fapi/v1/klines")) == 7
    assert not desk.requests("POST", "/fapi/v1/order")


def test_without_history_it_is_a_twap_and_says_so(desk: Desk) -> None:
    done = desk.bot("vwap BTCUSDT BUY 0.3 --duration 600ms --slices 2 --json")
    assert done.code == 0, done.err
    assert [order["executed_quantity"] for order in done.json["orders"]] == ["0.150"] * 2
    assert "no volume" in done.json["warnings"][0]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("vwap BTCUSDT BUY 0.0005", 3),
        ("vwap BTCUSDT BUY 1 --duration 2d", 3),
        ("vwap BTCUSDT BUY 1 --limit-price 60000.05", 3),
        ("vwap BTCUSDT BUY 1 --duration 5ms --slices 10", 2),
    ],
)
def test_what_cannot_be_worked_is_refused(desk: Desk, line: str, code: int) -> None:
    done = desk.bot(line)
    assert done.code == code, done.err
    assert not desk.requests("POST", "/fapi/v1/order")
