"""A small file that the processes of one user share: changed under a lock that dies with its holder."""

import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_BYTES = 65_536
STALE_AFTER_S = 86_400.0
# A change takes some 20 µs. Whoever holds the lock for a second is suspended, and no order waits for that.
LOCK_TIMEOUT_S = 1.0


def runtime_directory() -> Path:
    """This user's directory for what must not outlive a boot by much; created and checked.

    Not ``XDG_RUNTIME_DIR``: cron has none, and its jobs share the budget with those of a terminal.

    Raises:
        OSError: it cannot be made, or another user owns it.
    """
    path = Path(tempfile.gettempdir()) / f"orderkit-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} is not a directory of this user")
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


class SharedFile:
    """Bytes that many threads and processes change in turn.

    Where the file cannot be used (read-only, full disk, a suspended holder of the lock), changes go to
    the copy in memory: this process goes on alone.
    """

    def __init__(self, directory: Callable[[], Path], name: str) -> None:
        self._directory = directory
        self._name = name
        self._thread_lock = threading.Lock()
        self._fd: int | None = None
        self._content = b""
        self._alone = False
        self._closed = False

    def change(self, apply: Callable[[bytes], tuple[bytes, T]]) -> T:
        """Replace the content by ``apply(content)[0]`` and return the rest of what it gave."""
        with self._thread_lock:
            try:
                fd = self._lock()
            except OSError as error:
                return self._change_alone(apply, error)
            try:
                self._content = os.pread(fd, MAX_BYTES, 0)
                content, result = apply(self._content)
                if content != self._content:
                    os.pwrite(fd, content, 0)
                    if len(content) < len(self._content):
                        os.ftruncate(fd, len(content))
                    self._content = content
            except OSError as error:  # apply does no IO: it was reading or writing that failed
                return self._change_alone(apply, error)
            finally:
                fcntl.flock(fd, fcntl.LOCK_UN)
                if self._closed:
                    self._shut()
            self._alone = False
            return result

    def close(self) -> None:
        """Let go of the file; a change after this opens it for itself."""
        with self._thread_lock:
            self._closed = True
            self._shut()

    def _change_alone(self, apply: Callable[[bytes], tuple[bytes, T]], error: OSError) -> T:
        if not self._alone:
            logger.warning("%s cannot be shared with other processes: %s", self._name, error)
        self._alone = True
        self._content, result = apply(self._content)
        return result

    def _lock(self) -> int:
        fd = self._open()
        give_up = 0.0
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                now = time.monotonic()
                give_up = give_up or now + LOCK_TIMEOUT_S
                if now > give_up:
                    raise TimeoutError("another process holds it too long") from None
                time.sleep(0.0002)
            else:
                return fd

    def _open(self) -> int:
        """The file's descriptor, opened anew where a cleaner has removed the file."""
        if self._fd is not None:
            if os.fstat(self._fd).st_nlink:
                return self._fd
            self._shut()
        directory = self._directory()
        path = directory / self._name
        if not path.exists():
            _remove_stale(directory)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        return self._fd

    def _shut(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


def _remove_stale(directory: Path) -> None:
    """Every paper exchange has a port, and so a file, of its own: drop those nobody has used for a day."""
    oldest = time.time() - STALE_AFTER_S
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except OSError:
            continue
