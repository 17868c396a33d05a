"""What ps and show tell of jobs, from the journal; no request is made where the contracts are cached."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from orderkit.config import Endpoints, Settings
from orderkit.console import tables
from orderkit.console.beginning import prepared
from orderkit.console.cached import cached_instruments
from orderkit.console.durations import iso_time
from orderkit.console.looking import present
from orderkit.console.looking_documents import JobListDocument, JobRow, NoteRow, ShowDocument
from orderkit.console.options import RunOptions
from orderkit.console.outcome import document_of
from orderkit.console.report import print_job
from orderkit.console.rows import in_steps
from orderkit.console.schedule import Standing, standing
from orderkit.console.terminal import say
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord, JobStatus
from orderkit.engine.engine import PAUSED
from orderkit.errors import ConfigurationError, UsageError
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.inquiry import HISTORY_KEPT_MS
from orderkit.journal.locks import runner_of
from orderkit.journal.reader import JournalReader
from orderkit.journal.sqlite import SqliteJournal
from orderkit.orders.executor import as_amended
from orderkit.orders.registry import executor_of, request_of
from orderkit.runtime.desk import JOURNAL_FILE

if TYPE_CHECKING:
    from rich.text import Text

ONE = Decimal(1)
SHOWN_LATE_MS = 1000


@dataclass(slots=True)
class Archive:
    """The journal of a home and the contracts that its jobs are about."""

    settings: Settings
    journal: SqliteJournal
    reader: JournalReader
    _instruments: Mapping[str, Instrument]

    def instrument(self, symbol: str) -> Instrument:
        """From the cache of whatever age, else from the exchange."""
        if symbol not in self._instruments:
            gateway = BinanceGateway(self.settings)
            try:
                self._instruments = gateway.instruments()
            finally:
                gateway.close()
        return self._instruments[symbol]

    def stream_base(self) -> str:
        """Where the exchange's streams are."""
        return Endpoints.of(self.settings).stream

    def job(self, job_id: str) -> JobRecord:
        """Raises UsageError for a job that is not there; the hint names the nearest, or the latest."""
        record = self.journal.load_job(job_id)
        if record is None:
            raise no_such_job(job_id, [name for name, _ in self.reader.job_ids(500)])
        return record


@contextmanager
def archive(options: RunOptions) -> Iterator[Archive]:
    """The journal, opened to look at."""
    settings = prepared(options)
    path = settings.home / JOURNAL_FILE
    journal = SqliteJournal(path)
    try:
        yield Archive(
            settings,
            journal,
            JournalReader(path),
            cached_instruments(settings.home, settings.environment.value),
        )
    finally:
        journal.close()


def no_such_job(job_id: str, known: Sequence[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(job_id, known, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif known:
        hint = f"the latest are {', '.join(known[:5])}"
    else:
        hint = "the journal has no jobs yet"
    return UsageError(f"there is no job {job_id!r}", hint=hint)


def list_jobs(options: RunOptions, *, every: bool, limit: int) -> None:
    """Jobs that are not over, or ``every`` job, newest first."""
    with archive(options) as shelf:
        environment = shelf.settings.environment.value
        say(f"environment: {environment}")
        if every:
            names = [job_id for job_id, _ in shelf.reader.job_ids(limit, environment)]
        else:
            names = shelf.journal.unfinished_jobs(environment)[::-1][:limit]
        records = [record for name in names if (record := shelf.journal.load_job(name)) is not None]
        now_ms = time.time_ns() // 1_000_000
        _tell_of_missing_trades(shelf, now_ms)
        rows = [job_row(shelf, record, now_ms) for record in records]
        present(JobListDocument(env=environment, jobs=rows), _print_jobs)


def _tell_of_missing_trades(shelf: Archive, now_ms: int) -> None:
    """Of jobs that are over too, which are not listed without --all."""
    environment = shelf.settings.environment.value
    ids = shelf.journal.jobs_missing_trades(environment, now_ms - HISTORY_KEPT_MS)
    if ids:
        say(f"trades are missing in {', '.join(ids)}: bot.py reconcile fetches them")


def show_report(job_id: str, options: RunOptions) -> None:
    """The job's report and what it said of itself."""
    with archive(options) as shelf:
        record = shelf.job(job_id)
        request = request_of(record.kind, record.parameters)
        instrument = shelf.instrument(request.symbol)
        document = ShowDocument(
            env=record.environment,
            job=document_of(request, record, instrument),
            notes=[
                NoteRow(at=iso_time(note.at_ns // 1_000_000), state=note.state, message=note.message)
                for note in shelf.reader.notes(job_id)
            ],
        )

        def print_report(shown: ShowDocument) -> None:
            print_job(shown.job, instrument.base_asset, instrument.quote_asset)
            _print_notes(shown.notes)

        present(document, print_report)


def job_row(shelf: Archive, record: JobRecord, now_ms: int) -> JobRow:
    """A job in short, as of ``now_ms`` (UTC)."""
    asked = request_of(record.kind, record.parameters)
    request = as_amended(asked, record.controls)
    instrument = shelf.instrument(request.symbol)
    executed = sum((order.executed_quantity for order in record.orders), Decimal(0))
    share = min(ONE, executed / request.quantity) if request.quantity else Decimal(0)
    pid = runner_of(shelf.settings.home, record.job_id)
    where = _standing(record, asked, instrument, executed, share, now_ms)
    note = shelf.reader.last_note(record.job_id)
    return JobRow(
        job_id=record.job_id,
        kind=record.kind,
        symbol=request.symbol,
        side=request.side.value,
        status=record.status.value,
        reason=record.reason,
        pid=pid,
        quantity=in_steps(request.quantity, instrument),
        executed_quantity=in_steps(executed, instrument),
        progress=f"{share:.4f}",
        expected=None if where is None else f"{where.expected:.4f}",
        late_ms=None if where is None else where.late_ms,
        open_orders=sum(not order.is_terminal for order in record.orders),
        trades_missing=record.misses_trades,
        state=None if note is None else f"{note.state} {note.message}".strip(),
        started_at=iso_time(record.started_ns // 1_000_000),
        finished_at=iso_time(record.finished_ns // 1_000_000) if record.finished_ns else None,
    )


def _standing(
    record: JobRecord,
    request: object,
    instrument: Instrument,
    executed: Decimal,
    share: Decimal,
    now_ms: int,
) -> Standing | None:
    if record.status is not JobStatus.RUNNING:
        return None
    try:
        executor = executor_of(record.kind, request, instrument)
    except ConfigurationError:
        return None
    return standing(executor, record, executed, share, now_ms * 1_000_000)


def _print_jobs(document: JobListDocument) -> None:
    if not document.jobs:
        tables.show(tables.text("no job to show; see --all, and --env for other environments"))
        return
    table = tables.table("job", "", "state", ">done", ">due", ">late", "started (UTC)")
    for row in document.jobs:
        late = ""
        if row.late_ms is not None:
            late = tables.duration(row.late_ms) if row.late_ms >= SHOWN_LATE_MS else "on time"
        what = tables.side(row.side)
        what.append(f" {row.symbol}", "default")
        table.add_row(
            row.job_id,
            what,
            _status_cell(row),
            f"{Decimal(row.progress):.0%}",
            "" if row.expected is None else f"{Decimal(row.expected):.0%}",
            tables.text(late, "yellow" if late not in ("", "on time") else ""),
            tables.clock(row.started_at),
        )
    tables.show(table)
    for row in document.jobs:
        if row.status == JobStatus.RUNNING and row.state is not None:
            tables.show(tables.text(f" {row.job_id}: {row.state}", "dim"))
    if any(row.status == JobStatus.RUNNING and row.pid is None for row in document.jobs):
        tables.show(tables.text(" not running: nobody is at it; bot.py resume JOB goes on", "dim"))


def _status_cell(row: JobRow) -> "Text":
    if row.status == JobStatus.RUNNING and row.pid is None:
        return tables.text("not running", "bold red")
    if row.status == JobStatus.RUNNING and row.state is not None and row.state.split()[0] == PAUSED:
        return tables.text(PAUSED, "yellow")
    return tables.status(row.status)


def _print_notes(notes: list[NoteRow]) -> None:
    if notes:
        table = tables.table("time (UTC)", "state", "")
        for note in notes[-20:]:
            table.add_row(note.at[11:23], note.state, note.message)
        tables.show(tables.text(f"  what it said{' last' if len(notes) > 20 else ''}", "dim"), table)
