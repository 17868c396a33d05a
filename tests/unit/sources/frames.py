"""Frames of Binance's public streams as tests write them, and recordings made of them."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FIRST_MS = 1_721_347_022_000
Sides = Mapping[str, str]  # quantity by price
Frame = dict[str, Any]


def levels(side: Sides) -> list[list[str]]:
    return [[price, quantity] for price, quantity in side.items()]


def wrapped(stream: str, data: Frame, symbol: str = "BTCUSDT") -> Frame:
    return {"stream": f"{symbol.lower()}@{stream}", "data": {"s": symbol} | data}


def diff(
    first: int, last: int, previous: int, at: int, bids: Sides, asks: Sides, symbol: str = "BTCUSDT"
) -> Frame:
    """``at`` ms after FIRST_MS, as in all of these."""
    body = {"e": "depthUpdate", "E": FIRST_MS + at + 1, "T": FIRST_MS + at, "U": first, "u": last}
    body |= {"pu": previous, "b": levels(bids), "a": levels(asks)}
    return wrapped("depth@100ms", body, symbol)


def snapshot(last: int, at: int, bids: Sides, asks: Sides) -> Frame:
    time_ms = FIRST_MS + at
    return {"lastUpdateId": last, "E": time_ms, "T": time_ms, "bids": levels(bids), "asks": levels(asks)}


def ticker(update_id: int, at: int, bid: str, bid_quantity: str, ask: str, ask_quantity: str) -> Frame:
    body = {"e": "bookTicker", "u": update_id, "E": FIRST_MS + at, "T": FIRST_MS + at}
    return wrapped("bookTicker", body | {"b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity})


def trade(
    trade_id: int, at: int, price: str, quantity: str, *, sold: bool = False, kind: str = "MARKET"
) -> Frame:
    body = {"e": "trade", "E": FIRST_MS + at, "T": FIRST_MS + at, "t": trade_id}
    return wrapped("trade", body | {"p": price, "q": quantity, "X": kind, "m": sold})


def aggregate_trade(trade_id: int, at: int, price: str, quantity: str, *, symbol: str = "BTCUSDT") -> Frame:
    body = {"e": "aggTrade", "E": FIRST_MS + at, "T": FIRST_MS + at, "a": trade_id, "f": 1, "l": 2}
    return wrapped("aggTrade", body | {"p": price, "q": quantity, "nq": quantity, "m": False}, symbol)


def mark(at: int, price: str, symbol: str = "BTCUSDT") -> Frame:
    body = {"e": "markPriceUpdate", "E": FIRST_MS + at, "T": 1_721_376_000_000, "p": price, "P": price}
    return wrapped("markPrice@1s", body | {"i": "99.50", "r": "-0.00004435", "ap": price}, symbol)


def record(path: Path, frames: Iterable[Frame | str]) -> None:
    """A raw recording; a str stands for a whole line as it is."""
    lines = (
        frame if isinstance(frame, str) else f"{(FIRST_MS + number) * 1_000_000} {json.dumps(frame)}"
        for number, frame in enumerate(frames)
    )
    text = "".join(line + "\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
