"""The bundled contracts are complete, consistent and in Binance's own form."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import maintenance_margin
from orderkit.paper.contracts import brackets, instruments, load_exchange_info, load_leverage_brackets

SYMBOLS = [raw["symbol"] for raw in load_exchange_info()["symbols"]]

# Live, September 2026: symbol, tick, step, largest market order, minimum notional, liquidation fee
LIVE_2026 = [
    ("BTCUSDT", "0.1", "0.001", "120", "50", "0.0125"),
    ("ETHUSDT", "0.01", "0.001", "2000", "20", "0.0125"),
    ("BNBUSDT", "0.01", "0.01", "2000", "5", "0.0125"),
    ("SOLUSDT", "0.01", "0.01", "80000", "5", "0.015"),
    ("DOGEUSDT", "0.00001", "1", "30000000", "5", "0.015"),
]


def instrument(symbol: str) -> Instrument:
    return next(i for i in instruments() if i.symbol == symbol)


def test_there_are_twenty_trading_perpetuals_margined_in_usdt() -> None:
    assert len(set(SYMBOLS)) == 20
    for contract in instruments():
        assert (contract.status, contract.contract_type) == ("TRADING", "PERPETUAL")
        assert (contract.quote_asset, contract.margin_asset) == ("USDT", "USDT")


@pytest.mark.parametrize(("symbol", "tick", "step", "market_max", "notional", "fee"), LIVE_2026)
def test_known_live_filters_are_the_live_ones(
    symbol: str, tick: str, step: str, market_max: str, notional: str, fee: str
) -> None:
    contract = instrument(symbol)
    assert contract.price_filter.tick_size == Decimal(tick)
    assert contract.lot_size.step_size == Decimal(step)
    assert contract.market_lot_size.max_quantity == Decimal(market_max)
    assert contract.min_notional == Decimal(notional)
    assert contract.liquidation_fee == Decimal(fee)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_filter_comes_from_the_test_network(symbol: str) -> None:
    contract = instrument(symbol)
    assert contract.max_num_orders == 200
    assert contract.market_take_bound in (Decimal("0.05"), Decimal("0.10"))
    assert contract.market_lot_size.max_quantity < contract.lot_size.max_quantity
    assert contract.min_notional <= 50


def test_request_limits_are_those_of_the_live_exchange() -> None:
    limits = {
        (rule["rateLimitType"], rule["interval"], rule["intervalNum"]): rule["limit"]
        for rule in load_exchange_info()["rateLimits"]
    }
    assert limits == {
        ("REQUEST_WEIGHT", "MINUTE", 1): 2400,
        ("ORDERS", "MINUTE", 1): 1200,
        ("ORDERS", "SECOND", 10): 300,
    }


@pytest.mark.parametrize("raw", load_exchange_info()["symbols"], ids=SYMBOLS)
def test_precision_can_write_every_tick_and_step(raw: dict[str, Any]) -> None:
    contract = Instrument.from_exchange_info(raw)
    price_filter, lot_size = contract.price_filter, contract.lot_size
    assert round(price_filter.tick_size, contract.price_precision) == price_filter.tick_size
    assert round(lot_size.step_size, contract.quantity_precision) == lot_size.step_size
    assert price_filter.min_price % price_filter.tick_size == 0
    assert lot_size.min_quantity % lot_size.step_size == 0


@pytest.mark.parametrize("raw", load_exchange_info()["symbols"], ids=SYMBOLS)
def test_a_contract_has_the_fields_clients_read_when_they_load_markets(raw: dict[str, Any]) -> None:
    assert raw["deliveryDate"] == 4133404800000
    assert [f["filterType"] for f in raw["filters"]] == [
        "PRICE_FILTER",
        "LOT_SIZE",
        "MARKET_LOT_SIZE",
        "MAX_NUM_ORDERS",
        "MIN_NOTIONAL",
        "PERCENT_PRICE",
        "POSITION_RISK_CONTROL",
    ]
    assert {"LIMIT", "MARKET", "STOP_MARKET", "TRAILING_STOP_MARKET"} < set(raw["orderTypes"])
    assert set(raw["timeInForce"]) == {"GTC", "IOC", "FOK", "GTX", "GTD"}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_brackets_join_without_gap_and_their_cum_amounts_follow_the_formula(symbol: str) -> None:
    rows = brackets()[symbol]
    assert rows[0].notional_floor == 0
    assert rows[0].cum == 0
    for lower, upper in pairwise(rows):
        assert upper.bracket == lower.bracket + 1
        assert upper.notional_floor == lower.notional_cap
        assert upper.initial_leverage < lower.initial_leverage
        step = upper.maint_margin_ratio - lower.maint_margin_ratio
        assert upper.cum == lower.cum + upper.notional_floor * step


def test_maintenance_margin_of_a_million_in_bitcoin_is_the_third_row() -> None:
    assert maintenance_margin(Decimal(1_000_000), brackets()["BTCUSDT"]) == 5550


def test_wire_form_of_the_brackets_holds_json_numbers_for_the_same_symbols() -> None:
    document = load_leverage_brackets()
    assert [entry["symbol"] for entry in document] == SYMBOLS
    for entry in document:
        for row in entry["brackets"]:
            assert all(isinstance(value, int | float) for value in row.values())


def test_a_changed_document_does_not_change_the_next_one() -> None:
    load_exchange_info()["symbols"].clear()
    assert len(load_exchange_info()["symbols"]) == 20
