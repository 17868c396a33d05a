"""Grid: buys at levels below the market, sells above it, and turns each fill round one level away."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.events import Event, QuoteUpdated
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult, JobStatus
from orderkit.domain.market import Quote
from orderkit.domain.order import Order, OrderRequest
from orderkit.engine.context import Context, Flow
from orderkit.errors import UsageError
from orderkit.orders.ending import cancel_orders, flatten, wait_answered
from orderkit.orders.executor import OPEN_END, PlannedOrder, Status
from orderkit.orders.grid_checks import GridChecks
from orderkit.orders.grid_exits import Ending, exit_reached, refused
from orderkit.orders.grid_ledger import Cell, Ledger, Want
from orderkit.orders.grid_levels import Ladder, Mode, Spacing, ladder_of
from orderkit.orders.grid_request import GridRequest, OnStop, parse_exit
from orderkit.orders.grid_status import grid_status
from orderkit.orders.outcomes import (
    doubts,
    never_arrived,
    refused_for_good,
    why_rejected,
    would_have_taken,
)
from orderkit.utils import parse_decimal

ZERO = Decimal(0)
MS_NS = 1_000_000
AUDIT_MS = 60_000
LONGEST_PAUSE_MS = 60_000
INITIAL_ATTEMPTS = 4
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
        self._armed_ns: int | None = None

    @property
    def duration_ms(self) -> int:
        return self.request.max_runtime_ms or OPEN_END

    # --- before anything is sent ------------------------------------------------------------------

    def calculate_grid_levels(self) -> list[Decimal]:
        """The prices from lower to upper, in quote asset.

        Raises:
            ValidationError: (GRID) the range or the number of levels makes no grid.
        """
        return self._ladder().prices()

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        checks = GridChecks(self.request, snapshot, rounding=rounding)
        self.request = checks.request
        return checks.pass_all(self._new_ledger(()))

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, unit = self.request, self.instrument.base_asset
        cells = list(self._ladder().cells())
        profits = sorted({cell.profit(request.level_quantity) for cell in (cells[0], cells[-1])})
        asset = self.instrument.quote_asset
        earns = " to ".join(f"{profit:.4f}" for profit in profits)
        shortest, longest = self._new_ledger(()).bound
        return [
            f"{request.count} levels from {request.lower} to {request.upper}, {request.level_quantity} {unit}"
            f" each; a round trip earns {earns} {asset} before fees",
            f"market {snapshot.quote.bid} / {snapshot.quote.ask}; "
            f"position between {shortest} and {longest} {unit}",
        ]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        ledger = self._new_ledger(())
        planned = []
        if ledger.initial_quantity:
            side = ledger.initial_side or Side.BUY
            planned.append(PlannedOrder(None, OrderType.MARKET, side, ledger.initial_quantity, None))
            ledger.share_initial_position()
        for cell in self._nearest_first(ledger):
            want = cell.want(self.request.level_quantity)
            if want is not None:
                planned.append(PlannedOrder(None, OrderType.LIMIT, want.side, want.quantity, want.price))
        return planned

    # --- the flow ---------------------------------------------------------------------------------

    def run(self, ctx: Context) -> Flow[JobResult]:
        ledger = self._ledger = self._new_ledger(ctx.orders)
        if ledger.closing:  # its position was being closed when it was interrupted
            over = self._ending(ctx) or Ending("the grid was being closed", JobStatus.STOPPED, True)
            return (yield from self._finish(ctx, replace(over, flattens=True)))
        unopened = yield from self._open_position(ctx)
        if unopened is not None:
            return (yield from self._finish(ctx, unopened))
        if self._ending(ctx) is None:  # a grid that goes on may be over by now
            self.place_initial_orders(ctx)
        while (ending := self._ending(ctx)) is None:
            event = yield from self._next_event(ctx)
            if self._ending(ctx) is not None:
                continue
            order: Order | None = getattr(event, "order", None)
            if order is not None:
                self.handle_filled_order(ctx, order)
            else:
                self.check_filled_orders(ctx)
        return (yield from self._finish(ctx, ending))

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
        for cell in self._nearest_first(self._books):
            self._serve(ctx, cell)
        self._note(ctx)

    def _serve(self, ctx: Context, cell: Cell) -> None:
        """Send the cell's order, unless one is at work, or the time for another try has not come."""
        if cell is self._leaving or cell.is_working or self._retry_ns(cell) > ctx.now_ns:
            return
        want = cell.want(self._size())
        if want is None or self._must_wait(ctx, want):
            return
        last = cell.last
        lost = last if last is not None and never_arrived(last) else None
        order = ctx.submit(self._level_order(want), replaces=lost)
        self._books.add(order)

    def _must_wait(self, ctx: Context, want: Want) -> bool:
        """True for an order that would trade with one of our own, or, post-only, with the present market."""
        opposite = (c.last for c in self._books.cells.values() if c.is_working and c.last is not None)
        prices = [o.request.price for o in opposite if o.request.side is not want.side and o.request.price]
        quote = ctx.quote(self.request.symbol) if self.request.post_only else None
        if quote is not None:
            prices.append(quote.ask if want.side is Side.BUY else quote.bid)
        return any((want.price - price) * want.side.sign >= 0 for price in prices)

    @staticmethod
    def _retry_ns(cell: Cell) -> int:
        """When the cell's next order may go out: orders that come to nothing are repeated ever less often."""
        failures, last = cell.leg.failures, cell.last
        if not failures or last is None:
            return 0
        first_ms = 250 if would_have_taken(last) else 1_000
        pause_ms: int = min(first_ms << min(failures - 1, 10), LONGEST_PAUSE_MS)
        return (last.created_ms + pause_ms) * MS_NS

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
        ledger = self._books
        leaving = self._leaving
        if leaving is not None:
            if leaving.is_working:
                return
            self._leaving = None
            if leaving.is_idle:
                self._open_cell_beyond(ctx, up=leaving.number == min(ledger.cells))
            return
        quote = ctx.quote(self.request.symbol)
        cell = None if quote is None else self._movable(quote.mid)
        if cell is None:
            return
        if cell.is_working:
            self._leaving = cell
            assert cell.last is not None
            ctx.cancel(cell.last)
        else:
            self._open_cell_beyond(ctx, up=cell.number == min(ledger.cells))

    def _movable(self, price: Decimal) -> Cell | None:
        """The cell to move after the market: the farthest, if idle, once the market is a level beyond."""
        if not self.request.trailing:
            return None
        cells, ladder = self._books.cells, self._books.ladder
        lowest, highest = min(cells), max(cells)
        if price >= ladder.price(highest + 2) and self.request.mode is not Mode.SHORT:
            cell, role = cells[lowest], Side.BUY
        elif price <= ladder.price(lowest - 1) and self.request.mode is not Mode.LONG:
            cell, role = cells[highest], Side.SELL
        else:
            return None
        return cell if cell.role is role and cell.is_idle else None

    def _open_cell_beyond(self, ctx: Context, *, up: bool) -> None:
        ledger = self._books
        number = max(ledger.cells) + 1 if up else min(ledger.cells) - 1
        side = Side.BUY if up else Side.SELL
        price = ledger.ladder.cell(number).price(side)
        want = Want(side, price, self._size())
        if price > 0 and not self._must_wait(ctx, want):
            ledger.add(ctx.submit(self._level_order(want)))

    # --- waiting ----------------------------------------------------------------------------------

    def _next_event(self, ctx: Context) -> Flow[Event]:
        """Sleep until something happens that a grid has to answer."""
        at_ns = self._wake_ns(ctx)
        if self._armed_ns is None or not ctx.now_ns < self._armed_ns <= at_ns:
            self._armed_ns = at_ns
            ctx.wake_at(at_ns)
        while True:
            event = yield
            if not isinstance(event, QuoteUpdated) or self._concerns(ctx, event.quote):
                return event

    def _wake_ns(self, ctx: Context) -> int:
        times = [ctx.now_ns + AUDIT_MS * MS_NS]
        if self.request.max_runtime_ms is not None:
            times.append(ctx.started_ns + self.request.max_runtime_ms * MS_NS)
        cells = self._books.cells.values()
        times += [self._retry_ns(cell) for cell in cells if not cell.is_working and cell.leg.failures]
        return min(time for time in times if time > ctx.now_ns)

    def _concerns(self, ctx: Context, quote: Quote) -> bool:
        """True where a quote lets a waiting level go out, moves the range or ends the grid."""
        if quote.symbol != self.request.symbol:
            return False
        ledger = self._books
        if exit_reached(self.request, self._books, quote) is not None:
            return True
        if self._leaving is None and self._movable(quote.mid) is not None:
            return True
        waiting = [
            cell for cell in ledger.cells.values() if not cell.is_working and cell is not self._leaving
        ]
        return any(self._retry_ns(cell) <= ctx.now_ns and self._can_go(ctx, cell) for cell in waiting)

    def _can_go(self, ctx: Context, cell: Cell) -> bool:
        want = cell.want(self._size())
        return want is not None and not self._must_wait(ctx, want)

    # --- beginning and end ------------------------------------------------------------------------

    def _open_position(self, ctx: Context) -> Flow[Ending | None]:
        """Buy what a long grid sells above the market (sell what a short one buys back), at the market."""
        ledger, attempts = self._books, 0
        side = ledger.initial_side
        if side is None or any(order.request.type is OrderType.LIMIT for order in ctx.orders):
            ledger.share_initial_position()
            return None
        while True:
            yield from ctx.wait_done(*ledger.initial)
            if any(order.unresolved for order in ledger.initial):
                return Ending("the outcome of the initial position is not known", JobStatus.UNKNOWN, False)
            missing = ledger.initial_quantity - sum((o.executed_quantity for o in ledger.initial), ZERO)
            if missing <= 0:
                ledger.share_initial_position()
                return None
            last = ledger.initial[-1] if ledger.initial else None
            if attempts >= INITIAL_ATTEMPTS or ctx.stopping or (last and refused_for_good(last)):
                why = (last and why_rejected(last)) or ctx.stop_reason or "the book is too thin"
                refused = bool(last) and not any(o.executed_quantity for o in ledger.initial)
                status = JobStatus.REJECTED if refused and not ctx.stopping else JobStatus.STOPPED
                return Ending(f"{missing} of the initial position is missing: {why}", status, self._flattens)
            if attempts:
                yield from ctx.sleep_until(ctx.now_ns + 2 ** (attempts - 1) * 1_000 * MS_NS)
            lot = self.instrument.lot_size_for(market=True)
            ctx.note("OPENING", f"{missing} {self.instrument.base_asset} at the market")
            ledger.add(ctx.submit(self._market_order(side, min(missing, lot.max_quantity))))
            attempts = attempts + 1 if last is None or not last.executed_quantity else 1

    @property
    def _flattens(self) -> bool:
        return self.request.on_stop is OnStop.FLATTEN

    def _ending(self, ctx: Context) -> Ending | None:
        """Why the grid should end now; None while it goes on."""
        quote = ctx.quote(self.request.symbol)
        exit_now = None if quote is None else exit_reached(self.request, self._books, quote)
        if exit_now is not None:
            return exit_now
        if ctx.stopping:
            return Ending(ctx.stop_reason or "", JobStatus.STOPPED, self._flattens)
        runtime_ms = self.request.max_runtime_ms
        if runtime_ms is not None and ctx.now_ns >= ctx.started_ns + runtime_ms * MS_NS:
            return Ending(f"ran for {runtime_ms / 1000:g} s", JobStatus.COMPLETED, self._flattens)
        return refused(self._books)

    def _finish(self, ctx: Context, ending: Ending) -> Flow[JobResult]:
        """End in order: orders, position, result. Nothing that was sent is left without its answer."""
        ledger = self._books
        ctx.note("ENDING", ending.reason)
        working = list(ledger.working())
        keeps = self.request.on_stop is OnStop.KEEP and not ending.flattens
        if keeps:
            yield from wait_answered(working)
            left = [order for order in working if not order.is_terminal]
        else:
            left = yield from cancel_orders(ctx, working)
        yield from ctx.wait_done(*ledger.closing, *(order for order in ctx.orders if order.is_terminal))
        ledger.audit()
        unclosed = ZERO
        if ending.flattens:

            def submit(side: Side, quantity: Decimal) -> Order:
                order = ctx.submit(self._market_order(side, quantity))
                ledger.add(order)
                return order

            unclosed = yield from flatten(ctx, lambda: ledger.current_position(), self.instrument, submit)
            ledger.audit()
        if (doubt := doubts(ctx.orders)) is not None:
            return JobResult(JobStatus.UNKNOWN, f"{ending.reason}; {doubt}", ctx.interrupted)
        totals = ledger.totals()
        said = [ending.reason, f"{totals.round_trips} round trips"]
        if left:
            said.append(f"{left} orders stay on the exchange")
        if totals.position:
            said.append(f"it holds {totals.position} {self.instrument.base_asset}")
        status = ending.status
        if unclosed and abs(unclosed) >= self.instrument.lot_size_for(market=True).min_quantity:
            why = why_rejected(ledger.closing[-1]) if ledger.closing else None
            said.append(f"NOT CLOSED: {why or 'the book is too thin'}")
            status = JobStatus.STOPPED if status is JobStatus.COMPLETED else status
        if left and status is not JobStatus.REJECTED:
            status = JobStatus.RUNNING if keeps and ctx.stopping else JobStatus.OPEN  # resume goes on with it
        return JobResult(status, "; ".join(said), ctx.interrupted)

    # --- parts ------------------------------------------------------------------------------------

    @property
    def _books(self) -> Ledger:
        assert self._ledger is not None
        return self._ledger

    def _ladder(self) -> Ladder:
        request = self.request
        return ladder_of(request.lower, request.upper, request.count, request.spacing, self.instrument)

    def _new_ledger(self, orders: Sequence[Order]) -> Ledger:
        request = self.request
        return Ledger(
            self._ladder(), request.mode, request.market, request.level_quantity, self.instrument, orders
        )

    def _nearest_first(self, ledger: Ledger) -> list[Cell]:
        middle = self.request.market
        return sorted(ledger.cells.values(), key=lambda c: abs(c.bounds.low + c.bounds.high - 2 * middle))

    def _level_order(self, want: Want) -> OrderRequest:
        return OrderRequest(
            symbol=self.request.symbol,
            side=want.side,
            type=OrderType.LIMIT,
            quantity=want.quantity,
            price=want.price,
            time_in_force=TimeInForce.GTX if self.request.post_only else TimeInForce.GTC,
            position_side=self.request.position_side,
        )

    def _market_order(self, side: Side, quantity: Decimal) -> OrderRequest:
        opens = side is self._books.initial_side
        one_way = self.request.position_side is PositionSide.BOTH
        return OrderRequest(
            symbol=self.request.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=quantity,
            position_side=self.request.position_side,
            reduce_only=one_way and not opens,
        )

    # --- for people -------------------------------------------------------------------------------

    def display_status(self, orders: Sequence[Order], quote: Quote | None) -> Status:
        """The levels with their orders, round trips, realised and unrealised profit, fees."""
        ledger = self._ledger or self._new_ledger(orders)
        return grid_status(ledger, orders, quote, self.instrument)

    def _note(self, ctx: Context) -> None:
        totals, cells = self._books.totals(), self._books.cells.values()
        without = [cell for cell in cells if not cell.is_working]
        refused = next((c.last for c in without if c.last is not None and c.last.rejection), None)
        state = "WAITING" if without else "RUNNING"
        text = f"{totals.working} orders, {totals.round_trips} round trips"
        if without:
            text += f"; {len(without)} levels wait"
            why = None if refused is None or would_have_taken(refused) else why_rejected(refused)
            text += f" ({why})" if why else " for the market"
        ctx.note(state, text)


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
