"""The commands that act on open orders and settings: cancel, modify, leverage, flatten and so on."""

from dataclasses import replace
from typing import Annotated

import typer

from orderkit.console import completion, options

_WHICH = "Which orders"
_CHANGE = "Change"


def cancel(
    orders: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ORDER]...", help="Client order ids, order ids or algo ids."),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(
            "--job",
            metavar="JOB",
            help="Every open order of a job.",
            rich_help_panel=_WHICH,
            autocompletion=completion.job_ids,
        ),
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol",
            metavar="SYMBOL",
            help="Every open order of a contract.",
            rich_help_panel=_WHICH,
            autocompletion=completion.symbols,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every open order of the account.", rich_help_panel=_WHICH)
    ] = False,
    *,
    run: options.Acting,
) -> None:
    """Cancel open orders, ordinary and conditional, ours and others.

    Examples:

      bot.py cancel ok-limit-7k3m9q2x-1

      bot.py cancel --symbol BTCUSDT --json
    """
    from orderkit.console.canceling import cancel_orders

    cancel_orders(orders or [], job, symbol, run, everything=everything)


def modify(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Client order id or order id.")],
    price: Annotated[
        str | None,
        typer.Option("--price", metavar="PRICE", help="The new limit price.", rich_help_panel=_CHANGE),
    ] = None,
    quantity: Annotated[
        str | None,
        typer.Option(
            "--quantity",
            metavar="QUANTITY",
            help="The new whole quantity, executed part included.",
            rich_help_panel=_CHANGE,
        ),
    ] = None,
    rounding: options.Rounding = False,
    *,
    run: options.Acting,
) -> None:
    """Give an open limit order another price or quantity; it keeps its ids and loses its place in the queue.

    Examples:

      bot.py modify ok-limit-7k3m9q2x-1 --price 59500

      bot.py modify 800000000012 --quantity 0.02 --json
    """
    from orderkit.console.modifying import modify_order
    from orderkit.utils import parse_decimal

    new_price = None if price is None else parse_decimal(price, "price")
    new_quantity = None if quantity is None else parse_decimal(quantity, "quantity")
    modify_order(order, new_price, new_quantity, replace(run, rounding=rounding))


def leverage(
    symbol: options.SymbolArgument,
    factor: Annotated[int, typer.Argument(metavar="N", help="Such as 10 for 10x.")],
    *,
    run: options.Acting,
) -> None:
    """Set a contract's leverage.

    Examples:

      bot.py leverage BTCUSDT 10

      bot.py leverage ETHUSDT 5 --json
    """
    from orderkit.console.setting import set_leverage

    set_leverage(symbol, factor, run)


def margin_type(
    symbol: options.SymbolArgument,
    name: Annotated[str, typer.Argument(metavar="TYPE", help="cross or isolated.")],
    *,
    run: options.Acting,
) -> None:
    """Set a contract's margin type; the exchange refuses it with open orders or positions.

    Examples:

      bot.py margin-type BTCUSDT isolated

      bot.py margin-type BTCUSDT cross --json
    """
    from orderkit.console.setting import set_margin_type

    set_margin_type(symbol, name, run)


def position_mode(
    name: Annotated[str, typer.Argument(metavar="MODE", help="one-way or hedge.")],
    *,
    run: options.Acting,
) -> None:
    """Set the account's position mode; the exchange refuses it with open orders or positions.

    Examples:

      bot.py position-mode hedge

      bot.py position-mode one-way --json
    """
    from orderkit.console.setting import set_position_mode

    set_position_mode(name, run)


def flatten(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; scripts need it.", rich_help_panel="Run")
    ] = False,
    *,
    run: options.Looking,
) -> None:
    """Stop every job, cancel every order and close every position at the market.

    Examples:

      bot.py flatten

      bot.py flatten --yes --json
    """
    from orderkit.console.flattening import flatten as close_everything

    close_everything(replace(run, yes=yes))
