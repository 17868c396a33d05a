"""The execution report: what a job's orders did, against the price at which it began."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orderkit.domain.enums import Side
from orderkit.domain.order import Order

ZERO = Decimal(0)
TEN_THOUSAND = Decimal(10_000)


def slippage_bps(side: Side, price: Decimal, benchmark: Decimal) -> Decimal:
    """How much worse than ``benchmark`` the price is, in basis points; negative when it is better.

    BUY: (price - benchmark) / benchmark × 10,000; SELL: the negative of that.
    """
    return side.sign * (price - benchmark) / benchmark * TEN_THOUSAND


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """Totals over a job's orders. ``average_price`` is volume weighted; ``cost`` the executed notional.

    Both are of what is known: a quantity whose price nobody has told yet is in neither.
    ``commission`` is summed per asset. ``slippage_bps`` is against the arrival price: the mid price when
    the job began (Perold's implementation shortfall of the executed part, before fees).
    """

    side: Side
    quantity: Decimal
    executed_quantity: Decimal
    cost: Decimal
    average_price: Decimal | None
    commission: dict[str, Decimal]
    arrival_price: Decimal | None
    slippage_bps: Decimal | None

    @property
    def remaining_quantity(self) -> Decimal:
        return self.quantity - self.executed_quantity


def execution_report(
    side: Side, quantity: Decimal, orders: Sequence[Order], arrival_price: Decimal | None
) -> ExecutionReport:
    """Sum up the ``orders`` on ``side``, and the fees of all.

    Trades whose price is not known count with the reported average.
    """
    counted = [order for order in orders if order.request.side is side]
    executed = sum((order.executed_quantity for order in counted), ZERO)
    cost = sum((executed_cost(order) for order in counted), ZERO)
    commission: dict[str, Decimal] = {}
    for order in orders:
        for asset, amount in commission_of(order).items():
            commission[asset] = commission.get(asset, ZERO) + amount
    priced = sum((_priced_quantity(order) for order in counted), ZERO)
    average = cost / priced if priced else None
    return ExecutionReport(
        side=side,
        quantity=quantity,
        executed_quantity=executed,
        cost=cost,
        average_price=average,
        commission=commission,
        arrival_price=arrival_price,
        slippage_bps=slippage_bps(side, average, arrival_price) if average and arrival_price else None,
    )


def executed_cost(order: Order) -> Decimal:
    """Executed notional of one order; the part without known trades at the reported average price."""
    if order.misses_trades and order.reported_average_price:
        return order.executed_quantity * order.reported_average_price
    return order.cost


def _priced_quantity(order: Order) -> Decimal:
    """The executed quantity that ``executed_cost`` is of."""
    whole = order.misses_trades and order.reported_average_price
    return order.executed_quantity if whole else order.filled_by_trades


def commission_of(order: Order) -> dict[str, Decimal]:
    """Fees paid by one order, per asset."""
    fees: dict[str, Decimal] = {}
    for fill in order.fills.values():
        fees[fill.commission_asset] = fees.get(fill.commission_asset, ZERO) + fill.commission
    return fees
