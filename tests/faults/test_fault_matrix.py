"""Every row of the failure table on every request of a TWAP; then the same command again, and the truth."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import pytest

from tests.faults.cells import CellDesk, document, open_desk
from tests.faults.truth import assert_executed_once, assert_true
from tests.support import Done

LINE = "twap BTCUSDT BUY 0.3 --chunks 3 --interval 300ms --job-id job --json"
ASKED = Decimal("0.3")
ORDER = ("POST", "/fapi/v1/order")
# The requests of a job that is in the journal already; the first quote is asked for before.
BEGUN = (ORDER, ("POST", "/fapi/v1/listenKey"))
QUOTE = ("GET", "/fapi/v1/ticker/bookTicker")
WORKERS = 2
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


# Makes one request of this process meet no exchange at all, as its HTTP client tells that.
NO_CONNECTION = """
import json, os, pathlib
from urllib.parse import urlsplit
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

kind, method, path, nth = json.loads(os.environ["NO_CONNECTION"])
send, seen = HTTPAdapter.send, []

def fail_once(self, request, **options):
    where = urlsplit(request.url)
    if (request.method, where.path) == (method, path):
        seen.append(1)
        if len(seen) == nth:
            pathlib.Path(os.environ["NO_CONNECTION_MET"]).touch()
            reason = {
                "refused": NewConnectionError(None, "[Errno 111] Connection refused"),
                "no host": NameResolutionError(where.hostname, None, "Name or service not known"),
            }[kind]
            raise requests.ConnectionError(MaxRetryError(None, request.url, reason), request=request)
    return send(self, request, **options)

HTTPAdapter.send = fail_once
"""


class Row(NamedTuple):
    """One failure: a ``fault`` of the exchange, or ``refused`` or ``no host`` on the way to it.

    ``completes``: the job does all of its quantity, whichever request is hit.
    """

    fault: dict[str, Any] | str
    completes: bool = True
    timeout: str = "10"


def answer(status: int, code: int | None = None, msg: str = "", **more: Any) -> dict[str, Any]:
    body = {"code": code, "msg": msg} if code is not None else None
    return {"action": "error", "status": status} | ({"body": body} if body else {}) | more


UNKNOWN = answer(503)  # its body is the exchange's own "Unknown error"
AFTER = {"apply": "after"}
BANNED = "Way too many requests; IP banned until 9999999999999."
ROWS = {
    "connection refused": Row("refused"),
    "host not found": Row("no host"),
    "connection dropped": Row({"action": "drop"}),
    "answer lost": Row({"action": "drop"} | AFTER),
    "timeout, not executed": Row({"action": "hold"}, timeout="0.7"),
    "timeout, executed": Row({"action": "hold"} | AFTER, timeout="0.7"),
    "503 unknown, not executed": Row(UNKNOWN),
    "503 unknown, executed": Row(UNKNOWN | AFTER),
    "503 service unavailable": Row(answer(503, body={"code": 0, "msg": "Service Unavailable."})),
    "503 internal error": Row(
        answer(503, -1000, "Internal error; unable to process your request. Please try again.")
    ),
    "-1008": Row(answer(503, -1008, "Request throttled by system-level protection.")),
    "-1006, not executed": Row(answer(500, -1006, "An unexpected response was received.")),
    "-1006, executed": Row(answer(500, -1006, "An unexpected response was received.") | AFTER),
    "-1007, not executed": Row(answer(408, -1007, "Timeout waiting for response from backend server.")),
    "-1007, executed": Row(answer(408, -1007, "Timeout waiting for response from backend server.") | AFTER),
    "429": Row(answer(429, -1003, "Too many requests.", headers={"Retry-After": "1"})),
    "418": Row(answer(418, -1003, BANNED, headers={"Retry-After": "100"}), completes=False),
    "-1021": Row(answer(400, -1021, "Timestamp for this request is outside of the recvWindow.")),
    "-2019": Row(answer(400, -2019, "Margin is insufficient.")),
    "-2014": Row(answer(401, -2014, "API-key format invalid."), completes=False),
    "-2015": Row(answer(401, -2015, "Invalid API-key, IP, or permissions."), completes=False),
    "500 in HTML, not executed": Row(answer(500, body=HTML)),
    "500 in HTML, executed": Row(answer(500, body=HTML) | AFTER),
    "200 in HTML, executed": Row(answer(200, body=HTML) | AFTER),
    "403 of a firewall": Row(answer(403, body=HTML)),
}
# What the default run takes: orders only, one of each way to go on.
SAMPLE = [
    ("connection refused", 2), ("answer lost", 2), ("429", 1), ("-1008", 3), ("-1021", 1), ("-2015", 2),
    ("-2019", 3),
]  # fmt: skip


class Cell(NamedTuple):
    name: str
    method: str
    path: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name} on {self.method} {self.path} number {self.nth}"


def run_cell(desk: CellDesk, cell: Cell) -> None:
    """The faulty run, the world set right, the same command again until the job's end, the truth."""
    row = ROWS[cell.name]
    desk.renew()
    if isinstance(row.fault, str):
        met = Path(desk.temporary) / "met"
        request = json.dumps([row.fault, cell.method, cell.path, cell.nth])
        with desk.spoilt(NO_CONNECTION, NO_CONNECTION=request, NO_CONNECTION_MET=str(met)):
            first = desk.bot(LINE)
        assert met.exists(), "the request was never made"
    else:
        desk.fault(cell.method, cell.path, nth=cell.nth, **row.fault)
        desk.extra = {"ORDERKIT_TIMEOUT": row.timeout}
        first = desk.bot(LINE)
        assert desk.hits() == 1, "the request was never made"
    desk.control("DELETE", "/paper/faults")
    desk.renew_budget()
    desk.extra = {}
    last = go_on(desk, first)
    executed = executed_of(first)
    if executed is not None:  # the faulty run has told its end, and that stays true
        assert executed <= ASKED
        assert Decimal(document(last)["executed_quantity"]) >= executed
    told = Decimal(document(last)["executed_quantity"])
    begun = (cell.method, cell.path) in BEGUN or ((cell.method, cell.path) == QUOTE and cell.nth > 1)
    if row.completes or not begun:
        assert (last.code, told) == (0, ASKED), last
    else:
        assert last.code in (0, 5, 6, 7, 9), last
    assert_true(desk, executed=told)
    assert_executed_once(desk)


def go_on(desk: CellDesk, first: Done) -> Done:
    """What a person or cron does next; an order in doubt is reconciled before."""
    if first.code == 8:
        reconciled = desk.bot("reconcile --json")
        assert reconciled.code == 0, reconciled
    return desk.bot(LINE)


def executed_of(done: Done) -> Decimal | None:
    told = document(done)
    return Decimal(told["executed_quantity"]) if "executed_quantity" in told else None


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[CellDesk]]:
    made = [open_desk(tmp_path_factory.mktemp("home")) for _ in range(WORKERS)]
    yield made
    for desk in made:
        desk.close()


@pytest.fixture(scope="module")
def matrix() -> Iterator[dict[str, int]]:
    cells: dict[str, int] = {}
    yield cells
    print(f"\nfault matrix: {sum(cells.values())} cells run, {len(cells)} failures on each request: {cells}")


@pytest.fixture(scope="module")
def requests(desks: list[CellDesk]) -> list[tuple[str, str, int]]:
    """Method, path and ordinal of each request of an undisturbed run."""
    desks[0].renew()
    assert desks[0].bot(LINE).code == 0
    seen: dict[tuple[str, str], int] = {}
    listed = []
    for row in desks[0].all_requests():
        key = row["method"], row["path"]
        seen[key] = seen.get(key, 0) + 1
        listed.append((*key, seen[key]))
    assert seen[ORDER] == 3
    return listed


def run_all(desks: list[CellDesk], cells: list[Cell]) -> None:
    """Run the cells, as many at a time as there are desks; name those that failed."""
    free: SimpleQueue[CellDesk] = SimpleQueue()
    for desk in desks:
        free.put(desk)

    def run(cell: Cell) -> str | None:
        desk = free.get()
        try:
            run_cell(desk, cell)
        except AssertionError as error:
            return f"{cell}: {error}"
        finally:
            free.put(desk)
        return None

    with ThreadPoolExecutor(len(desks)) as pool:
        failed = [text for text in pool.map(run, cells) if text]
    assert not failed, "\n\n".join(failed)


def test_a_twap_comes_through_what_its_orders_meet_most(desks: list[CellDesk]) -> None:
    run_all(desks, [Cell(name, *ORDER, nth) for name, nth in SAMPLE])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(ROWS))
def test_a_failure_on_any_request_loses_and_doubles_nothing(
    desks: list[CellDesk], requests: list[tuple[str, str, int]], matrix: dict[str, int], name: str
) -> None:
    cells = [Cell(name, *request) for request in requests]
    run_all(desks, cells)
    matrix[name] = len(cells)
