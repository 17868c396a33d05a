"""What resume, reconcile and stop do."""

from typing import NoReturn

import typer

from orderkit.console import invocation
from orderkit.console.beginning import announce, prepared
from orderkit.console.controlling import go_on, loaded, loaded_here
from orderkit.console.documents import (
    JobDocument,
    JobsDocument,
    ReconcileDocument,
    StopDocument,
    print_document,
)
from orderkit.console.options import RunOptions
from orderkit.console.outcome import document_of, show_job
from orderkit.console.progress import Silence
from orderkit.console.report import print_reconciled
from orderkit.console.run import resume_job
from orderkit.console.terminal import print_warnings, say
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import ControlKind, JobRecord, JobStatus, is_paused
from orderkit.errors import OutcomeUnknown
from orderkit.exchange.inquiry import HISTORY_KEPT_MS
from orderkit.journal.locks import JobBusy, is_locked
from orderkit.orders.registry import quantity_of, request_of
from orderkit.orders.settle import settle
from orderkit.runtime.desk import Desk
from orderkit.runtime.jobs import execute


def resume_jobs(job_ids: list[str] | None, options: RunOptions) -> NoReturn:
    """Go on with the named jobs, or all unfinished ones, one after another; the worst exit code counts."""
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        if job_ids:
            resumable = [loaded_here(desk, job_id) for job_id in job_ids]
        else:
            unfinished = desk.journal.unfinished_jobs(settings.environment.value)
            records = [loaded(desk, job_id) for job_id in unfinished]
            resumable = [record for record in records if record.status is JobStatus.RUNNING]
        for record in [r for r in resumable if is_paused(r.controls)]:
            if job_ids:
                go_on(desk, record)
                say(f"job {record.job_id} goes on")
            else:
                say(f"job {record.job_id} is paused; bot.py resume {record.job_id} goes on with it")
                resumable.remove(record)
        documents: list[JobDocument] = []

        def show(document: JobDocument, instrument: Instrument) -> None:
            documents.append(document)
            if not invocation.current.json:
                show_job(document, instrument)

        codes = [resume_job(desk, record, show) for record in resumable]
    if invocation.current.json:
        named_one = job_ids is not None and len(documents) == 1
        jobs = JobsDocument(env=settings.environment.value, jobs=documents)
        print_document(documents[0] if named_one else jobs)
    elif not resumable:
        say("nothing to resume")
    raise typer.Exit(max(codes, default=0))


def reconcile_journal(options: RunOptions) -> NoReturn:
    """Settle every order that is open or in doubt, job by job; exit 8 while any stays in doubt.

    Trades that an ended job could not have in time are fetched too.
    """
    settings = prepared(options)
    with Desk(settings) as desk:
        documents = []
        strangers: dict[str, list[str]] = {}
        journal, environment = desk.journal, settings.environment.value
        since_ms = desk.gateway.now_ms() - HISTORY_KEPT_MS
        ids = [*journal.unfinished_jobs(environment), *journal.jobs_missing_trades(environment, since_ms)]
        for job_id in dict.fromkeys(ids):
            if is_locked(settings.home, job_id):
                continue
            record = loaded(desk, job_id)
            settle_job(desk, record)
            request = request_of(record.kind, record.parameters)
            documents.append(document_of(request, record, desk.instrument(request.symbol)))
        known = desk.journal.client_order_ids()
        for symbol in sorted({document.symbol for document in documents}):
            foreign = [
                report.client_order_id
                for report in desk.gateway.open_orders(symbol)
                if report.client_order_id not in known
            ]
            if foreign:
                strangers[symbol] = foreign
    document = ReconcileDocument(env=settings.environment.value, jobs=documents, other_orders=strangers)
    if options.json:
        print_document(document)
    else:
        print_reconciled(document)
    in_doubt = any(job.status == JobStatus.UNKNOWN.value for job in documents)
    raise typer.Exit(OutcomeUnknown.exit_code if in_doubt else 0)


def stop_job(job_id: str, options: RunOptions, now_ns: int) -> NoReturn:
    """Leave a stop for the process that runs the job."""
    settings = prepared(options)
    with Desk(settings) as desk:
        record = loaded(desk, job_id)
        running = is_locked(settings.home, job_id)
        if running:
            desk.journal.send_control(job_id, ControlKind.STOP, now_ns)
    if options.json:
        print_document(
            StopDocument(
                env=settings.environment.value, job_id=job_id, status=record.status.value, asked=running
            )
        )
    elif running:
        say(f"job {job_id} was asked to stop")
    else:
        say(f"job {job_id} is not running: {record.status.value}")
    raise typer.Exit(0)


def settle_job(desk: Desk, record: JobRecord) -> None:
    """Ask after the job's orders; its own status is kept where it can go on."""
    flow = settle(quantity_of(record), record.status)
    try:
        execute(desk, record, flow, Silence(), new=False, uses_user_stream=False)
        print_warnings(record.notices)
    except JobBusy as busy:
        say(busy.message)
