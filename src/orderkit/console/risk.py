"""Commands on the risk gate: show it, halt trading, take it up again."""

from typing import Annotated, NoReturn

import typer

from orderkit.console import options


def risk(json: options.Json = False) -> None:
    """Show the risk limits in force and the trading state.

    Limits are set in ORDERKIT_RISK_… variables or in risk.toml in the state directory.

    Examples:

      bot.py risk

      ORDERKIT_RISK_MAX_ORDER_NOTIONAL=5000 bot.py risk --json
    """
    from orderkit.console.risk_gate import show

    show(json=json)


def halt(
    reduce: Annotated[
        bool, typer.Option("--reduce", help="Still take orders that make a position smaller.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Stop all trading: no order is sent, running jobs end with what they have done.

    Examples:

      bot.py halt

      bot.py halt --reduce
    """
    _set("REDUCING" if reduce else "HALTED", json)


def resume_trading(json: options.Json = False) -> None:
    """Take up trading again after a halt.

    Examples:

      bot.py resume-trading

      bot.py resume-trading --json
    """
    _set("ACTIVE", json)


def _set(state: str, json: bool) -> NoReturn:
    from orderkit.console.risk_gate import show
    from orderkit.risk.gate import TradingState

    show(json=json, new_state=TradingState(state))
