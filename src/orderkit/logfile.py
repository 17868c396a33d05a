"""bot.log: masked lines with UTC time, in a file that rotates and that several processes share."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from orderkit.redaction import mask

MAX_BYTES = 5_000_000
BACKUPS = 5


class MaskingFormatter(logging.Formatter):
    """``2026-11-21T09:30:00.000Z LEVEL module: message`` and the traceback, all of it masked.

    Masking works on the finished text, so no code path of ours or of a library gets around it.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class SharedRotatingFileHandler(logging.Handler):
    """Appends to a file that other processes append to and rotate as well.

    Each record is one ``write`` on a descriptor opened with O_APPEND, which the kernel keeps whole and in
    line with other writers. Whoever finds the file full renames it under a file lock, after looking at the
    size again. The others notice before their next record that the path names another file and reopen it;
    a record written in between lands at the end of the renamed file and is not lost.

    A failure to write is swallowed: a log must never stop an order.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, backups: int = BACKUPS) -> None:
        """Open ``path``, creating its folder. Raises OSError where it cannot be written."""
        super().__init__()
        self.path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._fd: int | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        self.setFormatter(MaskingFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        except Exception:  # includes a record whose arguments do not fit its message
            self._shut()

    def close(self) -> None:
        self._shut()
        super().close()

    def _write(self, data: bytes) -> None:
        fd = self._current()
        if os.fstat(fd).st_size + len(data) > self._max_bytes and os.fstat(fd).st_size > 0:
            self._rotate()
            fd = self._current()
        os.write(fd, data)

    def _open(self) -> int:
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._fd

    def _current(self) -> int:
        """The descriptor of the file that ``path`` names now."""
        if self._fd is not None:
            try:
                if os.path.samestat(os.fstat(self._fd), self.path.stat()):
                    return self._fd
            except FileNotFoundError:
                pass
            self._shut()
        return self._open()

    def _shut(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _rotate(self) -> None:
        from filelock import FileLock, Timeout

        try:
            with FileLock(f"{self.path}.lock", timeout=0):
                if self.path.stat().st_size < self._max_bytes // 2:
                    return  # somebody else rotated it meanwhile
                for n in range(self._backups - 1, 0, -1):
                    older = self._backup(n)
                    if older.exists():
                        older.replace(self._backup(n + 1))
                self.path.replace(self._backup(1))
        except (Timeout, OSError):
            return  # it is being rotated, or cannot be: the line goes where it can

    def _backup(self, n: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{n}")
