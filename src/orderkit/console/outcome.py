"""What a job came to: its document, its report, its exit code."""

import sys
from collections.abc import Sequence

from orderkit.console import invocation
from orderkit.console.documents import JobDocument, job_document, print_document
from orderkit.console.report import print_job
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord, JobStatus
from orderkit.errors import (
    INTERRUPTED,
    AuthenticationFailed,
    ConfigurationError,
    ExchangeUnreachable,
    Incomplete,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RiskRefused,
)
from orderkit.orders.executor import Request, ShowsStatus, as_amended
from orderkit.orders.registry import executor_of

# Of an order's rejection; one that is taken for absent never reached the exchange.
_EXIT_OF_KIND = {
    error.kind: error.exit_code
    for error in (RiskRefused, ExchangeUnreachable, RateLimited, AuthenticationFailed, ConfigurationError)
} | {"absent": ExchangeUnreachable.exit_code}


def document_of(
    request: Request, record: JobRecord, instrument: Instrument, warnings: Sequence[str] = ()
) -> JobDocument:
    """The job's document, with the sums of a type that has its own and the quantity as amended."""
    executor = executor_of(record.kind, request, instrument)
    facts = executor.display_status(record.orders, None).facts if isinstance(executor, ShowsStatus) else ()
    quantity = as_amended(request, record.controls).quantity
    return job_document(record, instrument, request.side, quantity, warnings, dict(facts))


def show_job(document: JobDocument, instrument: Instrument) -> None:
    """Print a job's report, or its document."""
    with invocation.reader_may_leave(sys.stdout):
        if invocation.current.json:
            print_document(document)
        else:
            print_job(document, instrument.base_asset, instrument.quote_asset)


def exit_code(record: JobRecord, *, interrupted: bool) -> int:
    """The published exit code of a job's end."""
    match record.status:
        case _ if interrupted:
            return INTERRUPTED
        case JobStatus.COMPLETED | JobStatus.OPEN | JobStatus.RUNNING:
            return 0
        case JobStatus.UNKNOWN:
            return OutcomeUnknown.exit_code
        case JobStatus.REJECTED:
            last = record.orders[-1].rejection if record.orders else None
            return _EXIT_OF_KIND.get(last.kind, OrderRejected.exit_code) if last else OrderRejected.exit_code
        case JobStatus.STOPPED:
            return Incomplete.exit_code
        case _:
            return 1
