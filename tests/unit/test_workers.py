"""Threads that calls are handed to: as many as are busy, none ended by a call that fails."""

import threading
from collections.abc import Iterator

import pytest

from orderkit.runtime.workers import Workers

WAIT_S = 10.0


@pytest.fixture
def two() -> Iterator[Workers]:
    workers = Workers(2, "test")
    yield workers
    workers.close()


def test_calls_are_made_in_their_order_by_one_thread_while_it_is_idle_in_between(two: Workers) -> None:
    made: list[tuple[int, str]] = []
    done = threading.Event()

    def note(number: int) -> None:
        made.append((number, threading.current_thread().name))
        done.set()

    for number in range(3):
        done.clear()
        two.submit(note, number)
        assert done.wait(WAIT_S)
        while two._unfinished:
            pass
    assert made == [(n, "test_0") for n in range(3)]


def test_no_more_calls_run_at_once_than_there_may_be_threads(two: Workers) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        begun.release()
        go_on.wait(WAIT_S)

    for _ in range(3):
        two.submit(wait)
    assert begun.acquire(timeout=WAIT_S)
    assert begun.acquire(timeout=WAIT_S)
    assert not begun.acquire(timeout=0.05)
    go_on.set()
    assert begun.acquire(timeout=WAIT_S)


def test_a_call_that_fails_is_logged_and_its_thread_goes_on(
    two: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    two.submit(lambda: 1 / 0)
    two.submit(done.set)
    assert done.wait(WAIT_S)
    assert "ZeroDivisionError" in caplog.text


def test_what_has_not_begun_when_they_are_closed_is_never_done() -> None:
    workers = Workers(1, "test")
    begun, go_on, late = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait(WAIT_S)

    workers.submit(first)
    workers.submit(late.set)
    assert begun.wait(WAIT_S)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "test_0")
    workers.close()
    workers.submit(late.set)
    go_on.set()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert not late.is_set()
