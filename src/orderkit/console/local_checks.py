"""The checks of doctor that look at this machine: journal, trading state, disk and permissions."""

import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orderkit.config import Settings
from orderkit.console.check import Check, failure, ok, warning
from orderkit.console.log_views import log_files
from orderkit.errors import ConfigurationError, OutcomeUnknown
from orderkit.journal.locks import is_locked
from orderkit.journal.reader import JournalReader
from orderkit.journal.sqlite import SqliteJournal
from orderkit.risk.gate import TradingState
from orderkit.runtime.desk import JOURNAL_FILE
from orderkit.runtime.risk import load_limits, load_state

WARN_FREE_BYTES = 500_000_000
FAIL_FREE_BYTES = 50_000_000  # a journal that cannot grow stops every order
SHOWN = 5


def journal(settings: Settings) -> list[Check]:
    """Can the file be used, is it sound, and is any order in doubt."""
    path = settings.home / JOURNAL_FILE
    if not path.exists():
        return [ok("journal", f"none yet; the first order makes {path}")]
    SqliteJournal(path).close()  # raises for a foreign or newer file
    reader = JournalReader(path)
    damage = reader.damage()
    if damage:
        message = f"{path} is damaged: {damage[0]}"
        action = "move it away and keep it; bot.py orders and bot.py positions show what is open"
        return [failure("journal", message, action, ConfigurationError.exit_code)]
    # An order that its process is just sending is no doubt.
    unanswered = reader.in_doubt(settings.environment.value)
    doubtful = [order for order, job in unanswered if not is_locked(settings.home, job)]
    if doubtful:
        message = f"the outcome of {', '.join(doubtful[:SHOWN])} is not known"
        action = "bot.py reconcile asks the exchange"
        return [failure("journal", message, action, OutcomeUnknown.exit_code)]
    return [ok("journal", f"sound, {path.stat().st_size / 1e6:.1f} MB, no order in doubt")]


def risk(settings: Settings) -> list[Check]:
    """Limits that can be read, and whether somebody has halted trading."""
    load_limits(settings.home, settings.risk_variables)
    state = load_state(settings.home)
    if state is TradingState.ACTIVE:
        return [ok("trading", "active")]
    return [warning("trading", state.value.lower(), "bot.py resume-trading takes it up again")]


def disk(settings: Settings) -> list[Check]:
    """Room for the journal, and files that are only ours."""
    free = shutil.disk_usage(settings.home).free
    room = f"{free / 1e9:.1f} GB free at {settings.home}"
    if free < FAIL_FREE_BYTES:
        checks = [
            failure(
                "disk", room, "free some space: no order is sent unjournaled", ConfigurationError.exit_code
            )
        ]
    elif free < WARN_FREE_BYTES:
        checks = [warning("disk", room, "free some space")]
    else:
        checks = [ok("disk", room)]
    return [*checks, _permissions(settings.home), _log_file()]


def _permissions(home: Path) -> Check:
    files = [home, *(path for path in (home / JOURNAL_FILE, home / "paper") if path.exists())]
    if blocked := [path for path in files if not os.access(path, os.R_OK | os.W_OK)]:
        message = f"{blocked[0]} cannot be written"
        return failure(
            "permissions", message, f"chown or chmod u+rw {blocked[0]}", ConfigurationError.exit_code
        )
    if all(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files):
        return warning("permissions", f"others can read {home}", f"chmod 700 {home}")
    return ok("permissions", f"{home} is writable")


def _log_file() -> Check:
    files = log_files()
    if not files:
        return warning("log", "no log can be written", "name a writable file in ORDERKIT_LOG_FILE")
    return ok("log", str(files[-1]))


CHECKS: Mapping[str, Callable[[Settings], Sequence[Check]]] = {
    "journal": journal,
    "risk": risk,
    "disk": disk,
}
