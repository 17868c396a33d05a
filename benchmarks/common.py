"""What the benchmarks share: an exchange in a process of its own, and figures said the same way."""

import contextlib
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.request import Request, urlopen

from orderkit.config import Endpoints, Settings
from orderkit.domain.enums import Environment
from orderkit.domain.instrument import Instrument
from orderkit.paper import process
from orderkit.paper.contracts import instruments


@contextlib.contextmanager
def exchange() -> Iterator[tuple[Settings, Endpoints]]:
    """A manual paper exchange with BTCUSDT quoted 60000 / 60000.1, in a home that is thrown away."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        process.start(home, market="manual")
        try:
            settings = Settings(environment=Environment.PAPER, home=home)
            endpoints = Endpoints.of(settings)
            body = {"symbol": "BTCUSDT", "bid": "60000", "ask": "60000.1"}
            ask(endpoints, "/paper/market", body | {"bid_quantity": "900", "ask_quantity": "900"})
            yield settings, endpoints
        finally:
            process.stop(home)


def ask(endpoints: Endpoints, path: str, body: object) -> None:
    """POST to one of the exchange's /paper routes."""
    data = json.dumps(body).encode()
    with urlopen(Request(endpoints.rest + path, data, {"Content-Type": "application/json"})) as answer:
        answer.read()


def bitcoin() -> Instrument:
    return next(i for i in instruments() if i.symbol == "BTCUSDT")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1))]


def summary(name: str, values: Sequence[float], unit: str) -> str:
    return (
        f"{name}: median {statistics.median(values):.3f}, p99 {percentile(values, 0.99):.3f},"
        f" max {max(values):.3f} {unit} (n = {len(values)})"
    )
