"""Recorded and documented samples of the real exchange, read by our mappings without a stumble."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orderkit.domain.enums import OrderStatus
from orderkit.domain.events import OrderReported, TradeReported
from orderkit.exchange import mapping
from orderkit.exchange.user_events import decode

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "rest_ws_fixtures"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded samples are not on this machine")


def documented(name: str) -> Any:
    """A documentation sample: method, path, whether signed, then the answer."""
    text = (SAMPLES / "jkorf_usdfutures" / f"Endpoints__UsdFutures__{name}.txt").read_text()
    return json.loads(text.split("\n", 3)[3])


def frame(path: str) -> Mapping[str, Any]:
    raw = json.loads((SAMPLES / path).read_text())
    return raw.get("data", raw)  # type: ignore[no-any-return]


def test_documented_order_answers() -> None:
    placed = mapping.order_report(documented("Trading__PlaceOrder"), "mine")
    canceled = mapping.order_report(documented("Trading__CancelOrder"), "mine")
    assert (placed.status, placed.price, placed.average_price) == (OrderStatus.NEW, None, None)
    assert (canceled.status, canceled.order_id) == (OrderStatus.CANCELED, 283194212)
    assert mapping.order_report(documented("Trading__GetOrder"), "mine").time_ms == 1579276756075


def test_documented_conditional_orders() -> None:
    placed = mapping.algo_report(documented("Trading__PlaceConditionalOrder"), "mine")
    finished = mapping.algo_report(documented("Trading__GetConditionalOrder"), "mine")
    assert (placed.status, placed.order_id, placed.price) == (OrderStatus.NEW, None, Decimal(750))
    assert (finished.status, finished.order_id) == (OrderStatus.FILLED, 974828356187)
    assert finished.average_price == Decimal("69067.6")


def test_documented_account_answers() -> None:
    account = mapping.account(
        balances=documented("Account__GetAccountInfoV3"),
        config=documented("Account__GetAccountConfiguration"),
        positions=documented("Trading__GetPositions"),
        symbol_configs=documented("Account__GetSymbolConfiguration"),
        margin_asset="USDT",
    )
    assert account.wallet_balance == Decimal("23.72469206")
    assert account.hedge_mode
    assert account.leverage == {"BTCUSDT": 21}
    assert [p.quantity for p in account.positions] == [Decimal("0.001")]  # the empty SHORT leg is left out


def test_documented_market_answers() -> None:
    assert mapping.quote(documented("ExchangeData__GetBookPrice")).ask == Decimal("4.000002")
    assert mapping.mark_price(documented("ExchangeData__GetMarkPrice")).funding_rate == Decimal("0.00038246")
    (brackets,) = documented("Account__GetBrackets")
    assert mapping.brackets(brackets)[0].maint_margin_ratio == Decimal("0.0065")
    (trade,) = documented("Trading__GetUserTrades")
    assert mapping.fill(trade, "mine").price == Decimal("7819.01")


ALGO_FRAMES = [
    ("nautilus_py_ws/ws_futures_algo_update_triggering.json", OrderStatus.NEW, False),
    ("nautilus_py_ws/ws_futures_algo_update_triggered.json", OrderStatus.NEW, True),
    ("nautilus_py_ws/ws_futures_algo_update_finished.json", OrderStatus.FILLED, True),
    ("nautilus_py_ws/ws_futures_algo_update_finished_canceled.json", OrderStatus.NEW, True),
    ("nautilus_rust_futures/algo_update_new.json", OrderStatus.NEW, False),
    ("nautilus_rust_futures/algo_update_canceled.json", OrderStatus.CANCELED, False),
]


@pytest.mark.parametrize(("path", "status", "has_order_id"), ALGO_FRAMES, ids=[f[0] for f in ALGO_FRAMES])
def test_recorded_algo_frames(path: str, status: OrderStatus, has_order_id: bool) -> None:
    raw = frame(path)
    inputs = decode(json.dumps(raw).encode())
    assert isinstance(inputs, list)
    (reported,) = inputs
    assert isinstance(reported, OrderReported)
    assert reported.report.status is status
    assert reported.report.client_order_id == raw["o"]["caid"]
    assert (reported.report.order_id is not None) == has_order_id


def test_every_recorded_order_frame_is_read() -> None:
    frames = [frame(str(path.relative_to(SAMPLES))) for path in SAMPLES.glob("nautilus*/*order_update*.json")]
    live = (
        json.loads(line)["frame"] for line in (SAMPLES / "live_frames_misc.jsonl").read_text().splitlines()
    )
    frames += [f for f in live if f.get("e") == "ORDER_TRADE_UPDATE"]
    assert len(frames) > 15
    for raw in frames:
        inputs = decode(json.dumps(raw).encode())
        assert isinstance(inputs, list)
        reported = inputs[-1]
        assert isinstance(reported, OrderReported)
        assert reported.report.executed_quantity == Decimal(raw["o"]["z"])
        told = Decimal(raw["o"]["l"]) > 0 and raw["o"]["x"] in ("TRADE", "CALCULATED") and raw["o"]["t"] > 0
        assert [isinstance(i, TradeReported) for i in inputs] == ([True, False] if told else [False])


def test_other_recorded_frames_are_nothing_to_the_engine() -> None:
    for line in (SAMPLES / "live_frames_misc.jsonl").read_text().splitlines():
        raw = json.loads(line)["frame"]
        if raw.get("e") != "ORDER_TRADE_UPDATE":
            assert decode(json.dumps(raw).encode()) == []
