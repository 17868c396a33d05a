"""The validation chain, rule by rule: what passes, what is refused, and that refusals name a way out."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderkit.domain.account import Account, Position, TradingSnapshot
from orderkit.domain.enums import (
    OrderType,
    PositionSide,
    PriceMatch,
    Side,
    TimeInForce,
    WorkingType,
)
from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket
from orderkit.domain.market import Quote
from orderkit.domain.order import OrderRequest
from orderkit.errors import ValidationError
from orderkit.utils import (
    format_decimal,
    nearest_prices,
    nearest_quantities,
    parse_decimal,
    reference_price,
    smallest_quantity,
    split_quantity,
    validate_book_price,
    validate_margin,
    validate_notional,
    validate_order,
    validate_order_type,
    validate_position_side,
    validate_price,
    validate_quantity,
    validate_reduce_only,
    validate_side,
    validate_sliced_order,
    validate_stop_limit,
    validate_symbol,
    validate_time_in_force,
    validate_trigger_price,
    validate_trigger_side,
)

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
BOTH, LONG, SHORT = PositionSide.BOTH, PositionSide.LONG, PositionSide.SHORT
NOW_MS = 1_795_000_000_500  # half a second past a whole one


def exchange_info(
    symbol: str,
    *,
    tick: tuple[str, str, str],
    lot: tuple[str, str, str],
    market_lot: tuple[str, str, str] | None = None,
    notional: str = "5",
    percent: tuple[str, str] = ("1.0500", "0.9500"),
    precision: tuple[int, int] = (2, 3),
    **fields: Any,
) -> Instrument:
    """One element of ``symbols``; filters are (minimum, maximum, step)."""

    def filter_(kind: str, names: tuple[str, str, str], values: tuple[str, str, str]) -> dict[str, str]:
        return {"filterType": kind, **dict(zip(names, values, strict=True))}

    sizes = ("minQty", "maxQty", "stepSize")
    raw: dict[str, Any] = {
        "symbol": symbol,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": symbol.split("_")[0].removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": precision[0],
        "quantityPrecision": precision[1],
        "filters": [
            filter_("PRICE_FILTER", ("minPrice", "maxPrice", "tickSize"), tick),
            filter_("LOT_SIZE", sizes, lot),
            filter_("MARKET_LOT_SIZE", sizes, market_lot or lot),
            {"filterType": "MIN_NOTIONAL", "notional": notional},
            {"filterType": "PERCENT_PRICE", "multiplierUp": percent[0], "multiplierDown": percent[1]},
        ],
        "orderTypes": list(OrderType),
        "timeInForce": list(TimeInForce),
    }
    return Instrument.from_exchange_info(raw | fields)


BTC = exchange_info(
    "BTCUSDT",
    tick=("556.80", "4529764", "0.10"),
    lot=("0.001", "1000", "0.001"),
    market_lot=("0.001", "120", "0.001"),
    notional="50",
)
ETH = exchange_info(
    "ETHUSDT",
    tick=("39.86", "306177", "0.01"),
    lot=("0.001", "10000", "0.001"),
    market_lot=("0.001", "2000", "0.001"),
    notional="20",
)
DOGE = exchange_info(
    "DOGEUSDT",
    tick=("0.002440", "30", "0.000010"),
    lot=("1", "300000000", "1"),
    market_lot=("1", "30000000", "1"),
    percent=("1.1000", "0.9000"),
    precision=(6, 0),
)
MEW = exchange_info(
    "MEWUSDT", tick=("0.0000010", "200", "0.0000010"), lot=("1", "50000000", "1"), precision=(7, 0)
)
QUARTER = exchange_info(
    "BTCUSDT_260925",
    tick=("576.3", "1000000", "0.1"),
    lot=("0.001", "500", "0.001"),
    market_lot=("0.001", "1", "0.001"),
    precision=(1, 3),
    contractType="CURRENT_QUARTER",
)
# Testnet really had this: the tick rule off, the step at seven decimals.
OPEN = exchange_info(
    "OPENUSDT", tick=("0", "200", "0"), lot=("1", "1000000", "0.0000001"), precision=(4, 7), notional="5"
)
# Made up: minima that are no multiples of the step, and a market step coarser than the other.
ODD = exchange_info(
    "ODDUSDT", tick=("0.00025", "9", "0.0005"), lot=("0.0015", "10", "0.001"), precision=(5, 4)
)
COARSE = exchange_info(
    "COARSEUSDT", tick=("0.1", "1000", "0.1"), lot=("0.001", "100", "0.001"), market_lot=("0.1", "50", "0.1")
)
TINY = exchange_info("TINYUSDT", tick=("1", "9", "1"), lot=("0.001", "300000000", "0.001"))
ALL = {
    i.symbol: i
    for i in (
        BTC,
        ETH,
        DOGE,
        MEW,
        QUARTER,
        OPEN,
        ODD,
        COARSE,
        TINY,
        replace(BTC, symbol="1000SHIBUSDT"),
        replace(BTC, symbol="BTCUSDC", quote_asset="USDC"),
        replace(BTC, symbol="NEWUSDT", status="PENDING_TRADING"),
        replace(BTC, symbol="OLDUSDT", status="SETTLING"),
        replace(BTC, symbol="XAUUSDT", contract_type="TRADIFI_PERPETUAL"),
    )
}
BRACKETS = (
    Bracket(1, 125, D(0), D(50_000), D("0.004"), D(0)),
    Bracket(2, 100, D(50_000), D(600_000), D("0.005"), D(50)),
    Bracket(3, 20, D(600_000), D(3_000_000), D("0.01"), D(3050)),
)


def refusal(call: Callable[[], object]) -> ValidationError:
    """The refusal, after checking what all of them owe their reader."""
    with pytest.raises(ValidationError) as caught:
        call()
    error = caught.value
    assert error.exit_code == 3
    assert error.message.startswith(f"{error.rule}: ")
    assert "; accepted: " in error.message
    assert error.hint
    assert error.hint.endswith((".", "?"))
    for text in (error.message, error.hint):
        assert "\n" not in text
        assert not re.search(r"\dE[+-]?\d", text), "an exponent"
    return error


def accepted_numbers(error: ValidationError) -> list[Decimal]:
    """The values a refusal suggests: those after "accepted:" and before the range in parentheses."""
    text = error.message.partition("; accepted: ")[2].partition(" (")[0]
    return [D(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("0.5", "0.5"),
        (" 1.0 ", "1.0"),
        (".5", "0.5"),
        ("5.", "5"),
        (3, "3"),
        (D("1E+3"), "1000"),
        (D("1E-7"), "0.0000001"),
        ("300000000.001", "300000000.001"),
        ("9" * 30 + "." + "9" * 30, "9" * 30 + "." + "9" * 30),
    ],
)
def test_plain_numbers_are_read_and_written_without_an_exponent(given: Any, written: str) -> None:
    assert format_decimal(parse_decimal(given, "quantity")) == written


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("0", "zero"),
        ("0.000", "zero"),
        ("-1", "negative"),
        ("-.5", "negative"),
        (-2, "negative"),
        ("nan", "plain decimal"),
        ("Infinity", "plain decimal"),
        (D("NaN"), "finite"),
        (D("-Infinity"), "finite"),
        ("1,5", "plain decimal"),
        ("1_000", "plain decimal"),
        ("1e3", "plain decimal"),
        ("0x10", "plain decimal"),
        ("+1", "plain decimal"),
        ("1 000", "plain decimal"),
        ("1.2.3", "plain decimal"),
        (".", "plain decimal"),
        ("١", "plain decimal"),
        ("1\n2", "plain decimal"),
        ("a" * 500, "plain decimal"),
        (0.5, "float"),
        (True, "bool"),
        (None, "NoneType"),
        ("1" * 31, "too many digits"),
        ("0." + "0" * 30 + "1", "too many digits"),
        (D("1E+999999"), "too many digits"),
        (D("1E-999999"), "too many digits"),
    ],
)
def test_what_is_no_positive_plain_number_is_refused_by_name(given: Any, said: str) -> None:
    error = refusal(lambda: parse_decimal(given, "quantity"))
    assert error.rule == "NUMBER"
    assert "quantity" in error.message
    assert said in error.message
    assert len(error.message) < 200


def test_writing_keeps_the_decimals_a_value_has() -> None:
    assert [format_decimal(D(t)) for t in ("1.000", "1E+3", "-0", "0E+2", "-0.50")] == [
        "1.000",
        "1000",
        "0",
        "0",
        "-0.50",
    ]


# --- symbol, side, type, time in force --------------------------------------------------------------


@pytest.mark.parametrize("text", ["BTCUSDT", "btcusdt", " BtcUsdt "])
def test_a_symbol_is_found_in_any_case(text: str) -> None:
    assert validate_symbol(text, ALL) is BTC


def test_dated_futures_are_traded() -> None:
    assert validate_symbol("btcusdt_260925", ALL) is QUARTER


@pytest.mark.parametrize(
    ("text", "rule", "said"),
    [
        ("BTCUSTD", "SYMBOL", "BTCUSDT"),
        ("BTC", "SYMBOL", "BTCUSDT"),
        ("btc/usdt", "SYMBOL", "BTCUSDT"),
        ("SHIBUSDT", "SYMBOL", "1000SHIBUSDT"),
        ("DOGUSDT", "SYMBOL", "DOGEUSDT"),
        ("", "SYMBOL", "contracts such as"),
        ("@@@@", "SYMBOL", "contracts such as"),
        ("newusdt", "STATUS", "PENDING_TRADING, it is listed but not open yet"),
        ("OLDUSDT", "STATUS", "SETTLING, it is being delisted"),
        ("XAUUSDT", "CONTRACT_TYPE", "TRADIFI_PERPETUAL contract, it needs an agreement"),
    ],
)
def test_a_contract_that_cannot_be_traded_is_explained(text: str, rule: str, said: str) -> None:
    error = refusal(lambda: validate_symbol(text, ALL))
    assert error.rule == rule
    assert said in error.message


def test_the_suggested_symbol_can_be_traded() -> None:
    error = refusal(lambda: validate_symbol("NEWUSD", ALL))
    suggested = error.message.rpartition("accepted: ")[2]
    assert validate_symbol(suggested, ALL).status == "TRADING"


def test_an_unknown_status_or_contract_type_is_refused_too() -> None:
    strange = {
        "A": replace(BTC, symbol="A", status="HALTED"),
        "B": replace(BTC, symbol="B", contract_type="PERPETUAL_DELIVERING"),
        "C": replace(BTC, symbol="C", contract_type=""),
    }
    assert [refusal(lambda s=s: validate_symbol(s, strange)).rule for s in strange] == [  # type: ignore[misc]
        "STATUS",
        "CONTRACT_TYPE",
        "CONTRACT_TYPE",
    ]


def test_a_side_is_read_in_any_case_and_a_near_miss_is_explained() -> None:
    assert [validate_side(t) for t in ("BUY", "sell", " Buy ")] == [BUY, SELL, BUY]
    for text, meant in [("long", "BUY"), ("Short", "SELL"), ("hold", "BUY or SELL"), ("", "BUY or SELL")]:
        error = refusal(lambda text=text: validate_side(text))  # type: ignore[misc]
        assert error.rule == "SIDE"
        assert error.hint is not None
        assert meant in error.hint


def test_an_order_type_the_contract_does_not_list_is_refused_with_those_it_does() -> None:
    few = replace(BTC, order_types=frozenset({"LIMIT", "MARKET"}))
    assert validate_order_type(OrderType.LIMIT, few) is OrderType.LIMIT
    error = refusal(lambda: validate_order_type(OrderType.STOP, few))
    assert error.rule == "ORDER_TYPE"
    assert error.message.endswith("accepted: LIMIT, MARKET")
    assert validate_order_type(OrderType.STOP, replace(BTC, order_types=frozenset())) is OrderType.STOP


GTC, GTD, IOC = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC
EARLIEST_MS = 1_795_000_601_000


@pytest.mark.parametrize(
    ("tif", "kind", "date_ms"),
    [
        *((tif, OrderType.LIMIT, None) for tif in TimeInForce if tif is not GTD),
        (None, OrderType.MARKET, None),
        (None, OrderType.STOP, None),
        (IOC, OrderType.STOP, None),
        (GTC, OrderType.STOP_MARKET, None),
        (GTD, OrderType.LIMIT, EARLIEST_MS),
        (GTD, OrderType.LIMIT, 253_402_300_798_000),
    ],
)
def test_a_time_in_force_that_fits_passes(
    tif: TimeInForce | None, kind: OrderType, date_ms: int | None
) -> None:
    assert validate_time_in_force(tif, BTC, kind, date_ms, NOW_MS) is tif


@pytest.mark.parametrize(
    ("tif", "kind", "date_ms", "rule", "said"),
    [
        (None, OrderType.LIMIT, None, "TIME_IN_FORCE", "needs a time in force"),
        (GTC, OrderType.MARKET, None, "TIME_IN_FORCE", "accepted: none"),
        (IOC, OrderType.STOP_MARKET, None, "TIME_IN_FORCE", "accepted: GTC"),
        (GTD, OrderType.LIMIT, None, "GOOD_TILL_DATE", "needs a good-till date"),
        (GTD, OrderType.LIMIT, NOW_MS + 600_000, "GOOD_TILL_DATE", "600 s"),
        (GTD, OrderType.LIMIT, EARLIEST_MS - 1000, "GOOD_TILL_DATE", "600 s"),
        (GTD, OrderType.LIMIT, EARLIEST_MS + 1, "GOOD_TILL_DATE", "whole second"),
        (GTD, OrderType.LIMIT, 253_402_300_799_000, "GOOD_TILL_DATE", "253402300799000"),
        (GTD, OrderType.LIMIT, 10**40, "GOOD_TILL_DATE", "253402300799000"),
        (GTC, OrderType.LIMIT, EARLIEST_MS, "GOOD_TILL_DATE", "GTC takes no good-till date"),
        (None, OrderType.MARKET, EARLIEST_MS, "GOOD_TILL_DATE", "MARKET takes no good-till date"),
    ],
)
def test_a_time_in_force_that_does_not_fit_is_refused(
    tif: TimeInForce | None, kind: OrderType, date_ms: int | None, rule: str, said: str
) -> None:
    error = refusal(lambda: validate_time_in_force(tif, BTC, kind, date_ms, NOW_MS))
    assert error.rule == rule
    assert said in error.message


def test_a_refused_good_till_date_names_the_earliest_that_passes() -> None:
    error = refusal(lambda: validate_time_in_force(GTD, BTC, OrderType.LIMIT, NOW_MS, NOW_MS))
    found = re.search(r"\((\d+) ms\)", error.message)
    assert found is not None
    assert int(found[1]) == EARLIEST_MS
    assert validate_time_in_force(GTD, BTC, OrderType.LIMIT, EARLIEST_MS, NOW_MS) is GTD


def test_a_contract_without_a_time_in_force_refuses_it() -> None:
    few = replace(BTC, times_in_force=frozenset({"GTC", "IOC"}))
    error = refusal(lambda: validate_time_in_force(TimeInForce.FOK, few, OrderType.LIMIT, None, NOW_MS))
    assert error.message.endswith("accepted: GTC, IOC")


# --- quantity -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "market", "given", "written"),
    [
        (BTC, True, "1", "1.000"),
        (BTC, True, "0.001", "0.001"),
        (BTC, True, "120", "120.000"),
        (BTC, False, "1000", "1000.000"),
        (BTC, True, "1.00000000", "1.000"),
        (DOGE, True, "1E+3", "1000"),
        (DOGE, False, "300000000", "300000000"),
        (OPEN, False, "1.0000001", "1.0000001"),
        (ODD, False, "0.0025", "0.0025"),
        (COARSE, True, "0.3", "0.3"),
        (COARSE, False, "0.301", "0.301"),
        (TINY, False, "299999999.999", "299999999.999"),
        (TINY, False, "300000000", "300000000.000"),
    ],
)
def test_a_valid_quantity_passes_with_the_steps_decimals(
    instrument: Instrument, market: bool, given: str, written: str
) -> None:
    assert format_decimal(validate_quantity(D(given), instrument, market=market)) == written


@pytest.mark.parametrize(
    ("instrument", "market", "given", "rule", "said", "near"),
    [
        (BTC, True, "0.0005", "LOT_SIZE", "below the minimum 0.001", ["0.001"]),
        (BTC, True, "0.0015", "LOT_SIZE", "not on the step 0.001", ["0.001", "0.002"]),
        (BTC, True, "120.001", "MARKET_LOT_SIZE", "above the maximum 120", ["120"]),
        (BTC, True, "1000.001", "LOT_SIZE", "above the maximum 1000", ["120"]),
        (BTC, False, "1000.001", "LOT_SIZE", "above the maximum 1000", ["1000"]),
        (BTC, False, "999.9999", "LOT_SIZE", "not on the step", ["999.999", "1000"]),
        (DOGE, True, "1.5", "LOT_SIZE", "not on the step 1", ["1", "2"]),
        (DOGE, True, "1E+8", "MARKET_LOT_SIZE", "quantity 100000000 is", ["30000000"]),
        (ODD, False, "0.002", "LOT_SIZE", "not on the step 0.001 from 0.0015", ["0.0015", "0.0025"]),
        (ODD, False, "9.9999", "LOT_SIZE", "not on the step", ["9.9995"]),
        (ODD, False, "11", "LOT_SIZE", "above the maximum 10", ["9.9995"]),
        (COARSE, True, "0.301", "MARKET_LOT_SIZE", "not on the step 0.1", ["0.3", "0.4"]),
        (COARSE, True, "0.05", "MARKET_LOT_SIZE", "below the minimum 0.1", ["0.1"]),
        (TINY, False, "299999999.9995", "LOT_SIZE", "not on the step", ["299999999.999", "300000000"]),
    ],
)
def test_a_quantity_the_filters_refuse_names_the_nearest_that_pass(
    instrument: Instrument, market: bool, given: str, rule: str, said: str, near: list[str]
) -> None:
    error = refusal(lambda: validate_quantity(D(given), instrument, market=market))
    assert error.rule == rule
    assert said in error.message
    assert accepted_numbers(error) == [D(n) for n in near]
    assert nearest_quantities(D(given), instrument, market=market) == tuple(D(n) for n in near)
    for quantity in accepted_numbers(error):
        assert validate_quantity(quantity, instrument, market=market) == quantity


@pytest.mark.parametrize(
    ("instrument", "given", "rounded"),
    [
        (BTC, "0.0019999", "0.001"),
        (BTC, "120.0009", "120"),
        (ODD, "0.0029", "0.0025"),
        (COARSE, "0.399", "0.3"),
        # 31 digits: the default context would make it 120 and 1 of these.
        (BTC, "119." + "9" * 28, "119.999"),
        (DOGE, "0.".replace("0", "1") + "9" * 29, "1"),
    ],
)
def test_rounding_takes_a_quantity_down_to_the_step(instrument: Instrument, given: str, rounded: str) -> None:
    assert validate_quantity(D(given), instrument, market=True, rounding=True) == D(rounded)


@pytest.mark.parametrize(
    ("instrument", "given", "rule", "said"),
    [
        (BTC, "0.0009", "LOT_SIZE", "rounded down to 0, below the minimum 0.001"),
        (ODD, "0.0014", "LOT_SIZE", "rounded down to 0.0005, below the minimum 0.0015"),
        (COARSE, "0.0999", "LOT_SIZE", "rounded down to 0, below"),
        (BTC, "120.0010", "MARKET_LOT_SIZE", "above the maximum 120"),
    ],
)
def test_rounding_does_not_reach_the_minimum_or_the_maximum(
    instrument: Instrument, given: str, rule: str, said: str
) -> None:
    error = refusal(lambda: validate_quantity(D(given), instrument, market=True, rounding=True))
    assert error.rule == rule
    assert said in error.message


def test_without_a_minimum_a_quantity_still_does_not_round_to_zero() -> None:
    free = replace(DOGE, lot_size=replace(DOGE.lot_size, min_quantity=D(0)))
    assert refusal(lambda: validate_quantity(D("0.5"), free, market=False, rounding=True)).rule == "LOT_SIZE"


# --- price ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "given", "written"),
    [
        (BTC, "64000", "64000.0"),
        (BTC, "556.8", "556.8"),
        (ETH, "3093.4200", "3093.42"),
        (DOGE, "0.12345", "0.12345"),
        (MEW, "0.000123", "0.000123"),
        (OPEN, "1.2345", "1.2345"),
        (ODD, "0.00125", "0.00125"),
    ],
)
def test_a_valid_price_passes_with_the_ticks_decimals(
    instrument: Instrument, given: str, written: str
) -> None:
    assert format_decimal(validate_price(D(given), instrument, BUY, mark_price=None)) == written


@pytest.mark.parametrize(
    ("instrument", "side", "mark", "given", "rule", "said", "near"),
    [
        (BTC, BUY, None, "64000.05", "PRICE_FILTER", "not on the tick 0.1", ["64000", "64000.1"]),
        (BTC, SELL, None, "556.7", "PRICE_FILTER", "below the minimum 556.8", ["556.8"]),
        (BTC, BUY, None, "4529764.1", "PRICE_FILTER", "above the maximum 4529764", ["4529764"]),
        (ETH, BUY, None, "3093.425", "PRICE_FILTER", "not on the tick 0.01", ["3093.42", "3093.43"]),
        # Seven decimals are within pricePrecision, and yet off the tick.
        (MEW, BUY, None, "0.0001235", "PRICE_FILTER", "not on the tick 0.000001", ["0.000123", "0.000124"]),
        (ODD, BUY, None, "0.001", "PRICE_FILTER", "tick 0.0005 from 0.00025", ["0.00075", "0.00125"]),
        # Neighbours that PERCENT_PRICE would refuse are not suggested.
        (BTC, BUY, "64000", "70000.05", "PRICE_FILTER", "not on the tick", ["67200"]),
        (BTC, SELL, "64000", "50000.05", "PRICE_FILTER", "not on the tick", ["60800"]),
        (BTC, BUY, "64000", "67200.1", "PERCENT_PRICE", "mark price 64000 × 1.05", ["67200"]),
        (BTC, SELL, "64000", "60799.9", "PERCENT_PRICE", "mark price 64000 × 0.95", ["60800"]),
        (BTC, BUY, "64000.77", "67300", "PERCENT_PRICE", "mark price 64000.77", ["67200.8"]),
        (BTC, SELL, "64000.77", "60000", "PERCENT_PRICE", "mark price 64000.77", ["60800.8"]),
        (DOGE, BUY, "0.123456", "0.2", "PERCENT_PRICE", "× 1.1;", ["0.1358"]),
    ],
)
def test_a_price_the_filters_refuse_names_the_nearest_that_pass(
    instrument: Instrument, side: Side, mark: str | None, given: str, rule: str, said: str, near: list[str]
) -> None:
    mark_price = None if mark is None else D(mark)
    error = refusal(lambda: validate_price(D(given), instrument, side, mark_price=mark_price))
    assert error.rule == rule
    assert said in error.message
    assert accepted_numbers(error) == [D(n) for n in near]
    for price in accepted_numbers(error):
        assert validate_price(price, instrument, side, mark_price=mark_price) == price


@pytest.mark.parametrize(("side", "price"), [(BUY, "600"), (BUY, "67200"), (SELL, "60800"), (SELL, "999999")])
def test_percent_price_binds_each_side_in_one_direction_only(side: Side, price: str) -> None:
    assert validate_price(D(price), BTC, side, mark_price=D(64000)) == D(price)


def test_percent_price_that_is_switched_off_binds_nobody() -> None:
    free = exchange_info(
        "FREEUSDT", tick=("0.1", "0", "0.1"), lot=("1", "0", "1"), percent=("0", "0"), notional="0"
    )
    assert validate_price(D("9999999"), free, BUY, mark_price=D(1)) == 9999999
    assert validate_price(D("0.1"), free, SELL, mark_price=D(1000)) == D("0.1")
    error = refusal(lambda: validate_quantity(D("1.5"), free, market=True))
    assert "(1 or more in steps of 1)" in error.message


def test_where_no_price_is_possible_the_refusal_says_so() -> None:
    error = refusal(lambda: validate_price(D(600), BTC, BUY, mark_price=D(500)))
    assert error.rule == "PERCENT_PRICE"
    assert error.message.endswith("accepted: no price for now")
    error = refusal(lambda: validate_price(D("600.05"), BTC, BUY, mark_price=D(500)))
    assert "accepted: none (no value fits all filters)" in error.message


@pytest.mark.parametrize(("side", "rounded"), [(BUY, "64000"), (SELL, "64000.1")])
def test_rounding_moves_a_price_to_the_passive_side(side: Side, rounded: str) -> None:
    assert validate_price(D("64000.07"), BTC, side, mark_price=D(64000), rounding=True) == D(rounded)
    assert validate_trigger_price(D("64000.07"), BTC, side, rounding=True) == D(rounded)


@pytest.mark.parametrize(("side", "given"), [(BUY, "556.75"), (SELL, "4529764.05")])
def test_a_price_rounded_out_of_the_filter_is_refused(side: Side, given: str) -> None:
    error = refusal(lambda: validate_price(D(given), BTC, side, mark_price=None, rounding=True))
    assert error.rule == "PRICE_FILTER"
    assert "on the passive side" in error.message


def test_a_tick_switched_off_leaves_the_number_of_decimals_as_the_bound() -> None:
    error = refusal(lambda: validate_price(D("1.23456"), OPEN, BUY, mark_price=None))
    assert accepted_numbers(error) == [D("1.2345"), D("1.2346")]


@pytest.mark.parametrize(("side", "bid", "ask"), [(BUY, "100", "105.1"), (SELL, "94.9", "100")])
def test_a_market_order_is_refused_when_the_book_is_far_from_the_mark_price(
    side: Side, bid: str, ask: str
) -> None:
    quote = Quote("BTCUSDT", D(bid), D(1), D(ask), D(1), NOW_MS)
    error = refusal(lambda: validate_book_price(side, quote, BTC, D(100)))
    assert error.rule == "PERCENT_PRICE"
    assert ("105" if side is BUY else "95") in error.message.partition("accepted")[2]
    validate_book_price(side.opposite, quote, BTC, D(100))
    validate_book_price(side, Quote("BTCUSDT", D(0), D(0), D(0), D(0), NOW_MS), BTC, D(100))


# --- notional -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "quantity", "price", "smallest"),
    [
        (BTC, "0.001", "49999.9", "0.002"),
        (BTC, "0.001", "30000", "0.002"),
        (ETH, "0.006", "3000", "0.007"),
        (DOGE, "40", "0.12", "42"),
        (ODD, "1.0005", "3", "1.6675"),
    ],
)
def test_a_notional_too_small_names_the_smallest_quantity_that_passes(
    instrument: Instrument, quantity: str, price: str, smallest: str
) -> None:
    error = refusal(lambda: validate_notional(D(quantity), D(price), instrument))
    assert error.rule == "MIN_NOTIONAL"
    assert accepted_numbers(error) == [D(smallest)]
    assert validate_notional(D(smallest), D(price), instrument) >= instrument.min_notional
    below = D(smallest) - instrument.lot_size.step_size
    refusal(lambda: validate_notional(below, D(price), instrument))


def test_reduce_only_orders_have_no_minimum_notional() -> None:
    assert validate_notional(D("0.001"), D(30000), BTC, reduce_only=True) == 30


def test_a_notional_no_quantity_can_reach_says_so() -> None:
    error = refusal(lambda: validate_notional(D(1), D("0.0000001"), MEW))
    assert error.message.endswith("accepted: 50000000 or more at that price")
    assert smallest_quantity(D("0.00000001"), MEW, market=False) is None
    error = refusal(lambda: validate_notional(D(1), D("0.00000001"), MEW))
    assert error.message.endswith("accepted: no quantity at 0.00000001")


def test_products_of_long_numbers_are_exact() -> None:
    quantity, price = D("299999999.999"), D("1.234567890123456789012345678")
    assert validate_notional(quantity, price, TINY) == D("370370367.035802468813580246610987654322")


# --- triggers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "stop", "limit"),
    [(SELL, "99", "98"), (SELL, "99", "99"), (BUY, "101", "102"), (BUY, "101", "101")],
)
def test_a_stop_limit_beyond_the_market_with_a_limit_beyond_the_stop_passes(
    side: Side, stop: str, limit: str
) -> None:
    validate_stop_limit(side, D(stop), D(limit), D(100))


@pytest.mark.parametrize(
    ("side", "stop", "limit", "rule", "said"),
    [
        (SELL, "100", "99", "TRIGGER_PRICE", "a trigger price below 100"),
        (SELL, "101", "99", "TRIGGER_PRICE", "a trigger price below 100"),
        (BUY, "100", "101", "TRIGGER_PRICE", "a trigger price above 100"),
        (BUY, "99", "101", "TRIGGER_PRICE", "a trigger price above 100"),
        (SELL, "99", "99.1", "STOP_LIMIT", "a limit price at or below 99"),
        (BUY, "101", "100.9", "STOP_LIMIT", "a limit price at or above 101"),
    ],
)
def test_a_stop_limit_in_the_wrong_order_is_refused(
    side: Side, stop: str, limit: str, rule: str, said: str
) -> None:
    error = refusal(lambda: validate_stop_limit(side, D(stop), D(limit), D(100)))
    assert error.rule == rule
    assert said in error.message


@pytest.mark.parametrize(
    ("kind", "side", "good", "bad"),
    [
        (OrderType.STOP_MARKET, SELL, "99", "101"),
        (OrderType.STOP_MARKET, BUY, "101", "99"),
        (OrderType.TAKE_PROFIT, SELL, "101", "99"),
        (OrderType.TAKE_PROFIT_MARKET, BUY, "99", "101"),
        (OrderType.TRAILING_STOP_MARKET, SELL, "101", "99"),
    ],
)
def test_each_conditional_type_waits_on_its_own_side_of_the_market(
    kind: OrderType, side: Side, good: str, bad: str
) -> None:
    validate_trigger_side(kind, side, D(good), D(100))
    rule = "ACTIVATION_PRICE" if kind is OrderType.TRAILING_STOP_MARKET else "TRIGGER_PRICE"
    assert refusal(lambda: validate_trigger_side(kind, side, D(bad), D(100))).rule == rule
    assert refusal(lambda: validate_trigger_side(kind, side, D(100), D(100))).rule == rule


# --- position side, reduce-only, margin -------------------------------------------------------------


@pytest.mark.parametrize(
    ("position_side", "hedge", "reduce_only", "rule", "said"),
    [
        (LONG, False, False, "POSITION_SIDE", "accepted: BOTH"),
        (BOTH, True, False, "POSITION_SIDE", "accepted: LONG or SHORT"),
        (LONG, True, True, "REDUCE_ONLY", "accepted: SELL with position side LONG"),
    ],
)
def test_a_position_side_must_match_the_accounts_mode(
    position_side: PositionSide, hedge: bool, reduce_only: bool, rule: str, said: str
) -> None:
    error = refusal(lambda: validate_position_side(position_side, hedge, reduce_only, SELL))
    assert error.rule == rule
    assert said in error.message


def test_position_sides_that_match_pass() -> None:
    assert validate_position_side(BOTH, False, True, SELL) is BOTH
    assert validate_position_side(SHORT, True, False, SELL) is SHORT


@pytest.mark.parametrize(
    ("side", "quantity", "position", "said"),
    [
        (SELL, "1", "0", "has no position, which SELL cannot reduce"),
        (SELL, "1", "-2", "a short position of 2, which SELL cannot reduce"),
        (BUY, "1", "2", "a long position of 2, which BUY cannot reduce"),
        (SELL, "2.001", "2", "accepted: up to 2"),
        (BUY, "0.5", "-0.0004", "accepted: no quantity"),
    ],
)
def test_reduce_only_needs_an_opposite_position_that_is_large_enough(
    side: Side, quantity: str, position: str, said: str
) -> None:
    error = refusal(lambda: validate_reduce_only(D(quantity), side, D(position), BTC))
    assert error.rule == "REDUCE_ONLY"
    assert said in error.message


def test_reduce_only_up_to_the_whole_position_passes() -> None:
    validate_reduce_only(D(2), SELL, D(2), BTC)
    validate_reduce_only(D(1), BUY, D(-2), BTC)


def margin(
    quantity: str,
    *,
    side: Side = BUY,
    position: str = "0",
    leverage: int = 20,
    balance: str = "5000",
    position_side: PositionSide = BOTH,
    instrument: Instrument = BTC,
    price: str = "64000",
) -> Decimal:
    return validate_margin(
        D(quantity),
        D(price),
        instrument,
        side,
        position=D(position),
        leverage=leverage,
        available_balance=D(balance),
        taker_rate=D("0.0005"),
        brackets=BRACKETS,
        position_side=position_side,
    )


def test_margin_is_the_notional_over_the_leverage_plus_the_taker_fee() -> None:
    assert margin("1") == 3200 + 32


@pytest.mark.parametrize(
    ("side", "position", "position_side", "quantity", "needed"),
    [
        (SELL, "2", BOTH, "2", "0"),  # closes
        (SELL, "2", BOTH, "1", "0"),  # reduces
        (SELL, "1", BOTH, "2", "3232"),  # turns over: only the new side needs margin
        (BUY, "1", BOTH, "1", "3232"),  # adds
        (SELL, "5", LONG, "5", "0"),  # closes its leg
        (SELL, "-1", SHORT, "1", "3232"),  # opens the other leg
    ],
)
def test_only_the_opening_part_of_an_order_needs_margin(
    side: Side, position: str, position_side: PositionSide, quantity: str, needed: str
) -> None:
    assert margin(quantity, side=side, position=position, position_side=position_side) == D(needed)


@pytest.mark.parametrize(
    ("quantity", "options", "rule", "said", "fits"),
    [
        ("2", {}, "MARGIN", "needs 6464 USDT (fee 64 included), available are 5000", "1.547"),
        ("2", {"balance": "3232"}, "MARGIN", "available are 3232", "1"),
        ("2", {"balance": "3231.999999"}, "MARGIN", "available are 3231.99", "0.999"),
        ("3", {"side": SELL, "position": "1"}, "MARGIN", "needs 6464", "2.547"),
        ("1", {"balance": "0"}, "MARGIN", "accepted: no quantity", None),
        ("1", {"balance": "-5"}, "MARGIN", "available are -5", None),
        ("1", {"balance": "2"}, "MARGIN", "accepted: no quantity", None),
        ("10", {"leverage": 100, "balance": "1000000"}, "LEVERAGE_BRACKET", "cap 600000", "9.375"),
        (
            "5",
            {"leverage": 100, "balance": "1000000", "position": "5"},
            "LEVERAGE_BRACKET",
            "of 640000 USDT",
            "4.375",
        ),
        ("10", {"leverage": 100, "balance": "100"}, "LEVERAGE_BRACKET", "cap 600000", "0.148"),
        ("1", {"leverage": 150, "balance": "100000"}, "LEVERAGE_BRACKET", "above the cap 0", None),
    ],
)
def test_an_order_the_account_cannot_bear_names_the_quantity_that_fits(
    quantity: str, options: dict[str, Any], rule: str, said: str, fits: str | None
) -> None:
    error = refusal(lambda: margin(quantity, **options))
    assert error.rule == rule
    assert said in error.message
    assert accepted_numbers(error) == ([] if fits is None else [D(fits)])
    if fits is not None:
        margin(fits, **options)
        refusal(lambda: margin(str(D(fits) + D("0.001")), **options))


def test_a_position_turned_over_counts_against_the_bracket_with_its_new_side_only() -> None:
    assert margin("10", position="-5", leverage=100, balance="100000") == D(3200 + 160)


# --- split ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "total", "chunks", "slices"),
    [
        (BTC, "1.0", 3, ["0.333", "0.333", "0.334"]),
        (BTC, "1.0", 10, ["0.100"] * 10),
        (BTC, "0.005", 5, ["0.001"] * 5),
        (BTC, "120", 1, ["120.000"]),
        (BTC, "240", 2, ["120.000", "120.000"]),
        (DOGE, "10", 4, ["2", "2", "2", "4"]),
        (ODD, "0.0040", 2, ["0.0015", "0.0025"]),
        (COARSE, "1", 3, ["0.3", "0.3", "0.4"]),
    ],
)
def test_a_quantity_is_cut_into_slices_that_add_up(
    instrument: Instrument, total: str, chunks: int, slices: list[str]
) -> None:
    assert [format_decimal(q) for q in split_quantity(D(total), chunks, instrument)] == slices


@pytest.mark.parametrize(
    ("instrument", "total", "chunks", "price", "rule", "said", "works"),
    [
        (BTC, "0.005", 7, None, "LOT_SIZE", "0.005 in 7 chunks makes slices of 0, below", 5),
        (BTC, "1.0005", 3, None, "LOT_SIZE", "1 or 1.001", None),
        (BTC, "0.0005", 1, None, "LOT_SIZE", "accepted: 0.001", None),
        (BTC, "240.001", 2, None, "MARKET_LOT_SIZE", "above the maximum 120", 3),
        (BTC, "1", 1001, None, "LOT_SIZE", "at most 1000 chunks", 1000),
        (BTC, "1", 1000, "64000", None, "", 1000),
        (BTC, "1", 1000, "30000", "MIN_NOTIONAL", "worth less than 50 USDT at 30000", 500),
        (BTC, "0.001", 1, "30000", "MIN_NOTIONAL", "accepted: no number of chunks", None),
        # 0.004 is on the grid of an even number of slices, 0.0045 on that of an odd one.
        (ODD, "0.0040", 1, None, "LOT_SIZE", "0.0035 or 0.0045", None),
        (ODD, "0.0040", 4, None, "LOT_SIZE", "makes slices of 0.0005, below the minimum 0.0015", 2),
        (COARSE, "0.5", 6, None, "MARKET_LOT_SIZE", "below the minimum 0.1", 5),
        (COARSE, "1.05", 2, None, "MARKET_LOT_SIZE", "step 0.1", None),
        (TINY, "300000000.001", 1, None, "LOT_SIZE", "1 chunk makes a slice of 300000000.001", 2),
        (BTC, "1", 0, None, "CHUNKS", "0 is not a number of chunks", 1),
        (BTC, "1", -3, None, "CHUNKS", "-3 is not a number of chunks", 1),
        (BTC, "0", 3, None, "NUMBER", "zero", None),
    ],
)
def test_a_cut_that_cannot_work_is_refused_with_one_that_can(
    instrument: Instrument,
    total: str,
    chunks: int,
    price: str | None,
    rule: str | None,
    said: str,
    works: int | None,
) -> None:
    at = None if price is None else D(price)
    if rule is not None:
        error = refusal(lambda: split_quantity(D(total), chunks, instrument, price=at))
        assert error.rule == rule
        assert said in error.message
        assert works is None or D(works) in accepted_numbers(error)
    if works is not None:
        assert sum(split_quantity(D(total), works, instrument, price=at)) == D(total)


def test_the_smallest_number_of_chunks_allows_for_the_last_slices_remainder() -> None:
    # 360.5 in 4 is 90.125; in 3 the slices would be 120.166, above 120.
    error = refusal(lambda: split_quantity(D("360.5"), 3, BTC))
    assert accepted_numbers(error) == [D(4)]
    # 11 in 4 would be 2, 2, 2 and 5; five slices end in 3.
    small = replace(DOGE, market_lot_size=replace(DOGE.market_lot_size, max_quantity=D(4)))
    error = refusal(lambda: split_quantity(D(11), 4, small))
    assert "makes a slice of 5, above the maximum 4" in error.message
    assert accepted_numbers(error) == [D(5)]
    assert split_quantity(D(11), 5, small) == [2, 2, 2, 2, 3]


def test_limit_slices_have_the_larger_maximum() -> None:
    assert split_quantity(D(300), 1, BTC, market=False) == [D(300)]


# --- the whole chain --------------------------------------------------------------------------------


def snapshot(**changes: Any) -> TradingSnapshot:
    account = Account(
        wallet_balance=D(10000),
        available_balance=D(10000),
        hedge_mode=False,
        leverage={"BTCUSDT": 20},
    )
    quote = Quote("BTCUSDT", D("63999.9"), D(1), D(64000), D(1), NOW_MS)
    base = TradingSnapshot(BTC, quote, D(64000), NOW_MS, account, BRACKETS)
    return replace(base, **changes)


def account_of(position: str, side: PositionSide = BOTH, **changes: Any) -> Account:
    """10,000 USDT, twenty times, and one BTCUSDT position."""
    held = Position("BTCUSDT", side, D(position), D(60000), D(64000), D(0))
    base = Account(D(10000), D(10000), side is not BOTH, (held,), {"BTCUSDT": 20})
    return replace(base, **changes)


MARKET = OrderRequest("BTCUSDT", BUY, OrderType.MARKET, D("0.1"))
LIMIT = OrderRequest("BTCUSDT", BUY, OrderType.LIMIT, D("0.1"), price=D(63000), time_in_force=GTC)
STOP = OrderRequest(
    "BTCUSDT", SELL, OrderType.STOP, D("0.1"), price=D(59900), trigger_price=D(60000), time_in_force=GTC
)
CLOSE = OrderRequest(
    "BTCUSDT", SELL, OrderType.STOP_MARKET, None, trigger_price=D(60000), close_position=True
)
TRAIL = OrderRequest("BTCUSDT", SELL, OrderType.TRAILING_STOP_MARKET, D("0.1"), callback_rate=D(1))


@pytest.mark.parametrize(
    "request_",
    [
        MARKET,
        LIMIT,
        STOP,
        CLOSE,
        replace(LIMIT, price=None, price_match=PriceMatch.QUEUE),
        replace(LIMIT, time_in_force=GTD, good_till_date_ms=EARLIEST_MS),
        # Far below 95 % of the mark price, but near its trigger: the band follows the trigger.
        replace(STOP, price=D(49900), trigger_price=D(50000)),
        replace(STOP, working_type=WorkingType.MARK_PRICE, price_protect=True),
        # A conditional order meets the account only when it triggers.
        replace(STOP, reduce_only=True),
        replace(STOP, quantity=D(100)),
    ],
    ids=lambda r: f"{r.type}",
)
def test_an_order_that_fits_passes_unchanged_and_again(request_: OrderRequest) -> None:
    checked = validate_order(request_, snapshot())
    assert checked == request_
    assert validate_order(checked, snapshot()) == checked


def test_rounding_moves_every_value_and_a_second_pass_changes_nothing() -> None:
    rough = replace(
        STOP, symbol="btcusdt", quantity=D("0.10009"), price=D("59900.01"), trigger_price=D("60000.01")
    )
    checked = validate_order(rough, snapshot(), rounding=True)
    assert checked == replace(STOP, price=D("59900.1"), trigger_price=D("60000.1"))
    assert validate_order(checked, snapshot()) == checked
    assert refusal(lambda: validate_order(rough, snapshot())).rule == "LOT_SIZE"


def test_values_leave_the_chain_as_the_exchange_writes_them() -> None:
    checked = validate_order(replace(LIMIT, quantity=D("1E-1"), price=D("6.3E+4")), snapshot())
    assert checked.quantity is not None
    assert checked.price is not None
    assert (str(checked.quantity), str(checked.price)) == ("0.100", "63000.0")


@pytest.mark.parametrize(
    ("request_", "changes", "rule"),
    [
        (replace(MARKET, symbol="ETHUSDT"), {}, "SYMBOL"),
        (MARKET, {"instrument": replace(BTC, status="SETTLING")}, "STATUS"),
        (MARKET, {"instrument": replace(BTC, contract_type="TRADIFI_PERPETUAL")}, "CONTRACT_TYPE"),
        (MARKET, {"instrument": replace(BTC, order_types=frozenset({"LIMIT"}))}, "ORDER_TYPE"),
        (replace(MARKET, time_in_force=IOC), {}, "TIME_IN_FORCE"),
        (replace(LIMIT, time_in_force=GTD), {}, "GOOD_TILL_DATE"),
        (replace(MARKET, quantity=None), {}, "QUANTITY"),
        (replace(MARKET, price=D(1)), {}, "PRICE"),
        (replace(LIMIT, price=None), {}, "PRICE"),
        (replace(MARKET, price_match=PriceMatch.QUEUE), {}, "PRICE_MATCH"),
        (replace(LIMIT, price_match=PriceMatch.QUEUE), {}, "PRICE_MATCH"),
        (replace(STOP, trigger_price=None), {}, "TRIGGER_PRICE"),
        (replace(LIMIT, trigger_price=D(60000)), {}, "TRIGGER_PRICE"),
        (replace(LIMIT, working_type=WorkingType.MARK_PRICE), {}, "WORKING_TYPE"),
        (replace(LIMIT, callback_rate=D(1)), {}, "CALLBACK_RATE"),
        (replace(TRAIL, callback_rate=None), {}, "CALLBACK_RATE"),
        (replace(TRAIL, callback_rate=D("0.05")), {}, "CALLBACK_RATE"),
        (replace(TRAIL, callback_rate=D("1.25")), {}, "CALLBACK_RATE"),
        (replace(TRAIL, callback_rate=D("20.1")), {}, "CALLBACK_RATE"),
        (replace(TRAIL, close_position=True, quantity=None), {}, "CLOSE_POSITION"),
        (replace(TRAIL, trigger_price=D(60000)), {}, "ACTIVATION_PRICE"),
        (replace(LIMIT, close_position=True, quantity=None), {}, "CLOSE_POSITION"),
        (replace(CLOSE, quantity=D(1)), {}, "CLOSE_POSITION"),
        (replace(CLOSE, reduce_only=True), {}, "CLOSE_POSITION"),
        (replace(CLOSE, position_side=SHORT), {}, "CLOSE_POSITION"),
        (replace(CLOSE, side=BUY, position_side=LONG), {}, "CLOSE_POSITION"),
        (MARKET, {"mark_price": D(0)}, "MARK_PRICE"),
        (replace(MARKET, quantity=D("0.0001")), {}, "LOT_SIZE"),
        (replace(MARKET, quantity=D("120.001")), {}, "MARKET_LOT_SIZE"),
        (replace(LIMIT, price=D("63000.05")), {}, "PRICE_FILTER"),
        (replace(LIMIT, price=D(70000)), {}, "PERCENT_PRICE"),
        (MARKET, {"mark_price": D(60000)}, "PERCENT_PRICE"),
        (replace(STOP, price=D(56000)), {}, "PERCENT_PRICE"),
        (replace(STOP, trigger_price=D("60000.05")), {}, "PRICE_FILTER"),
        (replace(STOP, trigger_price=D(64100), price=D(64000)), {}, "TRIGGER_PRICE"),
        (replace(STOP, price=D(60001)), {}, "STOP_LIMIT"),
        (replace(CLOSE, trigger_price=D(65000)), {}, "TRIGGER_PRICE"),
        (replace(LIMIT, quantity=D("0.001"), price=D(40000)), {}, "MIN_NOTIONAL"),
        (replace(MARKET, position_side=LONG), {}, "POSITION_SIDE"),
        (replace(MARKET, reduce_only=True), {}, "REDUCE_ONLY"),
        (replace(MARKET, quantity=D(20)), {}, "MARGIN"),
        (replace(MARKET, quantity=D(50)), {}, "LEVERAGE_BRACKET"),
    ],
)
def test_the_chain_refuses_by_the_first_rule_broken(
    request_: OrderRequest, changes: dict[str, Any], rule: str
) -> None:
    assert refusal(lambda: validate_order(request_, snapshot(**changes))).rule == rule


def test_earlier_rules_speak_first() -> None:
    """Each fix reveals the next refusal, in the documented order."""
    wrong = replace(
        LIMIT,
        time_in_force=None,
        quantity=D("0.0001"),
        price=D("99999.99"),
        position_side=LONG,
        reduce_only=True,
    )
    fixes: list[dict[str, Any]] = [
        {"time_in_force": GTC},
        {"quantity": D(50)},
        {"price": D(99999)},
        {"price": D(63000)},
        {"position_side": BOTH},
        {"reduce_only": False},
        {"quantity": D(40)},
    ]
    rules = []
    for fix in fixes:
        rules.append(refusal(lambda: validate_order(wrong, snapshot())).rule)  # noqa: B023
        wrong = replace(wrong, **fix)
    assert rules == [
        "TIME_IN_FORCE",
        "LOT_SIZE",
        "PRICE_FILTER",
        "PERCENT_PRICE",
        "POSITION_SIDE",
        "REDUCE_ONLY",
        "LEVERAGE_BRACKET",
    ]
    assert refusal(lambda: validate_order(wrong, snapshot())).rule == "MARGIN"


def test_without_an_account_its_checks_are_left_out() -> None:
    huge = replace(LIMIT, quantity=D(1000), reduce_only=True)
    assert validate_order(huge, snapshot(account=None)) == huge


def test_a_small_reduce_only_order_passes_where_the_position_is_there() -> None:
    small = replace(LIMIT, side=SELL, quantity=D("0.001"), price=D(41000), reduce_only=True)
    market = snapshot(
        account=account_of("0.5", available_balance=D(0)),
        mark_price=D(40000),
        quote=Quote("BTCUSDT", D(40000), D(1), D("40000.1"), D(1), NOW_MS),
    )
    assert validate_order(small, market) == small
    assert refusal(lambda: validate_order(replace(small, reduce_only=False), market)).rule == "MIN_NOTIONAL"


def test_in_hedge_mode_the_closing_side_can_only_reduce() -> None:
    closing = replace(MARKET, side=SELL, position_side=LONG)
    hedged = snapshot(account=account_of("0.1", LONG))
    assert validate_order(closing, hedged) == closing
    too_much = replace(closing, quantity=D("0.2"))
    assert refusal(lambda: validate_order(too_much, hedged)).rule == "REDUCE_ONLY"
    other = replace(closing, side=BUY, position_side=SHORT)
    assert refusal(lambda: validate_order(other, hedged)).rule == "REDUCE_ONLY"


def test_in_hedge_mode_a_closing_order_has_no_minimum_notional() -> None:
    market = snapshot(
        account=account_of("0.5", LONG),
        mark_price=D(40000),
        quote=Quote("BTCUSDT", D(40000), D(1), D("40000.1"), D(1), NOW_MS),
    )
    least = replace(MARKET, side=SELL, position_side=LONG, quantity=D("0.001"))
    assert validate_order(least, market) == least
    opening = replace(least, side=BUY)
    assert refusal(lambda: validate_order(opening, market)).rule == "MIN_NOTIONAL"


def test_in_hedge_mode_a_stop_can_close_its_leg() -> None:
    closing = replace(CLOSE, position_side=LONG)
    assert validate_order(closing, snapshot(account=account_of("0.5", LONG))) == closing


def test_a_trigger_is_measured_against_the_price_its_working_type_watches() -> None:
    between = replace(STOP, trigger_price=D(64500), price=D(64500))  # above the last price, below the mark
    market = snapshot(mark_price=D(65000))
    assert refusal(lambda: validate_order(between, market)).rule == "TRIGGER_PRICE"
    on_mark = replace(between, working_type=WorkingType.MARK_PRICE)
    assert validate_order(on_mark, market) == on_mark
    empty = replace(market, quote=Quote("BTCUSDT", D(0), D(0), D(0), D(0), NOW_MS))
    assert validate_order(between, empty) == between


def test_a_market_orders_notional_is_counted_at_the_mark_price() -> None:
    least = replace(MARKET, quantity=D("0.001"))
    assert validate_order(least, snapshot(mark_price=D("64000"))) == least
    quote = Quote("BTCUSDT", D("50000.1"), D(1), D("50000.2"), D(1), NOW_MS)
    error = refusal(lambda: validate_order(least, snapshot(mark_price=D("49999"), quote=quote)))
    assert error.rule == "MIN_NOTIONAL"


@pytest.mark.parametrize(
    ("side", "match", "price"),
    [
        (BUY, PriceMatch.OPPONENT, "64000"),
        (BUY, PriceMatch.OPPONENT_5, "64000"),
        (BUY, PriceMatch.QUEUE, "63999.9"),
        (SELL, PriceMatch.OPPONENT, "63999.9"),
        (SELL, PriceMatch.QUEUE_20, "64000"),
    ],
)
def test_a_price_match_is_counted_at_the_best_price_of_its_side(
    side: Side, match: PriceMatch, price: str
) -> None:
    matched = replace(LIMIT, side=side, price=None, price_match=match)
    assert reference_price(matched, snapshot()) == D(price)


def test_a_leverage_never_set_is_the_exchanges_twenty() -> None:
    plain = snapshot(account=replace(account_of("0"), leverage={}))
    error = refusal(lambda: validate_order(replace(MARKET, quantity=D(4)), plain))
    assert "with leverage 20" in error.message


def test_a_sliced_order_is_checked_slice_by_slice_and_its_margin_as_a_whole() -> None:
    rich = snapshot(account=account_of("0", available_balance=D(10**8)), brackets=())
    parent = replace(MARKET, quantity=D(300))  # more than one market order may have
    slices = split_quantity(D(300), 3, BTC)
    validate_sliced_order(parent, slices, rich)
    assert refusal(lambda: validate_sliced_order(parent, [D(150)] * 2, rich)).rule == "MARKET_LOT_SIZE"
    poorer = snapshot(account=account_of("0", available_balance=D(800_000)), brackets=())
    error = refusal(lambda: validate_sliced_order(parent, slices, poorer))
    assert error.rule == "MARGIN"
    assert accepted_numbers(error) == [D("247.524")]
    held = snapshot(account=account_of("250"), brackets=())
    selling = replace(parent, side=SELL, reduce_only=True)
    error = refusal(lambda: validate_sliced_order(selling, slices, held))
    assert error.rule == "REDUCE_ONLY"
    assert accepted_numbers(error) == [D(250)]


def test_suggested_prices_respect_both_filters() -> None:
    assert nearest_prices(D(80000), BTC, BUY, mark_price=D(64000)) == (D(67200),)
    assert nearest_prices(D("63000.05"), BTC, BUY, mark_price=D(64000)) == (D(63000), D("63000.1"))
