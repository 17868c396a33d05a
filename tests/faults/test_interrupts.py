"""Ctrl-C and SIGTERM while a request is in flight: the first waits for its answer, the second for nothing."""

import signal
from decimal import Decimal

import pytest

from tests.faults.truth import assert_sent_once, assert_true
from tests.support import Desk, finish
from tests.waiting import until

ORDER = ("POST", "/fapi/v1/order")
TWAP = "twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms --job-id job --json"
LIMIT = "limit BTCUSDT BUY 0.01 59000 --wait --job-id job --json"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_leaves_at_once_and_everything_is_journaled(
    desk: Desk, number: signal.Signals
) -> None:
    desk.control("POST", "/paper/faults", {"streams": "stall"})  # which would tell what the answer does not
    desk.fault(*ORDER, "hold", apply="after", nth=2)
    process = desk.start(TWAP)
    until(lambda: len(desk.requests(*ORDER)) == 2)
    process.send_signal(number)
    assert process.stderr.readline() == "environment: paper\n"
    until(lambda: "again to leave at once" in process.stderr.readline())
    assert process.poll() is None, "it waits for the answer that is held back"
    process.send_signal(number)
    assert finish(process, 10).code == 130
    desk.control("DELETE", "/paper/faults")
    done = desk.bot("resume job --json")
    assert (done.code, done.json["executed_quantity"]) == (0, "0.300"), done.err
    assert_true(desk, executed=Decimal("0.3"))
    assert_sent_once(desk)


@pytest.mark.parametrize(("option", "left"), [("keep", 1), ("cancel", 0)])
def test_what_rests_is_kept_or_cancelled_as_asked(desk: Desk, option: str, left: int) -> None:
    process = desk.start(f"{LIMIT} --on-exit {option}")
    until(lambda: desk.requests(*ORDER))
    process.send_signal(signal.SIGTERM)
    done = finish(process)
    assert done.code == 130
    assert_true(desk, executed=Decimal(0), open_orders=left)


def test_a_signal_counts_although_nobody_reads_what_is_said_any_more(desk: Desk) -> None:
    process = desk.start(LIMIT)
    until(lambda: desk.requests(*ORDER))
    process.stderr.close()
    process.terminate()
    process.wait(30)  # with whatever code Python gives for an output that is gone
    assert_true(desk, executed=Decimal(0), open_orders=1)
