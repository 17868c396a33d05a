"""One day at the desk, command by command: what the snapshots are taken of, in this order."""

from collections.abc import Callable
from typing import NamedTuple

from tests.support import Desk


class Step(NamedTuple):
    """``code`` is the exit code that it ends with; ``before`` happens first."""

    line: str
    code: int = 0
    before: Callable[[Desk], object] | None = None


def margin_refused(desk: Desk) -> None:
    body = {"code": -2019, "msg": "Margin is insufficient."}
    desk.fault("POST", "/fapi/v1/order", "error", apply="before", status=400, body=body, times=1)


def overloaded(desk: Desk) -> None:
    body = {"code": -1008, "msg": "Request throttled by system-level protection."}
    desk.fault("GET", "/fapi/v1/premiumIndex", "error", apply="before", status=503, body=body, times=100)


def recovered(desk: Desk) -> None:
    desk.control("DELETE", "/paper/faults")


def change_in_doubt(desk: Desk) -> None:
    body = {"code": -1007, "msg": "Timeout waiting for response from backend server."}
    desk.fault("PUT", "/fapi/v1/order", "error", apply="before", status=503, body=body, times=1)


STORY = [
    # the exchange
    Step("paper start --market manual"),
    Step("paper status"),
    Step("paper market BTCUSDT 60000 60000.1"),
    Step("paper market ETHUSDT 3000 3000.01"),
    Step("paper mark BTCUSDT 60000"),
    Step("paper trade BTCUSDT 60000 0.5"),
    Step("paper deposit 5000"),
    Step("paper keys second --secret not-a-real-secret"),
    Step("paper faults --clear"),
    # looking
    Step("price BTCUSDT ETHUSDT"),
    Step("book BTCUSDT --depth 2"),
    Step("info BTCUSDT"),
    Step("risk"),
    Step("ps"),
    Step("orders"),
    # settings
    Step("leverage BTCUSDT 25"),
    Step("margin-type BTCUSDT cross"),
    Step("position-mode one-way"),
    # plans
    Step("market BTCUSDT BUY 0.02 --plan"),
    Step("limit BTCUSDT BUY 0.01 59000 --plan"),
    Step("stop-limit BTCUSDT SELL 0.01 58000 57900 --plan"),
    Step("trailing-stop BTCUSDT SELL 0.01 1.5 --plan"),
    Step("oco BTCUSDT SELL 0.01 62000 58000 --plan"),
    Step("bracket BTCUSDT BUY 0.01 62000 58000 --plan"),
    Step("grid BTCUSDT 58000 62000 5 0.01 --plan"),
    Step("scaled BTCUSDT BUY 0.03 59000 58000 --orders 3 --plan"),
    Step("iceberg BTCUSDT BUY 0.05 59000 --chunk-size 0.01 --plan"),
    Step("chase BTCUSDT BUY 0.01 --max-distance 20 --plan"),
    Step("pov BTCUSDT BUY 0.5 --rate 10% --plan"),
    Step("vwap BTCUSDT BUY 0.5 --duration 2h --plan"),
    # orders
    Step("market BTCUSDT BUY 0.02 --job-id buy-1"),
    Step("limit BTCUSDT BUY 0.01 59000 --job-id low"),
    Step("stop-limit BTCUSDT SELL 0.01 58000 57900 --reduce-only --job-id guard"),
    Step("trailing-stop BTCUSDT SELL 0.01 1.5 --reduce-only --job-id trail"),
    Step("scaled BTCUSDT BUY 0.03 58500 57500 --orders 3 --job-id ladder"),
    Step("oco BTCUSDT SELL 0.01 62000 58000 --timeout 1s --on-exit cancel --job-id pair", 9),
    Step("bracket BTCUSDT BUY 0.01 62000 58000 --entry 59000 --timeout 1s --on-exit cancel --job-id tie", 9),
    Step("grid BTCUSDT 58000 62000 5 0.01 --timeout 1s --job-id net", 9),
    Step("iceberg BTCUSDT BUY 0.05 59000 --chunk-size 0.01 --timeout 1s --job-id deep", 9),
    Step("chase BTCUSDT BUY 0.01 --max-distance 20 --timeout 1s --job-id after", 9),
    Step("pov BTCUSDT BUY 0.5 --rate 10% --timeout 1s --job-id share", 9),
    Step("paper funding BTCUSDT --rate 0.0001"),
    # a job that runs
    Step("twap BTCUSDT BUY 0.1 --chunks 10 --interval 1h --detach --job-id slow"),
    Step("pause slow"),
    Step("amend slow --quantity 0.08"),
    Step("ps --all"),
    Step("resume slow"),
    Step("finish-now slow"),
    Step("attach slow"),
    Step("stop slow"),
    Step("show slow"),
    Step("logs buy-1 --tail 1"),
    # what there is, and changing it
    Step("balance"),
    Step("positions"),
    Step("orders BTCUSDT"),
    Step("history BTCUSDT --limit 3"),
    Step("history BTCUSDT --what trades --limit 2"),
    Step("history BTCUSDT --what income --limit 2"),
    Step("modify ok-low-1 --price 59100"),
    Step("modify ok-low-1 --price 59200", 8, before=change_in_doubt),
    Step("cancel ok-low-1"),
    Step("close BTCUSDT --percent 50 --plan"),
    Step("close BTCUSDT --percent 50 --job-id half"),
    Step("reconcile"),
    Step("doctor"),
    # refusals, one for each exit code that nothing above had
    Step("nonsense", 2),
    Step("market BTCUSDT BUY 0.0105", 3),
    Step("halt"),
    Step("market BTCUSDT BUY 0.01", 4),
    Step("resume-trading"),
    Step("market BTCUSDT BUY 0.01 --job-id poor", 5, before=margin_refused),
    Step("market BTCUSDT BUY 0.01 --env live", 6),
    Step("price BTCUSDT", 7, before=overloaded),
    # the end of the day
    Step("flatten --yes", before=recovered),
    Step("paper trade ETHUSDT 3000.01 0.5"),
    Step("paper requests --last 1"),
    Step("paper reset"),
    Step("paper stop"),
]
