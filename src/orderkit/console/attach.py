"""The live view of a job that another process runs: follows the journal until the job ends."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import typer

from orderkit.console.job_views import Archive, archive
from orderkit.console.options import RunOptions
from orderkit.console.outcome import document_of, exit_code, show_job
from orderkit.console.progress import Watcher
from orderkit.console.terminal import say
from orderkit.console.views import told, view_of
from orderkit.domain.job import Control, JobRecord, JobStatus
from orderkit.domain.order import Order
from orderkit.errors import INTERRUPTED, Incomplete
from orderkit.journal.locks import runner_of
from orderkit.orders.registry import executor_of, request_of

PERIOD_S = 0.25
GRACE_S = 1.0  # a job whose process has just gone may be written down as ended in this moment


@dataclass(slots=True)
class Followed:
    """A job as the journal has it by now, for a view to draw."""

    started_ns: int
    orders: list[Order] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    state: str = "RUNNING"
    message: str = ""


def attach(job_id: str, options: RunOptions) -> NoReturn:
    """Draw the job until it ends, then report it; its own exit code, 9 where nobody runs it.

    Ctrl-C leaves the view; the job goes on.
    """
    with archive(options) as shelf:
        record = shelf.job(job_id)
        request = request_of(record.kind, record.parameters)
        instrument = shelf.instrument(request.symbol)
        say(f"job {job_id} of {record.environment}: {record.status.value}")
        seen = _follow(shelf, record)
        if seen is None:
            say(f"left the view; job {job_id} goes on (bot.py stop {job_id} ends it)")
            raise typer.Exit(INTERRUPTED)
        record = seen
        show_job(document_of(request, record, instrument), instrument)
    if record.status is JobStatus.RUNNING:
        say(f"nobody runs job {job_id}; bot.py resume {job_id} goes on with it")
        raise typer.Exit(Incomplete.exit_code)
    raise typer.Exit(exit_code(record, interrupted=False))


def _follow(shelf: Archive, record: JobRecord) -> JobRecord | None:
    """The job as it was when it was over, or abandoned; None for a person who left before."""
    request = request_of(record.kind, record.parameters)
    instrument = shelf.instrument(request.symbol)
    with told(
        view_of(
            executor_of(record.kind, request, instrument),
            record,
            instrument,
            shelf.stream_base,
            attached=True,
        ),
        record,
        request,
        instrument,
    ) as view:
        return _until_over(shelf, record, view)


def _until_over(shelf: Archive, record: JobRecord, view: Watcher) -> JobRecord | None:
    followed = Followed(record.started_ns)
    unattended_since: float | None = None
    view.begin(followed)
    try:
        with _interrupts() as interrupted:
            while not interrupted():
                _update(shelf, followed, record)
                view.step()
                if record.status is not JobStatus.RUNNING:
                    return record
                if runner_of(shelf.settings.home, record.job_id) is not None:
                    unattended_since = None
                elif unattended_since is None:
                    unattended_since = time.monotonic()
                elif time.monotonic() - unattended_since > GRACE_S:
                    return record
                time.sleep(PERIOD_S)
                record = shelf.job(record.job_id)
        return None
    finally:
        view.end()


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, to be asked between two looks; a second one interrupts whatever is done.

    Raised as an exception at any point, it would be lost where Python is just cleaning up.
    """
    pressed: list[int] = []
    usual = signal.getsignal(signal.SIGINT)

    def note(number: int, _frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, usual)


def _update(shelf: Archive, followed: Followed, record: JobRecord) -> None:
    followed.orders, followed.controls = record.orders, record.controls
    note = shelf.reader.last_note(record.job_id)
    if note is not None:
        followed.state, followed.message = note.state, note.message
