"""What sharing the request budget with all processes of the machine costs a request.

Run: uv run python -m benchmarks.pacing
"""

import statistics
import tempfile
import time
from pathlib import Path

ROUNDS = 20
REQUESTS = 200
HEADERS = {"X-MBX-USED-WEIGHT-1M": "3", "X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1M": "5"}


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        tempfile.tempdir = directory  # where the budget is shared
        from orderkit.exchange.budget import Limits
        from orderkit.exchange.pacing import Pacer
        from orderkit.exchange.weights import Cost

        unlimited = Limits(0, 0, 0)
        pacer = Pacer("https://127.0.0.1", "key", unlimited, lambda: time.time_ns() // 1_000_000)
        order = Cost(weight=0, orders=1, urgent=True)
        took = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            for _ in range(REQUESTS):
                pacer.settle(pacer.take(order, "order"), HEADERS, sent=True)
            took.append((time.perf_counter() - begun) / REQUESTS * 1e6)
        pacer.close()
        assert list(Path(directory).rglob("budget-*")), "the budget was shared with nobody"
    print(f"pacing: median {statistics.median(took):.0f} µs a request, best {min(took):.0f} µs")


if __name__ == "__main__":
    main()
