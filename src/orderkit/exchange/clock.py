"""The exchange's clock as seen from here: one offset, measured only when the exchange complains."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from orderkit.exchange.files import read_json, write_atomically

MAX_AGE_MS = 3_600_000


class ExchangeClock:
    """Offset of the futures server's clock to this machine's, shared by all threads.

    A good clock costs no request: the offset is 0, or the one an earlier run measured within the last hour,
    until the exchange answers -1021. A remembered offset that is wrong by now heals in the same way.
    """

    def __init__(self, path: Path, base_url: str) -> None:
        self._path = path
        self._base_url = base_url
        self._lock = threading.Lock()
        self._offset_ms = 0
        saved = read_json(path)
        if (
            saved.get("base") == base_url
            and isinstance(saved.get("offset_ms"), int)
            and isinstance(saved.get("measured_ms"), int)
            and 0 <= _local_ms() - saved["measured_ms"] <= MAX_AGE_MS
        ):
            self._offset_ms = saved["offset_ms"]

    @property
    def offset_ms(self) -> int:
        return self._offset_ms

    def now_ms(self) -> int:
        """Exchange time in ms, UTC."""
        return _local_ms() + self._offset_ms

    def resync(self, stale_offset_ms: int, server_time_ms: Callable[[], int]) -> None:
        """Measure the offset, unless another thread did since a request went out with ``stale_offset_ms``.

        Whatever ``server_time_ms`` raises passes through.
        """
        with self._lock:
            if self._offset_ms != stale_offset_ms:
                return
            sent = _local_ms()
            server = server_time_ms()
            received = _local_ms()
            # The server read its clock somewhere between: half the round trip is the least error.
            self._offset_ms = server - (sent + received) // 2
        content = f'{{"base":"{self._base_url}","offset_ms":{self._offset_ms},"measured_ms":{received}}}'
        write_atomically(self._path, content.encode())


def _local_ms() -> int:
    return time.time_ns() // 1_000_000
