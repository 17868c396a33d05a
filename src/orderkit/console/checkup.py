"""What doctor does: runs the checks, prints a line for each, and takes the worst for the exit code."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from orderkit.config import Settings, setup_logging, validate_environment
from orderkit.console import exchange_checks, local_checks, tables
from orderkit.console.beginning import chosen
from orderkit.console.check import Check, failed, ok
from orderkit.console.looking import present
from orderkit.console.looking_documents import CheckRow, DoctorDocument
from orderkit.console.options import RunOptions
from orderkit.console.terminal import say
from orderkit.errors import OrderKitError
from orderkit.runtime.desk import Desk

if TYPE_CHECKING:
    from rich.text import Text

log = logging.getLogger(__name__)

AT_ONCE = 4
_ORDER = ("ok", "warn", "fail")

Step = Callable[[], Sequence[Check]]


def run_checks(options: RunOptions) -> int:
    """Print every check; the exit code of the worst: 0 while nothing fails.

    Raises:
        OrderKitError: the settings cannot even be read.
    """
    settings = chosen(options)
    setup_logging(settings)
    say(f"environment: {settings.environment.value}")
    local = {name: partial(check, settings) for name, check in local_checks.CHECKS.items()}
    checks = [*_remote(settings), *_run(local)]
    document = DoctorDocument(
        env=settings.environment.value,
        verdict=max((check.verdict for check in checks), key=_ORDER.index),
        checks=[CheckRow(name=c.name, verdict=c.verdict, message=c.message, action=c.action) for c in checks],
    )
    present(document, _print_checks)
    return max(check.exit_code for check in checks)


def _remote(settings: Settings) -> list[Check]:
    """What only the exchange can answer; nothing of it where the settings lead nowhere."""
    try:
        validate_environment(settings)
        desk = Desk(settings)
    except OrderKitError as error:
        return [failed("environment", error)]
    with desk:
        where = f"{settings.environment.value} at {desk.endpoints.rest}, since {settings.environment_source}"
        steps = {name: partial(check, desk) for name, check in exchange_checks.CHECKS.items()}
        return [ok("environment", where), *_run(steps)]


def _run(steps: Mapping[str, Step]) -> list[Check]:
    """All at the same time, listed in their order; a failure of a check is its verdict."""

    def one(step: tuple[str, Step]) -> Sequence[Check]:
        name, check = step
        try:
            return check()
        except OrderKitError as error:
            return [failed(name, error)]

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor") as pool:
        found = [check for checks in pool.map(one, steps.items()) for check in checks]
    for check in found:
        log.info("doctor: %s %s: %s", check.verdict, check.name, check.message)
    return found


def _print_checks(document: DoctorDocument) -> None:
    table = tables.table("", "check", "")
    for row in document.checks:
        table.add_row(tables.status(row.verdict), row.name, _words(row))
    tables.show(table)


def _words(row: CheckRow) -> "Text":
    words = tables.text(row.message)
    if row.action:
        words.append(f"\n→ {row.action}", "dim")
    return words
