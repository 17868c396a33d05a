"""The command line: names the commands and where they are, and hands over to the process edge."""

from collections.abc import Mapping
from typing import ClassVar, NoReturn

import typer

from orderkit import __version__
from orderkit.console.helptext import App
from orderkit.console.loading import LazyGroup
from orderkit.console.main import run_app

# Panel of the help, command, and where its function is. Nothing of it is imported before it is called.
COMMANDS: Mapping[str, Mapping[str, str]] = {
    "Orders": {
        "market": "orders.market:market",
        "limit": "orders.limit:limit",
        "stop-limit": "orders.stop_limit:stop_limit",
        "trailing-stop": "orders.trailing_stop:trailing_stop",
        "twap": "orders.twap:twap",
        "grid": "orders.grid:grid",
        "scaled": "orders.scaled:scaled",
        "iceberg": "orders.iceberg:iceberg",
        "chase": "orders.chase:chase",
        "oco": "orders.oco:oco",
        "bracket": "orders.bracket:bracket",
        "vwap": "orders.vwap:vwap",
        "pov": "orders.pov:pov",
        "close": "orders.close:close",
        "cancel": "console.act:cancel",
        "modify": "console.act:modify",
        "flatten": "console.act:flatten",
    },
    "Market and account": {
        "price": "console.look:price",
        "book": "console.look:book",
        "info": "console.look:info",
        "balance": "console.look:balance",
        "positions": "console.look:positions",
        "orders": "console.look:orders",
        "history": "console.look:history",
        "doctor": "console.doctor:doctor",
    },
    "Settings": {
        "leverage": "console.act:leverage",
        "margin-type": "console.act:margin_type",
        "position-mode": "console.act:position_mode",
    },
    "Jobs": {
        "ps": "console.watch:ps",
        "show": "console.watch:show",
        "attach": "console.watch:attach",
        "logs": "console.watch:logs",
        "resume": "console.jobs:resume",
        "reconcile": "console.jobs:reconcile",
        "pause": "console.jobs:pause",
        "amend": "console.jobs:amend",
        "finish-now": "console.jobs:finish_now",
        "stop": "console.jobs:stop",
    },
    "Risk": {
        "risk": "console.risk:risk",
        "halt": "console.risk:halt",
        "resume-trading": "console.risk:resume_trading",
    },
    "Paper exchange": {"paper": "paper.command:app"},
}


class Commands(LazyGroup):
    table: ClassVar = COMMANDS


app = App(
    cls=Commands,
    name="orderkit",
    help="The order desk in a terminal for Binance USDⓈ-M futures.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orderkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    del version


def main() -> NoReturn:
    """The console script's entry point."""
    run_app(app)
