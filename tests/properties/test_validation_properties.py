"""What holds for every instrument and every number: suggestions pass, nothing rounds up, sums are exact."""

import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, ParamSpec, TypeVar

from hypothesis import assume, given
from hypothesis import strategies as st

from orderkit.domain.account import Account, TradingSnapshot
from orderkit.domain.enums import OrderType, Side, TimeInForce
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
    smallest_quantity,
    split_quantity,
    validate_margin,
    validate_notional,
    validate_order,
    validate_price,
    validate_quantity,
)

P = ParamSpec("P")
R = TypeVar("R")
SIDES = st.sampled_from(Side)
STEPS = ["0.00000001", "0.000001", "0.0000010", "0.001", "0.10", "0.5", "0.25", "1", "10", "100", "0"]


def times(number: int, step: str) -> str:
    with localcontext(prec=80):
        return format(Decimal(step) * number, "f")


@st.composite
def filters(draw: st.DrawFn, names: tuple[str, str, str], steps: list[str] = STEPS) -> dict[str, str]:
    """A filter whose minimum need not be a multiple of its step; 0 switches a rule off."""
    step = draw(st.sampled_from(steps))
    fine = step if Decimal(step) else "0.001"
    minimum = times(draw(st.integers(0, 2000)), str(Decimal(fine) / 2))
    span = draw(st.sampled_from([10, 1000, 10**9, 10**15]))
    maximum = draw(st.sampled_from(["0", str(Decimal(minimum) + Decimal(times(span, fine)))]))
    return dict(zip(names, (minimum, format(Decimal(maximum), "f"), step), strict=True))


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    sizes = ("minQty", "maxQty", "stepSize")
    lot = draw(filters(sizes))
    # The exchange's two lot filters share their lattice; the market one is narrower.
    tighter = dict(lot)
    if draw(st.booleans()) and Decimal(lot["stepSize"]):
        more = draw(st.integers(0, 5))
        with localcontext(prec=80):
            low = Decimal(lot["minQty"]) + more * Decimal(lot["stepSize"])
            tighter["minQty"] = format(low, "f")
            tighter["maxQty"] = format(low + 100 * Decimal(lot["stepSize"]), "f")
    raw: dict[str, Any] = {
        "symbol": "XUSDT",
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": "X",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 8,
        "quantityPrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER"} | draw(filters(("minPrice", "maxPrice", "tickSize"))),
            {"filterType": "LOT_SIZE"} | lot,
            {"filterType": "MARKET_LOT_SIZE"} | tighter,
            {"filterType": "MIN_NOTIONAL", "notional": draw(st.sampled_from(["0", "5", "50", "123.45"]))},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": draw(st.sampled_from(["0", "1.0500", "1.1", "3"])),
                "multiplierDown": draw(st.sampled_from(["0", "0.9500", "0.9"])),
            },
        ],
        "orderTypes": list(OrderType),
        "timeInForce": list(TimeInForce),
    }
    return Instrument.from_exchange_info(raw)


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    """Positive decimals from 1E-30 to 30 digits, many near the steps and with long tails."""
    whole = draw(st.one_of(st.integers(0, 3000), st.integers(0, 10**12), st.integers(0, 10**29)))
    tail = draw(st.one_of(st.just(""), st.from_regex(r"[0-9]{1,30}", fullmatch=True), st.just("9" * 30)))
    value = Decimal(f"{whole}.{tail}0"[:61].rstrip(".")) if tail else Decimal(whole)
    assume(value > 0)
    exponent = value.as_tuple().exponent
    assume(isinstance(exponent, int) and exponent >= -30)
    return value


def attempt(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | ValidationError:
    try:
        return function(*args, **kwargs)
    except ValidationError as error:
        return error


def suggestions(error: ValidationError) -> list[Decimal]:
    text = error.message.partition("; accepted: ")[2].partition(" (")[0]
    return [Decimal(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]


@given(instruments(), numbers(), st.booleans())
def test_a_refused_quantity_suggests_ones_that_pass(
    instrument: Instrument, quantity: Decimal, market: bool
) -> None:
    near = nearest_quantities(quantity, instrument, market=market)
    for neighbour in near:
        assert validate_quantity(neighbour, instrument, market=market) == neighbour
    result = attempt(validate_quantity, quantity, instrument, market=market)
    if isinstance(result, ValidationError):
        assert quantity not in near
        assert suggestions(result) == list(near)
        assert not re.search(r"\dE|\n", result.message)
    else:
        assert near == (quantity,) == (result,)


@given(instruments(), numbers(), st.booleans())
def test_rounding_never_takes_a_quantity_up_nor_further_than_a_step(
    instrument: Instrument, quantity: Decimal, market: bool
) -> None:
    try:
        rounded = validate_quantity(quantity, instrument, market=market, rounding=True)
    except ValidationError:
        return
    assert rounded <= quantity
    step = instrument.lot_size.step_size or Decimal("0.00000001")
    assert Fraction(quantity) - Fraction(rounded) < Fraction(step)
    assert validate_quantity(rounded, instrument, market=market) == rounded
    assert rounded == nearest_quantities(quantity, instrument, market=market)[0]


@given(instruments(), numbers(), SIDES, st.one_of(st.none(), numbers()))
def test_a_refused_price_suggests_ones_that_pass(
    instrument: Instrument, price: Decimal, side: Side, mark: Decimal | None
) -> None:
    for neighbour in nearest_prices(price, instrument, side, mark_price=mark):
        assert validate_price(neighbour, instrument, side, mark_price=mark) == neighbour
    try:
        assert validate_price(price, instrument, side, mark_price=mark) == price
    except ValidationError as error:
        for suggested in suggestions(error):
            assert validate_price(suggested, instrument, side, mark_price=mark) == suggested


@given(instruments(), numbers(), SIDES, st.one_of(st.none(), numbers()))
def test_rounding_moves_a_price_to_the_passive_side_by_less_than_a_tick(
    instrument: Instrument, price: Decimal, side: Side, mark: Decimal | None
) -> None:
    try:
        rounded = validate_price(price, instrument, side, mark_price=mark, rounding=True)
    except ValidationError:
        return
    tick = instrument.price_filter.tick_size or Decimal("0.00000001")
    moved = (Fraction(price) - Fraction(rounded)) * side.sign
    assert 0 <= moved < Fraction(tick)
    assert validate_price(rounded, instrument, side, mark_price=mark) == rounded


@given(instruments(), st.decimals("0.0001", "100000", places=4), st.booleans())
def test_the_smallest_quantity_passes_and_the_one_below_does_not(
    instrument: Instrument, price: Decimal, market: bool
) -> None:
    smallest = smallest_quantity(price, instrument, market=market)
    if smallest is None:
        return
    validate_quantity(smallest, instrument, market=market)
    assert validate_notional(smallest, price, instrument, market=market) >= instrument.min_notional
    step = instrument.lot_size.step_size or Decimal("0.00000001")
    with localcontext(prec=80):
        below = smallest - step
    if below > 0:
        try:
            validate_quantity(below, instrument, market=market)
            validate_notional(below, price, instrument, market=market)
        except ValidationError:
            return
        raise AssertionError(f"{below} passes too")


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Instrument, Decimal, int]:
    """Totals near what the filters allow, so that many cuts work and others just do not."""
    instrument = draw(instruments())
    chunks = draw(st.integers(1, 60))
    lot = instrument.lot_size_for(True)
    with localcontext(prec=80):
        step = lot.step_size or Decimal("0.00000001")
        total = chunks * (lot.min_quantity or step) + draw(st.integers(-100, 10_000)) * step
        total = total if draw(st.booleans()) else total + step / 2
    assume(total > 0)
    return instrument, total, chunks


@given(cuts(), st.one_of(st.none(), st.decimals("0.001", "1000", places=3)))
def test_slices_add_up_exactly_and_each_passes(
    cut: tuple[Instrument, Decimal, int], price: Decimal | None
) -> None:
    instrument, total, chunks = cut
    slices = attempt(split_quantity, total, chunks, instrument, price=price)
    if isinstance(slices, ValidationError):
        found = re.search(r"accepted: at (?:most|least) (\d+) chunk", slices.message)
        if found is None:
            return
        chunks = int(found[1])
        slices = split_quantity(total, chunks, instrument, price=price)
    assert len(slices) == chunks
    assert sum(map(Fraction, slices)) == Fraction(total)
    assert len(set(slices[:-1])) <= 1
    assert slices[-1] >= slices[0]
    for quantity in slices:
        assert validate_quantity(quantity, instrument, market=True) == quantity
        if price is not None:
            validate_notional(quantity, price, instrument)


@given(
    instruments(),
    st.decimals("0.001", "100000", places=3),
    st.decimals("0", "1000000", places=4),
    st.integers(-(10**6), 10**6),
    st.integers(1, 125),
    SIDES,
    st.booleans(),
)
def test_the_quantity_that_fits_the_margin_passes_it(
    instrument: Instrument,
    price: Decimal,
    balance: Decimal,
    position: int,
    leverage: int,
    side: Side,
    market: bool,
) -> None:
    brackets = (
        Bracket(1, 125, Decimal(0), Decimal(50_000), Decimal("0.004"), Decimal(0)),
        Bracket(2, 20, Decimal(50_000), Decimal(3_000_000), Decimal("0.01"), Decimal(300)),
    )

    def check(quantity: Decimal) -> Decimal:
        return validate_margin(
            quantity,
            price,
            instrument,
            side,
            position=Decimal(position),
            leverage=leverage,
            available_balance=balance,
            taker_rate=Decimal("0.0005"),
            brackets=brackets,
            market=market,
        )

    large = nearest_quantities(Decimal(10**7), instrument, market=market)
    assume(large)
    result = attempt(check, large[0])
    if isinstance(result, ValidationError):
        for fits in suggestions(result):
            assert validate_quantity(fits, instrument, market=market) < large[0]
            check(fits)


@given(
    instruments(),
    st.decimals("0.001", "100000", places=6),
    st.decimals("0.001", "100000", places=6),
    SIDES,
    st.sampled_from([OrderType.LIMIT, OrderType.MARKET]),
)
def test_what_the_chain_returns_passes_it_again_unchanged(
    instrument: Instrument, quantity: Decimal, price: Decimal, side: Side, kind: OrderType
) -> None:
    limit = kind is OrderType.LIMIT
    request = OrderRequest(
        "xusdt",
        side,
        kind,
        quantity,
        price=price if limit else None,
        time_in_force=TimeInForce.GTC if limit else None,
    )
    quote = Quote("XUSDT", price, Decimal(1), price, Decimal(1), 0)
    account = Account(Decimal(10**9), Decimal(10**9), hedge_mode=False, leverage={"XUSDT": 10})
    snapshot = TradingSnapshot(instrument, quote, price, 0, account)
    checked = attempt(validate_order, request, snapshot, rounding=True)
    if isinstance(checked, ValidationError):
        assert checked.message.startswith(f"{checked.rule}: ")
        return
    again = validate_order(checked, snapshot)
    assert again == checked
    assert str(again) == str(checked)


@given(numbers())
def test_a_number_written_plainly_is_read_back_as_itself(value: Decimal) -> None:
    text = format_decimal(value)
    assert re.fullmatch(r"\d+(\.\d+)?", text)
    assert str(parse_decimal(text, "quantity")) == str(Decimal(text))
    assert parse_decimal(text, "quantity") == value


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_a_one_line_refusal(text: str) -> None:
    result = attempt(parse_decimal, text, "price")
    if isinstance(result, ValidationError):
        assert result.rule == "NUMBER"
        assert len(result.message.splitlines()) == 1
    else:
        assert result > 0
