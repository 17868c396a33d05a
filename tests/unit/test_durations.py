"""Durations and times as people type them."""

import time

import pytest

from orderkit.console.durations import iso_time, parse_duration_ms, parse_time_ms
from orderkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("90", 90_000),
        ("90s", 90_000),
        ("0.5", 500),
        ("250ms", 250),
        ("5m", 300_000),
        ("1.5h", 5_400_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        (" 2H ", 7_200_000),
    ],
)
def test_durations_are_read_as_written(text: str, expected_ms: int) -> None:
    assert parse_duration_ms(text, "--interval") == expected_ms


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "5 minutes", "5x", "s", "1h 30m", "1e3", "nan"])
def test_anything_else_is_refused_with_what_would_be_accepted(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_duration_ms(text, "--interval")
    assert "--interval" in refused.value.message
    assert "30s" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("2026-12-24T18:00:00Z", 1_798_135_200_000),
        ("2026-12-24T18:00:00", 1_798_135_200_000),
        ("2026-12-24T19:00:00+01:00", 1_798_135_200_000),
        ("2026-12-24", 1_798_070_400_000),
    ],
)
def test_times_without_a_zone_are_utc(text: str, expected_ms: int) -> None:
    assert parse_time_ms(text, "--good-till") == expected_ms


def test_a_duration_counts_from_now() -> None:
    assert abs(parse_time_ms("2h", "--good-till") - (time.time() * 1000 + 7_200_000)) < 60_000


def test_a_word_that_is_neither_is_refused() -> None:
    with pytest.raises(UsageError, match="neither a time nor a duration"):
        parse_time_ms("tomorrow", "--good-till")


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert iso_time(1_798_135_200_007) == "2026-12-24T18:00:00.007Z"
