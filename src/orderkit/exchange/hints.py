"""What to do about a refusal, by Binance's error code."""

from collections.abc import Mapping

_PRICE_BOUNDS = "bring the price inside the bounds the message names; they move with the mark price"
_QUANTITY = "see the symbol's LOT_SIZE (MARKET_LOT_SIZE for market orders) for minimum, maximum and step"
_MODE = "in hedge mode name --position-side LONG or SHORT, in one-way mode neither"

HINTS: Mapping[int, str] = {
    -1102: "a field is missing or malformed",
    -1106: "a field was sent that this order type or position mode does not take",
    -1111: "use fewer decimals: follow the symbol's tick and step",
    -1121: "check the symbol's spelling; it may be listed in another environment",
    -1125: "the listen key is dead; a new one has to be requested",
    -2011: "it may be done, cancelled or triggering already: look it up",
    -2013: "check symbol and id; a new order can take a moment to appear, an old one disappears",
    -2018: "deposit, or reduce the quantity",
    -2019: "reduce the quantity, raise the leverage, or free margin by closing orders and positions",
    -2020: "nothing could be filled; try a limit order",
    -2021: "the trigger price is already passed; put it on the other side of the market",
    -2022: "there is no position left to reduce, or open reduce-only orders cover it already",
    -2025: "cancel open orders of the symbol first",
    -2027: "lower the leverage, or reduce the quantity: the position would pass the leverage's cap",
    -2028: "lower the leverage first",
    -4002: "lower the price: see the symbol's PRICE_FILTER",
    -4003: "the quantity must be above zero",
    -4004: _QUANTITY,
    -4005: _QUANTITY,
    -4013: "raise the price: see the symbol's PRICE_FILTER",
    -4014: "round the price to the symbol's tick size",
    -4015: "a client order id has at most 36 of the characters A-Z a-z 0-9 . _ -",
    -4016: _PRICE_BOUNDS,
    -4023: "round the quantity to the symbol's step size",
    -4024: _PRICE_BOUNDS,
    -4045: "the account has as many conditional orders as it may have; cancel some",
    -4061: _MODE,
    -4116: "an open order has this client order id already; look it up instead of sending it again",
    -4118: "with the open orders on this side it would turn the position; cancel some first",
    -4130: "there is already a close-position order of this kind in this direction; cancel it first",
    -4131: "the book is too thin for a market order now; use a limit order or less quantity",
    -4140: "the symbol's status allows no opening",
    -4141: "the symbol is closed",
    -4142: "the trigger price is already passed",
    -4164: "raise quantity or price until their product reaches the minimum, or use --reduce-only",
    -4183: "bring the limit price nearer to the trigger price",
    -4184: "bring the limit price nearer to the trigger price",
    -4192: "the account is in its cooling-off period",
    -4400: "the account is under a risk rule: only reduce-only orders are taken",
    -4401: "the account is under a risk rule: only reduce-only orders are taken",
    -5021: "not all of it could be filled at once; lower the quantity, or use IOC",
    -5022: "it would have taken liquidity; move the price away from the market",
    -5028: "the order arrived too late at the matching engine; send it again",
    -5041: "the book has no such level now; name a price instead of --price-match",
}
