#!/usr/bin/env python3
"""Give every position that no stop protects a stop: stop_guard.py --percent 3

The stop triggers --percent from the entry, as a limit order --slip percent further on, reduce-only, for the
quantity that is not protected yet. Called again it finds the stop there and does nothing, so cron may call
it every few minutes. Exit code 9 where some position is left without.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ORDERKIT = shlex.split(os.environ.get("ORDERKIT", f"uv run --quiet --project {CHECKOUT} orderkit"))


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*ORDERKIT, *words, "--json"], capture_output=True, text=True)


def stop_of(position: dict[str, str], percent: Decimal, slip: Decimal) -> list[str]:
    """The command that protects what is not protected of a position."""
    held, entry = Decimal(position["quantity"]), Decimal(position["entry_price"])
    missing = abs(held) - Decimal(position["protected_quantity"])
    towards = -1 if held > 0 else 1  # where the losses are
    stop = entry * (1 + towards * percent / 100)
    limit = stop * (1 + towards * slip / 100)
    side = "SELL" if held > 0 else "BUY"
    words = [
        "stop-limit",
        position["symbol"],
        side,
        f"{missing:f}",
        f"{stop:f}",
        f"{limit:f}",
        "--round",
        "--yes",
    ]
    if position["position_side"] == "BOTH":
        return [*words, "--reduce-only"]
    return [*words, "--position-side", position["position_side"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--percent", type=Decimal, default=Decimal(3), help="from the entry price")
    parser.add_argument("--slip", type=Decimal, default=Decimal("0.5"), help="of the limit beyond the stop")
    options = parser.parse_args()
    listed = run("positions")
    if listed.returncode != 0:
        sys.stderr.write(listed.stdout + listed.stderr)
        sys.exit(listed.returncode)
    unguarded = False
    for position in json.loads(listed.stdout)["positions"]:
        if position["protection"] == "full":
            continue
        words = stop_of(position, options.percent, options.slip)
        done = run(*words)
        if done.returncode == 0:
            order = json.loads(done.stdout)["orders"][0]
            print(f"{position['symbol']}: stop at {order['trigger_price']} for {order['quantity']}")
        else:
            unguarded = True
            why = json.loads(done.stdout)
            print(
                f"{position['symbol']}: NO STOP: {why.get('reason') or why['error']['message']}",
                file=sys.stderr,
            )
    sys.exit(9 if unguarded else 0)


if __name__ == "__main__":
    main()
