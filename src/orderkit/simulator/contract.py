"""One instrument's rules in fixed-point integers, and its way of writing prices and quantities."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.instrument import Instrument, LotSize
from orderkit.domain.margin import Bracket
from orderkit.simulator.fixed import PLACES, SCALE, to_fixed

# The levels of a regular account without discounts (Binance fee page, USDⓈ-M, VIP 0).
MAKER_RATE = Decimal("0.0002")
TAKER_RATE = Decimal("0.0005")


_REMEMBERED = 50_000


class Written(dict[int, Decimal]):
    """Fixed-point numbers as Decimals of some decimals: ``written[value]``.

    The same prices and quantities are written over and over; looking one up is several times cheaper than the
    division.
    """

    __slots__ = ("_one", "_unit")

    def __init__(self, places: int) -> None:
        self._one = Decimal(1).scaleb(-places)
        self._unit: int = 10 ** (PLACES - places)

    def __missing__(self, value: int) -> Decimal:
        if len(self) >= _REMEMBERED:
            self.clear()
        written = self[value] = value // self._unit * self._one
        return written


class Lot:
    """LOT_SIZE or MARKET_LOT_SIZE as integers."""

    __slots__ = ("maximum", "minimum", "step")

    def __init__(self, lot: LotSize) -> None:
        self.minimum = to_fixed(lot.min_quantity)
        self.maximum = to_fixed(lot.max_quantity)
        self.step = to_fixed(lot.step_size)


class MarginTier:
    """A leverage bracket as integers; the ratio is in units of 1e-8."""

    __slots__ = ("cap", "cum", "leverage", "ratio")

    def __init__(self, bracket: Bracket) -> None:
        self.cap = to_fixed(bracket.notional_cap)
        self.cum = to_fixed(bracket.cum)
        self.leverage = bracket.initial_leverage
        self.ratio = to_fixed(bracket.maint_margin_ratio)


class Contract:
    """An instrument and its leverage brackets. Raises ValueError without brackets.

    ``prices`` and ``quantities`` write fixed-point numbers with the contract's precision.
    """

    __slots__ = (
        "_max_notionals",
        "instrument",
        "liquidation_fee",
        "lot",
        "margin_asset",
        "market_lot",
        "market_take_bound",
        "max_num_orders",
        "max_price",
        "min_notional",
        "min_price",
        "multiplier_down",
        "multiplier_up",
        "price_unit",
        "prices",
        "quantities",
        "quantity_unit",
        "symbol",
        "tick",
        "tiers",
        "trigger_protect",
    )

    def __init__(self, instrument: Instrument, brackets: Sequence[Bracket]) -> None:
        if not brackets:
            raise ValueError(f"{instrument.symbol} has no leverage brackets")
        self.instrument = instrument
        self._max_notionals: dict[int, int] = {}
        self.symbol = instrument.symbol
        self.margin_asset = instrument.margin_asset
        self.prices = Written(instrument.price_precision)
        self.price_unit: int = 10 ** (PLACES - instrument.price_precision)
        self.quantities = Written(instrument.quantity_precision)
        self.quantity_unit: int = 10 ** (PLACES - instrument.quantity_precision)
        self.tick = to_fixed(instrument.price_filter.tick_size)
        self.min_price = to_fixed(instrument.price_filter.min_price)
        self.max_price = to_fixed(instrument.price_filter.max_price)
        self.lot = Lot(instrument.lot_size)
        self.market_lot = Lot(instrument.lot_size_for(market=True))
        self.min_notional = to_fixed(instrument.min_notional)
        self.multiplier_up = to_fixed(instrument.percent_price.multiplier_up)
        self.multiplier_down = to_fixed(instrument.percent_price.multiplier_down)
        self.max_num_orders = instrument.max_num_orders
        self.market_take_bound = to_fixed(instrument.market_take_bound)
        self.trigger_protect = to_fixed(instrument.trigger_protect)
        self.tiers = tuple(MarginTier(bracket) for bracket in brackets)
        self.liquidation_fee = to_fixed(instrument.liquidation_fee)

    @property
    def max_leverage(self) -> int:
        return max(tier.leverage for tier in self.tiers)

    def max_notional(self, leverage: int) -> int:
        """The largest position notional that ``leverage`` allows, by the leverage brackets."""
        cap = self._max_notionals.get(leverage)
        if cap is None:
            cap = max(tier.cap for tier in self.tiers if tier.leverage >= leverage)
            self._max_notionals[leverage] = cap
        return cap

    def tier_for(self, notional: int) -> MarginTier:
        """The bracket that holds |notional|; the last one above every cap."""
        size = abs(notional)
        for tier in self.tiers:
            if size <= tier.cap:
                return tier
        return self.tiers[-1]

    def maintenance_margin(self, notional: int) -> int:
        """|notional| × ratio - cum of its bracket (Binance FAQ b3c689c1f50a44cabb3a84e663b81d93)."""
        tier = self.tier_for(notional)
        return max(0, abs(notional) * tier.ratio // SCALE - tier.cum)
