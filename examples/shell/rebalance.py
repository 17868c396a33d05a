#!/usr/bin/env python3
"""Trade the difference between the positions there are and those wanted: rebalance.py BTCUSDT=0.5 ETHUSDT=-2

Differences below --tolerance (percent of the wanted size, 1 by default) are left alone. What only makes a
position smaller is sent reduce-only; where it changes sides it is closed first. One-way mode. With --plan
nothing is sent. Ends with the first exit code that is not 0.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
ORDERKIT = shlex.split(os.environ.get("ORDERKIT", f"uv run --quiet --project {CHECKOUT} orderkit"))


def orderkit(*words: str) -> Any:
    """The document that a command prints; a command that fails ends this script with its exit code."""
    done = subprocess.run([*ORDERKIT, *words, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def orders(held: Decimal, wanted: Decimal) -> list[tuple[str, Decimal, bool]]:
    """(side, quantity, reduce-only) of the orders that lead from one position to the other."""
    if held * wanted < 0:
        return orders(held, Decimal(0)) + orders(Decimal(0), wanted)
    difference = wanted - held
    return [("BUY" if difference > 0 else "SELL", abs(difference), abs(wanted) < abs(held))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", nargs="+", metavar="SYMBOL=SIZE", help="signed size: -2 is short 2")
    parser.add_argument("--tolerance", type=Decimal, default=Decimal(1), metavar="PERCENT")
    parser.add_argument("--plan", action="store_true", help="show what would be sent")
    options = parser.parse_args()
    try:
        targets = [(symbol, Decimal(size)) for symbol, _, size in (t.partition("=") for t in options.wanted)]
    except ArithmeticError:
        parser.error("write each target as SYMBOL=SIZE, such as ETHUSDT=-2")
    positions = {row["symbol"]: Decimal(row["quantity"]) for row in orderkit("positions")["positions"]}
    for symbol, wanted in targets:
        held = positions.get(symbol, Decimal(0))
        if abs(wanted - held) * 100 <= options.tolerance * abs(wanted):
            print(f"{symbol}: {held} is near enough to {wanted}")
            continue
        for side, quantity, reduces in orders(held, wanted):
            words = [
                "market",
                symbol,
                side,
                f"{quantity:f}",
                "--yes",
                *(["--reduce-only"] if reduces else []),
            ]
            if options.plan:
                print(shlex.join(words))
            else:
                done = orderkit(*words, "--round")
                print(f"{symbol}: {side} {done['executed_quantity']} at {done['average_price']}")


if __name__ == "__main__":
    main()
