"""What the looking commands show people and scripts, on the embedded exchange."""

import contextlib
import signal
import sqlite3
import time
from typing import NamedTuple

import msgspec
import pytest

from orderkit.console import looking_documents as documents
from orderkit.console.documents import ErrorDocument, JobDocument
from tests.cli.normal import document_of, normal, wait_for_orders
from tests.support import Desk, finish

PRICES = """\
environment: paper
 symbol       bid      ask      last    24 h       mark  funding
 BTCUSDT  60000.0  60000.1  60000.05  0.000%  60000.050  0.0000%
 ETHUSDT  3000.00  3000.01   3000.00  0.000%  3000.0050  0.0000%"""

BOOK = """\
environment: paper
BTCUSDT  spread 0.1, 0.02 bps
          total  quantity      bid  ask      quantity   total
 ██████  50.000    50.000  60000.0  60000.1    50.000  50.000  ██████"""

INFO = """\
environment: paper
BTCUSDT  PERPETUAL  TRADING  mark 60000.050
  quantity: 0.001 to 1000 BTC, in steps of 0.001
  market orders: at most 120 BTC at once (twap takes more)
  price: 556.80 to 4529764 USDT, in ticks of 0.1
  a BUY limit: at most 5% above the mark price, now 63000.052
  a SELL limit: at most 5% below the mark price, now 57000.048
  a market order's fills: within 5% of the mark price, the rest expires
  --price-protect: no trigger while mark and last price differ by more than 5%
  notional: at least 50 USDT unless reduce-only: now 0.001 BTC
  open orders: at most 200
  leverage: up to 125x for positions to 50000 USDT, less above
  maintenance margin: from 0.4% on
  liquidation fee: 1.25%"""

BALANCE = """\
environment: paper
 asset    wallet  unrealized  available  in margin  margin ratio
 USDT   99999.40        0.00   99909.90      89.50         0.00%"""

POSITIONS = """\
environment: paper
BTCUSDT  long 0.020  cross 20x
  entry, mark  60000.100, 60000.050
  P&L          0.00 USDT (0.00% of the margin)
  margin       89.50 USDT
  liquidation  none at any price
  stop         only 0.010 of 0.020: STOP at 58000.0"""

ORDERS = """\
environment: paper
 symbol   side  type   quantity    price  trigger     client order id
 BTCUSDT  BUY   LIMIT     0.010  59000.0           *  ok-low-1
 BTCUSDT  SELL  STOP      0.010  57900.0  58000.0  *  ok-guard-1
 * sent by a job of this journal"""

HISTORY = """\
environment: paper
 status  side  type    quantity      price  trigger     client order id
 FILLED  BUY   MARKET     0.020  60000.100           *  ok-entry-1
 NEW     BUY   LIMIT      0.010    59000.0           *  ok-low-1
 NEW     SELL  STOP       0.010    57900.0  58000.0  *  ok-guard-1"""

TRADES = """\
environment: paper
 time (UTC)      side  quantity    price   fee   P&L         order
 DAY CLOCK  BUY      0.020  60000.1  0.60  0.00  taker  ok-entry-1"""

INCOME = """\
environment: paper
 time (UTC)      type        amount  asset  about
 DAY CLOCK  COMMISSION   -0.60  USDT   trade NUMBER"""

JOBS = """\
environment: paper
 job                  state      done  due  late  started (UTC)
 guard  SELL BTCUSDT  OPEN         0%             DAY CLOCK
 low    BUY BTCUSDT   OPEN         0%             DAY CLOCK
 entry  BUY BTCUSDT   COMPLETED  100%             DAY CLOCK"""

SHOWN = """\
limit BUY BTCUSDT  OPEN  paper · low
  executed  0.000 of 0.010 BTC
  order     ok-low-1 LIMIT BUY 0.010 at 59000.0: NEW"""


class Look(NamedTuple):
    line: str
    people: str
    script: type[msgspec.Struct]


LOOKS = [
    Look("balance", BALANCE, documents.BalancesDocument),
    Look("positions", POSITIONS, documents.PositionsDocument),
    Look("orders", ORDERS, documents.OrdersDocument),
    Look("orders BTCUSDT", ORDERS, documents.OrdersDocument),
    Look("history BTCUSDT", HISTORY, documents.HistoryDocument),
    Look("history BTCUSDT --what trades", TRADES, documents.HistoryDocument),
    Look("history BTCUSDT --what income --since 30d", INCOME, documents.HistoryDocument),
    Look("ps --all", JOBS, documents.JobListDocument),
    Look("show low", SHOWN, documents.ShowDocument),
]
EMPTY = [
    Look("positions", "environment: paper\nno position is open", documents.PositionsDocument),
    Look("orders", "environment: paper\nno order is open", documents.OrdersDocument),
    Look(
        "ps",
        "environment: paper\nno job to show; see --all, and --env for other environments",
        documents.JobListDocument,
    ),
    Look("price BTCUSDT ETHUSDT btcusdt", PRICES, documents.PricesDocument),
    Look("book BTCUSDT --depth 2", BOOK, documents.BookDocument),
    Look("info BTCUSDT", INFO, documents.InfoDocument),
]


def trade(desk: Desk) -> None:
    """A position, half of it protected, and an order below the market."""
    for line in (
        "market BTCUSDT BUY 0.02 --job-id entry",
        "limit BTCUSDT BUY 0.01 59000 --job-id low",
        "stop-limit BTCUSDT SELL 0.01 58000 57900 --reduce-only --job-id guard",
    ):
        done = desk.bot(line)
        assert done.code == 0, done.err


def check(desk: Desk, look: Look) -> None:
    people = desk.bot(look.line)
    assert (people.code, people.err) == (0, "")
    assert normal(people.out, desk) == look.people
    assert "\x1b" not in people.out
    script = desk.bot(f"{look.line} --json")
    assert script.code == 0
    document_of(script, look.script)


@pytest.mark.parametrize("look", EMPTY, ids=lambda look: look.line)
def test_looking_at_an_account_that_has_not_traded(desk: Desk, look: Look) -> None:
    check(desk, look)


def test_looking_after_trading(desk: Desk) -> None:
    trade(desk)
    for look in LOOKS:
        check(desk, look)


def test_a_position_says_how_far_liquidation_is_and_what_protects_it(desk: Desk) -> None:
    assert desk.bot("leverage BTCUSDT 50").code == 0
    assert desk.bot("margin-type BTCUSDT isolated").code == 0
    trade(desk)
    (position,) = document_of(desk.bot("positions --json"), documents.PositionsDocument).positions
    assert (position.leverage, position.margin_type) == (50, "isolated")
    distance = (60000.05 - float(position.liquidation_price)) / 60000.05 * 100
    assert float(position.liquidation_distance_percent) == pytest.approx(distance, abs=0.006)
    # Liquidation comes before the stop at 58000 or after it; only a stop before it protects.
    reached = float(position.liquidation_price) < 58000
    assert (position.protection, position.protected_quantity) == (
        ("partial", "0.010") if reached else ("none", "0.000")
    )


def test_orders_of_others_are_listed_without_a_star(desk: Desk) -> None:
    trade(desk)
    for path in desk.home.glob("journal.sqlite*"):
        path.unlink()
    listed = document_of(desk.bot("orders --json"), documents.OrdersDocument).orders
    assert [(row.client_order_id, row.job_id) for row in listed] == [("ok-low-1", None), ("ok-guard-1", None)]
    assert "*" not in desk.bot("orders").out


def test_history_reaches_back_as_far_as_it_is_asked_to_and_not_further(desk: Desk) -> None:
    trade(desk)
    latest = document_of(desk.bot("history BTCUSDT --limit 1 --json"), documents.HistoryDocument)
    assert [row.client_order_id for row in latest.orders] == ["ok-guard-1"]
    time.sleep(1.1)
    none = document_of(desk.bot("history BTCUSDT --since 50ms --json"), documents.HistoryDocument)
    assert none.orders == []


def test_a_running_job_shows_progress_and_one_that_was_killed_how_late_it_is(desk: Desk) -> None:
    running = desk.start("twap BTCUSDT BUY 0.1 --chunks 10 --interval 1 --job-id slow")
    wait_for_orders(desk, 2)
    (row,) = document_of(desk.bot("ps --json"), documents.JobListDocument).jobs
    assert (row.job_id, row.status, row.pid) == ("slow", "RUNNING", running.pid)
    assert 0.1 < float(row.progress) <= float(row.expected) + 0.1 <= 1
    late_ms = row.late_ms
    running.send_signal(signal.SIGKILL)
    finish(running)
    while row.late_ms < late_ms + 1500:  # that of a job that runs stays where it is
        time.sleep(0.2)
        (row,) = document_of(desk.bot("ps --json"), documents.JobListDocument).jobs
        assert (row.status, row.pid) == ("RUNNING", None)
    assert "not running" in desk.bot("ps").out
    left = desk.bot("attach slow")
    assert left.code == 9
    assert "bot.py resume slow" in left.out


def test_jobs_of_another_environment_take_no_place_in_the_list(desk: Desk) -> None:
    for job in ("mine", "theirs"):
        assert desk.bot(f"limit BTCUSDT BUY 0.01 59000 --job-id {job}").code == 0
    with contextlib.closing(sqlite3.connect(desk.home / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE jobs SET environment = 'testnet' WHERE job_id = 'theirs'")
    jobs = desk.bot("ps --limit 1 --json").json["jobs"]
    assert [job["job_id"] for job in jobs] == ["mine"]


def test_attach_follows_a_job_of_another_process_to_its_end(desk: Desk) -> None:
    running = desk.start("twap BTCUSDT BUY 0.03 --chunks 3 --interval 1 --job-id seen")
    wait_for_orders(desk, 1)
    attached = desk.bot("attach seen --json")
    assert finish(running).code == attached.code == 0
    assert document_of(attached, JobDocument).executed_quantity == "0.030"
    assert "ok-seen-3  FILLED 0.010" in attached.err


def test_leaving_the_view_leaves_the_job_alone(desk: Desk) -> None:
    running = desk.start("twap BTCUSDT BUY 0.4 --chunks 40 --interval 1 --job-id alone")
    wait_for_orders(desk, 1)
    view = desk.start("attach alone")
    assert view.stdout is not None
    assert view.stdout.readline() == "job alone of paper: RUNNING\n"
    time.sleep(0.5)
    view.send_signal(signal.SIGINT)
    left = finish(view)
    assert left.code == 130
    assert "goes on" in left.out
    wait_for_orders(desk, len(desk.requests("POST", "/fapi/v1/order")) + 1)
    running.send_signal(signal.SIGINT)
    assert finish(running).code == 130


def test_logs_are_the_records_that_name_the_job_and_no_other(desk: Desk) -> None:
    desk.bot("market BTCUSDT BUY 0.01 --job-id a")
    desk.bot("market BTCUSDT BUY 0.01 --job-id a-1")
    shown = document_of(desk.bot("logs a --json"), documents.LogsDocument).lines
    assert shown
    assert not any("a-1:" in row.message or "job a-1 " in row.message for row in shown)
    last = desk.bot("logs a --tail 1")
    assert normal(last.out, desk) == "TIME INFO orderkit.runtime.jobs: job a: COMPLETED"


REFUSED = [
    ("book BTCUSDT --depth 0", 2, "--depth"),
    ("book BTCUSDT --depth 1001", 2, "--depth"),
    ("price BTCUSD", 3, "BTCUSDT"),
    ("info NOPE", 3, "SYMBOL"),
    ("history BTCUSDT --what dreams", 2, "--what"),
    ("history BTCUSDT --since 91d", 2, "--since"),
    ("history BTCUSDT --limit 0", 2, "--limit"),
    ("ps --limit 0", 2, "--limit"),
    ("show nothing", 2, "nothing"),
    ("attach nothing", 2, "nothing"),
    ("logs nothing", 2, "nothing"),
    ("balance --env live", 6, "BINANCE_API_KEY"),
]


@pytest.mark.parametrize(("line", "code", "says"), REFUSED)
def test_what_cannot_be_shown_is_refused_with_a_hint(desk: Desk, line: str, code: int, says: str) -> None:
    done = desk.bot(line)
    assert (done.code, done.out.removeprefix("environment: paper\n")) == (code, "")
    assert says in done.err
    assert "hint:" in done.err


def test_a_script_gets_the_refusal_as_a_document(desk: Desk) -> None:
    error = document_of(desk.bot("price BTCUSD --json"), ErrorDocument).error
    assert error.kind == "validation"
    assert "BTCUSDT" in error.hint


def test_quiet_leaves_the_result_alone(desk: Desk) -> None:
    assert normal(desk.bot("price BTCUSDT ETHUSDT --quiet").out, desk) == PRICES.removeprefix(
        "environment: paper\n"
    )


def test_the_nearest_job_is_named(desk: Desk) -> None:
    desk.bot("market BTCUSDT BUY 0.01 --job-id daily-1")
    assert "did you mean daily-1?" in desk.bot("show dialy-1").err


@pytest.mark.parametrize("line", ["price BTCUSDT", "balance", "orders"])
def test_an_exchange_that_does_not_answer_is_exit_7(desk: Desk, line: str) -> None:
    down = {"code": -1008, "msg": "Request throttled by system-level protection."}
    for path in ("/fapi/v1/premiumIndex", "/fapi/v3/account", "/fapi/v1/openOrders"):
        desk.fault("GET", path, "error", apply="before", status=503, body=down, times=100)
    assert desk.bot(f"{line} --json").json["error"]["kind"] == "unreachable"
    assert desk.bot(line).code == 7
