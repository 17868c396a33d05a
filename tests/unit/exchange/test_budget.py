"""The shared budget: what goes out, what waits and for how long, and what a file may hold."""

import ast
import inspect
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from binance.client import Client

from orderkit.domain.enums import Environment
from orderkit.errors import RateLimited
from orderkit.exchange import binance_gateway, pacing, shared_file, transport, weights
from orderkit.exchange.budget import Budget, Limits, Moment, Ticket, Told, Wait
from orderkit.exchange.pacing import Pacer
from orderkit.exchange.shared_file import SharedFile, runtime_directory
from orderkit.exchange.weights import Cost, cost_of

START_MS = 1_795_000_042_000  # 22 s into a minute, 2 s into ten
QUERY, CANCEL, ORDER = Cost(5), Cost(1, urgent=True), Cost(0, 1, urgent=True)
LIMITS = Limits(weight_1m=100, orders_10s=3, orders_1m=5)
WRITTEN = Budget(LIMITS).encode()


def at(seconds: float) -> Moment:
    return Moment(START_MS + int(seconds * 1000), int((1000 + seconds) * 1e9))


def spend(budget: Budget, cost: Cost, now: Moment, times: int = 1, account: str = "me") -> int:
    """How many of so many requests went out; each is answered without a word on the counters."""
    taken = 0
    for _ in range(times):
        ticket = budget.take(cost, account, now)
        if isinstance(ticket, Ticket):
            budget.settle(ticket, account, Told(), now, counted=True)
            taken += 1
    return taken


def wait_of(budget: Budget, cost: Cost, now: Moment, account: str = "me") -> float:
    found = budget.take(cost, account, now)
    assert isinstance(found, Wait)
    return found.seconds


def test_queries_leave_a_quarter_of_the_weight_to_cancels() -> None:
    budget = Budget(LIMITS)
    assert spend(budget, QUERY, at(0), 50) == 15
    assert spend(budget, CANCEL, at(0), 50) == 25
    assert spend(budget, ORDER, at(0), 3) == 3


def test_orders_wait_for_ten_seconds_and_then_for_the_minute() -> None:
    budget = Budget(LIMITS)
    assert spend(budget, ORDER, at(0), 9) == 3
    assert wait_of(budget, ORDER, at(0)) == 9  # a second after the next ten begin
    assert spend(budget, ORDER, at(9), 9) == 2
    assert wait_of(budget, ORDER, at(9)) == 30
    assert spend(budget, CANCEL, at(9)) == 1


def test_another_account_has_orders_of_its_own_but_shares_the_weight() -> None:
    budget = Budget(LIMITS)
    spend(budget, ORDER, at(0), 9)
    spend(budget, CANCEL, at(0), 100)
    assert spend(budget, ORDER, at(0), 9, account="other") == 3
    assert spend(budget, CANCEL, at(0), 9, account="other") == 0


def test_what_is_in_flight_counts_and_what_never_left_is_given_back() -> None:
    budget = Budget(LIMITS)
    tickets = [budget.take(ORDER, "me", at(0)) for _ in range(3)]
    assert wait_of(budget, ORDER, at(0))
    assert isinstance(tickets[0], Ticket)
    budget.settle(tickets[0], "me", Told(), at(0), counted=False)
    assert spend(budget, ORDER, at(0), 2) == 1


def test_headers_are_believed_over_our_own_count() -> None:
    budget = Budget(LIMITS)
    ticket = budget.take(ORDER, "me", at(0))
    assert isinstance(ticket, Ticket)
    budget.settle(ticket, "me", Told(weight_1m=99, orders_10s=3, orders_1m=3), at(0.1), counted=True)
    assert wait_of(budget, ORDER, at(0.2))  # somebody else placed two
    assert spend(budget, CANCEL, at(0.2), 5) == 1


def test_a_429_stops_everything_and_a_refused_order_only_orders() -> None:
    budget = Budget(LIMITS)
    budget.halt_orders("me", 7, at(0))
    assert wait_of(budget, ORDER, at(1)) == 6
    assert spend(budget, ORDER, at(1), account="other") == 1
    assert spend(budget, CANCEL, at(1)) == 1
    budget.halt(30, at(1), banned=False)
    budget.halt(5, at(1), banned=False)  # a shorter one changes nothing
    assert wait_of(budget, CANCEL, at(2)) == 29
    assert wait_of(budget, ORDER, at(2), "other") == 29
    assert spend(budget, CANCEL, at(31)) == 1


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_does_not_prolong_a_stop(jump_ms: int) -> None:
    budget = Budget(LIMITS)
    budget.halt(30, at(0), banned=True)
    later = at(31)
    assert isinstance(budget.take(CANCEL, "me", Moment(later.ms + jump_ms, later.ns)), Ticket)


def test_a_request_larger_than_the_limit_goes_out_when_nothing_else_does() -> None:
    budget = Budget(Limits(weight_1m=20))
    assert spend(budget, Cost(40), at(0), 2) == 1


def test_a_limit_of_zero_is_none() -> None:
    assert spend(Budget(Limits(0, 0, 0)), ORDER, at(0), 5000) == 5000


def test_limits_follow_the_environment_and_then_exchange_information() -> None:
    assert Limits.of(Environment.DEMO).weight_1m == Limits.of(Environment.TESTNET).weight_1m == 6000
    told = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ]
    assert Limits.of(Environment.LIVE).told_by(told) == Limits(1000, 50, 1200)


# --- the file -------------------------------------------------------------------------------------


def test_a_budget_survives_being_written_and_read() -> None:
    budget = Budget(LIMITS)
    spend(budget, ORDER, at(0), 2)
    budget.take(CANCEL, "me", at(0))
    budget.halt(60, at(0), banned=True)
    budget.halt_orders("other", 3, at(0))
    assert Budget.decode(budget.encode(), Limits()) == budget


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"a":1}',
        b"\xff\xfe",
        b"[1,[1,1,1],[0,0,0],[0,0,0,0,0,0,0,0],{}]",  # as version 1 wrote it
        WRITTEN.replace(b"[2,", b"[3,", 1),
        WRITTEN.replace(b"[100,3,5]", b"[100,3,5,7]"),
        WRITTEN.replace(b"[100,3,5]", b"[100,3,-5]"),
        WRITTEN.replace(b"[60000,0", b"[0,0", 1),
        WRITTEN.replace(b"[60000,0", b"[60000,-1", 1),
        WRITTEN.replace(b"[60000,0", b'[60000,"0"', 1),
        WRITTEN.replace(b"{}", b"[]"),
        WRITTEN.replace(b"{}", b'{"a":1}'),
        WRITTEN + b"1]}",
    ],
)
def test_a_damaged_file_is_started_anew(content: bytes) -> None:
    assert content != WRITTEN
    assert Budget.decode(content, LIMITS) == Budget(LIMITS)


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def pacer(key: str = "key", rest: str = "https://exchange.test", limits: Limits = LIMITS) -> Pacer:
    return Pacer(rest, key, limits, lambda: time.time_ns() // 1_000_000)


def file_of(tmp_path: Path) -> Path:
    (path,) = (tmp_path / f"orderkit-{os.getuid()}").iterdir()
    return path


def test_the_file_is_private_and_does_not_hold_the_key(tmp_path: Path) -> None:
    pacer("a-very-secret-key").take(ORDER, "order")
    path = file_of(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert b"secret" not in path.read_bytes()


def test_two_pacers_of_one_address_share_and_testnet_is_demo() -> None:
    one, two = pacer(rest="https://testnet.binancefuture.com"), pacer(rest="https://demo-fapi.binance.com")
    one.halt(RateLimited("banned", retry_after_s=120, banned=True))
    with pytest.raises(RateLimited) as caught:
        two.take(QUERY, "query")
    assert caught.value.banned
    assert 119 < caught.value.retry_after_s <= 120
    pacer(rest="https://fapi.binance.com").take(QUERY, "query")


def test_limits_learned_by_one_hold_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "QUERY_WAIT_S", 0.0)
    pacer().learn([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 8}])
    other = pacer()
    other.take(QUERY, "query")
    with pytest.raises(RateLimited):
        other.take(QUERY, "query")


def test_nonsense_limits_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pacer().learn([{"rateLimitType": "ORDERS"}])
    assert "cannot be read" in caplog.text


def damage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 1000)


def vanish(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [damage, vanish])
def test_a_file_that_is_harmed_in_use_is_made_anew(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    one = pacer()
    one.take(ORDER, "order")
    harm(file_of(tmp_path))
    one.take(ORDER, "order")
    assert Budget.decode(file_of(tmp_path).read_bytes(), Limits()).accounts


def read_only(directory: Path) -> None:
    directory.write_text("a file where the directory should be")


def of_somebody_else(directory: Path) -> None:
    directory.symlink_to("/")


@pytest.mark.parametrize("trouble", [read_only, of_somebody_else])
def test_without_a_usable_directory_a_process_paces_itself_alone(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path], None],
) -> None:
    monkeypatch.setattr(pacing, "URGENT_WAIT_S", 0.0)
    trouble(tmp_path / f"orderkit-{os.getuid()}")
    one = pacer()
    for _ in range(3):
        one.take(ORDER, "order")
    with pytest.raises(RateLimited):
        one.take(ORDER, "order")
    assert caplog.text.count("cannot be shared") == 1


def test_a_suspended_holder_of_the_lock_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_file, "LOCK_TIMEOUT_S", 0.05)
    holder, other = SharedFile(runtime_directory, "x"), SharedFile(runtime_directory, "x")
    release, held = threading.Event(), threading.Event()

    def hold(content: bytes) -> tuple[bytes, None]:
        held.set()
        release.wait(5)
        return content, None

    thread = threading.Thread(target=holder.change, args=(hold,))
    thread.start()
    held.wait(5)
    assert other.change(lambda _: (b"alone", 1)) == 1
    release.set()
    thread.join()
    assert other.change(lambda content: (content, content)) == b""


def test_files_nobody_has_used_for_a_day_are_dropped(tmp_path: Path) -> None:
    pacer(rest="http://127.0.0.1:1").take(ORDER, "order")
    old = file_of(tmp_path)
    os.utime(old, (1, 1))
    pacer(rest="http://127.0.0.1:2").take(ORDER, "order")
    assert not old.exists()


def test_closing_ends_a_wait_at_once() -> None:
    one = pacer()
    one.halt(RateLimited("wait", retry_after_s=10))
    threading.Timer(0.1, one.close).start()
    begun = time.monotonic()
    with pytest.raises(RateLimited):
        one.take(ORDER, "order")
    assert time.monotonic() - begun < 8


def test_a_wait_beyond_the_bound_is_refused_without_waiting() -> None:
    one = pacer()
    one.halt(RateLimited("wait", retry_after_s=30))
    begun = time.monotonic()
    with pytest.raises(RateLimited) as caught:
        one.take(ORDER, "order")
    assert time.monotonic() - begun < 10
    assert 20 < caught.value.retry_after_s <= 30
    assert not caught.value.banned


# --- the table of costs ---------------------------------------------------------------------------


def test_every_request_that_is_made_has_a_cost_and_exists() -> None:
    named = {
        node.value
        for module in (binance_gateway, transport)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant) and str(node.value).startswith("futures_")
    }
    assert len(named) > 15
    assert named <= set(weights._COSTS)
    assert all(callable(getattr(Client, method, None)) for method in weights._COSTS)


def test_asking_for_one_symbol_is_cheaper_than_for_all() -> None:
    assert cost_of("futures_orderbook_ticker", {"symbol": "BTCUSDT"}).weight == 2
    assert cost_of("futures_get_open_orders", {}).weight == 40


def test_the_costs_are_those_the_paper_exchange_counts() -> None:
    from orderkit.paper.routes.account import ENDPOINTS as ACCOUNT
    from orderkit.paper.routes.trading import ENDPOINTS as TRADING

    paths = {
        "futures_create_order": ("POST", "/fapi/v1/order"),
        "futures_get_order": ("GET", "/fapi/v1/order"),
    }
    paths |= {"futures_account_trades": ("GET", "/fapi/v1/userTrades")}
    paths |= {"futures_commission_rate": ("GET", "/fapi/v1/commissionRate")}
    known = {(e.method, e.path): (e.weight, e.orders) for e in [*ACCOUNT, *TRADING]}
    for method, path in paths.items():
        cost = cost_of(method, {"symbol": "BTCUSDT"})
        assert (cost.weight, cost.orders) == known[path]
