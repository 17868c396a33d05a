"""The ``paper`` commands: start, stop, reset and show this home's paper exchange, or serve one."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orderkit.config import home_directory
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


MarketOption = Annotated[Market, typer.Option("--market", help="Where prices come from.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Recordings for the replay market: Vision files, raw streams."
    ),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of the synthetic market.")]
SymbolsOption = Annotated[
    str, typer.Option("--symbols", metavar="A,B", help="Trade only these; all others are closed.")
]
SpeedOption = Annotated[float, typer.Option("--speed", min=0.001, help="Pace of the market, 1 is real time.")]
LoopOption = Annotated[bool, typer.Option("--loop", help="Start a recording again when it ends.")]
PortOption = Annotated[
    int,
    typer.Option("--port", min=0, max=65535, help="0: the one used last if it is free, else any."),
]
IdleOption = Annotated[
    float,
    typer.Option("--idle-timeout", min=0, metavar="SECONDS", help="Stop when unused for so long; 0: never."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


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
    """Start the exchange in the background, or find the one that runs."""
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
    """Stop the exchange; the account stays on disk."""
    stopped = process.stop(home_directory())
    if as_json:
        _show(None, as_json)
    else:
        typer.echo("The paper exchange has stopped." if stopped else "No paper exchange was running.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say whether the exchange runs, and where."""
    _show(process.status(home_directory()), as_json)


@app.command()
def reset(as_json: JsonOption = False) -> None:
    """Give the account its opening balance again and forget its orders."""
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
    """Serve in the foreground: one JSON line on stdout once ready, the log on stderr."""
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
