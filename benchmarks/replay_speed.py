"""How many recorded events per second the replay gives, alone and into the simulated exchange, whose events
a host drains after each.

    uv run python -m benchmarks.replay_speed DIR [DIR …]

Each DIR is a directory of recordings as ``paper start --market replay --data DIR`` takes it.
"""

import argparse
import time
from collections import Counter
from itertools import islice
from pathlib import Path

from orderkit.paper.contracts import brackets, instruments
from orderkit.paper.sources.replay import ReplayMarket
from orderkit.simulator.exchange import SimulatedExchange

START_MS = 1_790_000_000_000
MOST_EVENTS = 300_000


def measure(directory: Path) -> None:
    """Print the rates of one directory: its first events, as many as MOST_EVENTS."""
    market = ReplayMarket(instruments(), directory)
    counts, last_ms = Counter[str](), START_MS
    began = time.process_time()
    for event in islice(market.events(START_MS), MOST_EVENTS):
        counts[type(event).__name__] += 1
        last_ms = event.time_ms
    alone_s = time.process_time() - began
    exchange = SimulatedExchange(instruments(), brackets(), now_ms=START_MS)
    began = time.process_time()
    for event in islice(market.events(START_MS), MOST_EVENTS):
        exchange.apply(event)
        exchange.drain()
    together_s = time.process_time() - began
    total, recorded_s = counts.total(), (last_ms - START_MS) / 1000
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    print(f"{directory.name}: {', '.join(market.symbols)}, {recorded_s:.0f} s recorded, {kinds}")
    for name, seconds in (("source alone", alone_s), ("with the simulator", together_s)):
        print(f"  {name}: {total / seconds:,.0f} events/s, {recorded_s / seconds:,.0f} times real time")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR")
    for directory in parser.parse_args().directories:
        measure(directory)


if __name__ == "__main__":
    main()
