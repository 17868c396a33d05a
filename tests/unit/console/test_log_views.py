"""Which records of the log belong to a job."""

from pathlib import Path

import pytest

from orderkit.console.log_views import records_of

HEAD = "2026-11-21T09:30:00.000Z INFO orderkit.runtime.jobs: "


@pytest.mark.parametrize(
    ("message", "belongs"),
    [
        ("job day: COMPLETED", True),
        ("job day", True),
        ("place BUY of ok-day-1", True),
        ("query order ok-day-12.", True),
        ("ok-day-1: canceled", True),
        ("job day-1: COMPLETED", False),
        ("job day.2: COMPLETED", False),
        ("job sunday: COMPLETED", False),
        ("query order ok-day-1-3", False),
        ("holiday", False),
    ],
)
def test_a_record_belongs_to_the_job_that_it_names(tmp_path: Path, message: str, belongs: bool) -> None:
    file = tmp_path / "bot.log"
    file.write_text(f"{HEAD}{message}\n")
    assert [row.message for row in records_of("day", [file])] == ([message] if belongs else [])


def test_a_traceback_belongs_to_its_record_and_files_are_read_in_their_order(tmp_path: Path) -> None:
    old, new = tmp_path / "bot.log.1", tmp_path / "bot.log"
    old.write_text(f"{HEAD}job day starts\nTraceback:\n  line 1\n{HEAD}something else\n")
    new.write_text(f"{HEAD}job day: COMPLETED\n")
    messages = [row.message for row in records_of("day", [old, new])]
    assert messages == ["job day starts\nTraceback:\n  line 1", "job day: COMPLETED"]
