"""What a script is told while a job runs, and how a job is left alone, waited for and timed out."""

import json
from typing import Any

import msgspec
import pytest

from orderkit.console.documents import JobDocument
from orderkit.console.event_documents import EventDocument
from tests.cli.normal import wait_for_orders
from tests.support import Desk, Done, finish


def told(done: Done) -> tuple[list[Any], JobDocument]:
    """The events, each of which conforms to its schema, and the document on the last line."""
    *lines, last = done.out.splitlines()
    events = [msgspec.json.decode(line, type=EventDocument) for line in lines]
    for line, event in zip(lines, events, strict=True):
        assert msgspec.to_builtins(event) == json.loads(line)
    return events, msgspec.json.decode(last, type=JobDocument)


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__struct_config__.tag for event in events]


def test_a_script_is_told_every_order_change_and_fill_and_last_the_document(desk: Desk) -> None:
    done = desk.bot("twap BTCUSDT BUY 0.02 --chunks 2 --interval 50ms --job-id told --events")
    assert done.code == 0, done.err
    events, document = told(done)
    assert {(event.env, event.job_id) for event in events} == {("paper", "told")}
    assert kinds(events)[0] == "job_started"
    assert events[0].data.quantity == "0.020"
    of_first = [
        (kind, getattr(event.data, "status", None))
        for kind, event in zip(kinds(events), events, strict=True)
        if getattr(event.data, "client_order_id", None) == "ok-told-1"
    ]
    assert of_first[0] == ("order_submitted", None)
    # Whether the answer or the trade's event comes first is the exchange's business.
    assert {("order_changed", "FILLED"), ("fill", None)} <= set(of_first)
    fills = [event.data for kind, event in zip(kinds(events), events, strict=True) if kind == "fill"]
    assert [(fill.quantity, fill.price) for fill in fills] == [("0.010", "60000.1")] * 2
    assert (document.status, document.executed_quantity) == ("COMPLETED", "0.020")
    assert "environment: paper" in done.err


def test_a_refusal_is_the_last_and_only_line(desk: Desk) -> None:
    done = desk.bot("market BTCUSDT BUY 0.0105 --events")
    assert done.code == 3
    assert done.json["error"]["kind"] == "validation"


def test_a_rejected_order_is_told_with_its_code(desk: Desk) -> None:
    refusal = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=refusal, times=1)
    done = desk.bot("market BTCUSDT BUY 0.01 --events")
    events, document = told(done)
    assert (done.code, document.status) == (5, "REJECTED")
    assert (events[-1].data.status, events[-1].data.code) == ("REJECTED", -2019)


def test_whoever_attaches_is_told_what_was_before_and_what_comes(desk: Desk) -> None:
    left = desk.bot("twap BTCUSDT BUY 0.02 --chunks 2 --interval 6 --job-id left --detach --json")
    assert (left.code, left.json["status"]) == (0, "RUNNING"), left.err
    done = desk.bot("attach left --events")
    assert done.code == 0, done.err
    events, document = told(done)
    submitted = [e.data.client_order_id for e in events if e.__struct_config__.tag == "order_submitted"]
    assert submitted == ["ok-left-1", "ok-left-2"]
    assert document.status == "COMPLETED"


def test_a_reader_that_leaves_does_not_end_the_job(desk: Desk) -> None:
    running = desk.start("twap BTCUSDT BUY 0.03 --chunks 3 --interval 500ms --job-id unread --events")
    assert running.stdout.readline()
    running.stdout.close()
    assert finish(running).code == 0
    assert desk.bot("show unread --json").json["job"]["executed_quantity"] == "0.030"


def test_events_of_a_job_left_to_another_process_are_read_by_attaching(desk: Desk) -> None:
    done = desk.bot("market BTCUSDT BUY 0.01 --events --detach")
    assert done.code == 2
    assert "attach" in done.json["error"]["hint"]


@pytest.mark.parametrize(
    "line",
    [
        "twap BTCUSDT BUY 0.1 --chunks 100 --interval 1",
        "oco BTCUSDT SELL 0.01 66000 58000 --on-exit cancel",
        "bracket BTCUSDT BUY 0.01 66000 58000 --entry 59000 --on-exit cancel",
        "grid BTCUSDT 58000 62000 5 0.01",
    ],
    ids=lambda line: line.split()[0],
)
def test_a_timeout_stops_a_job_in_order_exit_9(desk: Desk, line: str) -> None:
    done = desk.bot(f"{line} --timeout 700ms --json")
    assert (done.code, done.json["status"]) == (9, "STOPPED"), done.err
    assert "not done within 0.7 s" in done.json["reason"]
    assert desk.bot("orders --json").json["orders"] == []


def test_a_timeout_goes_with_the_job_into_the_background(desk: Desk) -> None:
    line = "twap BTCUSDT BUY 0.1 --chunks 100 --interval 1 --timeout 6s --detach --job-id brief"
    assert desk.bot(line).code == 0
    ended = desk.bot("attach brief --json")
    assert (ended.code, ended.json["status"]) == (9, "STOPPED")


def test_a_market_order_can_be_left_to_the_background_too(desk: Desk) -> None:
    done = desk.bot("market BTCUSDT BUY 0.01 --detach --job-id away --json")
    assert (done.code, done.json["status"]) == (0, "COMPLETED")
    assert len(desk.requests("POST", "/fapi/v1/order")) == 1


def test_a_limit_order_is_waited_for_in_the_background(desk: Desk) -> None:
    line = "limit BTCUSDT BUY 0.01 59000 --wait --timeout 6s --on-exit cancel --detach --job-id low"
    assert desk.bot(line).code == 0
    wait_for_orders(desk, 1)
    ended = desk.bot("attach low --json")
    assert (ended.code, ended.json["orders"][0]["status"]) == (9, "CANCELED")
