"""Which view a running job has, and who is told of it besides."""

import contextlib
from collections.abc import Callable, Iterator

from orderkit.console import invocation
from orderkit.console.progress import Narration, PlainLines, Silence, Watcher
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.orders.executor import OPEN_END, Executor, Request, ShowsStatus, as_amended


def view_of(
    executor: Executor,
    record: JobRecord,
    instrument: Instrument,
    stream_base: Callable[[], str],
    *,
    attached: bool = False,
) -> Watcher:
    """Nothing for quick single orders, a live panel on a terminal, lines elsewhere.

    ``stream_base`` tells where the exchange's streams are, ``attached`` that somebody asked to see the job.
    """
    request, schedule_ms = as_amended(executor.request, record.controls), executor.duration_ms
    if isinstance(executor, ShowsStatus) and not invocation.current.quiet:
        from orderkit.console.status import status_view

        return status_view(executor, instrument, f"{executor.kind} {request.symbol}", stream_base)
    if invocation.current.quiet:
        return Silence()
    if invocation.to_terminal() and (schedule_ms != 0 or attached or getattr(request, "wait", False)):
        from orderkit.console.live_panel import LivePanel

        return LivePanel(executor, record, instrument, stream_base)
    if schedule_ms == OPEN_END:
        return Narration(request, instrument)
    if schedule_ms == 0 and not attached:
        return Silence()
    return PlainLines(request, instrument)


@contextlib.contextmanager
def told(view: Watcher, record: JobRecord, request: Request, instrument: Instrument) -> Iterator[Watcher]:
    """With --events every change is told on stdout as well; leaving it, all lines are written."""
    if not invocation.current.events:
        yield view
        return
    from orderkit.console.event_stream import EventLines

    lines = EventLines(record, request, instrument, beside=view)
    try:
        yield lines
    finally:
        lines.close()
