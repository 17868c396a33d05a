"""TWAP: a quantity in slices at fixed times, taking or waiting, under conditions."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

import typer

from orderkit.console import options
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide
from orderkit.domain.instrument import Instrument
from orderkit.errors import UsageError, ValidationError
from orderkit.orders.child import child_order, closes, smallest_child
from orderkit.orders.pacing import Style
from orderkit.orders.schedule import Schedule, even, randomized, sized
from orderkit.orders.slice_options import (
    SCHEDULE,
    STYLE,
    MaxParticipation,
    NoCross,
    StartAt,
    StyleOption,
    pacing_of,
)
from orderkit.orders.sliced import SlicedExecutor
from orderkit.orders.twap_request import TWAPRequest
from orderkit.utils import (
    parse_decimal,
    split_quantity,
    validate_side,
    validate_sliced_order,
)

__all__ = ["TWAPExecutor", "TWAPRequest", "twap"]
ZERO = Decimal(0)


class TWAPExecutor(SlicedExecutor[TWAPRequest]):
    """Equal slices, or slices of a given size, at even or randomised times; `SlicedExecutor` works them."""

    kind: ClassVar[str] = "twap"

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
            request.randomize_size or ZERO,
            request.randomize_time or ZERO,
            self._cut,
            self.instrument.lot_size_for(market=True).min_quantity,
        )

    # --- before anything is sent ------------------------------------------------------------------

    def validate(self, snapshot: TradingSnapshot, *, rounding: bool = False) -> list[str]:
        request = self.request
        total = self._cut(request.quantity) if rounding else request.quantity
        price = None if closes(request) else snapshot.mark_price
        if request.slice_size is None:
            self.slices = split_quantity(total, request.chunks, self.instrument, price=price)
        else:
            size = self._cut(request.slice_size) if rounding else request.slice_size
            self.slices = sized(total, size, request.interval_ms, self._cut).quantities
            request = replace(request, slice_size=size, chunks=len(self.slices))
        pacing = self.bounded(request.pacing, rounding=rounding)
        self.request = replace(request, quantity=total, pacing=pacing)
        self._check_randomized(price)
        account, leverage = snapshot.account, request.pacing.leverage
        if account is not None and leverage is not None:  # it will be set before the first order
            levels = {**account.leverage, request.symbol: leverage}
            snapshot = replace(snapshot, account=replace(account, leverage=levels))
        validate_sliced_order(child_order(self.request, total), self.slices, snapshot)
        return self.warnings(snapshot)

    def _check_randomized(self, price: Decimal | None) -> None:
        """The smallest slice that chance may make must still be one that the exchange takes."""
        share = self.request.randomize_size
        if share is None:
            return
        smallest = smallest_child(self.request, price or ZERO, self.instrument, market=True)
        least = min(self.slices) * (1 - share)
        if least < smallest:
            raise ValidationError(
                f"RANDOMIZE: slices of {min(self.slices)} less {share:.0%} come to {least:f}, below the"
                f" minimum {smallest}; accepted: larger slices or a smaller share",
                rule="RANDOMIZE",
                hint="Use fewer chunks, or a smaller --randomize-size.",
            )

    def remarks(self, snapshot: TradingSnapshot) -> list[str]:
        del snapshot
        request, pacing = self.request, self.request.pacing
        first, last = self.slices[0], self.slices[-1]
        unit = self.instrument.base_asset
        sizes = f"{first} {unit}" if first == last else f"{first} {unit}, the last {last}"
        said = [f"{len(self.slices)} slices of {sizes}, one every {request.interval_ms / 1000:g} s"]
        if request.randomize_size or request.randomize_time:
            size, time = request.randomize_size or ZERO, request.randomize_time or ZERO
            said.append(f"sizes vary by up to {size:.0%}, times by up to {time:.0%} of the interval")
        if pacing.style is not Style.TAKING:
            cross = "never crosses" if pacing.no_cross else "the last slice crosses"
            said.append(f"{pacing.style}: slices wait on our side of the book; {cross}")
        return said


_CONDITIONS = "Conditions"


def twap(
    symbol: options.SymbolArgument,
    side: options.SideArgument,
    quantity: options.QuantityArgument,
    chunks: Annotated[
        int | None,
        typer.Option("--chunks", "-n", min=1, help="Number of slices; 10.", rich_help_panel=SCHEDULE),
    ] = None,
    slice_size: Annotated[
        str | None,
        typer.Option(
            "--slice-size",
            metavar="QUANTITY",
            help="Size of a slice, instead of their number.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval",
            metavar="DURATION",
            help="Time between slices: 10, 30s, 5m; 10 s.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="DURATION",
            help="Time for all slices together, instead of the interval: 2h.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    randomize_size: Annotated[
        str | None,
        typer.Option(
            "--randomize-size",
            metavar="PERCENT",
            help="Let sizes vary by up to so much: 20%.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    randomize_time: Annotated[
        str | None,
        typer.Option(
            "--randomize-time",
            metavar="PERCENT",
            help="Let times vary by up to so much of the interval: 20%, at most 50%.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    start_at: StartAt = None,
    overtime: Annotated[
        str | None,
        typer.Option(
            "--overtime",
            metavar="DURATION",
            help="How long what is left at the end may be worked; without it until it is done.",
            rich_help_panel=SCHEDULE,
        ),
    ] = None,
    style: StyleOption = "taking",
    escalate_after: Annotated[
        int | None,
        typer.Option(
            "--escalate-after",
            metavar="K",
            min=1,
            help="After K unfilled slices the next one is a step more aggressive.",
            rich_help_panel=STYLE,
        ),
    ] = None,
    no_cross: NoCross = False,
    max_slice_multiplier: Annotated[
        str,
        typer.Option(
            "--max-slice-multiplier",
            metavar="N",
            help="A slice that catches up is at most N times the usual one.",
            rich_help_panel=STYLE,
        ),
    ] = "2",
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up/--no-catch-up",
            help="Let later slices make up for what earlier ones missed, or only what follows the end.",
            rich_help_panel=STYLE,
        ),
    ] = True,
    max_participation: MaxParticipation = None,
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
            rich_help_panel=STYLE,
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
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.run import run_order
    from orderkit.orders.conditions import parse_stop_when, parse_trigger
    from orderkit.orders.pacing import Pacing

    if chunks is not None and slice_size is not None:
        raise UsageError("--chunks and --slice-size exclude each other", hint="give one of the two")
    if interval is not None and duration is not None:
        raise UsageError("--interval and --duration exclude each other", hint="give one of the two")
    order_side, total = validate_side(side), parse_decimal(quantity, "quantity")
    size = options.given(parse_decimal, slice_size, "slice size")
    count = chunks or 10 if size is None else max(1, int(total // size))
    if duration is None:
        interval_ms = parse_duration_ms(interval or "10", "--interval")
    else:
        interval_ms = max(1, parse_duration_ms(duration, "--duration") // count)
    varied = options.given(options.share, randomize_size, "--randomize-size")
    spread = options.given(options.share, randomize_time, "--randomize-time")
    if spread is not None and spread > Decimal("0.5"):
        raise UsageError("--randomize-time is at most 50%", hint="slices would overtake each other")
    waited_for = None if trigger is None else parse_trigger(trigger)
    if waited_for is not None:
        from orderkit.exchange.venues import check_venue

        check_venue(waited_for.venue)
    pacing = replace(
        pacing_of(style, no_cross, limit_price, max_participation, start_at),
        escalate_after=escalate_after,
        max_slice_multiplier=parse_decimal(max_slice_multiplier, "--max-slice-multiplier"),
        catch_up=catch_up,
        volatility_bps=options.given(parse_decimal, volatility_pause, "--volatility-pause"),
        trigger=waited_for,
        stop_when=None if stop_when is None else parse_stop_when(stop_when),
        overtime_ms=options.given(parse_duration_ms, overtime, "--overtime"),
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
        handed_over = twap_binance.parent_of(
            order_side, total, seconds, pacing.limit_price, hedge_side, reduce_only
        )
        run_order(handed_over, symbol, run)

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
            randomize_size=varied,
            randomize_time=spread,
            pacing=pacing,
        )
        return TWAPExecutor(request, instrument)

    run_order(build, symbol, options.held(run, dead_man, waits=True))


if __name__ == "__main__":
    options.run_command(twap)
