"""Where a conditional order's trigger must lie: on the side of the market it waits for."""

from decimal import Decimal

from orderkit.domain.enums import OrderType, Side
from orderkit.errors import ValidationError
from orderkit.validation.numbers import shortest

# Sign of (trigger - market) that a BUY waits for; a SELL waits for the opposite. Algo order documentation: a
# BUY stop triggers at or above, a BUY take-profit at or below; a trailing BUY is activated below the market.
_BUY_WAITS_FOR = {
    OrderType.STOP: 1,
    OrderType.STOP_MARKET: 1,
    OrderType.TAKE_PROFIT: -1,
    OrderType.TAKE_PROFIT_MARKET: -1,
    OrderType.TRAILING_STOP_MARKET: -1,
}


def validate_trigger_side(
    order_type: OrderType, side: Side, trigger_price: Decimal, market_price: Decimal
) -> None:
    """The trigger must not be reached yet: the exchange refuses what would trigger at once (-2021, -4135).

    ``market_price`` is what the working type watches: the last or the mark price, in quote asset.

    Raises:
        ValidationError: (TRIGGER_PRICE, of a trailing stop ACTIVATION_PRICE) on the wrong side of the
            market, or at it.
    """
    direction = _BUY_WAITS_FOR[order_type] * side.sign
    if (trigger_price - market_price) * direction > 0:
        return
    bound = f"{'above' if direction > 0 else 'below'} {shortest(market_price)}"
    if order_type is OrderType.TRAILING_STOP_MARKET:
        raise ValidationError(
            f"ACTIVATION_PRICE: {side} {order_type} cannot wait for {shortest(trigger_price)}, the market is "
            f"at {shortest(market_price)}; accepted: an activation price {bound}",
            rule="ACTIVATION_PRICE",
            hint=f"Use an activation price {bound}, or none to follow the market from now on.",
        )
    raise ValidationError(
        f"TRIGGER_PRICE: {side} {order_type} at {shortest(trigger_price)} would trigger at once, the market "
        f"is at {shortest(market_price)}; accepted: a trigger price {bound}",
        rule="TRIGGER_PRICE",
        hint=f"Use a trigger price {bound}, or trade now with a market or limit order.",
    )


def validate_stop_limit(side: Side, stop_price: Decimal, limit_price: Decimal, market_price: Decimal) -> None:
    """A stop-limit's relations. SELL: limit ≤ stop < market. BUY: limit ≥ stop > market.

    Raises:
        ValidationError: (TRIGGER_PRICE) the stop is not beyond the market; (STOP_LIMIT) the limit price
            would leave the order resting behind the market once triggered.
    """
    validate_trigger_side(OrderType.STOP, side, stop_price, market_price)
    if (limit_price - stop_price) * side.sign >= 0:
        return
    word, wrong = ("at or above", "below") if side is Side.BUY else ("at or below", "above")
    raise ValidationError(
        f"STOP_LIMIT: {side} limit price {shortest(limit_price)} is {wrong} its stop "
        f"price {shortest(stop_price)}; accepted: a limit price {word} {shortest(stop_price)}",
        rule="STOP_LIMIT",
        hint=f"Set the limit price {word} the stop, so that the order can fill once it triggers.",
    )


def validate_take_profit(
    side: Side, price: Decimal, market_price: Decimal, *, reference: str = "the market"
) -> None:
    """A take-profit's limit price lies beyond the market: SELL above it, BUY below it, in quote asset.

    ``reference`` names what ``market_price`` is.

    Raises:
        ValidationError: (TAKE_PROFIT) at the market or on its other side, where it would trade at once.
    """
    if (market_price - price) * side.sign > 0:
        return
    bound = f"{'below' if side is Side.BUY else 'above'} {shortest(market_price)}"
    raise ValidationError(
        f"TAKE_PROFIT: {side} take-profit at {shortest(price)} would trade at once, {reference} is at "
        f"{shortest(market_price)}; accepted: a price {bound}",
        rule="TAKE_PROFIT",
        hint=f"Use a take-profit {bound}, or trade now with a market or limit order.",
    )
