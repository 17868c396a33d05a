"""Brings recorded and mirrored prices and quantities onto an instrument's ticks and steps.

Contracts here have today's filters, whatever they were when a market was recorded: a price between two ticks
goes to the passive side, a quantity down to the step, but at least one step.
"""

from decimal import Decimal

from orderkit.domain.instrument import Instrument, ceil_to_step, floor_to_step
from orderkit.domain.market import MarketTrade, MarkPrice, Quote
from orderkit.paper.sources.frames import AggregateTrade, BookTicker, MarkUpdate, TradePrint
from orderkit.paper.sources.marks import next_funding_ms


def fitted_quote(seen: Quote | BookTicker, instrument: Instrument, time_ms: int) -> Quote:
    """The best prices at ``time_ms``."""
    tick, step = instrument.price_filter.tick_size, instrument.lot_size.step_size
    return Quote(
        symbol=seen.symbol,
        bid=_down(seen.bid, tick),
        bid_quantity=_lots(seen.bid_quantity, step),
        ask=_up(seen.ask, tick),
        ask_quantity=_lots(seen.ask_quantity, step),
        time_ms=time_ms,
    )


def fitted_trade(
    seen: MarketTrade | TradePrint | AggregateTrade, instrument: Instrument, time_ms: int
) -> MarketTrade:
    """The trade at ``time_ms``."""
    tick, step = instrument.price_filter.tick_size, instrument.lot_size.step_size
    return MarketTrade(
        symbol=seen.symbol,
        trade_id=seen.trade_id,
        price=(_down if seen.buyer_is_maker else _up)(seen.price, tick),
        quantity=_lots(seen.quantity, step),
        buyer_is_maker=seen.buyer_is_maker,
        time_ms=time_ms,
    )


def mark_price(seen: MarkUpdate, time_ms: int) -> MarkPrice:
    """The mark at ``time_ms``; the next funding is that of the clock, not of the recorded day."""
    return MarkPrice(
        symbol=seen.symbol,
        mark_price=seen.mark_price,
        index_price=seen.index_price,
        funding_rate=seen.funding_rate,
        next_funding_ms=next_funding_ms(time_ms),
        time_ms=time_ms,
    )


def _down(price: Decimal, tick: Decimal) -> Decimal:
    return floor_to_step(price, tick) if price % tick else price


def _up(price: Decimal, tick: Decimal) -> Decimal:
    return ceil_to_step(price, tick) if price % tick else price


def _lots(quantity: Decimal, step: Decimal) -> Decimal:
    return max(step, floor_to_step(quantity, step)) if quantity % step else quantity
