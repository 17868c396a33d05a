"""Lists that are longer than one answer: every row is found, and counted once."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from requests import PreparedRequest

from orderkit.exchange import account
from orderkit.exchange.binance_gateway import BinanceGateway

from . import wire
from .conftest import REST

INCOME = f"{REST}/fapi/v1/income"
DAY_MS = 86_400_000
NOW_MS = 1_795_000_000_000
OPEN_ORDERS, OPEN_ALGO = f"{REST}/fapi/v1/openOrders", f"{REST}/fapi/v1/openAlgoOrders"


class History:
    """Income as the exchange answers it: oldest first, from a start on, so many rows at most."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        params = {k: v[0] for k, v in parse_qs(urlsplit(str(request.url)).query).items()}
        self.asked.append(params)
        start, end = int(params["startTime"]), int(params.get("endTime", 2**62))
        rows = [row for row in self.rows if start <= row["time"] <= end]
        return 200, {}, json.dumps(rows[: int(params["limit"])])


def booking(number: int, time_ms: int, income: str = "-0.5", kind: str = "COMMISSION") -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "incomeType": kind,
        "income": income,
        "asset": "USDT",
        "info": "",
        "time": time_ms,
        "tranId": number,
        "tradeId": "",
    }


@pytest.fixture
def today(gateway: BinanceGateway) -> int:
    """The start of the day that the gateway takes to be today, UTC."""
    return gateway.now_ms() // DAY_MS * DAY_MS


def test_the_days_result_counts_each_booking_of_every_page_once_and_no_transfer(
    gateway: BinanceGateway, http: responses.RequestsMock, today: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "INCOME_PER_PAGE", 4)
    rows = [booking(number, today + number // 3) for number in range(10)]  # pages end inside a millisecond
    history = History(
        [*rows, booking(10, today + 9, "7", "REALIZED_PNL"), booking(11, today + 9, "1000", "TRANSFER")]
    )
    http.add_callback("GET", INCOME, history)
    assert gateway.daily_result() == Decimal(7) - 10 * Decimal("0.5")
    assert {int(asked["startTime"]) for asked in history.asked} > {today}


def test_bookings_after_a_millisecond_fuller_than_a_page_count_in_the_days_result(
    gateway: BinanceGateway, http: responses.RequestsMock, today: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "INCOME_PER_PAGE", 4)
    history = History([*(booking(number, today + 1) for number in range(5)), booking(9, today + 2, "7")])
    http.add_callback("GET", INCOME, history)
    assert gateway.daily_result() == Decimal(7) - 4 * Decimal("0.5")


def test_a_day_without_bookings_has_no_result(
    gateway: BinanceGateway, http: responses.RequestsMock, today: int
) -> None:
    history = History([booking(1, today - 1)])
    http.add_callback("GET", INCOME, history)
    assert gateway.daily_result() == 0
    assert len(history.asked) == 1


@pytest.mark.parametrize("per_ms", [1, 7, 999])
def test_a_history_is_read_to_its_end_through_windows_and_full_pages(
    gateway: BinanceGateway, http: responses.RequestsMock, per_ms: int
) -> None:
    days = [NOW_MS - 20 * DAY_MS, NOW_MS - 9 * DAY_MS, NOW_MS]
    rows = [booking(n, days[0] + n // per_ms) for n in range(2500)] + [
        booking(9001 + i, d) for i, d in enumerate(days[1:])
    ]
    history = History(rows)
    http.add_callback("GET", INCOME, history)
    found = gateway.inquiry.income("BTCUSDT", days[0], NOW_MS)
    assert [entry.transaction_id for entry in found] == [row["tranId"] for row in rows]
    assert all(int(a["endTime"]) - int(a["startTime"]) < 7 * DAY_MS for a in history.asked)


def test_a_millisecond_fuller_than_a_page_does_not_hide_what_comes_after_it(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    crowd = [booking(n, NOW_MS - 1000) for n in range(1500)]
    http.add_callback("GET", INCOME, History([*crowd, booking(9001, NOW_MS)]))
    found = gateway.inquiry.income("BTCUSDT", NOW_MS - 2000, NOW_MS)
    assert found[-1].transaction_id == 9001
    assert len(found) == 1001


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_a_conditional_order_that_triggers_between_two_lists_is_shown_once(
    gateway: BinanceGateway, http: responses.RequestsMock, symbol: str | None
) -> None:
    waiting = wire.algo(clientAlgoId="job-2", algoId=2, createTime=NOW_MS)
    http.get(OPEN_ALGO, json=[wire.algo(), waiting])
    http.get(OPEN_ORDERS, json=[wire.order(time=NOW_MS - 1)])
    listed = gateway.inquiry.open_orders(symbol)
    assert [(order.client_order_id, order.algo_id) for order in listed] == [("job-1", None), ("job-2", 2)]
    assert [("symbol=BTCUSDT" in str(call.request.url)) for call in http.calls] == [symbol is not None] * 2
