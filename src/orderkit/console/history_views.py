"""What history shows: orders, trades or income of a symbol."""

import time
from decimal import Decimal
from enum import StrEnum

from orderkit.console import tables
from orderkit.console.account_views import orders_table
from orderkit.console.durations import iso_time
from orderkit.console.figures import fee_shown, money_text
from orderkit.console.looking import contract, jobs_of, looking, present, reader
from orderkit.console.looking_documents import HistoryDocument, IncomeRow, TradeRow
from orderkit.console.options import RunOptions
from orderkit.console.rows import in_steps, in_ticks, listed_rows
from orderkit.domain.instrument import Instrument
from orderkit.domain.order import Fill
from orderkit.errors import UsageError
from orderkit.exchange.details import IncomeEntry
from orderkit.exchange.inquiry import HISTORY_KEPT_MS
from orderkit.runtime.desk import Desk


class What(StrEnum):
    ORDERS = "orders"
    TRADES = "trades"
    INCOME = "income"


def show_history(symbol: str, what: str, since_ms: int, limit: int, options: RunOptions) -> None:
    """The latest ``limit`` entries from ``since_ms`` ago on.

    Raises:
        UsageError: an unknown list, a limit below 1, a time that the exchange does not keep.
    """
    if what not in list(What):
        raise UsageError(f"--what {what!r} is not known", hint=f"one of {', '.join(What)}")
    if limit < 1:
        raise UsageError(f"--limit {limit} is out of range", hint="1 or more")
    if since_ms > HISTORY_KEPT_MS:
        raise UsageError("--since reaches too far back", hint="the exchange keeps 90 days: --since 90d")
    with looking(options) as desk:
        instrument = contract(desk, symbol)
        until_ms = time.time_ns() // 1_000_000 + 1000  # the exchange's clock may be ahead of ours
        start_ms = until_ms - since_ms
        document = HistoryDocument(
            env=desk.settings.environment.value,
            symbol=instrument.symbol,
            what=what,
            since=iso_time(start_ms),
        )
        inquiry, name = desk.gateway.inquiry, instrument.symbol
        match What(what):
            case What.ORDERS:
                orders = inquiry.past_orders(name, start_ms, until_ms)[-limit:]
                document.orders = listed_rows(orders, {name: instrument}, jobs_of(desk, orders))
            case What.TRADES:
                document.trades = _trade_rows(
                    desk, inquiry.trades(name, start_ms, until_ms)[-limit:], instrument
                )
            case What.INCOME:
                document.income = [_income_row(e) for e in inquiry.income(name, start_ms, until_ms)[-limit:]]
        present(document, _print_history)


def _trade_rows(desk: Desk, fills: list[Fill], instrument: Instrument) -> list[TradeRow]:
    clients = reader(desk).clients_of({fill.order_id for fill in fills})
    jobs = reader(desk).jobs_of(clients.values())
    rows = []
    for fill in fills:
        client = clients.get(fill.order_id)
        rows.append(
            TradeRow(
                trade_id=fill.trade_id,
                order_id=fill.order_id,
                client_order_id=client,
                job_id=jobs.get(client) if client else None,
                side=fill.side.value,
                price=in_ticks(fill.price, instrument) or "0",
                quantity=in_steps(fill.quantity, instrument),
                commission=money_text(fill.commission),
                commission_asset=fill.commission_asset,
                realized_pnl=money_text(fill.realized_pnl),
                maker=fill.is_maker,
                at=iso_time(fill.time_ms),
            )
        )
    return rows


def _income_row(entry: IncomeEntry) -> IncomeRow:
    return IncomeRow(
        type=entry.income_type,
        amount=money_text(entry.amount),
        asset=entry.asset,
        info=entry.info,
        trade_id=entry.trade_id,
        transaction_id=entry.transaction_id,
        at=iso_time(entry.time_ms),
    )


def _print_history(document: HistoryDocument) -> None:
    rows = document.orders or document.trades or document.income
    if not rows:
        tables.show(tables.text(f"no {document.what} of {document.symbol} since {document.since[:10]}"))
    elif document.orders:
        tables.show(orders_table(document.orders, ended=True))
    elif document.trades:
        _print_trades(document.trades)
    elif document.income:
        _print_income(document.income)


def _print_trades(trades: list[TradeRow]) -> None:
    table = tables.table("time (UTC)", "side", ">quantity", ">price", ">fee", ">P&L", "", "order")
    for row in trades:
        table.add_row(
            tables.clock(row.at),
            tables.side(row.side),
            row.quantity,
            row.price,
            fee_shown(row.commission, row.commission_asset),
            tables.gain(f"{Decimal(row.realized_pnl):.2f}"),
            "maker" if row.maker else "taker",
            row.client_order_id or str(row.order_id),
        )
    tables.show(table)


def _print_income(income: list[IncomeRow]) -> None:
    table = tables.table("time (UTC)", "type", ">amount", "asset", "about")
    for row in income:
        about = row.info if row.info != str(row.trade_id) else ""
        trade = f"trade {row.trade_id}" if row.trade_id else about
        amount = tables.gain(fee_shown(row.amount, row.asset))
        table.add_row(tables.clock(row.at), row.type, amount, row.asset, trade)
    tables.show(table)
