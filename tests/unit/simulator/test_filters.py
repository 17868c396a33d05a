"""Every filter refuses with Binance's code and text, in the exchange's order of checks."""

from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.enums import OrderType, PositionSide, PriceMatch, TimeInForce
from orderkit.simulator.types import NewOrder
from tests.unit.simulator.desk import BUY, LIMIT, MARKET, SELL, START_MS, SYMBOL, Desk, refusal_of

GTC, GTX, FOK, GTD = TimeInForce.GTC, TimeInForce.GTX, TimeInForce.FOK, TimeInForce.GTD

LIMIT_BUY: dict[str, Any] = {
    "symbol": SYMBOL,
    "side": BUY,
    "type": LIMIT,
    "client_order_id": "mine",
    "quantity": Decimal("0.01"),
    "price": Decimal(59000),
    "time_in_force": GTC,
}
MARKET_BUY: dict[str, Any] = {
    "symbol": SYMBOL,
    "side": BUY,
    "type": MARKET,
    "client_order_id": "mine",
    "quantity": Decimal("0.01"),
}


def dec(text: str) -> Decimal:
    return Decimal(text)


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], int, str]] = [
    ("unknown symbol", LIMIT_BUY, {"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
    ("conditional type", LIMIT_BUY, {"type": OrderType.STOP}, -4120, "Order type not supported for this"),
    ("no client id", LIMIT_BUY, {"client_order_id": ""}, -4015, "Client order id length"),
    ("long client id", LIMIT_BUY, {"client_order_id": "x" * 37}, -4015, "less than 36 chars"),
    ("odd client id", LIMIT_BUY, {"client_order_id": "a b"}, -1100, "'newClientOrderId'; legal range is"),
    ("hedge side", LIMIT_BUY, {"position_side": PositionSide.LONG}, -4061, "position side does not match"),
    ("close position", MARKET_BUY, {"close_position": True}, -4136, "closePosition 'true'"),
    ("no quantity", LIMIT_BUY, {"quantity": None}, -1102, "'quantity' was not sent"),
    ("no price", LIMIT_BUY, {"price": None}, -1102, "'price' was not sent"),
    ("no time in force", LIMIT_BUY, {"time_in_force": None}, -1102, "'timeInForce' was not sent"),
    ("market with price", MARKET_BUY, {"price": dec("60000")}, -1106, "'price' sent when not required"),
    ("market with tif", MARKET_BUY, {"time_in_force": GTC}, -1106, "'timeinforce' sent when not required"),
    ("market price match", MARKET_BUY, {"price_match": PriceMatch.QUEUE}, -5038, "only supports order type"),
    ("price and match", LIMIT_BUY, {"price_match": PriceMatch.QUEUE}, -1106, "'price' sent when not"),
    ("match too deep", LIMIT_BUY, {"price": None, "price_match": PriceMatch.QUEUE_5}, -5041, "No depth"),
    ("NaN quantity", LIMIT_BUY, {"quantity": dec("Infinity")}, -1102, "'quantity'"),
    ("zero quantity", LIMIT_BUY, {"quantity": dec("0")}, -4003, "Quantity less than or equal to zero."),
    ("fine quantity", LIMIT_BUY, {"quantity": dec("0.0101")}, -1111, "Precision is over the maximum"),
    ("large quantity", LIMIT_BUY, {"quantity": dec("1000.001")}, -4005, "Quantity greater than max"),
    ("large market", MARKET_BUY, {"quantity": dec("120.001")}, -4005, "Quantity greater than max"),
    ("negative price", LIMIT_BUY, {"price": dec("-1")}, -4001, "Price less than 0."),
    ("fine price", LIMIT_BUY, {"price": dec("59000.001")}, -1111, "Precision is over the maximum"),
    ("off tick", LIMIT_BUY, {"price": dec("59000.05")}, -4014, "Price not increased by tick size."),
    ("above maximum", LIMIT_BUY, {"price": dec("4529764.1")}, -4002, "Price greater than max price."),
    ("below minimum", LIMIT_BUY, {"price": dec("556.7")}, -4013, "Price less than min price."),
    ("above band", LIMIT_BUY, {"price": dec("63000.1")}, -4016, "Limit price can't be higher than 63000.00."),
    ("below band", LIMIT_BUY, {"side": SELL, "price": dec("56999.9")}, -4024, "lower than 57000.00."),
    ("small notional", LIMIT_BUY, {"quantity": dec("0.001"), "price": dec("49999.9")}, -4164, "than 50 ("),
    ("GTD undated", LIMIT_BUY, {"time_in_force": GTD}, -1102, "'goodTillDate'"),
    (
        "GTD too soon",
        LIMIT_BUY,
        {"time_in_force": GTD, "good_till_date_ms": START_MS + 600_001},
        -5040,
        "plus 600 seconds",
    ),
    ("flat reduce-only", LIMIT_BUY, {"reduce_only": True}, -2022, "ReduceOnly Order is rejected."),
    ("post-only takes", LIMIT_BUY, {"time_in_force": GTX, "price": dec("60000.5")}, -5022, "as maker"),
    ("FOK beyond size", LIMIT_BUY, {"time_in_force": FOK, "price": dec("60000.5"), "quantity": dec("11")},
     -5021, "FOK order has been rejected"),
    ("no margin", LIMIT_BUY, {"quantity": dec("40")}, -2019, "Margin is insufficient."),
]  # fmt: skip


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.quote("59999.5", "60000.5")
    return desk


@pytest.mark.parametrize(("name", "base", "change", "code", "text"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_a_bad_order_is_refused_with_binances_code_and_leaves_no_trace(
    desk: Desk, name: str, base: dict[str, Any], change: dict[str, Any], code: int, text: str
) -> None:
    desk.mark("60000")
    desk.drain()
    order = NewOrder(**(base | change))
    got_code, got_text = refusal_of(lambda: desk.exchange.place("a", order))
    assert got_code == code, name
    assert text in got_text
    assert refusal_of(lambda: desk.exchange.check("a", order)) == (got_code, got_text)
    assert desk.drain() == []
    assert desk.exchange.all_orders("a") == []


CHECK_ORDER = [
    ("parameters before symbol status", {"client_order_id": "", "quantity": Decimal(0)}, -4015),
    ("precision before tick", {"price": Decimal("59000.051")}, -1111),
    ("tick before percent price", {"price": Decimal("80000.05")}, -4014),
    ("quantity before price", {"quantity": Decimal("0.0001"), "price": Decimal("59000.05")}, -1111),
    ("percent price before notional", {"price": Decimal(70000), "quantity": Decimal("0.001")}, -4016),
    ("notional before margin", {"price": Decimal(600), "quantity": Decimal("0.001")}, -4164),
]


@pytest.mark.parametrize(("name", "change", "code"), CHECK_ORDER, ids=[c[0] for c in CHECK_ORDER])
def test_of_two_faults_the_one_checked_first_is_reported(
    desk: Desk, name: str, change: dict[str, Any], code: int
) -> None:
    order = NewOrder(**(LIMIT_BUY | change))
    assert refusal_of(lambda: desk.exchange.place("a", order))[0] == code, name


def test_a_market_buy_is_refused_when_the_best_ask_is_beyond_the_percent_band(desk: Desk) -> None:
    desk.mark("57000")
    code, text = refusal_of(lambda: desk.order(BUY, "0.01"))
    assert code == -4131
    assert text == "The counterparty's best price does not meet the PERCENT_PRICE filter limit."


@pytest.mark.parametrize(("quantity", "code"), [("0.005", -4023), ("0.002", -4004), ("0.013", 0)])
def test_a_quantity_must_be_the_minimum_plus_whole_steps(quantity: str, code: int) -> None:
    lot = {"filterType": "LOT_SIZE", "minQty": "0.003", "maxQty": "1000", "stepSize": "0.010"}
    desk = Desk(filters=[lot])
    desk.quote("59999.5", "60000.5")
    if code:
        assert refusal_of(lambda: desk.order(BUY, quantity))[0] == code
    else:
        assert desk.order(BUY, quantity).executed_quantity == Decimal(quantity)


def test_an_open_orders_client_id_cannot_be_used_again_until_it_is_done(desk: Desk) -> None:
    first = desk.order(BUY, "0.01", "59000", client_order_id="same")
    assert refusal_of(lambda: desk.order(BUY, "0.01", "59000", client_order_id="same"))[0] == -4116
    desk.exchange.cancel("a", SYMBOL, order_id=first.order_id)
    second = desk.order(BUY, "0.01", "59000", client_order_id="same")
    assert desk.exchange.order("a", SYMBOL, client_order_id="same").order_id == second.order_id


def test_the_cap_on_open_orders_counts_limits_only() -> None:
    filters = [{"filterType": "MAX_NUM_ORDERS", "limit": 2}]
    desk = Desk(filters=filters)
    desk.quote("59999.5", "60000.5")
    for _ in range(2):
        desk.order(BUY, "0.01", "59000")
    assert refusal_of(lambda: desk.order(BUY, "0.01", "59000"))[0] == -2025
    assert desk.order(BUY, "0.01").executed_quantity == Decimal("0.01")


@pytest.mark.parametrize(("status", "code"), [("PENDING_TRADING", -4140), ("CLOSE", -4141)])
def test_a_symbol_that_is_not_trading_takes_no_opening_order(status: str, code: int) -> None:
    desk = Desk(status=status)
    desk.quote("59999.5", "60000.5")
    assert refusal_of(lambda: desk.order(BUY, "0.01"))[0] == code


def test_the_largest_position_for_the_leverage_is_a_cap_of_its_own() -> None:
    desk = Desk(wallet="100000000")
    desk.quote("59999.5", "60000.5")
    desk.exchange.set_leverage("a", SYMBOL, 125)
    assert refusal_of(lambda: desk.order(BUY, "0.9", "60000"))[0] == -2027
    assert desk.order(BUY, "0.8", "60000").order_id
