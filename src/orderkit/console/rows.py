"""From what the exchange lists to the rows of documents: numbers with the contract's own decimals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from orderkit.console.durations import iso_time
from orderkit.console.figures import average_text, money_text, price_text, quantity_text
from orderkit.console.looking_documents import ListedOrderRow, PositionRow, StopRow
from orderkit.console.protection import protection_of
from orderkit.domain.instrument import Instrument
from orderkit.exchange.details import HeldPosition, ListedOrder, SymbolSettings
from orderkit.utils import format_decimal

HUNDRED = Decimal(100)


def in_steps(quantity: Decimal, instrument: Instrument | None) -> str:
    """With the step's decimals; as it is where the contract is not known any more."""
    return format_decimal(quantity) if instrument is None else quantity_text(quantity, instrument)


def in_ticks(price: Decimal | None, instrument: Instrument | None) -> str | None:
    if price is None or instrument is None:
        return None if price is None else format_decimal(price)
    return price_text(price, instrument)


def in_fine_ticks(price: Decimal | None, instrument: Instrument | None) -> str | None:
    """For averages: two decimals more than a price has."""
    if price is None or instrument is None:
        return None if price is None else format_decimal(price)
    return average_text(price, instrument)


def percent_text(share: Decimal) -> str:
    """A share as percent with two decimals."""
    return f"{share * HUNDRED:z.2f}"


def listed_row(order: ListedOrder, instrument: Instrument | None, job_id: str | None) -> ListedOrderRow:
    return ListedOrderRow(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        algo_id=order.algo_id,
        job_id=job_id,
        type=order.order_type,
        side=order.side.value,
        position_side=order.position_side.value,
        status=order.status.value,
        quantity=None if order.close_position else in_steps(order.quantity, instrument),
        executed_quantity=in_steps(order.executed_quantity, instrument),
        price=in_ticks(order.price, instrument),
        average_price=in_fine_ticks(order.average_price, instrument),
        trigger_price=in_ticks(order.trigger_price, instrument),
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        created_at=iso_time(order.created_ms),
        updated_at=iso_time(order.updated_ms),
    )


def listed_rows(
    orders: Sequence[ListedOrder], instruments: Mapping[str, Instrument], jobs: Mapping[str, str]
) -> list[ListedOrderRow]:
    """``jobs``: the job of each client order id that is ours."""
    return [listed_row(o, instruments.get(o.symbol), jobs.get(o.client_order_id)) for o in orders]


def position_row(
    position: HeldPosition,
    settings: SymbolSettings,
    orders: Sequence[ListedOrder],
    instrument: Instrument | None,
) -> PositionRow:
    """``orders``: all open orders, to see which stops protect it."""
    protection = protection_of(position, orders)
    liquidation, mark = position.liquidation_price, position.mark_price
    distance = None if liquidation is None or not mark else percent_text(abs(mark - liquidation) / mark)
    margin = position.initial_margin
    return PositionRow(
        symbol=position.symbol,
        position_side=position.position_side.value,
        quantity=in_steps(position.quantity, instrument),
        notional=money_text(position.notional),
        entry_price=in_fine_ticks(position.entry_price, instrument) or "0",
        break_even_price=in_fine_ticks(position.break_even_price, instrument),
        mark_price=in_fine_ticks(mark, instrument) or "0",
        unrealized_pnl=money_text(position.unrealized_pnl),
        return_percent=percent_text(position.unrealized_pnl / margin) if margin else None,
        leverage=settings.leverage,
        margin_type="isolated" if settings.isolated else "cross",
        margin=money_text(margin),
        margin_asset=position.margin_asset,
        liquidation_price=in_fine_ticks(liquidation, instrument),
        liquidation_distance_percent=distance,
        protection=protection.verdict,
        protected_quantity=in_steps(protection.quantity, instrument),
        stops=[
            StopRow(
                client_order_id=stop.client_order_id,
                type=stop.order_type,
                trigger_price=in_ticks(stop.trigger_price, instrument),
                quantity=None if stop.close_position else in_steps(stop.quantity, instrument),
            )
            for stop in protection.stops
        ],
    )
