"""Can this contract be traded in this way: symbol, status, contract type, side, order type, time in force."""

from collections.abc import Mapping
from datetime import UTC, datetime

from orderkit.domain.enums import OrderType, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.errors import ValidationError
from orderkit.validation.numbers import quoted

TRADED_CONTRACTS = frozenset({"PERPETUAL", "CURRENT_MONTH", "NEXT_MONTH", "CURRENT_QUARTER", "NEXT_QUARTER"})

_STATUS = {
    "PENDING_TRADING": "it is listed but not open yet",
    "PRE_DELIVERING": "it is about to be delivered and takes no orders",
    "DELIVERING": "it is being delivered",
    "DELIVERED": "it has been delivered",
    "PRE_SETTLE": "it is about to be delisted and takes no orders",
    "SETTLING": "it is being delisted",
    "CLOSE": "it is closed",
}
_CONTRACT = {
    "PERPETUAL_DELIVERING": "the perpetual is being wound up",
    "TRADIFI_PERPETUAL": "it needs an agreement signed with Binance and trades in sessions",
}

# New order, parameter goodTillDate: later than now + 600 s, whole seconds, below this.
GOOD_TILL_LEAD_MS = 600_000
GOOD_TILL_END_MS = 253_402_300_799_000


def validate_symbol(symbol: str, instruments: Mapping[str, Instrument]) -> Instrument:
    """The instrument of that name, upper or lower case, if orders can be sent for it.

    Raises:
        ValidationError: (SYMBOL) unknown; (STATUS) not TRADING; (CONTRACT_TYPE) neither a perpetual nor a
            dated future.
    """
    name = symbol.strip().upper()
    instrument = instruments.get(name)
    if instrument is None:
        raise _unknown_symbol(name, instruments)
    if instrument.status != "TRADING":
        why = _STATUS.get(instrument.status, "it takes no orders now")
        raise ValidationError(
            f"STATUS: {name} has status {instrument.status or 'unknown'}, {why}; accepted: status TRADING",
            rule="STATUS",
            hint="Choose another contract, or try again once it trades.",
        )
    if instrument.contract_type not in TRADED_CONTRACTS:
        raise _not_traded_contract(instrument)
    return instrument


def validate_side(text: str) -> Side:
    """BUY or SELL, upper or lower case.

    Raises:
        ValidationError: (SIDE) anything else.
    """
    name = text.strip().upper()
    if name in Side.__members__:
        return Side[name]
    meant = {"B": "BUY", "LONG": "BUY", "BID": "BUY", "S": "SELL", "SHORT": "SELL", "ASK": "SELL"}.get(name)
    raise ValidationError(
        f"SIDE: {quoted(text)} is not a side; accepted: BUY or SELL",
        rule="SIDE",
        hint=f"Did you mean {meant}?" if meant else "Write BUY or SELL.",
    )


def validate_order_type(order_type: OrderType, instrument: Instrument) -> OrderType:
    """The type, if the contract's ``orderTypes`` lists it (an empty list says nothing).

    Raises:
        ValidationError: (ORDER_TYPE) not listed.
    """
    if instrument.order_types and order_type not in instrument.order_types:
        raise ValidationError(
            f"ORDER_TYPE: {instrument.symbol} takes no {order_type} orders; accepted: "
            + ", ".join(t for t in OrderType if t in instrument.order_types),
            rule="ORDER_TYPE",
            hint="Choose one of the order types the contract takes.",
        )
    return order_type


def validate_time_in_force(
    tif: TimeInForce | None,
    instrument: Instrument,
    order_type: OrderType,
    good_till_date_ms: int | None,
    now_ms: int,
) -> TimeInForce | None:
    """The time in force, if the order type and the contract take it, and its date too.

    LIMIT needs one, MARKET takes none (-1106), conditional market orders none but GTC, conditional limit
    orders are GTC where it is None. Times are UTC ms. GTD needs now + 600 s < ``good_till_date_ms``
    < 253402300799000, in whole seconds (-5040); no other takes a date.

    Raises:
        ValidationError: (TIME_IN_FORCE) not accepted; (GOOD_TILL_DATE) missing, off or not wanted.
    """
    _check_taken(tif, instrument, order_type)
    if tif is TimeInForce.GTD:
        _check_good_till(good_till_date_ms, now_ms)
    elif good_till_date_ms is not None:
        raise ValidationError(
            f"GOOD_TILL_DATE: {tif or order_type} takes no good-till date; accepted: one with GTD only",
            rule="GOOD_TILL_DATE",
            hint="Use GTD, or leave the date out.",
        )
    return tif


def _check_taken(tif: TimeInForce | None, instrument: Instrument, order_type: OrderType) -> None:
    listed = [t for t in TimeInForce if not instrument.times_in_force or t in instrument.times_in_force]
    if order_type.is_market:
        taken = [TimeInForce.GTC] if order_type.is_conditional else []
        fits = tif is None or tif in taken
    else:
        taken = listed
        fits = tif in taken or (tif is None and order_type.is_conditional)
    if fits:
        return
    what = f"{order_type} needs a time in force" if tif is None else f"{order_type} orders take no {tif}"
    accepted = ", ".join(taken) or "none"
    raise ValidationError(
        f"TIME_IN_FORCE: {what} on {instrument.symbol}; accepted: {accepted}",
        rule="TIME_IN_FORCE",
        hint=f"Use {taken[0]}." if taken else "Leave the time in force out.",
    )


def _check_good_till(good_till_date_ms: int | None, now_ms: int) -> None:
    earliest_ms = ((now_ms + GOOD_TILL_LEAD_MS) // 1000 + 1) * 1000
    if good_till_date_ms is None:
        what = "GTD needs a good-till date"
    elif good_till_date_ms <= now_ms + GOOD_TILL_LEAD_MS:
        what = f"{_time(good_till_date_ms)} is not more than 600 s from now"
    elif good_till_date_ms >= GOOD_TILL_END_MS:
        what = f"{good_till_date_ms} ms is not below {GOOD_TILL_END_MS} ms"
    elif good_till_date_ms % 1000:
        what = f"{_time(good_till_date_ms)} is not a whole second"
    else:
        return
    raise ValidationError(
        f"GOOD_TILL_DATE: {what}; accepted: whole seconds from {_time(earliest_ms)} ({earliest_ms} ms)",
        rule="GOOD_TILL_DATE",
        hint="Choose a time at least eleven minutes ahead, in whole seconds.",
    )


def _time(at_ms: int) -> str:
    try:
        return (
            datetime.fromtimestamp(at_ms / 1000, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms"


def _unknown_symbol(name: str, instruments: Mapping[str, Instrument]) -> ValidationError:
    import difflib  # only a misspelled symbol needs it

    traded = [
        s for s, i in instruments.items() if i.status == "TRADING" and i.contract_type in TRADED_CONTRACTS
    ]
    plain = "".join(c for c in name if c.isalnum() or c == "_")  # BTC/USDT, BTC-USDT
    # A bare asset ("BTC") names its USDT contract; difflib alone would weigh all quote assets alike.
    near = [s for s in (plain, f"{plain}USDT") if s in traded]
    near = near or difflib.get_close_matches(plain, traded, n=1)
    return ValidationError(
        f"SYMBOL: {quoted(name)} is not a contract of this exchange; accepted: "
        + (near[0] if near else f"one of {len(traded)} contracts such as BTCUSDT"),
        rule="SYMBOL",
        hint=f"Did you mean {near[0]}?" if near else "Check the spelling, such as BTCUSDT.",
    )


def _not_traded_contract(instrument: Instrument) -> ValidationError:
    why = _CONTRACT.get(instrument.contract_type, "which this desk does not know")
    return ValidationError(
        f"CONTRACT_TYPE: {instrument.symbol} is a {instrument.contract_type or 'nameless'} contract, {why}; "
        "accepted: perpetual and dated futures",
        rule="CONTRACT_TYPE",
        hint="Choose a perpetual or a dated contract.",
    )
