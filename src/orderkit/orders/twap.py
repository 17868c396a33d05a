"""TWAP: a quantity in slices at fixed times, taking or waiting, under conditions."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.analytics.execution import ExecutionReport, execution_report
from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import OrderType, PositionSide
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Order, OrderRequest
from orderkit.errors import UsageError, ValidationError
from orderkit.orders.executor import PlannedOrder
from orderkit.orders.pacing import Style
from orderkit.orders.schedule import MS_NS, Schedule, even, randomized, sized
from orderkit.orders.single import SingleRequest
from orderkit.orders.slice_sizing import check_tick
from orderkit.orders.slicing import SlicedExecutor
from orderkit.orders.twap_request import TWAPRequest
from orderkit.utils import (
    parse_decimal,
    smallest_quantity,
    split_quantity,
    validate_side,
    validate_sliced_order,
)

__all__ = ["TWAPExecutor", "TWAPRequest", "twap"]
ONE = Decimal(1)


class TWAPExecutor(SlicedExecutor):
    """Equal slices, or slices of a given size, at even or randomised times; `SlicedExecutor` works them."""

    kind: ClassVar[str] = "twap"
    request: TWAPRequest

    def __init__(self, request: TWAPRequest, instrument: Instrument) -> None:
        super().__init__(request, instrument)
        self.slices: list[Decimal] = []

    @property
    def duration_ms(self) -> int:
        """From the first slice to the last, or with slices that wait to the last one's end."""
        schedule = self.planned("")
        taking = self.request.pacing.style is Style.TAKING
        return (schedule.slices[-1].at_ns if taking else schedule.end_ns) // MS_NS

    def planned(self, job_id: str) -> Schedule:
        request = self.request
        if request.slice_size is not None:
            base = sized(request.quantity, request.slice_size, request.interval_ms, self._cut)
        else:
            base = even(request.quantity, request.chunks, request.interval_ms, self._cut)
        if not job_id:
            return base
        return randomized(
            base,
            job_id,
            request.randomize_size or Decimal(0),
            request.randomize_time or Decimal(0),
            self._cut,
            self.instrument.lot_size_for(market=True).min_quantity,
        )

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request = self.request
        total = self._cut(request.quantity) if rounding else request.quantity
        price = None if self._closes else snapshot.mark_price
        if request.slice_size is None:
            self.slices = split_quantity(total, request.chunks, self.instrument, price=price)
        else:
            size = self._cut(request.slice_size) if rounding else request.slice_size
            self.slices = sized(total, size, request.interval_ms, self._cut).quantities
            request = replace(request, slice_size=size, chunks=len(self.slices))
        self.request = replace(request, quantity=total)
        self._cached = None
        if request.pacing.limit_price is not None:
            check_tick(request.pacing.limit_price, self.instrument)
        self._check_randomized(price)
        account, leverage = snapshot.account, request.pacing.leverage
        if account is not None and leverage is not None:  # it will be set before the first order
            levels = {**account.leverage, request.symbol: leverage}
            snapshot = replace(snapshot, account=replace(account, leverage=levels))
        validate_sliced_order(self._order(total), self.slices, snapshot)
        return self._warnings(snapshot)

    def _check_randomized(self, price: Decimal | None) -> None:
        """The smallest slice that chance may make must still be one that the exchange takes."""
        share = self.request.randomize_size
        if share is None:
            return
        lot = self.instrument.lot_size_for(market=True)
        smallest = smallest_quantity(price, self.instrument, market=True) if price else lot.min_quantity
        least = min(self.slices) * (ONE - share)
        if smallest is None or least < smallest:
            raise ValidationError(
                f"RANDOMIZE: slices of {min(self.slices)} less {share:.0%} come to {least:f}, below the"
                f" minimum {smallest}; accepted: larger slices or a smaller share",
                rule="RANDOMIZE",
                hint="Use fewer chunks, or a smaller --randomize-size.",
            )

    def _warnings(self, snapshot: TradingSnapshot) -> list[str]:
        pacing, quote, found = self.request.pacing, snapshot.quote, []
        limit = pacing.limit_price
        if limit is not None and (quote.ask > limit if self.request.side.sign > 0 else quote.bid < limit):
            found.append(
                f"the market {quote.bid} / {quote.ask} is beyond the limit {limit}: slices wait for it"
            )
        waits = limit is not None or pacing.no_cross or pacing.volatility_bps is not None
        if waits and pacing.overtime_ms is None:
            found.append("what is left at the end is worked without an end; --overtime bounds it")
        return found

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        del snapshot
        request, pacing = self.request, self.request.pacing
        first, last = self.slices[0], self.slices[-1]
        unit = self.instrument.base_asset
        sizes = f"{first} {unit}" if first == last else f"{first} {unit}, the last {last}"
        said = [f"{len(self.slices)} slices of {sizes}, one every {request.interval_ms / 1000:g} s"]
        if request.randomize_size or request.randomize_time:
            size, time = request.randomize_size or Decimal(0), request.randomize_time or Decimal(0)
            said.append(f"sizes vary by up to {size:.0%}, times by up to {time:.0%} of the interval")
        if pacing.style is not Style.TAKING:
            cross = "never crosses" if pacing.no_cross else "the last slice crosses"
            said.append(f"{pacing.style}: slices wait on our side of the book; {cross}")
        return said

    def plan(self, snapshot: TradingSnapshot) -> list[PlannedOrder]:
        request, quote = self.request, snapshot.quote
        waiting = request.pacing.style is not Style.TAKING
        touch = quote.bid if request.side.sign > 0 else quote.ask
        start_ms = max(0, (request.pacing.start_at_ms or 0) - snapshot.now_ms)
        planned = []
        for index, (piece, quantity) in enumerate(zip(self.planned("").slices, self.slices, strict=True)):
            crosses = not waiting or (index == len(self.slices) - 1 and not request.pacing.no_cross)
            planned.append(
                PlannedOrder(
                    start_ms + piece.at_ns // MS_NS,
                    OrderType.MARKET if crosses else OrderType.LIMIT,
                    request.side,
                    quantity,
                    None if crosses else touch,
                )
            )
        return planned

    # --- afterwards -------------------------------------------------------------------------------

    def calculate_stats(self, orders: Sequence[Order], arrival_price: Decimal | None) -> ExecutionReport:
        return execution_report(self.request.side, self.request.quantity, orders, arrival_price)


_SCHEDULE, _STYLE, _CONDITIONS = "Schedule", "Style", "Conditions"


def twap(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    chunks: Annotated[
        int | None,
        typer.Option("--chunks", "-n", min=1, help="Number of slices; 10.", rich_help_panel=_SCHEDULE),
    ] = None,
    slice_size: Annotated[
        str | None,
        typer.Option(
            "--slice-size",
            metavar="QUANTITY",
            help="Size of a slice, instead of their number.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval",
            metavar="DURATION",
            help="Time between slices: 10, 30s, 5m; 10 s.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="DURATION",
            help="Time for all slices together, instead of the interval: 2h.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    randomize_size: Annotated[
        str | None,
        typer.Option(
            "--randomize-size",
            metavar="PERCENT",
            help="Let sizes vary by up to so much: 20%.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    randomize_time: Annotated[
        str | None,
        typer.Option(
            "--randomize-time",
            metavar="PERCENT",
            help="Let times vary by up to so much of the interval: 20%, at most 50%.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    start_at: Annotated[
        str | None,
        typer.Option(
            "--start-at",
            metavar="TIME",
            help="When the first slice is due: 2026-12-24T18:00:00Z, or 10m from now.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    overtime: Annotated[
        str | None,
        typer.Option(
            "--overtime",
            metavar="DURATION",
            help="How long what is left at the end may be worked; without it until it is done.",
            rich_help_panel=_SCHEDULE,
        ),
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            "--style",
            metavar="STYLE",
            help="taking, or limits that wait: tick-better, passive (joins the best price).",
            rich_help_panel=_STYLE,
        ),
    ] = "taking",
    escalate_after: Annotated[
        int | None,
        typer.Option(
            "--escalate-after",
            metavar="K",
            min=1,
            help="After K unfilled slices the next one is a step more aggressive.",
            rich_help_panel=_STYLE,
        ),
    ] = None,
    no_cross: Annotated[
        bool,
        typer.Option("--no-cross", help="Never take, not even with the last slice.", rich_help_panel=_STYLE),
    ] = False,
    max_slice_multiplier: Annotated[
        str,
        typer.Option(
            "--max-slice-multiplier",
            metavar="N",
            help="A slice that catches up is at most N times the usual one.",
            rich_help_panel=_STYLE,
        ),
    ] = "2",
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up/--no-catch-up",
            help="Let later slices make up for what earlier ones missed, or only what follows the end.",
            rich_help_panel=_STYLE,
        ),
    ] = True,
    max_participation: Annotated[
        str | None,
        typer.Option(
            "--max-participation",
            metavar="PERCENT",
            help="A slice is at most so much of what the market traded since the last one: 10%.",
            rich_help_panel=_STYLE,
        ),
    ] = None,
    limit_price: Annotated[
        str | None,
        typer.Option(
            "--limit-price",
            metavar="PRICE",
            help="Wait while the market is worse than this.",
            rich_help_panel=_CONDITIONS,
        ),
    ] = None,
    volatility_pause: Annotated[
        str | None,
        typer.Option(
            "--volatility-pause",
            metavar="BPS",
            help="Wait while the price moved more than so many basis points within a minute.",
            rich_help_panel=_CONDITIONS,
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger",
            metavar="TEXT",
            help="Trade only while a price is there: BINANCE;BTCUSDT;above;65000. Other venues need ccxt.",
            rich_help_panel=_CONDITIONS,
        ),
    ] = None,
    stop_when: Annotated[
        str | None,
        typer.Option(
            "--stop-when",
            metavar="TEXT",
            help="End on a wallet balance: USDT;below;500.",
            rich_help_panel=_CONDITIONS,
        ),
    ] = None,
    leverage: Annotated[
        int | None,
        typer.Option(
            "--leverage",
            metavar="N",
            min=1,
            help="Set the contract's leverage first, and send nothing under another.",
            rich_help_panel=_CONDITIONS,
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="ENGINE",
            help="orderkit, or binance: its own TWAP of --duration 5m to 24h, 1,000 to 1,000,000 USDT, live.",
            rich_help_panel=_STYLE,
        ),
    ] = "orderkit",
    reduce_only: options.ReduceOnly = False,
    position_side: options.PositionSideOption = "BOTH",
    dead_man: options.DeadMan = None,
    *,
    run: options.RunOptions,
) -> None:
    """Work a quantity in slices at fixed times (TWAP).

    Examples:

      bot.py twap BTCUSDT BUY 1.0 --chunks 10 --interval 60

      bot.py twap ETHUSDT SELL 12 --slice-size 0.5 --duration 2h --style passive --escalate-after 3
    """
    from orderkit.console.durations import parse_duration_ms, parse_time_ms
    from orderkit.console.run import run_order
    from orderkit.orders.conditions import parse_stop_when, parse_trigger
    from orderkit.orders.pacing import Pacing, read_style

    if chunks is not None and slice_size is not None:
        raise UsageError("--chunks and --slice-size exclude each other", hint="give one of the two")
    if interval is not None and duration is not None:
        raise UsageError("--interval and --duration exclude each other", hint="give one of the two")
    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    size = None if slice_size is None else parse_decimal(slice_size, "slice size")
    count = chunks or 10 if size is None else max(1, int(total // size))
    if duration is None:
        interval_ms = parse_duration_ms(interval or "10", "--interval")
    else:
        interval_ms = max(1, parse_duration_ms(duration, "--duration") // count)
    spread = None if randomize_time is None else options.share(randomize_time, "--randomize-time")
    if spread is not None and spread > Decimal("0.5"):
        raise UsageError("--randomize-time is at most 50%", hint="slices would overtake each other")
    waited_for = None if trigger is None else parse_trigger(trigger)
    if waited_for is not None:
        from orderkit.exchange.venues import check_venue

        check_venue(waited_for.venue)
    pacing = Pacing(
        style=read_style(style, "--style"),
        escalate_after=escalate_after,
        no_cross=no_cross,
        limit_price=None if limit_price is None else parse_decimal(limit_price, "limit price"),
        max_slice_multiplier=parse_decimal(max_slice_multiplier, "--max-slice-multiplier"),
        catch_up=catch_up,
        max_participation=(
            None if max_participation is None else options.share(max_participation, "--max-participation")
        ),
        volatility_bps=(
            None if volatility_pause is None else parse_decimal(volatility_pause, "--volatility-pause")
        ),
        start_at_ms=None if start_at is None else parse_time_ms(start_at, "--start-at"),
        trigger=waited_for,
        stop_when=None if stop_when is None else parse_stop_when(stop_when),
        overtime_ms=None if overtime is None else parse_duration_ms(overtime, "--overtime"),
        leverage=leverage,
    )
    pacing.check()
    hedge_side = options.one_of(PositionSide, position_side, "--position-side")
    if engine not in ("orderkit", "binance"):
        raise UsageError(f"--engine {engine!r} is not known", hint="orderkit or binance")
    if engine == "binance":
        from orderkit.config import Settings
        from orderkit.orders import twap_binance

        ours = (chunks, slice_size, interval, randomize_size, randomize_time, leverage)
        if pacing != Pacing(limit_price=pacing.limit_price) or any(word is not None for word in ours):
            raise UsageError(
                "--engine binance slices as it sees fit",
                hint="it takes --duration, --limit-price, --reduce-only and --position-side",
            )
        twap_binance.check_environment(Settings.load(run.environment).environment)
        seconds = parse_duration_ms(duration or "0.1", "--duration") // 1000

        def hand_over(instrument: Instrument) -> twap_binance.BinanceTWAPExecutor:
            order = OrderRequest(
                symbol=instrument.symbol,
                side=order_side,
                type=OrderType.TWAP,
                quantity=total,
                price=pacing.limit_price,
                position_side=hedge_side,
                reduce_only=reduce_only,
                duration_s=seconds,
            )
            return twap_binance.BinanceTWAPExecutor(
                SingleRequest(order, wait=True, cancel_on_exit=True), instrument
            )

        run_order(hand_over, symbol, run)

    def build(instrument: Instrument) -> TWAPExecutor:
        request = TWAPRequest(
            symbol=instrument.symbol,
            side=order_side,
            quantity=total,
            chunks=count,
            interval_ms=interval_ms,
            position_side=hedge_side,
            reduce_only=reduce_only,
            slice_size=size,
            randomize_size=(
                None if randomize_size is None else options.share(randomize_size, "--randomize-size")
            ),
            randomize_time=spread,
            pacing=pacing,
        )
        return TWAPExecutor(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=True))


if __name__ == "__main__":
    options.run_command(twap)
