"""The live panel says where a job stands, within 80 columns, whatever its orders went through."""

import io
import time
from dataclasses import dataclass, field
from decimal import Decimal

from rich.console import Console

from orderkit.console.live_panel import LivePanel
from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.job import Control, ControlKind, JobRecord
from orderkit.domain.order import Fill, Order, OrderRequest, Rejection
from orderkit.orders.twap import TWAPExecutor, TWAPRequest
from orderkit.paper.contracts import instruments

BTC: Instrument = next(i for i in instruments() if i.symbol == "BTCUSDT")
SLICE = Decimal("0.100")


@dataclass
class Job:
    started_ns: int
    orders: list[Order] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    state: str = "WAITING"
    message: str = "slice 4 of 10"


def order(number: int, status: OrderStatus, started_ns: int, price: str | None = None) -> Order:
    request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, SLICE)
    made = Order(f"ok-slow-{number}", "slow", request, started_ns // 1_000_000, status)
    if price is not None:
        at_ms = started_ns // 1_000_000 + number * 1000
        made.fills[number] = Fill(
            "BTCUSDT", made.client_order_id, number, number, Side.BUY, Decimal(price), SLICE, Decimal("3.2"),
            "USDT", Decimal(0), False, at_ms,
        )  # fmt: skip
        made.executed_quantity = SLICE
    return made


def drawn(job: Job) -> list[str]:
    """The panel's lines on a terminal of 80 columns."""
    request = TWAPRequest("BTCUSDT", Side.BUY, Decimal("1.000"), 10, 10_000)
    record = JobRecord("slow", "twap", "paper", {}, job.started_ns, arrival_price="60000.05")
    panel = LivePanel(TWAPExecutor(request, BTC), record, BTC)
    panel._context = job
    console = Console(width=80, force_terminal=False, file=io.StringIO())
    with console.capture() as caught:
        console.print(panel.render())
    return caught.get().splitlines()


def ago(seconds: float) -> int:
    return time.time_ns() - int(seconds * 1e9)


def test_it_shows_what_is_done_what_is_due_and_the_average_against_arrival() -> None:
    job = Job(ago(45))
    job.orders = [order(n, OrderStatus.FILLED, job.started_ns, f"6000{n}.1") for n in (1, 2, 3)]
    head, bar, prices, *fills = drawn(job)
    assert head.startswith("twap BUY BTCUSDT  WAITING slice 4 of 10")
    assert "30% done" in bar
    assert "50% due" in bar
    assert bar.startswith("█" * 12 + "▒" * 8 + "░")
    assert "0.300 of 1.000 BTC" in prices
    assert "average 60002.100" in prices
    assert "arrival 60000.050  +0.34 bps" in prices
    assert [line[13:38] for line in fills] == [f"BUY      0.100 at 6000{n}.1" for n in (1, 2, 3)]


def test_troubles_are_told_and_nothing_passes_80_columns() -> None:
    job = Job(ago(5), message="a remark that goes on and on " * 5)
    refused = order(1, OrderStatus.REJECTED, job.started_ns)
    refused.rejection = Rejection("exchange", "Margin is insufficient. " * 6, -2019)
    job.orders = [refused, order(2, OrderStatus.UNKNOWN, job.started_ns)]
    lines = drawn(job)
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("! ok-slow-1: Margin is insufficient.") for line in lines)
    assert any("ok-slow-2: its outcome is not known yet" in line for line in lines)


def test_a_pause_is_not_lateness() -> None:
    job = Job(ago(95), state="PAUSED", message="")
    job.orders = [order(1, OrderStatus.FILLED, job.started_ns, "60000.1")]
    job.controls = [Control(ControlKind.PAUSE, job.started_ns + 5_000_000_000)]
    head, bar, *_ = drawn(job)
    assert "PAUSED" in head
    assert "10% done, 10% due" in bar
    assert "late" not in bar
