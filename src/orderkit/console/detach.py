"""Leaves a job to a supervisor: a process of its own, in the background, that runs it to its end."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from orderkit.console.outcome import document_of, exit_code, show_job
from orderkit.console.terminal import say
from orderkit.domain.enums import OrderStatus
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord, JobStatus
from orderkit.errors import ConfigurationError
from orderkit.journal.locks import is_locked
from orderkit.orders.executor import Executor
from orderkit.runtime.desk import Desk

START_TIMEOUT_S = 30.0
POLL_S = 0.05
QUIET_S = 0.3  # without another order the first ones are all there
_UNANSWERED = (OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN)


def detach(
    desk: Desk,
    executor: Executor,
    record: JobRecord,
    instrument: Instrument,
    warnings: Sequence[str] = (),
    *,
    new: bool,
) -> int:
    """Hand a job over and wait until its first orders are answered; its exit code by then.

    A ``new`` job is written down first: from then on whatever dies, resume can go on with it.

    Raises:
        JobExists: a new job's id is taken.
        ConfigurationError: the supervisor could not be started, or died at once.
    """
    if new:
        record.started_ns = time.time_ns()
        desk.journal.open_job(record)
    if not is_locked(desk.settings.home, record.job_id):
        log = desk.settings.home / "supervisors" / f"{record.job_id}.log"
        supervisor = _start(record, log)
        record = _settled(desk, record, supervisor)
        if record.status is JobStatus.RUNNING and supervisor.poll() is not None:
            raise ConfigurationError(
                f"the supervisor of job {record.job_id} ended at once with exit code {supervisor.returncode}",
                hint=f"{log} says why; bot.py resume {record.job_id} goes on here",
            )
        if record.status is JobStatus.RUNNING:
            say(f"supervised by process {supervisor.pid}; bot.py stop {record.job_id} ends it")
    show_job(document_of(executor.request, record, instrument, warnings), instrument)
    return exit_code(record, interrupted=False)


def _start(record: JobRecord, log: Path) -> "subprocess.Popen[bytes]":
    arguments = ["resume", record.job_id, "--env", record.environment, "--yes", "--quiet"]
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{log} cannot be written: {error.strerror}",
            hint="check the disk's space and the permissions of the state directory",
        ) from error
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "orderkit", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,  # the end of the terminal is not the end of the job
        )
    finally:
        os.close(descriptor)


def _settled(desk: Desk, record: JobRecord, supervisor: "subprocess.Popen[bytes]") -> JobRecord:
    """The job once its first orders are answered, or it has ended, or nothing was heard for long."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    count, since_s = 0, time.monotonic()
    while True:
        gone = supervisor.poll() is not None
        record = desk.journal.load_job(record.job_id) or record
        now_s = time.monotonic()
        if gone or record.status is not JobStatus.RUNNING or now_s > deadline_s:
            return record
        answered = sum(order.status not in _UNANSWERED for order in record.orders)
        if answered != count:
            count, since_s = answered, now_s
        if count and count == len(record.orders) and now_s - since_s > QUIET_S:
            return record
        time.sleep(POLL_S)
