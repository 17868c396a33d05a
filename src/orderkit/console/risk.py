"""Commands on the risk gate: show it, halt trading, take it up again."""

from typing import Annotated, NoReturn

import typer

from orderkit.console import options


def risk(run: options.Looking) -> None:
    """Show the risk limits in force and the trading state.

    Limits are set in ORDERKIT_RISK_… variables or in risk.toml in the state directory.

    Examples:

      bot.py risk

      ORDERKIT_RISK_MAX_ORDER_NOTIONAL=5000 bot.py risk --json
    """
    from orderkit.console.risk_gate import show

    show(run)


def halt(
    reduce: Annotated[
        bool,
        typer.Option(
            "--reduce", help="Still take orders that make a position smaller.", rich_help_panel="Halt"
        ),
    ] = False,
    *,
    run: options.Looking,
) -> None:
    """Stop all trading: no order is sent, running jobs end with what they have done.

    Examples:

      bot.py halt

      bot.py halt --reduce
    """
    _set("REDUCING" if reduce else "HALTED", run)


def resume_trading(run: options.Looking) -> None:
    """Take up trading again after a halt.

    Examples:

      bot.py resume-trading

      bot.py resume-trading --json
    """
    _set("ACTIVE", run)


def _set(state: str, run: options.RunOptions) -> NoReturn:
    from orderkit.console.risk_gate import show
    from orderkit.risk.gate import TradingState

    show(run, new_state=TradingState(state))
