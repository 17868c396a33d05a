"""An instrument and the filters its orders must pass, parsed from exchangeInfo."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from typing import Any

ZERO = Decimal(0)
NO_LIMIT = Decimal("Infinity")


def floor_to_step(value: Decimal, step: Decimal, origin: Decimal = ZERO) -> Decimal:
    """The largest origin + k·step not above ``value``; ``value`` itself where ``step`` is 0 (no rule)."""
    if step == 0:
        return value
    return origin + ((value - origin) / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to_step(value: Decimal, step: Decimal, origin: Decimal = ZERO) -> Decimal:
    """The smallest origin + k·step not below ``value``; ``value`` itself where ``step`` is 0 (no rule)."""
    floor = floor_to_step(value, step, origin)
    return floor if floor == value or step == 0 else floor + step


@dataclass(frozen=True, slots=True)
class PriceFilter:
    """PRICE_FILTER: min ≤ price ≤ max and (price - min) a multiple of the tick; 0 switches a rule off."""

    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal


@dataclass(frozen=True, slots=True)
class LotSize:
    """LOT_SIZE or MARKET_LOT_SIZE: min ≤ quantity ≤ max and (quantity - min) a multiple of the step."""

    min_quantity: Decimal
    max_quantity: Decimal
    step_size: Decimal


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """PERCENT_PRICE: a BUY at most mark × up, a SELL at least mark × down."""

    multiplier_up: Decimal
    multiplier_down: Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract as exchangeInfo describes it. Prices in quote asset, quantities in base asset.

    ``price_precision`` and ``quantity_precision`` only bound the number of decimals (-1111); what is valid
    is decided by tick and step.
    """

    symbol: str
    status: str
    contract_type: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    price_precision: int
    quantity_precision: int
    price_filter: PriceFilter
    lot_size: LotSize
    market_lot_size: LotSize
    min_notional: Decimal
    percent_price: PercentPrice
    max_num_orders: int
    market_take_bound: Decimal
    trigger_protect: Decimal
    liquidation_fee: Decimal
    order_types: frozenset[str]
    times_in_force: frozenset[str]

    @classmethod
    def from_exchange_info(cls, raw: Mapping[str, Any]) -> "Instrument":
        """Parse one element of exchangeInfo's ``symbols``. An absent filter means that its rule is off.

        Raises:
            KeyError: a mandatory field is missing.
        """
        filters = {f["filterType"]: f for f in raw["filters"]}
        price = filters.get("PRICE_FILTER", {})
        percent = filters.get("PERCENT_PRICE", {})
        lot = _lot_size(filters.get("LOT_SIZE", {}))
        return cls(
            symbol=raw["symbol"],
            status=raw["status"],
            contract_type=raw["contractType"],
            base_asset=raw["baseAsset"],
            quote_asset=raw["quoteAsset"],
            margin_asset=raw["marginAsset"],
            price_precision=int(raw["pricePrecision"]),
            quantity_precision=int(raw["quantityPrecision"]),
            price_filter=PriceFilter(
                min_price=Decimal(price.get("minPrice", "0")),
                max_price=_maximum(price.get("maxPrice", "0")),
                tick_size=_tidy(price.get("tickSize", "0")),
            ),
            lot_size=lot,
            market_lot_size=_lot_size(filters["MARKET_LOT_SIZE"]) if "MARKET_LOT_SIZE" in filters else lot,
            min_notional=Decimal(filters.get("MIN_NOTIONAL", {}).get("notional", "0")),
            percent_price=PercentPrice(
                multiplier_up=_maximum(percent.get("multiplierUp", "0")),
                multiplier_down=Decimal(percent.get("multiplierDown", "0")),
            ),
            max_num_orders=int(filters.get("MAX_NUM_ORDERS", {}).get("limit", 200)),
            market_take_bound=Decimal(raw.get("marketTakeBound", "0")),
            trigger_protect=Decimal(raw.get("triggerProtect", "0")),
            liquidation_fee=Decimal(raw.get("liquidationFee", "0")),
            order_types=frozenset(raw.get("orderTypes") or raw.get("OrderType") or ()),
            times_in_force=frozenset(raw.get("timeInForce", ())),
        )

    def lot_size_for(self, market: bool) -> LotSize:
        """The quantity rules an order meets: a market order meets the tighter of the two filters."""
        if not market:
            return self.lot_size
        return LotSize(
            min_quantity=max(self.lot_size.min_quantity, self.market_lot_size.min_quantity),
            max_quantity=min(self.lot_size.max_quantity, self.market_lot_size.max_quantity),
            step_size=max(self.lot_size.step_size, self.market_lot_size.step_size),
        )

    def round_quantity(self, quantity: Decimal, *, market: bool) -> Decimal:
        """``quantity`` rounded down to the step (never up)."""
        lot = self.lot_size_for(market)
        with localcontext(Context(prec=160)):  # more digits than any input has: division must not round up
            origin = lot.min_quantity % lot.step_size if lot.step_size else ZERO
            return floor_to_step(quantity, lot.step_size, origin)


def _tidy(text: str) -> Decimal:
    """ "0.10" → 0.1: trailing zeros of a filter are spelling, not precision."""
    value = Decimal(text)
    return value.normalize() if value % 1 else value.to_integral_value()


def _maximum(text: str) -> Decimal:
    value = Decimal(text)
    return NO_LIMIT if value == 0 else value


def _lot_size(raw: Mapping[str, str]) -> LotSize:
    return LotSize(
        min_quantity=Decimal(raw.get("minQty", "0")),
        max_quantity=_maximum(raw.get("maxQty", "0")),
        step_size=_tidy(raw.get("stepSize", "0")),
    )
