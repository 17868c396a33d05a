"""The risk gate: every order is Approved or Refused before it may be sent."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orderkit.domain.enums import PositionSide
from orderkit.domain.order import OrderRequest
from orderkit.risk.limits import RiskLimits

ZERO = Decimal(0)


class TradingState(StrEnum):
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"  # only orders that make a position smaller
    HALTED = "HALTED"  # none at all


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the limits are held against. ``position`` is signed and counts what still works at its worst.

    ``working`` is the signed quantity of our orders that may still execute beyond ``position``.
    ``daily_result`` is realised P&L less fees plus funding since 00:00 UTC; None where it was not asked for.
    """

    position: Decimal
    mark_price: Decimal
    working: Decimal = ZERO
    open_orders: int = 0
    leverage: int = 1
    daily_result: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """The order may be sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The order must not be sent; ``rule`` names the limit, ``message`` has its numbers."""

    rule: str
    message: str
    hint: str


def check(
    request: OrderRequest,
    exposure: Exposure,
    limits: RiskLimits,
    state: TradingState,
    *,
    parent: bool = False,
) -> Approved | Refused:
    """Hold one order against the limits; a ``parent`` goes out in slices, which are checked one by one later.

    An order that can only make the position smaller passes all limits but the trading state HALTED and the
    distance from the mark price: limits must never keep anybody in a position.
    """
    if state is TradingState.HALTED:
        return Refused("HALTED", "trading is halted", "bot.py resume-trading takes it up again")
    quantity = request.quantity or ZERO
    price = request.price or request.trigger_price or exposure.mark_price
    too_far = _distance(request, exposure, limits)
    if too_far is not None:
        return too_far
    if _reduces(request, quantity, exposure):
        return Approved()
    if state is TradingState.REDUCING:
        return Refused(
            "REDUCING", "only orders that reduce a position are taken", "bot.py resume-trading lifts this"
        )
    if limits.allowed_symbols is not None and request.symbol not in limits.allowed_symbols:
        allowed = ", ".join(sorted(limits.allowed_symbols))
        return Refused("ALLOWED_SYMBOLS", f"{request.symbol} is not an allowed symbol", f"allowed: {allowed}")
    notional = quantity * price
    if limits.max_order_notional is not None and not parent and notional > limits.max_order_notional:
        return _over("MAX_ORDER_NOTIONAL", "order notional", notional, limits.max_order_notional)
    worst = abs(exposure.position + exposure.working + request.side.sign * quantity) * exposure.mark_price
    if limits.max_position_notional is not None and worst > limits.max_position_notional:
        return _over("MAX_POSITION_NOTIONAL", "position notional", worst, limits.max_position_notional)
    if limits.max_open_orders is not None and exposure.open_orders + 1 > limits.max_open_orders:
        return _over("MAX_OPEN_ORDERS", "open orders", exposure.open_orders + 1, limits.max_open_orders)
    if limits.max_leverage is not None and exposure.leverage > limits.max_leverage:
        return _over("MAX_LEVERAGE", f"{request.symbol} leverage", exposure.leverage, limits.max_leverage)
    loss = -(exposure.daily_result or ZERO)
    if limits.max_daily_loss is not None and loss >= limits.max_daily_loss:
        return _over("MAX_DAILY_LOSS", "loss since 00:00 UTC", loss, limits.max_daily_loss)
    return Approved()


def _distance(request: OrderRequest, exposure: Exposure, limits: RiskLimits) -> Refused | None:
    for price in (request.price, request.trigger_price):
        if price is None or limits.max_distance_bps is None or not exposure.mark_price:
            continue
        distance = abs(price - exposure.mark_price) / exposure.mark_price * 10_000
        if distance > limits.max_distance_bps:
            return _over(
                "MAX_DISTANCE_BPS",
                f"distance of {price:f} from the mark price {exposure.mark_price:f} in basis points",
                distance.quantize(Decimal("0.1")),
                limits.max_distance_bps,
            )
    return None


def _reduces(request: OrderRequest, quantity: Decimal, exposure: Exposure) -> bool:
    if request.reduce_only or request.close_position:
        return True
    if request.position_side is not PositionSide.BOTH:
        opening = 1 if request.position_side is PositionSide.LONG else -1
        return request.side.sign != opening
    held = exposure.position
    opposite = held * request.side.sign < 0
    return opposite and quantity <= abs(held) and exposure.working * request.side.sign <= 0


def _over(rule: str, what: str, value: Decimal | int, limit: Decimal | int) -> Refused:
    return Refused(
        rule,
        f"{rule}: {what} would be {_plain(value)}, the limit is {_plain(limit)}",
        f"stay at or below {_plain(limit)}, or change {rule.lower()} (bot.py risk shows all limits)",
    )


def _plain(value: Decimal | int) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value.quantize(Decimal('0.01')).normalize():f}"
