"""What a grid must pass before anything is sent, and the numbers that the market and the account complete."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import PositionSide, Side
from orderkit.errors import ValidationError
from orderkit.orders.grid_ledger import Cell, Ledger
from orderkit.orders.grid_levels import Ladder, Mode, check_profit, ladder_of
from orderkit.orders.grid_request import GridRequest
from orderkit.utils import (
    format_decimal,
    smallest_quantity,
    validate_margin,
    validate_notional,
    validate_order,
    validate_position_side,
    validate_price,
    validate_quantity,
)

ZERO = Decimal(0)
DEFAULT_LEVERAGE = 20  # the exchange's setting for a symbol whose leverage was never changed


class GridChecks:
    """Checks one request against one snapshot."""

    def __init__(self, request: GridRequest, snapshot: TradingSnapshot, *, rounding: bool) -> None:
        self.snapshot = snapshot
        self.instrument = snapshot.instrument
        account = snapshot.account
        leverages = account.leverage if account else {}
        self.leverage = leverages.get(self.instrument.symbol, DEFAULT_LEVERAGE)
        self.request = self._completed(request, rounding=rounding)

    # --- numbers ----------------------------------------------------------------------------------

    def _completed(self, request: GridRequest, *, rounding: bool) -> GridRequest:
        """The request with prices on ticks, the market's price, its quantity, capital and position side.

        Raises:
            ValidationError: range, levels or quantity make no grid.
        """

        def on_tick(price: Decimal, side: Side) -> Decimal:
            return validate_price(price, self.instrument, side, mark_price=None, rounding=rounding)

        lower, upper = on_tick(request.lower, Side.SELL), on_tick(request.upper, Side.BUY)
        ladder = ladder_of(lower, upper, request.count, request.spacing, self.instrument)
        request = replace(
            request,
            lower=lower,
            upper=upper,
            market=self.snapshot.quote.mid,
            position_side=self._position_side(request.mode),
        )
        value = sum(self._opening_prices(request, ladder), ZERO)  # of one base unit in each cell
        if request.investment is not None:
            quantity = self._affordable(request.investment, value, ladder)
        else:
            quantity = validate_quantity(
                request.level_quantity, self.instrument, market=False, rounding=rounding
            )
        return replace(request, level_quantity=quantity, capital=value * quantity / self.leverage)

    def _opening_prices(self, request: GridRequest, ladder: Ladder) -> Iterable[Decimal]:
        """At which price each cell opens its first position: its own level, or the market's."""
        ledger = Ledger(ladder, request.mode, request.market, ZERO, self.instrument)
        for cell in ledger.cells.values():
            prepaid = cell in ledger.prepaid
            yield request.market if prepaid else cell.bounds.price(cell.role)

    def _affordable(self, investment: Decimal, value: Decimal, ladder: Ladder) -> Decimal:
        """The quantity a level whose initial margin over all cells is the investment, rounded down."""
        quantity = self.instrument.round_quantity(investment * self.leverage / value, market=False)
        smallest = smallest_quantity(ladder.lower, self.instrument, market=False)
        if smallest is not None and quantity >= smallest:
            return quantity
        needed = ((smallest or ZERO) * value / self.leverage).quantize(Decimal("0.01")) + Decimal("0.01")
        asset = self.instrument.margin_asset
        raise ValidationError(
            f"INVESTMENT: {format_decimal(investment)} {asset} with leverage {self.leverage} gives each of "
            f"{ladder.count - 1} cells {format_decimal(quantity)} {self.instrument.base_asset}; "
            f"accepted: at least {format_decimal(needed)} {asset}",
            rule="INVESTMENT",
            hint=f"Invest at least {format_decimal(needed)}, or use fewer levels.",
        )

    def _position_side(self, mode: Mode) -> PositionSide:
        """BOTH in one-way mode; in hedge mode the leg that the grid lives in."""
        if self.snapshot.account is None or not self.snapshot.account.hedge_mode:
            return PositionSide.BOTH
        legs = {Mode.LONG: PositionSide.LONG, Mode.SHORT: PositionSide.SHORT}
        return validate_position_side(legs.get(mode, PositionSide.BOTH), True, False, Side.BUY)

    # --- checks -----------------------------------------------------------------------------------

    def pass_all(self, ledger: Ledger) -> list[str]:
        """Check levels, fees, exits and margin; returns warnings.

        Raises:
            ValidationError: nothing may be sent.
        """
        request, snapshot = self.request, self.snapshot
        check_profit(ledger.ladder, request.level_quantity, snapshot, post_only=request.post_only)
        alone = replace(snapshot, account=None)  # position and margin are checked for the whole
        for cell in ledger.cells.values():
            side = self._first_side(cell, ledger)
            order = request.level_order(side, cell.bounds.price(side), request.level_quantity)
            validate_order(order, alone)
            validate_notional(request.level_quantity, cell.bounds.low, self.instrument)
        self._check_exits()
        for side in Side:
            self._check_margin(side, [cell for cell in ledger.cells.values() if cell.role is side], ledger)
        return list(self._warnings())

    @staticmethod
    def _first_side(cell: Cell, ledger: Ledger) -> Side:
        return cell.role.opposite if cell in ledger.prepaid else cell.role

    def _check_margin(self, side: Side, cells: list[Cell], ledger: Ledger) -> None:
        """The cells that open on this side, all filled at once: the most that the grid can hold there."""
        account, request = self.snapshot.account, self.request
        if account is None or not cells:
            return
        value = sum(
            (request.market if cell in ledger.prepaid else cell.bounds.price(side) for cell in cells), ZERO
        )
        validate_margin(
            request.level_quantity * len(cells),
            (value / len(cells)).quantize(Decimal("1e-8")),
            self.instrument,
            side,
            position=account.position_quantity(request.symbol, request.position_side),
            leverage=self.leverage,
            available_balance=account.available_balance,
            taker_rate=self.snapshot.taker_rate,
            brackets=self.snapshot.brackets,
            position_side=request.position_side,
        )

    def _check_exits(self) -> None:
        """Exit prices lie outside the range, on the side that suits the grid, and ahead of the market."""
        request = self.request
        above, below = f"above {format_decimal(request.upper)}", f"below {format_decimal(request.lower)}"
        gains = {Mode.LONG: (True,), Mode.SHORT: (False,), Mode.NEUTRAL: (True, False)}[request.mode]
        losses = {Mode.LONG: (False,), Mode.SHORT: (True,), Mode.NEUTRAL: (True, False)}[request.mode]
        for name, price, sides in (
            ("take-profit", request.take_profit, gains),
            ("stop-loss", request.stop_loss, losses),
        ):
            if price is None:
                continue
            is_above = price > request.upper
            outside = is_above or price < request.lower
            reached = request.market >= price if is_above else request.market <= price
            if outside and is_above in sides and not reached:
                continue
            accepted = " or ".join(above if side else below for side in sides)
            now = f", market {format_decimal(request.market)}" if reached else ""
            raise ValidationError(
                f"EXIT: {name} {format_decimal(price)} of a {request.mode} grid{now}; accepted: a price "
                f"{accepted} that the market has not reached",
                rule="EXIT",
                hint=f"Use a price {accepted}, or an amount such as 200USDT.",
            )

    def _warnings(self) -> Iterable[str]:
        request = self.request
        if not request.lower <= request.market <= request.upper:
            where = "below" if request.market < request.lower else "above"
            yield (
                f"the market {format_decimal(request.market)} is {where} the range: all orders go to one side"
            )
        if request.stop_loss is not None or request.stop_loss_amount is not None:
            yield "the stop-loss is watched by this process: it does nothing while no process runs the grid"
