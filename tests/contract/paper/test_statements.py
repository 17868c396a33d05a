"""Funding, income, isolated margin, liquidation, the countdown: what an account can look up and move."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from binance.exceptions import BinanceAPIException

from tests.contract.paper.server import Server
from tests.contract.paper.streams import listen
from tests.waiting import until

BTC = {"symbol": "BTCUSDT"}
MARKET = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.01"}
LIMIT = MARKET | {"type": "LIMIT", "price": "59000", "timeInForce": "GTC"}


def wallet(paper: Server) -> Decimal:
    (balance,) = paper.client().futures_account_balance()
    return Decimal(balance["balance"])


@pytest.mark.parametrize(("side", "sign"), [("BUY", -1), ("SELL", 1)])
def test_funding_is_paid_by_longs_and_received_by_shorts(paper: Server, side: str, sign: int) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET | {"side": side})
    paper.control("POST", "/paper/mark", BTC | {"price": "50000"})
    before = wallet(paper)
    settled = paper.control("POST", "/paper/funding", BTC | {"rate": "0.0001"})
    paid = sign * Decimal("0.05")  # 0.01 × 50,000 × 0.0001
    assert (settled["fundingRate"], wallet(paper) - before) == ("0.00010000", paid)
    (rate,) = client.futures_funding_rate(**BTC)
    assert (rate["fundingRate"], rate["markPrice"], rate["rateType"]) == (
        "0.00010000",
        "50000.00000000",
        "Regular",
    )
    (entry,) = client.futures_income_history(incomeType="FUNDING_FEE")
    assert (Decimal(entry["income"]), entry["symbol"], entry["asset"]) == (paid, "BTCUSDT", "USDT")


def test_income_adds_up_to_the_wallet(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET)
    paper.market(bid="61000", ask="61000.1")
    client.futures_create_order(**MARKET | {"side": "SELL"})
    paper.control("POST", "/paper/deposit", {"amount": "50"})
    entries = client.futures_income_history()
    assert [e["incomeType"] for e in entries].count("COMMISSION") == 2
    assert {e["incomeType"] for e in entries} == {"COMMISSION", "REALIZED_PNL", "TRANSFER"}
    assert 100_000 + sum(Decimal(e["income"]) for e in entries) == wallet(paper)
    page = client.futures_income_history(limit=2, page=2)
    assert page == entries[2:4]
    assert client.futures_income_history(incomeType="REFERRAL_KICKBACK") == []


def test_margin_is_moved_into_and_out_of_an_isolated_position(paper: Server) -> None:
    client = paper.client()
    client.futures_change_margin_type(**BTC, marginType="ISOLATED")
    client.futures_create_order(**MARKET)
    added = client.futures_change_position_margin(**BTC, amount="12.5", type=1)
    assert added == {
        "amount": 12.5,
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": 1,
    }
    client.futures_change_position_margin(**BTC, amount="2.5", type=2)
    history = client.futures_position_margin_history(**BTC)
    assert [(h["type"], Decimal(h["amount"])) for h in history] == [(1, Decimal("12.5")), (2, Decimal("2.5"))]
    assert client.futures_position_margin_history(**BTC, type=2) == history[1:]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": 3}, -1130),
        ({"type": None}, -1102),
        ({"amount": None}, -1102),
        ({"amount": "0"}, -4055),
        ({"symbol": "ETHUSDT"}, -4049),
        ({"amount": "10000000"}, -4050),
    ],
)
def test_margin_that_cannot_be_moved_is_refused(paper: Server, changes: dict[str, Any], code: int) -> None:
    client = paper.client()
    client.futures_change_margin_type(**BTC, marginType="ISOLATED")
    client.futures_create_order(**MARKET)
    given = BTC | {"amount": "1", "type": 1} | changes
    with pytest.raises(BinanceAPIException) as refused:
        client.futures_change_position_margin(**{k: v for k, v in given.items() if v is not None})
    assert refused.value.code == code


def test_a_liquidation_is_called_first_and_told_and_listed(paper: Server) -> None:
    client = paper.client()
    client.futures_change_leverage(**BTC, leverage=100)
    client.futures_change_margin_type(**BTC, marginType="ISOLATED")
    client.futures_create_order(**MARKET | {"quantity": "1"})
    key = client.futures_stream_get_listen_key()

    async def fall() -> tuple[list[Any], list[Any]]:
        public = "/market/stream?streams=btcusdt@forceOrder/!forceOrder@arr/ethusdt@forceOrder"
        async with listen(f"{paper.ws}/private/ws/{key}") as listener, listen(paper.ws + public) as told:
            for price in (59_700, 59_640, 59_500, 59_300, 59_000):
                await asyncio.to_thread(paper.market, bid=str(price), ask=f"{price}.1")
            await listener.wait(lambda m: m["e"] == "ORDER_TRADE_UPDATE" and m["o"]["X"] == "FILLED")
            await told.wait(lambda m: m["stream"] == "!forceOrder@arr")
            return listener.messages, told.messages

    messages, told = asyncio.run(fall())
    (call, *_) = [m for m in messages if m["e"] == "MARGIN_CALL"]
    (position,) = call["p"]
    assert (position["s"], position["mt"], position["pa"]) == ("BTCUSDT", "ISOLATED", "1.000")
    order = next(m["o"] for m in messages if m["e"] == "ORDER_TRADE_UPDATE")
    assert order["c"].startswith("autoclose-")
    assert {m["stream"] for m in told} == {"btcusdt@forceOrder", "!forceOrder@arr"}
    assert told[0]["data"] == told[1]["data"]
    forced = told[0]["data"]["o"]
    assert (forced["s"], forced["S"], forced["X"], forced["z"]) == ("BTCUSDT", "SELL", "FILLED", "1.000")
    (listed,) = client.futures_liquidation_orders(**BTC)
    assert (listed["orderId"], listed["status"], listed["side"]) == (order["i"], "FILLED", "SELL")
    assert client.futures_liquidation_orders(autoCloseType="ADL") == []
    assert client.futures_position_information() == []


def test_a_countdown_cancels_unless_it_is_renewed_or_lifted(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**LIMIT)
    answer = client.futures_countdown_cancel_all(**BTC, countdownTime=60_000)
    assert answer == BTC | {"countdownTime": "60000"}
    client.futures_countdown_cancel_all(**BTC, countdownTime=0)
    assert len(client.futures_get_open_orders()) == 1
    client.futures_countdown_cancel_all(**BTC, countdownTime=60_000)
    client.futures_countdown_cancel_all(**BTC, countdownTime=100)
    until(lambda: client.futures_get_open_orders() == [])


def test_multi_assets_mode_is_switched_and_told(paper: Server) -> None:
    client = paper.client()
    key = client.futures_stream_get_listen_key()

    async def switch() -> Any:
        async with listen(f"{paper.ws}/private/ws/{key}") as listener:
            await asyncio.to_thread(client.futures_change_multi_assets_mode, True)
            return await listener.wait(lambda m: m["e"] == "ACCOUNT_CONFIG_UPDATE")

    assert asyncio.run(switch())["ai"] == {"j": True}
    assert client.futures_get_multi_assets_mode() == {"multiAssetsMargin": True}
    assert client.futures_account()["multiAssetsMargin"] is True
    client.futures_change_multi_assets_mode(False)


def test_places_in_the_adl_queue_follow_the_position_mode(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET)
    (one_way,) = client.futures_adl_quantile_estimate(**BTC)
    assert set(one_way["adlQuantile"]) == {"LONG", "SHORT", "BOTH"}
    client.futures_create_order(**MARKET | {"side": "SELL"})
    client.futures_change_position_mode(dualSidePosition="true")
    (hedge,) = client.futures_adl_quantile_estimate(**BTC)
    assert set(hedge["adlQuantile"]) == {"LONG", "SHORT", "HEDGE"}


def test_open_interest_is_what_accounts_hold(paper: Server) -> None:
    client = paper.client()
    client.futures_create_order(**MARKET)
    assert client.futures_open_interest(**BTC)["openInterest"] == "0.010"


def test_the_course_of_mark_index_and_premium_is_shown_as_candles(paper: Server) -> None:
    for price in ("60000", "60100", "59900", "60050"):
        paper.control("POST", "/paper/mark", BTC | {"price": price})
    rows = {
        path: paper.raw("GET", f"/fapi/v1/{path}?{of}=BTCUSDT&interval=1M").json()[-1]
        for path, of in [
            ("markPriceKlines", "symbol"),
            ("indexPriceKlines", "pair"),
            ("premiumIndexKlines", "symbol"),
        ]
    }
    assert rows["markPriceKlines"] == rows["indexPriceKlines"]
    assert rows["markPriceKlines"][1:6] == [
        "60000.00000000",
        "60100.00000000",
        "59900.00000000",
        "60050.00000000",
        "0",
    ]
    assert rows["premiumIndexKlines"][1:5] == ["0.00000000"] * 4


@pytest.mark.parametrize(
    "body",
    [{"symbol": "NOSUCH"}, {}, BTC | {"rate": "NaN"}, BTC | {"rate": "2"}, BTC | {"rate": "x"}],
)
def test_funding_that_makes_no_sense_is_refused(paper: Server, body: dict[str, str]) -> None:
    assert paper.raw("POST", "/paper/funding", json=body).status_code == 400
