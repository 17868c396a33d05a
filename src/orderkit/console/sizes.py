"""Sizes that are not typed in base asset: worth, share of the balance, the whole position, standard input."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orderkit.console.beginning import checked_job_id, prepared
from orderkit.console.options import RunOptions, percentage
from orderkit.console.terminal import say
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.errors import UsageError
from orderkit.orders.registry import request_of
from orderkit.runtime.desk import Desk
from orderkit.utils import (
    format_decimal,
    parse_decimal,
    quantity_for_balance,
    quantity_worth,
    validate_reduce_only,
    validate_side,
)
from orderkit.validation.chain import DEFAULT_LEVERAGE

ALL = "all"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Size:
    """How large an order should be, as typed; exactly one of the three."""

    quantity: str | None
    notional: str | None
    percent: str | None


def resolved(size: Size, words: Mapping[str, Any], run: RunOptions) -> dict[str, Any]:
    """The command's words that say its size, as plain base quantity; for ``all`` also that it only reduces.

    A job that exists keeps the size with which it began: what a share of the balance is worth today does not
    matter to it.

    Raises:
        UsageError: more than one size, or one that this command cannot have.
        ValidationError: no such number, or less than the exchange takes.
    """
    quantity, notional, percent = size.quantity, size.notional, size.percent
    if notional is not None and percent is not None:
        raise UsageError("--notional and --percent are two sizes", hint="leave out one of them")
    if quantity == STANDARD_INPUT:
        quantity = sys.stdin.readline().strip()
        if not quantity:
            raise UsageError("standard input has no quantity", hint="echo 0.01 | bot.py market BTCUSDT BUY -")
    if quantity is not None and quantity.lower() != ALL:
        return {"quantity": quantity}
    if quantity is not None and "reduce_only" not in words:
        raise UsageError(
            "QUANTITY all is for orders that reduce a position, and this one opens one", hint="type a number"
        )
    worth = None if notional is None else parse_decimal(notional, "--notional")
    part = None if percent is None else percentage(percent, "--percent")
    side = validate_side(words["side"])
    settings = prepared(run)
    job_id = checked_job_id(run.job_id)
    with Desk(settings) as desk:
        known = None if job_id is None else desk.journal.load_job(job_id)
        if known is not None:
            request = request_of(known.kind, known.parameters)
            kept = {"quantity": format_decimal(request.quantity)}
            return kept | (
                {"reduce_only": getattr(request, "reduce_only", False)} if quantity is not None else {}
            )
        snapshot = desk.snapshot(desk.instrument(words["symbol"]))
        if worth is not None:
            return {"quantity": _worth(worth, side, words, snapshot)}
        if part is not None:
            return {"quantity": _part(part, side, words, snapshot)}
        return _whole(side, words, snapshot)


def _worth(notional: Decimal, side: Side, words: Mapping[str, Any], snapshot: TradingSnapshot) -> str:
    instrument = snapshot.instrument
    price = _limit(words) or _opposite(side, snapshot)
    quantity = quantity_worth(notional, price, instrument)
    say(f"{notional} {instrument.quote_asset} is {quantity} {instrument.base_asset} at {price}")
    return format_decimal(quantity)


def _part(percent: Decimal, side: Side, words: Mapping[str, Any], snapshot: TradingSnapshot) -> str:
    """Counted at the worse of market and mark price, so that 100 is what the exchange would take."""
    instrument, account = snapshot.instrument, snapshot.account
    assert account is not None
    available = account.available_balance
    leverage = account.leverage.get(instrument.symbol, DEFAULT_LEVERAGE)
    price = _limit(words) or max(_opposite(side, snapshot), snapshot.mark_price)
    quantity = quantity_for_balance(
        available * percent / 100, price, leverage, snapshot.taker_rate, instrument
    )
    say(
        f"{percent} % of {available} {instrument.margin_asset} available, with leverage {leverage} and the"
        f" fee, is {quantity} {instrument.base_asset} at {price}"
    )
    return format_decimal(quantity)


def _whole(side: Side, words: Mapping[str, Any], snapshot: TradingSnapshot) -> dict[str, Any]:
    """The whole position. Raises ValidationError where there is none that the side reduces."""
    instrument, account = snapshot.instrument, snapshot.account
    assert account is not None
    leg = PositionSide(words["position_side"].strip().upper())
    position = account.position_quantity(instrument.symbol, leg)
    validate_reduce_only(abs(position), side, position, instrument, position_side=leg)
    say(f"all is the position of {abs(position)} {instrument.base_asset}")
    # In hedge mode the side says so itself, and the exchange refuses the field.
    return {"quantity": format_decimal(abs(position)), "reduce_only": leg is PositionSide.BOTH}


def _limit(words: Mapping[str, Any]) -> Decimal | None:
    """The price that the command's own orders have, the highest of several; None for the market's."""
    names = ["price", "entry", "first", "last"]
    if "stop_price" in words:
        names.append("limit_price")
    prices = [parse_decimal(words[name], name) for name in names if words.get(name) is not None]
    return max(prices, default=None)


def _opposite(side: Side, snapshot: TradingSnapshot) -> Decimal:
    """The best price to trade at now; the mark price where nobody offers one."""
    best = snapshot.quote.ask if side is Side.BUY else snapshot.quote.bid
    return best if best > 0 else snapshot.mark_price
