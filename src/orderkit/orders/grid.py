"""Grid: buys at levels below the market, sells above it, and turns each fill round one level away."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, Side
from orderkit.domain.events import Event, QuoteUpdated
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, JobRecord, JobResult, JobStatus
from orderkit.domain.market import Quote
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.errors import UsageError
from orderkit.orders.executor import OPEN_END, PlannedOrder, Status
from orderkit.orders.grid_checks import GridChecks
from orderkit.orders.grid_exits import Ending, ending_of, exit_reached
from orderkit.orders.grid_ledger import Cell, Ledger, Want, ledger_of
from orderkit.orders.grid_levels import Mode, Spacing
from orderkit.orders.grid_position import finish, open_position
from orderkit.orders.grid_request import GridRequest, OnStop, parse_exit
from orderkit.orders.grid_status import grid_note, grid_remarks, grid_status
from orderkit.orders.outcomes import never_arrived
from orderkit.orders.successive import check_pausable
from orderkit.utils import parse_decimal

ZERO = Decimal(0)
MS_NS = 1_000_000
AUDIT_MS = 60_000
_GRID, _ENDS = "Grid", "End"


class GridTrader:
    """Keeps one order at work in each cell between two neighbouring levels.

    A cell buys at its lower level and sells at its upper one, in turn; what it does next is worked out from
    its orders alone (`grid_ledger.Ledger`), so that a fill, a partial fill, an expiry, a refusal and a crash
    are all the same case: the cell wants an order and has none. The first orders go out in batches, nearest
    to the market first. The user stream tells of fills; every minute the exchange's list of open orders (the
    engine) and all cells (`check_filled_orders`) are gone through in case it did not.
    """

    kind: ClassVar[str] = "grid"
    uses_user_stream = True
    follows_quotes = True
    needs_fees = True

    def __init__(self, request: GridRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument
        self._ledger: Ledger | None = None
        self._leaving: Cell | None = None

    @property
    def duration_ms(self) -> int:
        return self.request.max_runtime_ms or OPEN_END

    # --- before anything is sent ------------------------------------------------------------------

    def calculate_grid_levels(self) -> list[Decimal]:
        """The prices from lower to upper, in quote asset.

        Raises:
            ValidationError: (GRID) the range or the number of levels makes no grid.
        """
        return ledger_of(self.request, self.instrument).ladder.prices()

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        checks = GridChecks(self.request, snapshot, rounding=rounding)
        self.request = checks.request
        return checks.pass_all(ledger_of(self.request, self.instrument))

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        return grid_remarks(ledger_of(self.request, self.instrument), snapshot.quote)

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        ledger = ledger_of(self.request, self.instrument)
        planned = []
        if ledger.initial_quantity:
            side = ledger.initial_side or Side.BUY
            planned.append(PlannedOrder(None, OrderType.MARKET, side, ledger.initial_quantity, None))
            ledger.share_initial_position()
        for cell in ledger.nearest_first():
            want = cell.want(self.request.level_quantity)
            if want is not None:
                planned.append(PlannedOrder(None, OrderType.LIMIT, want.side, want.quantity, want.price))
        return planned

    def check_control(self, control: Control, record: JobRecord) -> None:
        """A pause places nothing new and leaves the orders where they are; exits are watched all the same."""
        del record
        check_pausable(control, self.kind)

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        request = self.request
        ledger = self._ledger = ledger_of(request, self.instrument, ctx.orders)
        if ledger.closing:  # its position was being closed when it was interrupted
            closed = Ending("the grid was being closed", JobStatus.STOPPED, True)
            over = ending_of(ctx, request, ledger) or closed
            return (yield from finish(ctx, request, ledger, replace(over, flattens=True)))
        unopened = yield from open_position(ctx, request, ledger)
        if unopened is not None:
            return (yield from finish(ctx, request, ledger, unopened))
        if ending_of(ctx, request, ledger) is None:  # a grid that goes on may be over by now
            self.place_initial_orders(ctx)
        while (ending := ending_of(ctx, request, ledger)) is None:
            event = yield from self._next_event(ctx)
            if ending_of(ctx, request, ledger) is not None:
                continue
            order: Order | None = getattr(event, "order", None)
            if order is not None:
                self.handle_filled_order(ctx, order)
            else:
                self.check_filled_orders(ctx)
        return (yield from finish(ctx, request, ledger, ending))

    def place_initial_orders(self, ctx: Context) -> None:
        """Send what each cell wants and has not, nearest to the market first."""
        self.check_filled_orders(ctx)

    def check_filled_orders(self, ctx: Context) -> None:
        """Look at all cells anew and send what is missing: no level is left without its order for long."""
        ledger = self._books
        ledger.audit()
        for order in ledger.working():
            ctx.inquire(order)
        self._follow_market(ctx)
        self._serve_all(ctx)

    def handle_filled_order(self, ctx: Context, order: Order) -> None:
        """An order has news: if its cell's turn has come, the counterpart goes out one level away, at once.

        So do levels that waited for this order to make way.
        """
        ledger = self._books
        ledger.changed(order)
        self._follow_market(ctx)
        cell = ledger.cell_of(order)
        if cell is not None:
            self._serve(ctx, cell)
        self._serve_all(ctx)

    def _serve_all(self, ctx: Context) -> None:
        for cell in self._books.nearest_first():
            self._serve(ctx, cell)
        ctx.note(*grid_note(self._books, paused=ctx.paused))

    def _serve(self, ctx: Context, cell: Cell) -> None:
        want, last = self._due(ctx, cell), cell.last
        if want is not None:
            self._submit(ctx, want, replaces=last if last is not None and never_arrived(last) else None)

    def _due(self, ctx: Context, cell: Cell) -> Want | None:
        """The order to send for the cell now; None where one is at work, or it has to wait."""
        if ctx.paused or cell is self._leaving or cell.is_working or cell.next_ms > ctx.now_ms:
            return None
        want = cell.want(self._size())
        return None if want is None or self._must_wait(ctx, want) else want

    def _must_wait(self, ctx: Context, want: Want) -> bool:
        """True for an order that would trade with one of our own, or, post-only, with the present market."""
        opposite = (c.last for c in self._books.cells.values() if c.is_working and c.last is not None)
        prices = [o.request.price for o in opposite if o.request.side is not want.side and o.request.price]
        quote = ctx.quote(self.request.symbol) if self.request.post_only else None
        if quote is not None:
            prices.append(quote.far(want.side))
        return any((want.price - price) * want.side.sign >= 0 for price in prices)

    def _size(self) -> Decimal:
        """The quantity of a new round trip: larger by what was earned, where profit is reinvested."""
        base = self.request.level_quantity
        if not self.request.reinvest or not self.request.capital:
            return base
        totals = self._books.totals()
        earned = max(totals.realised - totals.fees, ZERO)
        return max(
            base, self.instrument.round_quantity(base * (1 + earned / self.request.capital), market=False)
        )

    def _follow_market(self, ctx: Context) -> None:
        """With --trailing: when the market is a level beyond the range, move the farthest idle cell there.

        The cell's order is cancelled first; only when it is certain that it did nothing is the new one sent.
        """
        leaving = self._leaving
        cell = leaving or self._movable(ctx)
        if cell is None:
            return
        if not cell.is_working:
            self._leaving = None
            if cell.is_idle and not ctx.paused:
                self._open_cell_beyond(ctx, up=cell.number == min(self._books.cells))
        elif leaving is None:
            self._leaving = cell
            assert cell.last is not None
            ctx.cancel(cell.last)

    def _movable(self, ctx: Context) -> Cell | None:
        follows = self.request.trailing and not ctx.paused
        quote = ctx.quote(self.request.symbol) if follows else None
        return None if quote is None else self._books.movable(quote.mid)

    def _open_cell_beyond(self, ctx: Context, *, up: bool) -> None:
        ledger = self._books
        number = max(ledger.cells) + 1 if up else min(ledger.cells) - 1
        side = Side.BUY if up else Side.SELL
        price = ledger.ladder.cell(number).price(side)
        want = Want(side, price, self._size())
        if price > 0 and not self._must_wait(ctx, want):
            self._submit(ctx, want)

    def _submit(self, ctx: Context, want: Want, replaces: Order | None = None) -> None:
        order = self.request.level_order(want.side, want.price, want.quantity)
        self._books.add(ctx.submit(order, replaces=replaces))

    # --- waiting ----------------------------------------------------------------------------------

    def _next_event(self, ctx: Context) -> Flow[Event]:
        """Sleep until something happens that a grid has to answer."""
        ctx.wake_by(self._wake_ns(ctx))
        while True:
            event = yield
            if not isinstance(event, QuoteUpdated) or self._concerns(ctx, event.quote):
                return event

    def _wake_ns(self, ctx: Context) -> int:
        times = [ctx.now_ns + AUDIT_MS * MS_NS]
        if self.request.max_runtime_ms is not None:
            times.append(ctx.started_ns + self.request.max_runtime_ms * MS_NS)
        cells = self._books.cells.values()
        times += [cell.next_ms * MS_NS for cell in cells if not cell.is_working]
        return min(time for time in times if time > ctx.now_ns)

    def _concerns(self, ctx: Context, quote: Quote) -> bool:
        """True where a quote lets a waiting level go out, moves the range or ends the grid."""
        if quote.symbol != self.request.symbol:
            return False
        ledger = self._books
        if exit_reached(self.request, ledger, quote) is not None:
            return True
        if self._leaving is None and self._movable(ctx) is not None:
            return True
        return any(self._due(ctx, cell) is not None for cell in ledger.cells.values())

    # --- for people -------------------------------------------------------------------------------

    def display_status(self, orders: Sequence[Order], quote: Quote | None) -> Status:
        """The levels with their orders, round trips, realised and unrealised profit, fees."""
        ledger = self._ledger or ledger_of(self.request, self.instrument, orders)
        return grid_status(ledger, orders, quote, self.instrument)

    @property
    def _books(self) -> Ledger:
        assert self._ledger is not None
        return self._ledger


def grid(
    symbol: options.SymbolArgument,
    lower: Annotated[str, typer.Argument(metavar="LOWER", help="Lowest level's price.")],
    upper: Annotated[str, typer.Argument(metavar="UPPER", help="Highest level's price.")],
    grids: Annotated[int, typer.Argument(metavar="GRIDS", help="Number of levels, both ends included.")],
    quantity: Annotated[
        str | None, typer.Argument(metavar="[QTY]", help="Size at each level; none with --investment.")
    ] = None,
    investment: Annotated[
        str | None,
        typer.Option(
            "--investment",
            metavar="USDT",
            help="Initial margin of all levels together, instead of a quantity.",
            rich_help_panel=_GRID,
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            "--mode", help="Start without a position, or with what long (short) needs.", rich_help_panel=_GRID
        ),
    ] = Mode.NEUTRAL,
    spacing: Annotated[
        Spacing,
        typer.Option("--spacing", help="Equal differences or equal ratios.", rich_help_panel=_GRID),
    ] = Spacing.ARITHMETIC,
    post_only: Annotated[
        bool,
        typer.Option(
            "--post-only/--no-post-only",
            help="Levels never take: one that would waits for the market.",
            rich_help_panel=_GRID,
        ),
    ] = True,
    take_profit: Annotated[
        str | None,
        typer.Option(
            "--take-profit",
            metavar="PRICE|AMOUNT",
            help="End and close at a price outside the range, or at a total profit (200USDT).",
            rich_help_panel=_ENDS,
        ),
    ] = None,
    stop_loss: Annotated[
        str | None,
        typer.Option(
            "--stop-loss",
            metavar="PRICE|AMOUNT",
            help="End and close at a price outside the range, or at a total loss (500USDT).",
            rich_help_panel=_ENDS,
        ),
    ] = None,
    trailing: Annotated[
        bool,
        typer.Option(
            "--trailing",
            help="Move the range after a market that leaves it, as far as idle levels go.",
            rich_help_panel=_GRID,
        ),
    ] = False,
    reinvest: Annotated[
        bool,
        typer.Option(
            "--reinvest", help="Let new round trips grow with the profit made.", rich_help_panel=_GRID
        ),
    ] = False,
    max_runtime: Annotated[
        str | None,
        typer.Option("--max-runtime", metavar="DURATION", help="End after 12h, 7d.", rich_help_panel=_ENDS),
    ] = None,
    on_stop: Annotated[
        OnStop,
        typer.Option(
            "--on-stop",
            help="At a stop or the maximum runtime: cancel the orders, close the position too, or keep all.",
            rich_help_panel=_ENDS,
        ),
    ] = OnStop.CANCEL,
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Trade a range: buy at levels below the market, sell above, and turn each fill round one level away.

    Examples:

      bot.py grid BTCUSDT 48000 52000 5 0.01

      bot.py grid ETHUSDT 2800 3200 21 --investment 500 --mode long --stop-loss 2700 --on-stop flatten
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order

    if (quantity is None) == (investment is None):
        raise UsageError("a grid needs either a QTY or --investment", hint="give one of the two")
    low, high = parse_decimal(lower, "lower price"), parse_decimal(upper, "upper price")
    size = ZERO if quantity is None else parse_decimal(quantity, "quantity")
    margin = options.given(parse_decimal, investment, "investment")
    runtime_ms = options.given(parse_duration_ms, max_runtime, "--max-runtime")

    def build(instrument: Instrument) -> GridTrader:
        profit = parse_exit(take_profit, "take-profit", instrument.quote_asset)
        loss = parse_exit(stop_loss, "stop-loss", instrument.quote_asset)
        request = GridRequest(
            symbol=instrument.symbol,
            lower=low,
            upper=high,
            count=grids,
            level_quantity=size,
            investment=margin,
            spacing=spacing,
            mode=mode,
            post_only=post_only,
            take_profit=profit[0],
            take_profit_amount=profit[1],
            stop_loss=loss[0],
            stop_loss_amount=loss[1],
            trailing=trailing,
            reinvest=reinvest,
            max_runtime_ms=runtime_ms,
            on_stop=on_stop,
        )
        return GridTrader(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=True))


if __name__ == "__main__":
    options.run_command(grid)
