"""A contract's filters in words, with the numbers that hold at the present mark price."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.console.figures import average_text, quantity_text
from orderkit.domain.instrument import NO_LIMIT, Instrument
from orderkit.domain.margin import Bracket
from orderkit.utils import format_decimal, smallest_quantity

HUNDRED = Decimal(100)


def rules_of(instrument: Instrument, mark: Decimal, brackets: Sequence[Bracket]) -> list[str]:
    """One sentence a rule; rules that are switched off are left out."""
    return [*_quantities(instrument), *_prices(instrument, mark), *_sizes(instrument, mark, brackets)]


def _quantities(instrument: Instrument) -> list[str]:
    unit, lot = instrument.base_asset, instrument.lot_size
    rules = [
        f"quantity: {_range(lot.min_quantity, lot.max_quantity)} {unit}, in steps of {_n(lot.step_size)}"
    ]
    market = instrument.lot_size_for(market=True)
    if market.max_quantity < lot.max_quantity:
        rules.append(f"market orders: at most {_n(market.max_quantity)} {unit} at once (twap takes more)")
    return rules


def _prices(instrument: Instrument, mark: Decimal) -> list[str]:
    unit, prices, percent = instrument.quote_asset, instrument.price_filter, instrument.percent_price
    rules = [
        f"price: {_range(prices.min_price, prices.max_price)} {unit}, in ticks of {_n(prices.tick_size)}"
    ]
    if percent.multiplier_up != NO_LIMIT:
        limit, above = mark * percent.multiplier_up, (percent.multiplier_up - 1) * HUNDRED
        rules.append(
            f"a BUY limit: at most {above.normalize():f}% above the mark price{_now(limit, instrument)}"
        )
    if percent.multiplier_down:
        limit, below = mark * percent.multiplier_down, (1 - percent.multiplier_down) * HUNDRED
        rules.append(
            f"a SELL limit: at most {below.normalize():f}% below the mark price{_now(limit, instrument)}"
        )
    if instrument.market_take_bound:
        bound = instrument.market_take_bound * HUNDRED
        rules.append(
            f"a market order's fills: within {bound.normalize():f}% of the mark price, the rest expires"
        )
    if instrument.trigger_protect:
        protect = instrument.trigger_protect * HUNDRED
        rules.append(
            "--price-protect: no trigger while mark and last price differ by more than"
            f" {protect.normalize():f}%"
        )
    return rules


def _sizes(instrument: Instrument, mark: Decimal, brackets: Sequence[Bracket]) -> list[str]:
    rules = []
    if instrument.min_notional:
        smallest = smallest_quantity(mark, instrument, market=True) if mark else None
        now = f": now {quantity_text(smallest, instrument)} {instrument.base_asset}" if smallest else ""
        rules.append(
            f"notional: at least {_n(instrument.min_notional)} {instrument.quote_asset}"
            f" unless reduce-only{now}"
        )
    rules.append(f"open orders: at most {instrument.max_num_orders}")
    if brackets:
        first = brackets[0]
        rules.append(
            f"leverage: up to {first.initial_leverage}x for positions to {_n(first.notional_cap)}"
            f" {instrument.margin_asset}, less above"
        )
        rules.append(f"maintenance margin: from {(first.maint_margin_ratio * HUNDRED).normalize():f}% on")
    if instrument.liquidation_fee:
        rules.append(f"liquidation fee: {(instrument.liquidation_fee * HUNDRED).normalize():f}%")
    return rules


def _range(low: Decimal, high: Decimal) -> str:
    return f"at least {_n(low)}" if high == NO_LIMIT else f"{_n(low)} to {_n(high)}"


def _n(value: Decimal) -> str:
    return format_decimal(value)


def _now(price: Decimal, instrument: Instrument) -> str:
    """What a bound is at the present mark price, where there is one."""
    return f", now {average_text(price, instrument)}" if price else ""
