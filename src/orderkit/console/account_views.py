"""What balance, positions and orders show."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

from orderkit.console import tables
from orderkit.console.figures import money_shown, money_text
from orderkit.console.looking import contract, jobs_of, looking, present
from orderkit.console.looking_documents import (
    BalanceRow,
    BalancesDocument,
    ListedOrderRow,
    OrdersDocument,
    PositionRow,
    PositionsDocument,
)
from orderkit.console.options import RunOptions
from orderkit.console.rows import listed_rows, position_row
from orderkit.exchange.details import AssetBalance
from orderkit.exchange.inquiry import margin_ratio
from orderkit.runtime.desk import Desk

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

NEAR_LIQUIDATION_PERCENT = Decimal(10)
_PROTECTION = {"full": "green", "partial": "yellow", "none": "red"}


def show_balance(options: RunOptions) -> None:
    with looking(options) as desk:
        rows = [_balance_row(balance) for balance in desk.gateway.inquiry.balances()]
        present(BalancesDocument(env=desk.settings.environment.value, balances=rows), _print_balances)


def show_positions(options: RunOptions) -> None:
    with looking(options) as desk:
        rows = position_rows(desk)
        present(PositionsDocument(env=desk.settings.environment.value, positions=rows), print_positions)


def show_orders(symbol: str | None, options: RunOptions) -> None:
    """Open orders of a symbol, or of all."""
    with looking(options) as desk:
        name = None if symbol is None else contract(desk, symbol).symbol
        orders = desk.gateway.inquiry.open_orders(name)
        rows = listed_rows(orders, desk.gateway.instruments(), jobs_of(desk, orders))
        present(OrdersDocument(env=desk.settings.environment.value, orders=rows), _print_orders)


def position_rows(desk: Desk) -> list[PositionRow]:
    """Every position with its settings and the stops that protect it."""
    inquiry = desk.gateway.inquiry
    with ThreadPoolExecutor(4, thread_name_prefix="positions") as pool:
        listing = pool.submit(inquiry.open_orders)
        held = inquiry.positions()
        settings = dict(
            zip(
                names := sorted({position.symbol for position in held}),
                pool.map(inquiry.symbol_settings, names),
                strict=True,
            )
        )
        orders = listing.result() if held else []
    instruments = desk.gateway.instruments()
    return [position_row(p, settings[p.symbol], orders, instruments.get(p.symbol)) for p in held]


def _balance_row(balance: AssetBalance) -> BalanceRow:
    ratio = margin_ratio(balance)
    return BalanceRow(
        asset=balance.asset,
        wallet_balance=money_text(balance.wallet_balance),
        unrealized_pnl=money_text(balance.unrealized_pnl),
        margin_balance=money_text(balance.margin_balance),
        available_balance=money_text(balance.available_balance),
        initial_margin=money_text(balance.initial_margin),
        maintenance_margin=money_text(balance.maintenance_margin),
        margin_ratio=None if ratio is None else f"{ratio:.6f}",
    )


def _print_balances(document: BalancesDocument) -> None:
    if not document.balances:
        tables.show(tables.text("the wallet is empty"))
        return
    table = tables.table("asset", ">wallet", ">unrealized", ">available", ">in margin", ">margin ratio")
    for row in document.balances:
        ratio = "" if row.margin_ratio is None else f"{Decimal(row.margin_ratio):.2%}"
        near = row.margin_ratio is not None and Decimal(row.margin_ratio) >= Decimal("0.5")
        table.add_row(
            tables.text(row.asset, "bold"),
            money_shown(row.wallet_balance, row.asset),
            tables.gain(money_shown(row.unrealized_pnl, row.asset)),
            money_shown(row.available_balance, row.asset),
            money_shown(row.initial_margin, row.asset),
            tables.text(ratio, "bold red" if near else ""),
        )
    tables.show(table)


def print_positions(document: PositionsDocument) -> None:
    """Two lines a position: what it is and stands at, and what it risks."""
    if not document.positions:
        tables.show(tables.text("no position is open"))
    for row in document.positions:
        long = not row.quantity.startswith("-")
        head = tables.text(row.symbol, "bold")
        hedge = "" if row.position_side == "BOTH" else f" ({row.position_side})"
        head.append(
            f"  {'long' if long else 'short'} {row.quantity.lstrip('-')}{hedge}", "green" if long else "red"
        )
        head.append(f"  {row.margin_type} {row.leverage}x", "dim")
        pnl = tables.gain(money_shown(row.unrealized_pnl, row.margin_asset))
        pnl.append(
            f" {row.margin_asset}" + (f" ({row.return_percent}% of the margin)" if row.return_percent else "")
        )
        tables.show(
            head,
            tables.facts(
                [
                    ("entry, mark", f"{row.entry_price}, {row.mark_price}"),
                    ("P&L", pnl),
                    ("margin", f"{money_shown(row.margin, row.margin_asset)} {row.margin_asset}"),
                    ("liquidation", _liquidation(row)),
                    ("stop", _stops(row)),
                ]
            ),
        )


def _liquidation(row: PositionRow) -> "Text":
    if row.liquidation_price is None:
        return tables.text("none at any price")
    distance = row.liquidation_distance_percent or "0"
    near = Decimal(distance) < NEAR_LIQUIDATION_PERCENT
    return tables.text(f"{row.liquidation_price}, {distance}% away", "bold red" if near else "")


def _stops(row: PositionRow) -> "Text":
    if row.protection == "none":
        return tables.text("none protects it", _PROTECTION["none"])
    stops = ", ".join(
        f"{tables.short_type(stop.type)} at {stop.trigger_price or 'its trail'}" for stop in row.stops
    )
    share = (
        "" if row.protection == "full" else f"only {row.protected_quantity} of {row.quantity.lstrip('-')}: "
    )
    return tables.text(f"{share}{stops}", _PROTECTION[row.protection])


def _print_orders(document: OrdersDocument) -> None:
    if not document.orders:
        tables.show(tables.text("no order is open"))
        return
    tables.show(orders_table(document.orders))
    if any(row.job_id for row in document.orders):
        tables.show(tables.text(" * sent by a job of this journal", "dim"))


def orders_table(rows: list[ListedOrderRow], *, ended: bool = False) -> "Table":
    """Orders in one line each; ours have a star. ``ended``: with their status rather than the symbol."""
    first = "status" if ended else "symbol"
    table = tables.table(first, "side", "type", ">quantity", ">price", ">trigger", "", "client order id")
    for row in rows:
        table.add_row(
            tables.status(row.status) if ended else row.symbol,
            tables.side(row.side),
            tables.short_type(row.type),
            tables.done_of(row.executed_quantity, row.quantity or "all"),
            row.price or row.average_price or "market",
            row.trigger_price or "",
            tables.text("*", "cyan") if row.job_id else "",
            row.client_order_id,
        )
    return table
