"""The ``paper`` commands: start, stop, reset and show this home's paper exchange, serve one, or act on it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orderkit.config import home_directory
from orderkit.console import rehearsal
from orderkit.console.helptext import App
from orderkit.paper import process

if TYPE_CHECKING:
    from orderkit.paper.state import PaperInfo

app = App(
    name="paper",
    help="The embedded paper exchange, one per ORDERKIT_HOME.",
    add_completion=False,
)


class Market(StrEnum):
    SYNTHETIC = "synthetic"
    REPLAY = "replay"
    MANUAL = "manual"
    LIVE = "live"


_MARKET = "Market"
_RUN = "Run"
MarketOption = Annotated[
    Market,
    typer.Option(
        "--market",
        help="Where prices come from: made up, recorded, set by you (paper market), or Binance's own.",
        rich_help_panel=_MARKET,
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Recordings for the replay market: Vision files, raw streams.",
        rich_help_panel=_MARKET,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        help="Of the synthetic market: the same prices for the same seed; 1 unless given.",
        rich_help_panel=_MARKET,
    ),
]
SymbolsOption = Annotated[
    str,
    typer.Option(
        "--symbols", metavar="A,B", help="Trade only these; all others are closed.", rich_help_panel=_MARKET
    ),
]
SpeedOption = Annotated[
    float,
    typer.Option("--speed", min=0.001, help="Pace of the market, 1 is real time.", rich_help_panel=_MARKET),
]
LoopOption = Annotated[
    bool, typer.Option("--loop", help="Start a recording again when it ends.", rich_help_panel=_MARKET)
]
PortOption = Annotated[
    int,
    typer.Option(
        "--port", min=0, max=65535, help="0: the one used last if it is free, else any.", rich_help_panel=_RUN
    ),
]
IdleOption = Annotated[
    float,
    typer.Option(
        "--idle-timeout",
        min=0,
        metavar="SECONDS",
        help="Stop when unused for so long; 0: never.",
        rich_help_panel=_RUN,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=_RUN)]


@app.command()
def start(
    market: MarketOption = Market.SYNTHETIC,
    data: DataOption = None,
    seed: SeedOption = None,
    symbols: SymbolsOption = "",
    speed: SpeedOption = 1.0,
    loop: LoopOption = False,
    port: PortOption = 0,
    idle_timeout: IdleOption = process.DEFAULT_IDLE_TIMEOUT_S,
    as_json: JsonOption = False,
) -> None:
    """Start the exchange in the background, or find the one that runs.

    Order commands do this by themselves, with the synthetic market. Market data options do nothing to an
    exchange that runs already; one with another market must be stopped first.

    Examples:

      bot.py paper start --market manual

      bot.py paper start --market replay --data recordings --speed 10 --loop

      bot.py paper start --symbols BTCUSDT,ETHUSDT --seed 7 --json
    """
    info = process.start(
        home_directory(),
        market=market.value,
        data_dir=data,
        seed=seed,
        symbols=_symbols(symbols),
        speed=speed,
        loop=loop,
        port=port,
        idle_timeout_s=idle_timeout,
    )
    _show(info, as_json)


@app.command()
def stop(as_json: JsonOption = False) -> None:
    """Stop the exchange; the account stays on disk.

    Examples:

      bot.py paper stop

      bot.py paper stop --json
    """
    stopped = process.stop(home_directory())
    if as_json:
        _show(None, as_json)
    else:
        typer.echo("The paper exchange has stopped." if stopped else "No paper exchange was running.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say whether the exchange runs, and where.

    Examples:

      bot.py paper status

      bot.py paper status --json
    """
    _show(process.status(home_directory()), as_json)


@app.command()
def reset(as_json: JsonOption = False) -> None:
    """Give the account its opening balance again and forget its orders.

    Examples:

      bot.py paper reset

      bot.py paper reset --json
    """
    home = home_directory()
    process.reset(home)
    if as_json:
        _show(process.status(home), as_json)
    else:
        typer.echo("The paper account is as new.")


@app.command()
def serve(
    market: MarketOption = Market.SYNTHETIC,
    data: DataOption = None,
    seed: SeedOption = None,
    symbols: SymbolsOption = "",
    speed: SpeedOption = 1.0,
    loop: LoopOption = False,
    port: PortOption = 0,
    idle_timeout: IdleOption = 0.0,
) -> None:
    """Serve in the foreground: one JSON line on stdout once ready, the log on stderr.

    Ctrl-C or SIGTERM ends it; the account stays on disk.

    Examples:

      bot.py paper serve --port 9000 --market synthetic --seed 7

      bot.py paper serve --market manual --symbols BTCUSDT
    """
    from orderkit.paper.__main__ import serve_in_foreground
    from orderkit.paper.markets import DEFAULT_SEED
    from orderkit.paper.server import ServeOptions

    serve_in_foreground(
        ServeOptions(
            home=home_directory(),
            market=market.value,
            data_dir=data,
            seed=DEFAULT_SEED if seed is None else seed,
            symbols=tuple(_symbols(symbols)),
            speed=speed,
            loop=loop,
            port=port,
            idle_timeout_s=idle_timeout,
        )
    )


_CONTROL = "Test control"
app.command("market", rich_help_panel=_CONTROL)(rehearsal.market)
app.command("mark", rich_help_panel=_CONTROL)(rehearsal.mark)
app.command("trade", rich_help_panel=_CONTROL)(rehearsal.trade)
app.command("funding", rich_help_panel=_CONTROL)(rehearsal.funding)
# An amount below 0 must not be taken for an option.
_AMOUNTS = {"ignore_unknown_options": True}
app.command("deposit", rich_help_panel=_CONTROL, context_settings=_AMOUNTS)(rehearsal.deposit)
app.command("keys", rich_help_panel=_CONTROL)(rehearsal.keys)
app.command("faults", rich_help_panel=_CONTROL)(rehearsal.faults)
app.command("requests", rich_help_panel=_CONTROL)(rehearsal.requests)


def _symbols(text: str) -> list[str]:
    return [symbol.strip().upper() for symbol in text.split(",") if symbol.strip()]


def _show(info: "PaperInfo | None", as_json: bool) -> None:
    if as_json:
        document: dict[str, object] = {"schema": 1, "env": "paper", "running": info is not None}
        for name in ("pid", "rest", "ws", "market", "api_key", "api_secret"):
            document[name] = getattr(info, name) if info is not None else None
        typer.echo(json.dumps(document))
    elif info is None:
        typer.echo("No paper exchange is running.")
    else:
        typer.echo(f"The paper exchange is running: {info.rest} ({info.market} market, pid {info.pid}).")
