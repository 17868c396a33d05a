"""One process per job: a lock that dies with its holder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from orderkit.errors import ConfigurationError


class JobBusy(ConfigurationError):
    """Another process runs the job."""


@contextlib.contextmanager
def job_lock(home: Path, job_id: str) -> Iterator[None]:
    """Hold the job's lock file; the kernel lets go of it when the process ends, however it ends.

    The file stays: removing it would let a third process lock a new one beside a holder of the old.

    Raises:
        JobBusy: another process holds it; the message has its process id.
    """
    folder = home / "locks"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / f"{job_id}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"the lock of job {job_id} cannot be made: {error.strerror}",
            hint="check the disk's space and the permissions of the state directory",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise JobBusy(
                f"job {job_id} is being run by process {holder or 'unknown'}",
                hint="wait for it, or stop it there with Ctrl-C",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(home: Path, job_id: str) -> bool:
    """True while some process runs the job."""
    path = home / "locks" / f"{job_id}.lock"
    if not path.exists():
        return False
    try:
        with job_lock(home, job_id):
            return False
    except JobBusy:
        return True


def runner_of(home: Path, job_id: str) -> int | None:
    """The id of the process that runs the job; None where nothing does, 0 where it is just starting."""
    if not is_locked(home, job_id):
        return None
    text = (home / "locks" / f"{job_id}.lock").read_text(errors="replace").strip()
    return int(text) if text.isdigit() else 0
