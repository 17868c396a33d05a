"""An engine driven by hand: what goes in, when, and what it wants done."""

from collections.abc import Callable

from orderkit.domain.commands import Command, SetTimer
from orderkit.domain.events import Input, TimerFired
from orderkit.domain.job import JobResult
from orderkit.domain.order import Order
from orderkit.engine.context import Context, Flow
from orderkit.engine.engine import Engine, Output

SECOND = 1_000_000_000


class Drive:
    """An engine with its commands gathered, time set by hand."""

    def __init__(
        self, flow: Callable[[Context], Flow[JobResult]], orders: tuple[Order, ...] = (), now_ns: int = 0
    ) -> None:
        self.engine = Engine()
        self.now_ns = now_ns
        self.result: JobResult | None = None
        self.outputs: list[Output] = []
        self._take(self.engine.start("j", flow, now_ns, orders=orders))

    def send(self, event: Input, after_s: float = 0.0) -> list[Command]:
        self.now_ns += int(after_s * SECOND)
        return self._take(self.engine.process(event, self.now_ns))

    def fire(self, timer: SetTimer) -> list[Command]:
        self.now_ns = max(self.now_ns, timer.at_ns)
        return self.send(TimerFired(timer.timer_id))

    def _take(self, output: Output) -> list[Command]:
        self.outputs.append(output)
        self.result = output.ended.get("j", self.result)
        return output.commands


def timer(commands: list[Command]) -> SetTimer:
    return next(c for c in commands if isinstance(c, SetTimer))


def kinds(commands: list[Command]) -> list[type]:
    return [type(c) for c in commands]
