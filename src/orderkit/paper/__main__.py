"""The paper exchange in the foreground: ``python -m orderkit.paper``; prints one JSON line once ready."""

import argparse
import json
import logging
import sys
from pathlib import Path

from orderkit.errors import OrderKitError
from orderkit.paper.markets import DEFAULT_SEED
from orderkit.paper.server import ServeOptions, serve
from orderkit.paper.state import PaperInfo


def announce(info: PaperInfo) -> None:
    """Print the ready line."""
    document = {
        "ready": True,
        "rest": info.rest,
        "ws": info.ws,
        "api_key": info.api_key,
        "api_secret": info.api_secret,
    }
    print(json.dumps(document), flush=True)


def serve_in_foreground(options: ServeOptions) -> None:
    """Serve with the log on stderr until told to stop."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    serve(options, announce)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orderkit.paper", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--market", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--symbols", default="")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--loop", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle-timeout", type=float, default=0.0)
    given = parser.parse_args()
    options = ServeOptions(
        home=given.home,
        market=given.market,
        data_dir=given.data,
        seed=given.seed,
        symbols=tuple(s for s in given.symbols.upper().split(",") if s),
        speed=given.speed,
        loop=given.loop,
        port=given.port,
        idle_timeout_s=given.idle_timeout,
    )
    try:
        serve_in_foreground(options)
    except OrderKitError as error:
        print(f"{error.message} ({error.hint})" if error.hint else error.message, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
