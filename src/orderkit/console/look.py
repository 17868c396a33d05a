"""The commands that look at market and account: price, book, info, balance, positions, orders, history."""

from typing import Annotated

import typer

from orderkit.console import completion, options

SymbolsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SYMBOL...", help="Contracts, such as BTCUSDT.", autocompletion=completion.symbols
    ),
]
OneSymbolArgument = Annotated[
    str | None,
    typer.Argument(metavar="[SYMBOL]", help="Only this contract's.", autocompletion=completion.symbols),
]
_LIST = "List"


def price(symbols: SymbolsArgument, run: options.Looking) -> None:
    """Show best prices, last price, mark price and funding of contracts.

    Examples:

      bot.py price BTCUSDT

      bot.py price BTCUSDT ETHUSDT --json
    """
    from orderkit.console.market_views import show_prices

    show_prices(symbols, run)


def book(
    symbol: options.SymbolArgument,
    depth: Annotated[
        int, typer.Option("--depth", "-n", metavar="N", help="Levels of each side.", rich_help_panel=_LIST)
    ] = 10,
    *,
    run: options.Looking,
) -> None:
    """Show the order book: bids on the left, asks on the right, best first.

    Examples:

      bot.py book BTCUSDT

      bot.py book BTCUSDT --depth 50 --json
    """
    from orderkit.console.market_views import show_book

    show_book(symbol, depth, run)


def info(symbol: options.SymbolArgument, run: options.Looking) -> None:
    """Show a contract's rules in words: steps, ticks, bounds, leverage.

    Examples:

      bot.py info BTCUSDT

      bot.py info ETHUSDT --json
    """
    from orderkit.console.market_views import show_info

    show_info(symbol, run)


def balance(run: options.Looking) -> None:
    """Show what the futures wallet holds, and how much of it margin takes.

    Examples:

      bot.py balance

      bot.py balance --env testnet --json
    """
    from orderkit.console.account_views import show_balance

    show_balance(run)


def positions(run: options.Looking) -> None:
    """Show open positions: profit, margin, distance to liquidation, and whether a stop protects them.

    Examples:

      bot.py positions

      bot.py positions --json
    """
    from orderkit.console.account_views import show_positions

    show_positions(run)


def orders(
    symbol: OneSymbolArgument = None,
    *,
    run: options.Looking,
) -> None:
    """Show open orders, ordinary and conditional in one list; ours have a star.

    Examples:

      bot.py orders

      bot.py orders BTCUSDT --json
    """
    from orderkit.console.account_views import show_orders

    show_orders(symbol, run)


def history(
    symbol: options.SymbolArgument,
    what: Annotated[
        str,
        typer.Option("--what", metavar="LIST", help="orders, trades or income.", rich_help_panel=_LIST),
    ] = "orders",
    since: Annotated[
        str,
        typer.Option("--since", metavar="DURATION", help="How far back, at most 90d.", rich_help_panel=_LIST),
    ] = "7d",
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", help="The latest N.", rich_help_panel=_LIST)
    ] = 50,
    *,
    run: options.Looking,
) -> None:
    """Show past orders, trades or income (profit, fees, funding) of a contract.

    Examples:

      bot.py history BTCUSDT

      bot.py history BTCUSDT --what income --since 30d --json
    """
    from orderkit.console.durations import parse_duration_ms
    from orderkit.console.history_views import show_history

    since_ms = parse_duration_ms(since, "--since")
    show_history(symbol, what, since_ms, limit, run)
