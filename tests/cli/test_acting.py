"""Cancel, modify, settings and flatten: what is sent, printed, journaled and exited with."""

import time
from typing import NamedTuple

import pytest

from orderkit.console import acting_documents as documents
from orderkit.console.looking_documents import JobListDocument, OrdersDocument, PositionsDocument
from tests.cli.normal import document_of, normal, wait_for_orders
from tests.support import Desk, finish

UNKNOWN = {"code": -1007, "msg": "Timeout waiting for response from backend server."}


def limit(desk: Desk, name: str, price: str = "59000", more: str = "") -> str:
    """An open order of the job ``name``; its client order id."""
    done = desk.bot(f"limit BTCUSDT BUY 0.01 {price} --job-id {name} {more}")
    assert done.code == 0, done.err
    return f"ok-{name}-1"


def stop(desk: Desk, name: str) -> str:
    done = desk.bot(f"stop-limit BTCUSDT SELL 0.01 58000 57900 --job-id {name}")
    assert done.code == 0, done.err
    return f"ok-{name}-1"


def open_orders(desk: Desk) -> list[str]:
    return [row.client_order_id for row in document_of(desk.bot("orders --json"), OrdersDocument).orders]


def statuses(desk: Desk) -> dict[str, str]:
    return {row.job_id: row.status for row in document_of(desk.bot("ps --all --json"), JobListDocument).jobs}


# --- cancel ---------------------------------------------------------------------------------------


def test_ordinary_and_conditional_orders_are_canceled_by_id_and_the_journal_knows(desk: Desk) -> None:
    low, guard, stays = limit(desk, "low"), stop(desk, "guard"), limit(desk, "stays", "58500")
    done = desk.bot(f"cancel {low} {guard}")
    assert done.code == 0, done.err
    assert normal(done.out, desk) == (
        "environment: paper\n"
        " symbol   client order id  status    executed\n"
        " BTCUSDT  ok-low-1         CANCELED     0.000\n"
        " BTCUSDT  ok-guard-1       CANCELED     0.000"
    )
    assert open_orders(desk) == [stays]
    assert statuses(desk) == {"low": "STOPPED", "guard": "STOPPED", "stays": "OPEN"}
    assert "CANCEL_ASKED" in desk.bot("show low").out


def test_an_order_of_somebody_else_is_canceled_by_its_number(desk: Desk) -> None:
    limit(desk, "theirs")
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    (row,) = document_of(desk.bot("orders --json"), OrdersDocument).orders
    (ended,) = document_of(desk.bot(f"cancel {row.order_id} --json"), documents.CancelDocument).orders
    assert (ended.client_order_id, ended.status, ended.job_id) == ("ok-theirs-1", "CANCELED", None)
    assert open_orders(desk) == []


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ("--job low", ["ok-guard-1", "ok-eth-1"]),
        ("--symbol btcusdt", ["ok-eth-1"]),
        ("--all", []),
    ],
)
def test_orders_are_canceled_by_job_by_symbol_or_all(desk: Desk, which: str, left: list[str]) -> None:
    limit(desk, "low")
    stop(desk, "guard")
    assert desk.bot("limit ETHUSDT BUY 0.1 2900 --job-id eth").code == 0
    done = desk.bot(f"cancel {which} --json")
    assert done.code == 0, done.err
    ended = document_of(done, documents.CancelDocument).orders
    assert {row.status for row in ended} == {"CANCELED"}
    assert open_orders(desk) == left


def test_there_may_be_nothing_to_cancel(desk: Desk) -> None:
    done = desk.bot("cancel --all")
    assert (done.code, normal(done.out, desk)) == (0, "environment: paper\nno order is open")


def test_an_order_that_was_filled_cannot_be_canceled_exit_5(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.01 --job-id done").code == 0
    done = desk.bot("cancel ok-done-1 --json")
    assert done.code == 5
    (row,) = document_of(done, documents.CancelDocument).orders
    assert (row.status, row.reason) == ("FILLED", "it was filled before")


def test_an_order_canceled_twice_is_canceled(desk: Desk) -> None:
    low = limit(desk, "low")
    assert [desk.bot(f"cancel {low}").code for _ in range(2)] == [0, 0]


def test_a_cancel_whose_answer_is_lost_is_asked_again_until_the_order_is_over(desk: Desk) -> None:
    low = limit(desk, "low")
    desk.fault("DELETE", "/fapi/v1/order", "error", apply="after", status=503, body=UNKNOWN, times=1)
    (row,) = document_of(desk.bot(f"cancel {low} --json"), documents.CancelDocument).orders
    assert row.status == "CANCELED"
    assert len(desk.requests("DELETE", "/fapi/v1/order")) == 2


def test_a_cancel_that_never_gets_an_answer_is_exit_8_and_names_the_order(desk: Desk) -> None:
    low = limit(desk, "low")
    desk.fault("DELETE", "/fapi/v1/order", "error", apply="before", status=503, body=UNKNOWN, times=100)
    done = desk.bot(f"cancel {low} --json")
    assert done.code == 8
    (row,) = document_of(done, documents.CancelDocument).orders
    assert (row.client_order_id, row.status, row.code) == (low, "UNKNOWN", -1007)


def test_the_process_that_waits_for_an_order_hears_of_its_cancel(desk: Desk) -> None:
    waiting = desk.start("limit BTCUSDT BUY 0.01 59000 --wait --job-id low --json")
    while open_orders(desk) != ["ok-low-1"]:
        time.sleep(0.1)
    assert desk.bot("cancel --job low").code == 0
    ended = finish(waiting)
    assert (ended.code, ended.json["status"]) == (9, "STOPPED")


def test_a_bracket_whose_legs_were_canceled_is_not_thereby_done(desk: Desk) -> None:
    line = "bracket BTCUSDT BUY 0.01 62000 58000 --timeout 1s --on-exit keep --job-id tie --json"
    assert desk.bot(line).json["executed_quantity"] == "0.010"
    assert desk.bot("cancel --job tie").code == 0
    job = desk.bot("show tie --json").json["job"]
    assert (job["status"], job["reason"]) == ("RUNNING", "0.010 done; bot.py resume goes on")


# --- modify ---------------------------------------------------------------------------------------


def test_an_open_order_gets_another_price_and_quantity_and_its_job_knows(desk: Desk) -> None:
    low = limit(desk, "low")
    done = desk.bot(f"modify {low} --price 59100.5 --quantity 0.02")
    assert done.code == 0, done.err
    assert normal(done.out, desk) == (
        "environment: paper\nBTCUSDT BUY ok-low-1: 0.010 at 59000.0 is now 0.020 at 59100.5 NEW"
    )
    shown = desk.bot("show low --json").json["job"]
    assert (shown["quantity"], shown["orders"][0]["price"], shown["status"]) == ("0.020", "59100.5", "OPEN")
    desk.market("59000", "59000.1")
    assert desk.bot("reconcile --json").json["jobs"][0]["status"] == "COMPLETED"
    assert desk.bot("show low --json").json["job"]["executed_quantity"] == "0.020"


def test_an_order_is_modified_by_its_number(desk: Desk) -> None:
    limit(desk, "low")
    number = document_of(desk.bot("orders --json"), OrdersDocument).orders[0].order_id
    changed = document_of(desk.bot(f"modify {number} --price 59200 --json"), documents.ModifyDocument)
    assert (changed.previous_price, changed.order.price, changed.order.order_id) == (
        "59000.0",
        "59200.0",
        number,
    )


def test_a_refused_change_leaves_order_and_journal_as_they_were(desk: Desk) -> None:
    low = limit(desk, "low")
    refusal = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("PUT", "/fapi/v1/order", "error", apply="before", status=400, body=refusal, times=1)
    done = desk.bot(f"modify {low} --quantity 0.5 --json")
    assert (done.code, done.json["error"]["code"]) == (5, -2019)
    assert desk.bot("show low --json").json["job"]["quantity"] == "0.010"


def test_a_change_whose_answer_is_lost_is_looked_up_and_not_sent_again(desk: Desk) -> None:
    low = limit(desk, "low")
    desk.fault("PUT", "/fapi/v1/order", "error", apply="after", status=503, body=UNKNOWN, times=1)
    changed = document_of(desk.bot(f"modify {low} --quantity 0.02 --json"), documents.ModifyDocument)
    assert changed.order.quantity == "0.020"
    assert len(desk.requests("PUT", "/fapi/v1/order")) == 1


def test_a_change_that_stays_unknown_is_exit_8(desk: Desk) -> None:
    low = limit(desk, "low")
    desk.fault("PUT", "/fapi/v1/order", "error", apply="before", status=503, body=UNKNOWN, times=1)
    done = desk.bot(f"modify {low} --price 59500 --json")
    assert done.code == 8
    assert low in done.json["error"]["message"]


def test_the_quantity_of_a_waiting_jobs_order_is_not_changed_under_it_but_its_price_is(desk: Desk) -> None:
    waiting = desk.start("limit BTCUSDT BUY 0.01 59000 --wait --job-id low --json")
    while open_orders(desk) != ["ok-low-1"]:
        time.sleep(0.1)
    assert desk.bot("modify ok-low-1 --quantity 0.02").code == 3
    assert desk.bot("modify ok-low-1 --price 60000.1").code == 0
    ended = finish(waiting)
    assert (ended.code, ended.json["orders"][0]["price"]) == (0, "60000.1")


# --- settings -------------------------------------------------------------------------------------


class Setting(NamedTuple):
    line: str
    name: str
    previous: str
    value: str
    people: str


SETTINGS = [
    Setting("leverage BTCUSDT 10", "leverage", "20", "10", "BTCUSDT leverage: 10 already"),
    Setting(
        "margin-type BTCUSDT isolated",
        "margin_type",
        "cross",
        "isolated",
        "BTCUSDT margin type: isolated already",
    ),
    Setting("position-mode hedge", "position_mode", "one-way", "hedge", "position mode: hedge already"),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_changed_once_and_then_it_is_so_already(desk: Desk, setting: Setting) -> None:
    first = document_of(desk.bot(f"{setting.line} --json"), documents.SettingDocument)
    assert (first.setting, first.previous, first.value) == (setting.name, setting.previous, setting.value)
    assert first.changed
    again = desk.bot(setting.line)
    assert (again.code, normal(again.out, desk)) == (0, f"environment: paper\n{setting.people}")


# --- refusals -------------------------------------------------------------------------------------


class Bad(NamedTuple):
    line: str
    code: int
    says: str


REFUSED = [
    Bad("cancel", 2, "--symbol"),
    Bad("cancel ok-low-1 --all", 2, "--symbol"),
    Bad("cancel nonsense", 5, "nonsense"),
    Bad("cancel --job nonsense", 2, "nonsense"),
    Bad("modify ok-low-1", 2, "--price"),
    Bad("modify nonsense --price 59000", 5, "nonsense"),
    Bad("modify ok-guard-1 --price 57000", 3, "ORDER_TYPE"),
    Bad("modify ok-low-1 --price 59000", 3, "UNCHANGED"),
    Bad("modify ok-low-1 --price 59000.05", 3, "PRICE_FILTER"),
    Bad("modify ok-low-1 --price 70000", 3, "PERCENT_PRICE"),
    Bad("modify ok-low-1 --quantity 0.0105", 3, "LOT_SIZE"),
    Bad("leverage BTCUSDT 126", 3, "LEVERAGE"),
    Bad("leverage BTCUSDT ten", 2, "valid int"),
    Bad("margin-type BTCUSDT sideways", 2, "sideways"),
    Bad("margin-type BTCUSDT isolated", 5, "open orders"),
    Bad("position-mode hedge", 5, "open orders"),
    Bad("position-mode both", 2, "both"),
    Bad("flatten", 6, "--yes"),
]


def test_what_cannot_be_done_is_refused_and_changes_nothing(desk: Desk) -> None:
    limit(desk, "low")
    stop(desk, "guard")
    for bad in REFUSED:
        done = desk.bot(bad.line)
        assert done.code == bad.code, f"{bad.line}: {done.err}"
        assert bad.says in done.err, bad.line
        assert "hint:" in done.err, bad.line
    assert open_orders(desk) == ["ok-low-1", "ok-guard-1"]


def test_the_desks_own_limits_bind_a_change_and_the_leverage_exit_4(desk: Desk) -> None:
    low = limit(desk, "low")
    desk.variables |= {
        "ORDERKIT_RISK_MAX_POSITION_NOTIONAL": "1000",
        "ORDERKIT_RISK_MAX_LEVERAGE": "20",
    }
    try:
        for line in (f"modify {low} --quantity 0.02", "leverage BTCUSDT 21"):
            refused = desk.bot(f"{line} --json")
            assert (refused.code, refused.json["error"]["kind"]) == (4, "risk")
    finally:
        desk.variables.clear()
    assert not desk.requests("PUT", "/fapi/v1/order")
    assert not desk.requests("POST", "/fapi/v1/leverage")


# --- flatten --------------------------------------------------------------------------------------


def test_flatten_stops_jobs_cancels_orders_and_closes_positions(desk: Desk) -> None:
    assert desk.bot("market ETHUSDT SELL 1 --job-id short").code == 0
    limit(desk, "low")
    stop(desk, "guard")
    running = desk.start("twap BTCUSDT BUY 1 --chunks 100 --interval 1 --job-id slow --json")
    wait_for_orders(desk, 4)  # the second slice
    done = desk.bot("flatten --yes --json")
    assert done.code == 0, done.err
    result = document_of(done, documents.FlattenDocument)
    assert result.flat
    assert result.stopped_jobs == ["slow"]
    assert {row.client_order_id for row in result.canceled_orders} == {"ok-low-1", "ok-guard-1"}
    assert {(job.symbol, job.side, job.status) for job in result.jobs} == {
        ("BTCUSDT", "SELL", "COMPLETED"),
        ("ETHUSDT", "BUY", "COMPLETED"),
    }
    assert finish(running).code == 9
    assert open_orders(desk) == []
    assert document_of(desk.bot("positions --json"), PositionsDocument).positions == []
    known = statuses(desk)
    assert (known["low"], known["guard"], known["slow"]) == ("STOPPED", "STOPPED", "STOPPED")
    assert all(order["reduceOnly"] == "true" for order in closing_orders(desk))


def closing_orders(desk: Desk) -> list[dict[str, str]]:
    placed = [row["params"] for row in desk.requests("POST", "/fapi/v1/order")]
    return [params for params in placed if params["newClientOrderId"].startswith("ok-flatten-")]


def test_flatten_tells_a_person_what_it_did(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02").code == 0
    limit(desk, "low")
    done = desk.bot("flatten --yes")
    assert (done.code, normal(done.out, desk)) == (
        0,
        "environment: paper\n"
        "canceled 1 orders\n"
        "closed BTCUSDT: SELL 0.020 at 60000.000  flatten-ID COMPLETED\n"
        "flat: no order and no position is open",
    )


def test_flatten_closes_both_legs_of_hedge_mode(desk: Desk) -> None:
    assert desk.bot("position-mode hedge").code == 0
    assert desk.bot("market BTCUSDT BUY 0.02 --position-side LONG").code == 0
    assert desk.bot("market BTCUSDT SELL 0.03 --position-side SHORT").code == 0
    result = document_of(desk.bot("flatten --yes --json"), documents.FlattenDocument)
    assert result.flat
    assert sorted((job.side, job.executed_quantity) for job in result.jobs) == [
        ("BUY", "0.030"),
        ("SELL", "0.020"),
    ]


def test_flatten_says_what_is_left_when_the_exchange_does_not_let_it_close(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02").code == 0
    refusal = {"code": -4192, "msg": "Trade forbidden due to Cooling-off Period."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=refusal, times=100)
    done = desk.bot("flatten --yes --json")
    result = document_of(done, documents.FlattenDocument)
    assert (done.code, result.flat) == (9, False)
    assert [row.quantity for row in result.positions_left] == ["0.020"]
    assert "-4192" in (result.reason or "")


def test_flatten_while_trading_is_halted_says_how_to_let_it(desk: Desk) -> None:
    assert desk.bot("market BTCUSDT BUY 0.02").code == 0
    try:
        assert desk.bot("halt").code == 0
        refused = desk.bot("flatten --yes")
        assert refused.code == 4
        assert "halt --reduce" in refused.err
        assert desk.bot("halt --reduce").code == 0
        assert desk.bot("flatten --yes").code == 0
    finally:
        desk.bot("resume-trading")
