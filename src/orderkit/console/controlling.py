"""What pause, amend and finish-now do: leave a command for the process that runs the job, and its answer."""

import time
from collections.abc import Mapping
from typing import NoReturn

import typer

from orderkit.console.beginning import announce, prepared
from orderkit.console.documents import ControlDocument, print_document
from orderkit.console.job_views import no_such_job
from orderkit.console.options import RunOptions
from orderkit.console.terminal import say
from orderkit.domain.job import Control, ControlKind, JobRecord, JobStatus
from orderkit.errors import UsageError, ValidationError
from orderkit.journal.locks import is_locked, job_lock
from orderkit.orders.executor import check_control
from orderkit.orders.registry import executor_of, request_of
from orderkit.runtime.desk import Desk

ANSWER_TIMEOUT_S = 5.0
POLL_S = 0.05


def control_job(
    job_id: str, kind: ControlKind, options: RunOptions, changes: Mapping[str, str] | None = None
) -> NoReturn:
    """Ask a job for something and say whether it does it.

    Raises:
        UsageError: there is no such job, or it is of another environment.
        ValidationError: the job is over, nobody runs it, or it cannot do this.
    """
    settings = prepared(options)
    if kind is not ControlKind.PAUSE:
        announce(settings, options)
    with Desk(settings) as desk:
        record = loaded_here(desk, job_id)
        if record.status is not JobStatus.RUNNING:
            raise ValidationError(f"JOB: job {job_id} is over: {record.status}", rule="JOB")
        control = Control(kind, time.time_ns(), changes or {})
        request = request_of(record.kind, record.parameters)
        executor = executor_of(record.kind, request, desk.instrument(request.symbol))
        check_control(executor, control, record)
        taken = _leave(desk, record, control)
    document = ControlDocument(
        env=settings.environment.value,
        job_id=job_id,
        command=kind.value,
        changes=dict(control.changes),
        status=record.status.value,
        taken=taken,
    )
    if options.json:
        print_document(document)
    elif taken:
        say(f"job {job_id}: {kind} taken")
    else:
        say(f"job {job_id} was asked to {kind} and has not answered yet")
    raise typer.Exit(0)


def loaded(desk: Desk, job_id: str) -> JobRecord:
    """Raises UsageError for a job that is not there; the hint names the nearest, or the latest."""
    record = desk.journal.load_job(job_id)
    if record is None:
        raise no_such_job(job_id, [job.job_id for job in desk.journal.recent_jobs(500)])
    return record


def loaded_here(desk: Desk, job_id: str) -> JobRecord:
    """Raises UsageError for a job that is not there, too, or is another environment's."""
    record = loaded(desk, job_id)
    if record.environment != desk.settings.environment.value:
        raise UsageError(
            f"job {job_id} belongs to {record.environment}", hint=f"add --env {record.environment}"
        )
    return record


def go_on(desk: Desk, record: JobRecord) -> None:
    """Let a paused job go on, whether somebody runs it or it is about to be run again."""
    control = Control(ControlKind.RESUME, time.time_ns())
    if is_locked(desk.settings.home, record.job_id):
        asked(desk, record.job_id, control)
    else:
        desk.journal.send_control(record.job_id, control.kind, control.at_ns, taken=True)
        record.controls.append(control)


def asked(desk: Desk, job_id: str, control: Control) -> bool:
    """Leave a command for the process that runs the job; False where it does not answer in time.

    Raises:
        ValidationError: it refused.
    """
    number = desk.journal.send_control(job_id, control.kind, control.at_ns, control.changes)
    deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline_s:
        answered, refusal = desk.journal.control_answer(number)
        if refusal is not None:
            raise ValidationError(refusal, rule="CONTROL")
        if answered:
            return True
        time.sleep(POLL_S)
    return False


def _leave(desk: Desk, record: JobRecord, control: Control) -> bool:
    """To the running job; of a killed one an amendment is kept for its next run."""
    job_id, home = record.job_id, desk.settings.home
    if is_locked(home, job_id):
        return asked(desk, job_id, control)
    if control.kind is not ControlKind.AMEND:
        raise ValidationError(
            f"JOB: nobody runs job {job_id}", rule="JOB", hint=f"bot.py resume {job_id} goes on with it"
        )
    with job_lock(home, job_id):
        desk.journal.send_control(job_id, control.kind, control.at_ns, control.changes, taken=True)
    return True
