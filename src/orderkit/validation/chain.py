"""The whole chain on one order request, in one fixed order, so that the first refusal is always the same."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from orderkit.domain.account import Account, TradingSnapshot
from orderkit.domain.enums import OrderType, PriceMatch, WorkingType
from orderkit.domain.order import OrderRequest
from orderkit.errors import ValidationError
from orderkit.validation.instruments import (
    validate_order_type,
    validate_side,
    validate_symbol,
    validate_time_in_force,
)
from orderkit.validation.positions import (
    closed_leg,
    validate_margin,
    validate_position_side,
    validate_reduce_only,
)
from orderkit.validation.prices import validate_book_price, validate_price, validate_trigger_price
from orderkit.validation.quantities import validate_notional, validate_quantity
from orderkit.validation.shape import validate_shape
from orderkit.validation.triggers import validate_stop_limit, validate_trigger_side

# The exchange's setting for a symbol whose leverage was never changed.
DEFAULT_LEVERAGE = 20


def validate_order(
    request: OrderRequest, snapshot: TradingSnapshot, *, rounding: bool = False
) -> OrderRequest:
    """The request with its values as the exchange takes them, if every check passes on ``snapshot``.

    Symbol and status, side, type, time in force, what belongs to the type, quantity, price with
    PERCENT_PRICE, trigger, notional, position side, reduce-only, margin. ``rounding`` moves a quantity down
    to the step and a price to the passive side. Without an account in the snapshot the last three are
    skipped; for conditional orders the exchange looks at the position and the margin only when they trigger
    (algo service), and so the last two are skipped for them as well.

    Raises:
        ValidationError: the first check that fails.
    """
    instrument = validate_symbol(request.symbol, {snapshot.instrument.symbol: snapshot.instrument})
    validate_side(request.side)
    validate_order_type(request.type, instrument)
    validate_time_in_force(
        request.time_in_force, instrument, request.type, request.good_till_date_ms, snapshot.now_ms
    )
    validate_shape(request)
    if snapshot.mark_price <= 0:
        raise ValidationError(
            f"MARK_PRICE: {instrument.symbol} has no mark price to measure by; accepted: a positive one",
            rule="MARK_PRICE",
            hint="Try again once the contract trades.",
        )
    checked = _with_valid_values(replace(request, symbol=instrument.symbol), snapshot, rounding=rounding)
    _check_trigger(checked, snapshot)
    price = reference_price(checked, snapshot)
    account = snapshot.account
    if checked.quantity is not None:
        validate_notional(
            checked.quantity,
            price,
            instrument,
            reduce_only=checked.reduce_only or _closes_leg(checked),
            market=checked.type.is_market,
        )
    if account is not None:
        validate_position_side(checked.position_side, account.hedge_mode, checked.reduce_only, checked.side)
        if not checked.type.is_conditional and checked.quantity is not None:
            _check_position(checked, checked.quantity, price, account, snapshot)
    return checked


def validate_sliced_order(
    request: OrderRequest, slices: Sequence[Decimal], snapshot: TradingSnapshot
) -> None:
    """Check a parent order that goes out as ``slices``: the chain for each, position and margin in full.

    ``request`` is the order as a whole; its quantity may be more than one order may have.

    Raises:
        ValidationError: the first check that fails.
    """
    for quantity in dict.fromkeys(slices):
        validate_order(replace(request, quantity=quantity), snapshot)
    if snapshot.account is not None and request.quantity is not None:
        price = reference_price(request, snapshot)
        _check_position(request, request.quantity, price, snapshot.account, snapshot)


def reference_price(request: OrderRequest, snapshot: TradingSnapshot) -> Decimal:
    """The price at which an order's notional and margin are counted, in quote asset.

    Its limit price; with price match the best price of the opposite side (OPPONENT) or its own (QUEUE); for
    conditional market orders the trigger price; else the mark price.
    """
    if request.price is not None:
        return request.price
    if request.price_match is not None:
        opposite = request.price_match in (PriceMatch.OPPONENT, PriceMatch.OPPONENT_5)
        best = snapshot.quote.far(request.side) if opposite else snapshot.quote.near(request.side)
        return best if best > 0 else snapshot.mark_price
    return snapshot.mark_price if request.trigger_price is None else request.trigger_price


def _with_valid_values(request: OrderRequest, snapshot: TradingSnapshot, *, rounding: bool) -> OrderRequest:
    instrument, quantity = snapshot.instrument, request.quantity
    price, trigger = request.price, request.trigger_price
    if quantity is not None:
        quantity = validate_quantity(quantity, instrument, market=request.type.is_market, rounding=rounding)
    if trigger is not None:
        trigger = validate_trigger_price(trigger, instrument, request.side, rounding=rounding)
    if price is not None:
        price = validate_price(
            price,
            instrument,
            request.side,
            mark_price=snapshot.mark_price if trigger is None else trigger,
            rounding=rounding,
            reference="mark price" if trigger is None else "trigger price",
        )
    elif request.type is OrderType.MARKET:
        validate_book_price(request.side, snapshot.quote, instrument, snapshot.mark_price)
    return replace(request, quantity=quantity, price=price, trigger_price=trigger)


def _check_trigger(request: OrderRequest, snapshot: TradingSnapshot) -> None:
    if request.trigger_price is None:
        return
    on_mark = request.working_type is WorkingType.MARK_PRICE
    # The last price is not in the snapshot; it lies between the best bid and ask.
    quote = snapshot.quote
    market = quote.mid if min(quote.bid, quote.ask) > 0 and not on_mark else snapshot.mark_price
    if request.type is OrderType.STOP and request.price is not None:
        validate_stop_limit(request.side, request.trigger_price, request.price, market)
    else:
        validate_trigger_side(request.type, request.side, request.trigger_price, market)


def _check_position(
    request: OrderRequest, quantity: Decimal, price: Decimal, account: Account, snapshot: TradingSnapshot
) -> None:
    instrument, market = snapshot.instrument, request.type.is_market
    position = account.position_quantity(instrument.symbol, request.position_side)
    if request.reduce_only or _closes_leg(request):
        validate_reduce_only(
            quantity,
            request.side,
            position,
            instrument,
            position_side=request.position_side,
            market=market,
        )
    validate_margin(
        quantity,
        price,
        instrument,
        request.side,
        position=position,
        leverage=account.leverage.get(instrument.symbol, DEFAULT_LEVERAGE),
        available_balance=account.available_balance,
        taker_rate=snapshot.taker_rate,
        brackets=snapshot.brackets,
        position_side=request.position_side,
        market=market,
    )


def _closes_leg(request: OrderRequest) -> bool:
    """True in hedge mode for orders that can only reduce: the exchange treats them as reduce-only."""
    return request.position_side is closed_leg(request.side)
