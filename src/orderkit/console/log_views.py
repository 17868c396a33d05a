"""What logs shows: the records of bot.log that name a job, from the oldest kept file on."""

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from orderkit.console import tables
from orderkit.console.job_views import archive
from orderkit.console.looking import present
from orderkit.console.looking_documents import LogRow, LogsDocument
from orderkit.console.options import RunOptions
from orderkit.errors import UsageError
from orderkit.logfile import SharedRotatingFileHandler

_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z) ([A-Z]+) ([\w.]+): (.*)", re.DOTALL)
_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red", "DEBUG": "dim"}


def show_logs(job_id: str, tail: int | None, options: RunOptions) -> None:
    """The last ``tail`` records, or all. Raises UsageError for a job that is not there."""
    if tail is not None and tail < 1:
        raise UsageError(f"--tail {tail} is out of range", hint="1 or more")
    with archive(options) as shelf:
        shelf.job(job_id)
        rows = list(records_of(job_id, log_files()))
        document = LogsDocument(
            env=shelf.settings.environment.value,
            job_id=job_id,
            lines=rows if tail is None else rows[-tail:],
        )
        present(document, _print_logs)


def log_files() -> list[Path]:
    """The file this process logs to and its rotated predecessors, oldest first."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, SharedRotatingFileHandler):
            path = handler.path
            older = path.parent.glob(f"{path.name}.[0-9]*")
            return [*sorted(older, key=lambda file: -int(file.suffix[1:])), path]
    return []


def records_of(job_id: str, files: Iterable[Path]) -> Iterator[LogRow]:
    """Records that name the job or one of its orders; not those of a job whose id merely begins so."""
    names = re.compile(rf"(?<![\w.-])(?:ok-{re.escape(job_id)}-\d+|{re.escape(job_id)})(?![\w-]|\.\w)")
    for file in files:
        for record in _records(file):
            if (found := _HEAD.fullmatch(record)) and names.search(found[4]):
                yield LogRow(at=found[1], level=found[2], module=found[3], message=found[4])


def _records(file: Path) -> Iterator[str]:
    """A line with a time begins a record, the others (tracebacks) belong to the one before."""
    lines: list[str] = []
    with file.open(encoding="utf-8", errors="replace") as opened:
        for line in opened:
            if _HEAD.match(line) and lines:
                yield "".join(lines).rstrip("\n")
                lines = []
            lines.append(line)
    if lines:
        yield "".join(lines).rstrip("\n")


def _print_logs(document: LogsDocument) -> None:
    if not document.lines:
        tables.show(tables.text(f"bot.log names job {document.job_id} nowhere"))
    for row in document.lines:
        line = tables.text(f"{row.at} ", "dim")
        line.append(f"{row.level} {row.module}: {row.message}", _COLOURS.get(row.level, ""))
        tables.show(line)
