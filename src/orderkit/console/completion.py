"""What a shell completes: symbols and job ids, from the caches and the journal, never from the network."""

from collections.abc import Iterator


def symbols(incomplete: str) -> Iterator[str]:
    """Contracts that begin so, in any case of letters."""
    from orderkit.config import home_directory
    from orderkit.console.cached import cached_symbols

    wanted = incomplete.upper()
    typed = len(incomplete)
    for symbol in cached_symbols(home_directory()):
        if symbol.startswith(wanted):
            # The shell replaces what was typed only by something that begins with it.
            yield incomplete + symbol[typed:]


def job_ids(incomplete: str) -> Iterator[tuple[str, str]]:
    """The latest jobs that begin so, with their status."""
    from orderkit.config import home_directory
    from orderkit.console.cached import cached_jobs

    for job_id, status in cached_jobs(home_directory(), 200):
        if job_id.startswith(incomplete):
            yield job_id, status


def running_job_ids(incomplete: str) -> Iterator[tuple[str, str]]:
    """Those of them that are not over."""
    return ((job_id, status) for job_id, status in job_ids(incomplete) if status == "RUNNING")
