"""What price, book and info show."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import accumulate, zip_longest

from orderkit.console import tables
from orderkit.console.durations import iso_time
from orderkit.console.figures import average_text, price_text, quantity_text
from orderkit.console.looking import contract, looking, present
from orderkit.console.looking_documents import (
    BookDocument,
    BookLevel,
    InfoDocument,
    PriceRow,
    PricesDocument,
)
from orderkit.console.options import RunOptions
from orderkit.console.rules import rules_of
from orderkit.domain.instrument import NO_LIMIT, Instrument
from orderkit.domain.market import Level
from orderkit.errors import UsageError
from orderkit.runtime.desk import Desk
from orderkit.utils import format_decimal, smallest_quantity

MAX_DEPTH = 1000
BASIS_POINTS = Decimal(10_000)
BAR_WIDTH = 6


def show_prices(symbols: Sequence[str], options: RunOptions) -> None:
    """Quote, mark price and day of each symbol, all asked for at the same time."""
    with looking(options) as desk:
        instruments = list(dict.fromkeys(contract(desk, symbol) for symbol in symbols))
        with ThreadPoolExecutor(min(8, len(instruments)), thread_name_prefix="prices") as pool:
            rows = list(pool.map(lambda instrument: _price_row(desk, instrument), instruments))
        present(PricesDocument(env=desk.settings.environment.value, prices=rows), _print_prices)


def show_book(symbol: str, depth: int, options: RunOptions) -> None:
    """Raises UsageError for a depth that the exchange does not have."""
    if not 1 <= depth <= MAX_DEPTH:
        raise UsageError(f"--depth {depth} is out of range", hint=f"1 to {MAX_DEPTH}")
    with looking(options) as desk:
        instrument = contract(desk, symbol)
        book = desk.gateway.inquiry.depth(instrument.symbol, depth)
        spread = mid = None
        if book.bids and book.asks:
            bid, ask = book.bids[0][0], book.asks[0][0]
            spread, mid = ask - bid, (ask + bid) / 2
        document = BookDocument(
            env=desk.settings.environment.value,
            symbol=instrument.symbol,
            at=iso_time(book.time_ms),
            spread=price_text(spread, instrument),
            spread_bps=None if spread is None or not mid else f"{spread / mid * BASIS_POINTS:.2f}",
            bids=_levels(book.bids, instrument),
            asks=_levels(book.asks, instrument),
        )
        present(document, _print_book)


def show_info(symbol: str, options: RunOptions) -> None:
    """The contract's filters, with the bounds that the present mark price makes of them."""
    with looking(options) as desk:
        instrument = contract(desk, symbol)
        mark = desk.gateway.mark_price(instrument.symbol).mark_price
        brackets = desk.gateway.brackets(instrument.symbol)
        lot, prices, percent = instrument.lot_size, instrument.price_filter, instrument.percent_price
        market_lot = instrument.lot_size_for(market=True)
        smallest = smallest_quantity(mark, instrument, market=True) if mark else None
        highest = mark * percent.multiplier_up if percent.multiplier_up != NO_LIMIT else None
        document = InfoDocument(
            env=desk.settings.environment.value,
            symbol=instrument.symbol,
            status=instrument.status,
            contract_type=instrument.contract_type,
            base_asset=instrument.base_asset,
            quote_asset=instrument.quote_asset,
            margin_asset=instrument.margin_asset,
            mark=average_text(mark, instrument) or "0",
            tick_size=format_decimal(prices.tick_size),
            min_price=format_decimal(prices.min_price) if prices.min_price else None,
            max_price=_limit(prices.max_price),
            lowest_sell_price=average_text(mark * percent.multiplier_down or None, instrument),
            highest_buy_price=average_text(highest, instrument),
            step_size=format_decimal(lot.step_size),
            min_quantity=format_decimal(lot.min_quantity),
            max_quantity=_limit(lot.max_quantity),
            market_max_quantity=_limit(market_lot.max_quantity),
            min_notional=format_decimal(instrument.min_notional),
            smallest_market_quantity=None if smallest is None else quantity_text(smallest, instrument),
            max_open_orders=instrument.max_num_orders,
            max_leverage=max(row.initial_leverage for row in brackets),
            order_types=sorted(instrument.order_types),
            times_in_force=sorted(instrument.times_in_force),
            rules=rules_of(instrument, mark, brackets),
        )
        present(document, _print_info)


def _price_row(desk: Desk, instrument: Instrument) -> PriceRow:
    symbol, gateway = instrument.symbol, desk.gateway
    quote, mark, day = gateway.quote(symbol), gateway.mark_price(symbol), gateway.inquiry.day(symbol)
    return PriceRow(
        symbol=symbol,
        bid=price_text(quote.bid, instrument) or "0",
        ask=price_text(quote.ask, instrument) or "0",
        last=price_text(day.last_price, instrument) or "0",
        mark=average_text(mark.mark_price, instrument) or "0",
        index=average_text(mark.index_price, instrument) or "0",
        change_percent=format_decimal(day.change_percent),
        high=price_text(day.high_price, instrument) or "0",
        low=price_text(day.low_price, instrument) or "0",
        volume=quantity_text(day.volume, instrument),
        quote_volume=format_decimal(day.quote_volume),
        funding_rate=format_decimal(mark.funding_rate),
        next_funding_at=iso_time(mark.next_funding_ms) if mark.next_funding_ms else None,
    )


def _levels(levels: Sequence[Level], instrument: Instrument) -> list[BookLevel]:
    sums = accumulate(quantity for _, quantity in levels)
    return [
        BookLevel(
            price=price_text(price, instrument) or "0",
            quantity=quantity_text(quantity, instrument),
            cumulative=quantity_text(total, instrument),
        )
        for (price, quantity), total in zip(levels, sums, strict=True)
    ]


def _limit(value: Decimal) -> str | None:
    return None if value == NO_LIMIT else format_decimal(value)


def _print_prices(document: PricesDocument) -> None:
    table = tables.table("symbol", ">bid", ">ask", ">last", ">24 h", ">mark", ">funding")
    for row in document.prices:
        funding = f"{Decimal(row.funding_rate) * 100:.4f}%"
        change = tables.gain(row.change_percent)
        change.append("%")
        table.add_row(row.symbol, row.bid, row.ask, row.last, change, row.mark, funding)
    tables.show(table)


def _print_book(document: BookDocument) -> None:
    spread = "one side is empty"
    if document.spread is not None:
        spread = f"spread {document.spread}, {document.spread_bps} bps"
    tables.show(tables.text(f"{document.symbol}  {spread}", "bold"))
    table = tables.table("", ">total", ">quantity", ">bid", "ask", ">quantity", ">total", "")
    largest = max((Decimal(level.quantity) for level in (*document.bids, *document.asks)), default=Decimal(1))
    for bid, ask in zip_longest(document.bids, document.asks):
        table.add_row(
            tables.text(f"{_bar(bid, largest):>{BAR_WIDTH}}", "green"),
            *((bid.cumulative, bid.quantity, tables.text(bid.price, "green")) if bid else ("", "", "")),
            *((tables.text(ask.price, "red"), ask.quantity, ask.cumulative) if ask else ("", "", "")),
            tables.text(_bar(ask, largest), "red"),
        )
    tables.show(table)


def _bar(level: BookLevel | None, largest: Decimal) -> str:
    return "█" * round(Decimal(level.quantity) / largest * BAR_WIDTH) if level and largest else ""


def _print_info(document: InfoDocument) -> None:
    head = tables.text(document.symbol, "bold")
    head.append(f"  {document.contract_type}", "")
    head.append(f"  {document.status}", "green" if document.status == "TRADING" else "yellow")
    head.append(f"  mark {document.mark}", "dim")
    tables.show(head, *(tables.text(f"  {rule}") for rule in document.rules))
