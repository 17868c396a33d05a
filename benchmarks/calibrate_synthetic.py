"""Measures how recorded markets trade, and the synthetic market beside them, as a Markdown table.

    uv run python benchmarks/calibrate_synthetic.py DIR [--minutes 30]

DIR holds ``tick_csv/`` (Vision trades and bookTicker of BTCUSDT and ETHUSDT) and ``tick_raw/`` (lines of
``<local ns> <stream message>`` with depth updates and one REST snapshot, ``usdm_btcusdt_*.gz``).
"""

import argparse
import gzip
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise, takewhile
from math import log, sqrt
from pathlib import Path
from statistics import fmean
from time import process_time

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade, Quote
from orderkit.paper.contracts import instruments
from orderkit.paper.sources.profiles import DEPTH_EDGES_BPS
from orderkit.paper.sources.replay import ReplayMarket
from orderkit.paper.sources.synthetic import SyntheticMarket

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BURST_MS = 100  # changes of the mid closer together than this are one move
Figures = dict[str, float]


class Book:
    """Levels by price; enough to follow depth updates and look at the top."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}

    def apply(self, update: DepthUpdate) -> None:
        if update.snapshot:
            self.bids.clear()
            self.asks.clear()
        for side, levels in ((self.bids, update.bids), (self.asks, update.asks)):
            for price, quantity in levels:
                if quantity:
                    side[float(price)] = float(quantity)
                else:
                    side.pop(float(price), None)

    def top(self) -> tuple[float, float, float, float]:
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def flow(trades: Sequence[MarketTrade]) -> Figures:
    """Orders that take liquidity. Trades of one millisecond and side count as one such order."""
    orders = [
        (time_ms, seller, [float(t.price * t.quantity) for t in group])
        for (time_ms, seller), group in groupby(trades, key=lambda t: (t.time_ms, t.buyer_is_maker))
    ]
    seconds = (trades[-1].time_ms - trades[0].time_ms) / 1000
    sizes = [sum(prints) for _, _, prints in orders]
    gaps = [b[0] - a[0] for a, b in pairwise(orders)]
    return {
        "orders taking liquidity, per s": len(orders) / seconds,
        "trades, per s": len(trades) / seconds,
        "gap between orders, median, ms": quantile(gaps, 0.5),
        "gap between orders, 90 %, ms": quantile(gaps, 0.9),
        "order on the side of the one before, %": 100 * fmean(a[1] == b[1] for a, b in pairwise(orders)),
        "order size, median, USDT": quantile(sizes, 0.5),
        "order size, 90 %, USDT": quantile(sizes, 0.9),
        "order size, 99 %, USDT": quantile(sizes, 0.99),
        "trade size, median, USDT": quantile([n for _, _, prints in orders for n in prints], 0.5),
        "turnover, thousand USDT per s": sum(sizes) / seconds / 1000,
    }


def prices(quotes: Sequence[tuple[int, float, float, float, float]], tick: float) -> Figures:
    """Spread, touch and moves of the mid. Quotes: time ms, bid, its quantity, ask, its quantity."""
    lifetimes = [b[0] - a[0] for a, b in pairwise(quotes)]
    total_ms = sum(lifetimes)
    narrow = sum(t for t, q in zip(lifetimes, quotes, strict=False) if round((q[3] - q[1]) / tick) == 1)
    touch = sum(t * (q[1] * q[2] + q[3] * q[4]) / 2 for t, q in zip(lifetimes, quotes, strict=False))
    mids = [(q[0], (q[1] + q[3]) / 2) for q in quotes]
    moves: list[float] = []
    moved_ms = -BURST_MS - 1
    for (_, before), (time_ms, after) in pairwise(mids):
        if after == before:
            continue
        change = log(after / before) * 1e4
        if time_ms - moved_ms <= BURST_MS and moves:
            moves[-1] += change
        else:
            moves.append(change)
        moved_ms = time_ms
    moves = [move for move in moves if abs(move) * 1e-4 * mids[0][1] > tick / 4]
    return {
        "spread of one tick, % of time": 100 * narrow / total_ms,
        "touch, mean, thousand USDT": touch / total_ms / 1000,
        "moves of the mid, per s": len(moves) / total_ms * 1000,
        "move, mean size, bps": fmean(abs(move) for move in moves),
        "move in the direction of the one before, %": 100
        * fmean((a > 0) == (b > 0) for a, b in pairwise(moves)),
        "volatility over 1 s, bps": volatility_bps(mids, 1_000),
        "volatility over 10 s, bps per √s": volatility_bps(mids, 10_000),
    }


def volatility_bps(mids: Sequence[tuple[int, float]], interval_ms: int) -> float:
    """Root mean square log return of the mid over an interval, scaled to one second."""
    times = [time_ms for time_ms, _ in mids]
    sampled = [mids[bisect_right(times, at) - 1][1] for at in range(times[0], times[-1] + 1, interval_ms)]
    squares = [log(b / a) ** 2 for a, b in pairwise(sampled)]
    return sqrt(fmean(squares) * 1000 / interval_ms) * 1e4


def depth(updates: Iterable[DepthUpdate]) -> Figures:
    """Mean depth per basis point and side in bands behind the touch, sampled every second."""
    book = Book()
    samples = [0.0] * (len(DEPTH_EDGES_BPS) - 1)
    taken = count = 0
    first_ms = next_ms = last_ms = 0
    for update in updates:
        book.apply(update)
        count += 1
        last_ms = update.time_ms
        first_ms = first_ms or last_ms
        if last_ms < next_ms:
            continue
        next_ms = last_ms + 1000
        taken += 2
        bid, _, ask, _ = book.top()
        for side, touch in ((book.bids, bid), (book.asks, ask)):
            for price, quantity in side.items():
                distance_bps = abs(price - touch) / touch * 1e4
                band = bisect_right(DEPTH_EDGES_BPS, distance_bps) - 1
                if distance_bps > 0 and band < len(samples):
                    samples[band] += price * quantity
    bands = list(pairwise(DEPTH_EDGES_BPS))
    figures = {"depth updates, per s": count / (last_ms - first_ms) * 1000}
    for (near, far), total in zip(bands, samples, strict=True):
        key = f"depth {near:g} to {far:g} bps behind, thousand USDT per bp"
        figures[key] = total / taken / (far - near) / 1000
    return figures


def raw_depth(directory: Path, symbol: str) -> Iterator[DepthUpdate]:
    """The depth updates of a raw recording, from its REST snapshot on."""
    from decimal import Decimal

    def levels(rows: Sequence[Sequence[str]]) -> tuple[tuple[Decimal, Decimal], ...]:
        return tuple((Decimal(price), Decimal(quantity)) for price, quantity in rows)

    waiting: list[DepthUpdate] | None = []
    for path in sorted(directory.glob(f"usdm_{symbol.lower()}_*.gz")):
        with gzip.open(path, "rt") as file:
            for line in file:
                message = json.loads(line.split(" ", 1)[1])
                if "lastUpdateId" in message:
                    yield DepthUpdate(
                        symbol, levels(message["bids"]), levels(message["asks"]), message["T"], True
                    )
                    yield from waiting or ()
                    waiting = None
                elif message["data"]["e"] == "depthUpdate":
                    data = message["data"]
                    update = DepthUpdate(symbol, levels(data["b"]), levels(data["a"]), data["T"])
                    if waiting is None:
                        yield update
                    else:  # absolute quantities: an older update repeated after the snapshot heals at once
                        waiting.append(update)


def recorded(directory: Path, instrument: Instrument) -> Figures:
    events = list(ReplayMarket([instrument], directory / "tick_csv").events(0))
    quotes = [
        (e.time_ms, float(e.bid), float(e.bid_quantity), float(e.ask), float(e.ask_quantity))
        for e in events
        if isinstance(e, Quote)
    ]
    return {
        **flow([e for e in events if isinstance(e, MarketTrade)]),
        **prices(quotes, float(instrument.price_filter.tick_size)),
        **depth(raw_depth(directory / "tick_raw", instrument.symbol)),
    }


def synthetic(instrument: Instrument, minutes: float) -> Figures:
    market = SyntheticMarket([instrument], seed=1).events(0)
    events: list[MarketEvent] = list(takewhile(lambda e: e.time_ms <= minutes * 60_000, market))
    updates = [e for e in events if isinstance(e, DepthUpdate)]
    book = Book()
    quotes = []
    for update in updates:
        book.apply(update)
        quotes.append((update.time_ms, *book.top()))
    return {
        **flow([e for e in events if isinstance(e, MarketTrade)]),
        **prices(quotes, float(instrument.price_filter.tick_size)),
        **depth(updates),
    }


def cost(minutes: float) -> str:
    """What it takes to generate the market of all symbols."""
    began, count = process_time(), 0
    for event in SyntheticMarket(instruments(), seed=1).events(0):
        if event.time_ms > minutes * 60_000:
            break
        count += 1
    spent = process_time() - began
    seconds = minutes * 60
    return f"all symbols: {count / seconds:.0f} events/s, {spent / seconds:.2%} of one core in real time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=30, help="of synthetic market, virtual time")
    options = parser.parse_args()
    contracts = {i.symbol: i for i in instruments()}
    columns = [
        figures
        for symbol in SYMBOLS
        for figures in (
            recorded(options.directory, contracts[symbol]),
            synthetic(contracts[symbol], options.minutes),
        )
    ]
    print("| figure | " + " | ".join(f"{s} {k}" for s in SYMBOLS for k in ("recorded", "synthetic")) + " |")
    print("|---|" + "---:|" * len(columns))
    for key in columns[0]:
        print(f"| {key} | " + " | ".join(f"{figures[key]:,.4g}" for figures in columns) + " |")
    print(f"\n{cost(1)}")


if __name__ == "__main__":
    main()
