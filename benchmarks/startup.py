"""From exec to the order at the exchange: ``bot.py market`` against a bare python-binance script.

Run: uv run python -m benchmarks.startup [--rounds 9]

All take turns in one run, byte code and caches warm, against a paper exchange in a process of its own, which
notes when it received each order. ``bot.py market`` validates against fresh market data and writes its
journal before it sends; the script only creates a client and calls ``futures_create_order``. Beside them,
from exec to exit: two help pages and the completion of a symbol.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.request import urlopen

from benchmarks.common import ask, exchange
from orderkit.config import Endpoints
from orderkit.paper import process

BOT = Path(__file__).parents[1] / "bot.py"
SCRIPT = """
import sys
from binance.client import Client
key, secret, rest = sys.argv[1:]
Client.FUTURES_URL = rest + "/fapi"
client = Client(key, secret, ping=False)
client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
"""
COMPLETE = "import sys; sys.argv[0] = 'orderkit'; from orderkit.cli import main; main()"
COMPLETED = {"_ORDERKIT_COMPLETE": "complete_bash", "COMP_WORDS": "orderkit market BTC", "COMP_CWORD": "2"}
NO_LIMITS = {"weight_per_minute": 0, "orders_per_10s": 0, "orders_per_minute": 0}


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """The time of exec (UTC ms) and how long the process took (ms)."""
    began_ns, began_ms = time.perf_counter_ns(), time.time_ns() / 1e6
    subprocess.run([sys.executable, *arguments], env=environ, check=True, capture_output=True)
    return began_ms, (time.perf_counter_ns() - began_ns) / 1e6


def until_order(arguments: Sequence[str], environ: Mapping[str, str], endpoints: Endpoints) -> float:
    """Milliseconds from exec to the order's arrival; the exchange's clock is this machine's."""
    began_ms, _ = run(arguments, environ)
    with urlopen(f"{endpoints.rest}/paper/requests") as answer:
        received = json.loads(answer.read())
    rows = received["requests"] if isinstance(received, dict) else received
    arrived = [row["time"] for row in rows if (row["method"], row["path"]) == ("POST", "/fapi/v1/order")]
    return float(arrived[-1]) - began_ms


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {}
    with exchange() as (settings, endpoints):
        ask(endpoints, "/paper/limits", NO_LIMITS)
        running = process.status(settings.home)
        assert running is not None
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("BINANCE_", "ORDERKIT_"))}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each start would compile what it imports
        environ |= {"ORDERKIT_HOME": str(settings.home), "ORDERKIT_LOG_FILE": str(settings.home / "bot.log")}
        environ |= {"TMPDIR": str(settings.home)}
        script = settings.home / "bare.py"
        script.write_text(SCRIPT)
        bare = [str(script), running.api_key, running.api_secret, endpoints.rest]
        for number in range(-1, rounds):  # the first round warms the caches
            took = {
                "bare script, exec to order": until_order(bare, environ, endpoints),
                "bot.py market, exec to order": until_order(
                    [str(BOT), "market", "BTCUSDT", "BUY", "0.001"], environ, endpoints
                ),
                "bot.py --help": run([str(BOT), "--help"], environ)[1],
                "bot.py twap --help": run([str(BOT), "twap", "--help"], environ)[1],
                "completion of a symbol": run(["-c", COMPLETE], environ | COMPLETED)[1],
                "python -c pass": run(["-c", "pass"], environ)[1],
            }
            for name, value in took.items() if number >= 0 else ():
                times.setdefault(name, []).append(value)
    for name, values in times.items():
        print(f"{name:32} median {statistics.median(values):4.0f} ms, best {min(values):4.0f}")
    bare_ms, ours_ms = list(times.values())[:2]
    ratio = statistics.median(ours / own for own, ours in zip(bare_ms, ours_ms, strict=True))
    print(f"bot.py market / bare script: {ratio:.2f}, median of {rounds} pairs")


if __name__ == "__main__":
    main()
