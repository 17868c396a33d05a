"""The validation chain: what an order must pass before anything is sent. Pure: no IO and no clock.

A refusal is a `ValidationError` with one line that names the rule, its numbers and what would be accepted,
and a hint to act on. Rules and their sources: Binance USDⓈ-M futures, exchangeInfo filters and error codes.
"""

from orderkit.validation.chain import reference_price, validate_order, validate_sliced_order
from orderkit.validation.instruments import (
    validate_order_type,
    validate_side,
    validate_symbol,
    validate_time_in_force,
)
from orderkit.validation.numbers import format_decimal, parse_decimal
from orderkit.validation.positions import (
    closed_leg,
    closing_quantity,
    validate_margin,
    validate_position_side,
    validate_reduce_only,
)
from orderkit.validation.prices import (
    nearest_prices,
    validate_book_price,
    validate_price,
    validate_trigger_price,
)
from orderkit.validation.quantities import (
    nearest_quantities,
    smallest_quantity,
    validate_notional,
    validate_parent_quantity,
    validate_quantity,
)
from orderkit.validation.shape import validate_shape
from orderkit.validation.sizes import quantity_for_balance, quantity_worth
from orderkit.validation.split import split_quantity
from orderkit.validation.triggers import validate_stop_limit, validate_take_profit, validate_trigger_side

__all__ = [
    "closed_leg",
    "closing_quantity",
    "format_decimal",
    "nearest_prices",
    "nearest_quantities",
    "parse_decimal",
    "quantity_for_balance",
    "quantity_worth",
    "reference_price",
    "smallest_quantity",
    "split_quantity",
    "validate_book_price",
    "validate_margin",
    "validate_notional",
    "validate_order",
    "validate_order_type",
    "validate_parent_quantity",
    "validate_position_side",
    "validate_price",
    "validate_quantity",
    "validate_reduce_only",
    "validate_shape",
    "validate_side",
    "validate_sliced_order",
    "validate_stop_limit",
    "validate_symbol",
    "validate_take_profit",
    "validate_time_in_force",
    "validate_trigger_price",
    "validate_trigger_side",
]
