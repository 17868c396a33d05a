"""The command line: registers the commands and hands over to the process edge."""

from typing import NoReturn

import typer

from orderkit import __version__
from orderkit.console.act import cancel, flatten, leverage, margin_type, modify, position_mode
from orderkit.console.doctor import doctor
from orderkit.console.jobs import reconcile, resume, stop
from orderkit.console.look import balance, book, history, info, orders, positions, price
from orderkit.console.main import run_app
from orderkit.console.risk import halt, resume_trading, risk
from orderkit.console.watch import attach, logs, ps, show
from orderkit.orders.bracket import bracket
from orderkit.orders.grid import grid
from orderkit.orders.limit import limit
from orderkit.orders.market import market
from orderkit.orders.oco import oco
from orderkit.orders.stop_limit import stop_limit
from orderkit.orders.twap import twap
from orderkit.paper.command import app as paper

app = typer.Typer(
    name="orderkit",
    help="The order desk in a terminal for Binance USDⓈ-M futures.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ORDERS = "Orders"
app.command("market", rich_help_panel=_ORDERS)(market)
app.command("limit", rich_help_panel=_ORDERS)(limit)
app.command("stop-limit", rich_help_panel=_ORDERS)(stop_limit)
app.command("twap", rich_help_panel=_ORDERS)(twap)
app.command("grid", rich_help_panel=_ORDERS)(grid)
app.command("oco", rich_help_panel=_ORDERS)(oco)
app.command("bracket", rich_help_panel=_ORDERS)(bracket)
app.command("cancel", rich_help_panel=_ORDERS)(cancel)
app.command("modify", rich_help_panel=_ORDERS)(modify)
app.command("flatten", rich_help_panel=_ORDERS)(flatten)
_LOOKING = "Market and account"
app.command("price", rich_help_panel=_LOOKING)(price)
app.command("book", rich_help_panel=_LOOKING)(book)
app.command("info", rich_help_panel=_LOOKING)(info)
app.command("balance", rich_help_panel=_LOOKING)(balance)
app.command("positions", rich_help_panel=_LOOKING)(positions)
app.command("orders", rich_help_panel=_LOOKING)(orders)
app.command("history", rich_help_panel=_LOOKING)(history)
app.command("doctor", rich_help_panel=_LOOKING)(doctor)
_SETTINGS = "Settings"
app.command("leverage", rich_help_panel=_SETTINGS)(leverage)
app.command("margin-type", rich_help_panel=_SETTINGS)(margin_type)
app.command("position-mode", rich_help_panel=_SETTINGS)(position_mode)
_JOBS = "Jobs"
app.command("ps", rich_help_panel=_JOBS)(ps)
app.command("show", rich_help_panel=_JOBS)(show)
app.command("attach", rich_help_panel=_JOBS)(attach)
app.command("logs", rich_help_panel=_JOBS)(logs)
app.command("resume", rich_help_panel=_JOBS)(resume)
app.command("reconcile", rich_help_panel=_JOBS)(reconcile)
app.command("stop", rich_help_panel=_JOBS)(stop)
_RISK = "Risk"
app.command("risk", rich_help_panel=_RISK)(risk)
app.command("halt", rich_help_panel=_RISK)(halt)
app.command("resume-trading", rich_help_panel=_RISK)(resume_trading)
app.add_typer(paper, name="paper", rich_help_panel="Paper exchange")


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
