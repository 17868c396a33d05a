"""How a flow ends in order: what it sent is cancelled or waited for, what it holds is closed."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.orders.outcomes import had_nothing_to_reduce, is_unanswered, live

MS_NS = 1_000_000
PAUSES_MS = (1_000, 2_000, 4_000, 8_000, 15_000, 30_000)  # before an unanswered cancel is sent again


def hold(ctx: Context, condition: Callable[[], bool], most_ms: int) -> Flow[bool]:
    """Wait for ``condition``, at most so long, whatever asks the job to stop; True where it holds."""
    at_ns = ctx.now_ns + most_ms * MS_NS
    ctx.wake_at(at_ns)
    while not condition() and ctx.now_ns < at_ns:
        yield
    return condition()


def wait_answered(orders: Sequence[Order]) -> Flow[None]:
    """Wait until it is known of each order whether the exchange has it, or its fate is given up."""
    while any(is_unanswered(order) and not order.unresolved for order in orders):
        yield


def wait_trades(orders: Sequence[Order]) -> Flow[None]:
    """Wait until the trades of all that are done are known, or given up for this run."""
    while any(order.is_terminal and not (order.is_settled or order.unresolved) for order in orders):
        yield


def cancel_orders(ctx: Context, orders: Sequence[Order]) -> Flow[list[Order]]:
    """Cancel, and wait until each order is done and its trades are known; those that would not go are left.

    A cancel that the exchange could not be asked for is asked for again, for a minute in all.
    """

    def done() -> bool:
        return all(order.is_settled or order.unresolved for order in orders)

    for pause_ms in PAUSES_MS:
        for order in live(orders):
            ctx.cancel(order)
        if (yield from hold(ctx, done, pause_ms)):
            break
    return live(orders)


def flatten(
    ctx: Context,
    position: Callable[[], Decimal],
    instrument: Instrument,
    submit: Callable[[Side, Decimal], Order],
) -> Flow[Decimal]:
    """Close what ``position`` (signed, base asset) says at the market; what could not be closed, signed.

    ``submit`` sends a market order that can only reduce. An order in doubt is waited for, never doubled.
    """
    lot = instrument.lot_size_for(market=True)
    for pause_ms in (0, *PAUSES_MS[:4]):
        if pause_ms:
            yield from hold(ctx, lambda: False, pause_ms)
        while True:
            left = instrument.round_quantity(min(abs(position()), lot.max_quantity), market=True)
            if left < lot.min_quantity or left <= 0:
                return position()
            order = submit(Side.SELL if position() > 0 else Side.BUY, left)
            yield from ctx.wait_done(order)
            if order.unresolved or had_nothing_to_reduce(order):
                return position()
            if not order.executed_quantity:
                break
    return position()
