"""Close: a position, or a part of it, ended by orders that can only reduce it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderStatus, OrderType, PositionSide, Side, TimeInForce
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobResult
from orderkit.engine.context import Context, Flow
from orderkit.errors import UsageError
from orderkit.orders.child import child_order
from orderkit.orders.executor import Executor, PlannedOrder
from orderkit.orders.limit import LimitExecutor
from orderkit.orders.outcomes import MAX_SENDS, executed, never_arrived
from orderkit.orders.single import SingleRequest
from orderkit.orders.successive import failures, result
from orderkit.utils import parse_decimal, validate_sliced_order


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """``quantity`` of a position, at the market; ``side`` is the one that reduces it."""

    symbol: str
    side: Side
    quantity: Decimal
    position_side: PositionSide = PositionSide.BOTH

    @property
    def reduce_only(self) -> bool:
        """In hedge mode the position side says so itself, and the exchange refuses the field."""
        return self.position_side is PositionSide.BOTH


class CloseExecutor:
    """One market order, or as many as the exchange's largest makes of it, one after the other.

    An order that is refused, or that the book is too thin for, ends the job: what is left is said. One that
    never arrived is sent again.
    """

    kind: ClassVar[str] = "close"
    uses_user_stream = False
    duration_ms = 0

    def __init__(self, request: CloseRequest, instrument: Instrument) -> None:
        self.request = request
        self.instrument = instrument

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        if rounding:
            quantity = self.instrument.round_quantity(self.request.quantity, market=True)
            self.request = replace(self.request, quantity=quantity)
        validate_sliced_order(child_order(self.request, self.request.quantity), self._parts(), snapshot)
        return []

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        request, account, unit = self.request, snapshot.account, self.instrument.base_asset
        if account is None:
            return []
        held = account.position_quantity(request.symbol, request.position_side)
        return [f"{request.quantity} of a {'long' if held > 0 else 'short'} position of {abs(held)} {unit}"]

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        del snapshot
        return [PlannedOrder(None, OrderType.MARKET, self.request.side, part, None) for part in self._parts()]

    def run(self, ctx: Context) -> Flow[JobResult]:
        total = self.request.quantity
        while True:
            yield from ctx.wait_done(*ctx.orders)
            left = total - executed(ctx.orders)
            last = ctx.orders[-1] if ctx.orders else None
            lost = last is not None and never_arrived(last) and len(failures(ctx.orders)) < MAX_SENDS
            goes_on = last is None or lost or last.status is OrderStatus.FILLED
            if left <= 0 or ctx.stopping or not goes_on:
                thin = last is not None and last.status is OrderStatus.EXPIRED
                why = "the book has no more to offer" if thin else None
                return result(ctx, total, (), self.instrument.base_asset, why)
            ctx.submit(child_order(self.request, min(left, self._most)), replaces=last if lost else None)

    @property
    def _most(self) -> Decimal:
        return self.instrument.lot_size_for(market=True).max_quantity

    def _parts(self) -> list[Decimal]:
        whole, rest = divmod(self.request.quantity, self._most)
        return [self._most] * int(whole) + ([rest] if rest else [])


def close(
    symbol: options.OptionalSymbolArgument = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every position of the account.", rich_help_panel="Which")
    ] = False,
    position_side: Annotated[
        str | None,
        typer.Option(
            "--position-side",
            metavar="SIDE",
            help="LONG or SHORT, where hedge mode has both.",
            rich_help_panel="Which",
        ),
    ] = None,
    percent: Annotated[
        str,
        typer.Option(
            "--percent", metavar="PERCENT", help="How much of the position.", rich_help_panel="Order"
        ),
    ] = "100",
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            metavar="PRICE",
            help="With a limit order at this price, in place of the market's.",
            rich_help_panel="Order",
        ),
    ] = None,
    on_exit: options.OnExit = "keep",
    *,
    run: options.RunOptions,
) -> None:
    """Close a position, or a part of it, with orders that can only reduce it; --all closes every one.

    Orders that rest and jobs that run stay as they are: flatten ends them too.

    Examples:

      bot.py close BTCUSDT --percent 50

      bot.py close --all --yes --json
    """
    from orderkit.console import closing
    from orderkit.console.run import run_order

    part = options.percentage(percent, "--percent")
    if (symbol is None) != everything:
        raise UsageError("close needs a SYMBOL, or --all", hint="give one of the two")
    if symbol is None:
        if limit is not None or position_side is not None or run.plan or run.job_id or run.detach:
            raise UsageError(
                "--all goes at the market, under names of its own",
                hint="leave out --limit, --position-side, --plan, --job-id and --detach, or name the SYMBOL",
            )
        closing.close_all(part, run)
    leg = None if position_side is None else options.one_of(PositionSide, position_side, "--position-side")
    price = options.given(parse_decimal, limit, "--limit")
    how = options.waiting(run, on_exit) if price is not None else None
    wanted = closing.request_to_close(symbol, part, leg, run)

    def build(instrument: Instrument) -> Executor:
        if how is None:
            return CloseExecutor(wanted, instrument)
        order = child_order(wanted, wanted.quantity, price, TimeInForce.GTC)
        return LimitExecutor(SingleRequest(order, *how), instrument)

    run_order(build, symbol, run)


if __name__ == "__main__":
    options.run_command(close)
