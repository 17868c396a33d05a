"""Iceberg: a limit order of which only one chunk at a time is on the book."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import ValidationError
from orderkit.orders.chance import chance
from orderkit.orders.child import child_order, smallest_child
from orderkit.orders.ending import cancel_orders, wait_trades
from orderkit.orders.executor import OPEN_END, PlannedOrder
from orderkit.orders.outcomes import executed, live, never_arrived
from orderkit.orders.successive import check_pausable, result, retry_ms
from orderkit.utils import (
    format_decimal,
    parse_decimal,
    validate_parent_quantity,
    validate_price,
    validate_quantity,
    validate_side,
    validate_sliced_order,
)

ZERO = Decimal(0)
MS_NS = 1_000_000
MOST_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class IcebergRequest:
    """``quantity`` at ``price`` or better, ``chunk`` of it visible at a time (base asset).

    ``interval_ms`` passes between a chunk's fill and the next; ``randomize`` 0.2 makes each chunk up to 20 %
    smaller or larger. Until it is checked, ``chunk_share`` may stand for the chunk.
    """

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    chunk: Decimal = ZERO
    chunk_share: Decimal | None = None
    interval_ms: int = 0
    randomize: Decimal = ZERO
    post_only: bool = False
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    cancel_on_exit: bool = True


class Chunks:
    """Cuts what is left into chunks that the exchange takes; pure."""

    def __init__(self, request: IcebergRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument
        self.smallest = smallest_child(request, request.price, instrument, market=False)

    def size(self, left: Decimal, job_id: str, number: int) -> Decimal:
        """Chunk number ``number``'s quantity; with the rest, where that would be too small to follow it."""
        request = self.request
        size = request.chunk * (1 + request.randomize * chance(f"{job_id}/{number}"))
        size = max(self.instrument.round_quantity(size, market=False), self.smallest)
        largest = self.instrument.lot_size.max_quantity
        size = min(size, largest)
        if left - size >= self.smallest:
            return size
        return left if left <= largest else self.instrument.round_quantity(left / 2, market=False)

    def all(self, job_id: str) -> list[Decimal]:
        """The chunks as they go out when each fills in full."""
        left, sizes = self.request.quantity, list[Decimal]()
        while left > 0:
            sizes.append(self.size(left, job_id, len(sizes)))
            left -= sizes[-1]
        return sizes


class IcebergExecutor:
    """One chunk at a time: the next goes out when the one before is done, never more than what is left.

    A chunk in doubt counts as visible until it is proven absent. A refused one is sent again after 1, 2, 4 …
    15 s and then given up; post-only ones wait for the market as long as it takes. A chunk that somebody else
    cancels ends the job; resumed by its name, the job goes on with the rest.
    """

    kind: ClassVar[str] = "iceberg"
    uses_user_stream = True
    duration_ms = OPEN_END

    def __init__(self, request: IcebergRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request, instrument = self.request, self.instrument
        total = validate_parent_quantity(request.quantity, instrument, rounding=rounding)
        price = validate_price(
            request.price, instrument, request.side, mark_price=snapshot.mark_price, rounding=rounding
        )
        chunk = request.chunk
        if request.chunk_share is not None:
            chunk = instrument.round_quantity(total * request.chunk_share, market=False)
        chunk = validate_quantity(chunk, instrument, market=False, rounding=rounding) if chunk else chunk
        self.request = replace(request, quantity=total, price=price, chunk=chunk)
        chunks = Chunks(self.request, instrument)
        least = max(chunks.smallest, instrument.round_quantity(total / MOST_CHUNKS, market=False))
        if not least <= chunk <= total:
            raise ValidationError(
                f"CHUNK_SIZE: {format_decimal(chunk)} of {format_decimal(total)} {instrument.base_asset}; "
                f"accepted: {format_decimal(least)} to {format_decimal(total)}",
                rule="CHUNK_SIZE",
                hint=f"Use at least {format_decimal(least)}.",
            )
        validate_sliced_order(self._order(total), chunks.all(""), snapshot)
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, quote = self.request, snapshot.quote
        number = len(Chunks(request, self.instrument).all(""))
        varied = f", varied by {request.randomize:.0%}" if request.randomize else ""
        return [
            f"{number} chunks of {request.chunk} {self.instrument.base_asset}{varied} at {request.price}, "
            f"one at a time (market {quote.bid} / {quote.ask})"
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        plain = Chunks(replace(self.request, randomize=ZERO), self.instrument)
        return [
            PlannedOrder(None, OrderType.LIMIT, self.request.side, size, self.request.price)
            for size in plain.all("")
        ]

    def check_control(self, control: Control, record: JobRecord) -> None:
        """A pause leaves the visible chunk where it is, and holds back the next one."""
        del record
        check_pausable(control, self.kind)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        chunks = Chunks(self.request, self.instrument)
        before = {order.client_order_id for order in ctx.orders if order.is_terminal}
        while True:
            yield from self._chunk_done(ctx)
            left = self.request.quantity - executed(ctx.orders)
            last = ctx.orders[-1] if ctx.orders else None
            next_ms = retry_ms(ctx.orders)
            ended = last is not None and (
                last.unresolved
                or (last.status is OrderStatus.CANCELED and last.client_order_id not in before)
            )
            if left <= 0 or ctx.stopping or next_ms is None or ended:
                return (yield from self._finish(ctx))
            if ctx.paused:
                yield from ctx.wait_for(lambda: not ctx.paused)
                continue
            if last is not None and last.status is OrderStatus.FILLED:
                next_ms = max(next_ms, filled_ms(last) + self.request.interval_ms)
            if next_ms > ctx.now_ms:
                ctx.note("WAITING", f"{left} {self.instrument.base_asset} left")
                yield from ctx.sleep_until(next_ms * MS_NS)
                continue
            size = chunks.size(left, ctx.job_id, len(ctx.orders))
            ctx.note("ORDER_SUBMITTED", f"{size} of {left} {self.instrument.base_asset} left")
            ctx.submit(self._order(size), replaces=last if last is not None and never_arrived(last) else None)

    def _chunk_done(self, ctx: Context) -> Flow[None]:
        """Wait until the visible chunk is done and its trades are known, or it is time to end."""
        visible = live(ctx.orders)

        def done() -> bool:
            return all(order.is_terminal or order.unresolved for order in visible)

        if (yield from ctx.wait_for(done)):
            yield from ctx.wait_done(*ctx.orders[-1:])

    def _finish(self, ctx: Context) -> Flow[JobResult]:
        visible = live(ctx.orders)
        if self.request.cancel_on_exit:
            visible = yield from cancel_orders(ctx, visible)
        yield from wait_trades(ctx.orders)
        return result(ctx, self.request.quantity, visible, self.instrument.base_asset)

    def _order(self, quantity: Decimal) -> OrderRequest:
        tif = TimeInForce.GTX if self.request.post_only else TimeInForce.GTC
        return child_order(self.request, quantity, self.request.price, tif)


def filled_ms(order: Order) -> int:
    """Exchange ms of the last fill."""
    return max((fill.time_ms for fill in order.fills.values()), default=order.updated_ms)


def iceberg(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    price: options.PriceArgument,
    chunk_size: Annotated[
        str,
        typer.Option(
            "--chunk-size",
            metavar="SIZE",
            help="What is visible at a time: a share of the quantity (10%) or a size (0.05).",
            rich_help_panel="Chunks",
        ),
    ] = "10%",
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval",
            metavar="DURATION",
            help="Pause between a chunk's fill and the next chunk.",
            rich_help_panel="Chunks",
        ),
    ] = None,
    randomize: Annotated[
        str | None,
        typer.Option(
            "--randomize",
            metavar="SHARE",
            help="Vary each chunk by up to this much: 20%.",
            rich_help_panel="Chunks",
        ),
    ] = None,
    post_only: Annotated[
        bool,
        typer.Option(
            "--post-only",
            help="Never take: a chunk that would waits for the market (GTX).",
            rich_help_panel="Order",
        ),
    ] = False,
    on_exit: Annotated[
        str,
        typer.Option(
            "--on-exit",
            metavar="cancel|keep",
            help="What an interrupt, a stop or the timeout does to the visible chunk.",
            rich_help_panel="Run",
        ),
    ] = "cancel",
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Work a limit order of which only a chunk at a time is visible (iceberg).

    Examples:

      bot.py iceberg BTCUSDT BUY 1.0 59000 --chunk-size 10% --randomize 20%

      bot.py iceberg ETHUSDT SELL 20 3100 --chunk-size 1.5 --interval 5s --reduce-only
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    limit = parse_decimal(price, "price")
    is_share = chunk_size.strip().endswith("%")
    share = options.share(chunk_size, "--chunk-size") if is_share else None
    chunk = ZERO if is_share else parse_decimal(chunk_size, "chunk size")
    varied = ZERO if randomize is None else options.share(randomize, "--randomize")
    interval_ms = 0 if interval is None else parse_duration_ms(interval, "--interval")
    cancels = options.cancels_on_exit(on_exit)
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")

    def build(instrument: Instrument) -> IcebergExecutor:
        request = IcebergRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            price=limit,
            chunk=chunk,
            chunk_share=share,
            interval_ms=interval_ms,
            randomize=varied,
            post_only=post_only,
            position_side=hedge_side,
            reduce_only=reduce_only,
            cancel_on_exit=cancels,
        )
        return IcebergExecutor(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=True))


if __name__ == "__main__":
    options.run_command(iceberg)
