"""One instrument's rules in fixed-point integers, and its way of writing prices and quantities."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.instrument import Instrument, LotSize
from orderkit.domain.margin import Bracket
from orderkit.simulator.fixed import PLACES, SCALE, to_fixed

# The levels of a regular account without discounts (Binance fee page, USDⓈ-M, VIP 0).
MAKER_RATE = Decimal("0.0002")
TAKER_RATE = Decimal("0.0005")


# The same prices and quantities are written over and over; a memo is several times cheaper than the division.
_REMEMBERED = 50_000


def _remember(memo: dict[int, Decimal], value: int, written: Decimal) -> None:
    if len(memo) >= _REMEMBERED:
        memo.clear()
    memo[value] = written


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
    """An instrument and its leverage brackets. Raises ValueError without brackets."""

    __slots__ = (
        "_max_notionals",
        "_prices",
        "_quantities",
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
        "price_places",
        "price_unit",
        "quantity_places",
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
        self._prices: dict[int, Decimal] = {}
        self._quantities: dict[int, Decimal] = {}
        self.symbol = instrument.symbol
        self.margin_asset = instrument.margin_asset
        self.price_places = instrument.price_precision
        self.price_unit: int = 10 ** (PLACES - instrument.price_precision)
        self.quantity_places = instrument.quantity_precision
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

    def price(self, value: int) -> Decimal:
        """A price written with the contract's price precision; for prices that passed the filters."""
        written = self._prices.get(value)
        if written is None:
            written = Decimal(value // self.price_unit).scaleb(-self.price_places)
            _remember(self._prices, value, written)
        return written

    def quantity(self, value: int) -> Decimal:
        """A quantity written with the contract's quantity precision."""
        written = self._quantities.get(value)
        if written is None:
            written = Decimal(value // self.quantity_unit).scaleb(-self.quantity_places)
            _remember(self._quantities, value, written)
        return written

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
