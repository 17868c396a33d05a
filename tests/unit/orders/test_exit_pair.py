"""What a take-profit and a stop need next, state by state."""

from decimal import Decimal
from typing import NamedTuple

import pytest

from orderkit.domain.enums import OrderStatus, OrderType, Side
from orderkit.domain.order import Order, Rejection
from orderkit.orders.exit_legs import ExitPair
from orderkit.orders.exit_pair import RESIZE_PAUSE_MS, Phase, Step, next_step
from tests.virtual import BTC

NOW_MS = 100_000
ONE = Decimal(1)
CLOSING = ExitPair("BTCUSDT", Side.SELL, Decimal(62_000), Decimal(58_000), reduce_only=True)
OPENING = ExitPair("BTCUSDT", Side.SELL, Decimal(62_000), Decimal(58_000))
S = OrderStatus


def placed(
    kind: str,
    status: OrderStatus,
    quantity: str = "1",
    done: str = "0",
    *,
    code: int | None = None,
    refusal: str | None = None,
    triggered: bool = False,
    at_ms: int = 0,
) -> Order:
    """One of the pair's orders: "profit", "stop" or "exit"."""
    request = {
        "profit": CLOSING.take_profit_order,
        "stop": CLOSING.stop_order,
        "exit": CLOSING.market_order,
    }[kind](Decimal(quantity))
    made = Order(f"{kind}-{quantity}-{at_ms}", "job", request, created_ms=at_ms, status=status)
    made.executed_quantity = Decimal(done)
    made.order_id = 7 if triggered else None
    if refusal or code:
        made.rejection = Rejection(refusal or "rejected", "no", code)
    return made


def told(step: Step) -> list[str]:
    """A step in words."""
    does = [
        f"submit {submission.request.type} {submission.request.quantity}" for submission in step.submissions
    ]
    does += [f"cancel {order.request.type} {order.quantity}" for order in step.cancels]
    does += [f"ask {order.request.type} {order.quantity}" for order in step.questions]
    return does + ([] if step.wake_ms is None else [f"wake {step.wake_ms}"])


class Case(NamedTuple):
    orders: list[Order]
    phase: Phase
    does: list[str]
    pair: ExitPair = CLOSING
    protects: bool = False


NEW_STOP = placed("stop", S.NEW)
CASES = {
    "nothing yet: the stop goes first": Case([], Phase.PLACING, ["submit STOP_MARKET 1"]),
    "no take-profit before the stop is known to rest": Case(
        [placed("stop", S.PENDING_NEW)], Phase.PLACING, []
    ),
    "an unknown stop counts as live": Case([placed("stop", S.UNKNOWN)], Phase.PLACING, []),
    "the stop rests: now the take-profit": Case([NEW_STOP], Phase.PLACING, ["submit LIMIT 1"]),
    "both rest": Case([NEW_STOP, placed("profit", S.NEW)], Phase.WATCHING, []),
    "the take-profit is done: the stop goes": Case(
        [NEW_STOP, placed("profit", S.FILLED, "1", "1")], Phase.CANCELING, ["cancel STOP_MARKET 1"]
    ),
    "all is done": Case([placed("stop", S.CANCELED), placed("profit", S.FILLED, "1", "1")], Phase.FILLED, []),
    "a partial take-profit: the new stop before the old one": Case(
        [NEW_STOP, placed("profit", S.PARTIALLY_FILLED, "1", "0.4")],
        Phase.RESIZING,
        ["submit STOP_MARKET 0.6"],
    ),
    "the new stop rests: the old one goes": Case(
        [NEW_STOP, placed("profit", S.PARTIALLY_FILLED, "1", "0.4"), placed("stop", S.NEW, "0.6")],
        Phase.WATCHING,
        ["cancel STOP_MARKET 1"],
    ),
    "not another one before the new stop is answered": Case(
        [NEW_STOP, placed("profit", S.PARTIALLY_FILLED, "1", "0.5"), placed("stop", S.PENDING_NEW, "0.6")],
        Phase.RESIZING,
        [],
    ),
    "two resizes are a moment apart": Case(
        [placed("stop", S.NEW, at_ms=NOW_MS - 100), placed("profit", S.PARTIALLY_FILLED, "1", "0.4")],
        Phase.RESIZING,
        [f"wake {NOW_MS - 100 + RESIZE_PAUSE_MS}"],
    ),
    "opening legs: the old stop before the new one": Case(
        [NEW_STOP, placed("profit", S.PARTIALLY_FILLED, "1", "0.4")],
        Phase.RESIZING,
        ["cancel STOP_MARKET 1"],
        OPENING,
    ),
    "opening legs: the old stop is gone": Case(
        [placed("stop", S.CANCELED), placed("profit", S.PARTIALLY_FILLED, "1", "0.4")],
        Phase.PLACING,
        ["submit STOP_MARKET 0.6"],
        OPENING,
    ),
    "opening legs: too little is left for a stop of its own": Case(
        [NEW_STOP, placed("profit", S.PARTIALLY_FILLED, "1", "0.9995")],
        Phase.RESIZING,
        ["cancel STOP_MARKET 1"],
        OPENING,
    ),
    "the stop triggers: the take-profit goes": Case(
        [placed("stop", S.NEW, triggered=True), placed("profit", S.NEW)], Phase.EXITING, ["cancel LIMIT 1"]
    ),
    "the stop's rest expired: at market": Case(
        [placed("stop", S.EXPIRED, "1", "0.3", triggered=True), placed("profit", S.CANCELED)],
        Phase.EXITING,
        ["submit MARKET 0.7"],
    ),
    "the rest is at market already": Case(
        [placed("stop", S.EXPIRED, "1", "0.3", triggered=True), placed("exit", S.PENDING_NEW, "0.7")],
        Phase.EXITING,
        [],
    ),
    "the market order filled in part: again": Case(
        [placed("stop", S.EXPIRED, "1", "0.3", triggered=True), placed("exit", S.EXPIRED, "0.7", "0.2")],
        Phase.EXITING,
        ["submit MARKET 0.5"],
    ),
    "the market order did nothing: again, later": Case(
        [
            placed("stop", S.EXPIRED, "1", "0.3", triggered=True),
            placed("exit", S.EXPIRED, "0.7", at_ms=NOW_MS - 400),
        ],
        Phase.EXITING,
        [f"wake {NOW_MS + 600}"],
    ),
    "nothing is left to reduce": Case(
        [
            placed("stop", S.EXPIRED, "1", "0.3", triggered=True),
            placed("exit", S.REJECTED, "0.7", code=-2022),
        ],
        Phase.ENDED,
        [],
    ),
    "opening legs: the stop's rest expired": Case(
        [placed("stop", S.EXPIRED, "1", "0.3", triggered=True), placed("profit", S.CANCELED)],
        Phase.ENDED,
        [],
        OPENING,
    ),
    "the stop was refused when it triggered": Case(
        [placed("stop", S.REJECTED), placed("profit", S.NEW)],
        Phase.EXITING,
        ["submit MARKET 1", "cancel LIMIT 1"],
    ),
    "the market is through the stop": Case(
        [placed("stop", S.REJECTED, code=-2021)], Phase.EXITING, ["submit MARKET 1"]
    ),
    "the market is through the stop of opening legs": Case(
        [placed("stop", S.REJECTED, code=-2021)], Phase.REFUSED, [], OPENING
    ),
    "the market is through the new stop, the old one still rests": Case(
        [
            NEW_STOP,
            placed("profit", S.PARTIALLY_FILLED, "1", "0.4"),
            placed("stop", S.REJECTED, "0.6", code=-2021),
        ],
        Phase.EXITING,
        ["cancel LIMIT 1", "cancel STOP_MARKET 1"],
    ),
    "the stop is refused: nothing was done": Case(
        [placed("stop", S.REJECTED, code=-4045)], Phase.REFUSED, []
    ),
    "the stop cannot be sent: nothing was done": Case(
        [placed("stop", S.REJECTED, refusal="unreachable")], Phase.REFUSED, []
    ),
    "the stop never arrived: again": Case(
        [placed("stop", S.REJECTED, refusal="absent")], Phase.PLACING, ["submit STOP_MARKET 1"]
    ),
    "the take-profit is refused: the stop goes too": Case(
        [NEW_STOP, placed("profit", S.REJECTED, code=-2025)], Phase.CANCELING, ["cancel STOP_MARKET 1"]
    ),
    "the take-profit is refused and the stop is gone": Case(
        [placed("stop", S.CANCELED), placed("profit", S.REJECTED, code=-2025)], Phase.REFUSED, []
    ),
    "the take-profit never arrived: again": Case(
        [NEW_STOP, placed("profit", S.REJECTED, refusal="absent")], Phase.PLACING, ["submit LIMIT 1"]
    ),
    "a new stop is refused while the old one rests: again, later": Case(
        [
            NEW_STOP,
            placed("profit", S.PARTIALLY_FILLED, "1", "0.4"),
            placed("stop", S.REJECTED, "0.6", code=-4045, at_ms=NOW_MS - 400),
        ],
        Phase.RESIZING,
        [f"wake {NOW_MS + 600}"],
    ),
    "somebody cancelled the stop: the take-profit goes too": Case(
        [placed("stop", S.CANCELED), placed("profit", S.NEW)], Phase.CANCELING, ["cancel LIMIT 1"]
    ),
    "the take-profit is gone: is the stop triggering?": Case(
        [NEW_STOP, placed("profit", S.EXPIRED)], Phase.WATCHING, ["ask STOP_MARKET 1"]
    ),
    "a position of our own: a stop that somebody cancelled is placed again": Case(
        [placed("stop", S.CANCELED), placed("profit", S.NEW)],
        Phase.PLACING,
        ["submit STOP_MARKET 1"],
        protects=True,
    ),
    "a position of our own: a refused stop is an exit at market": Case(
        [placed("stop", S.REJECTED, code=-4045)], Phase.EXITING, ["submit MARKET 1"], protects=True
    ),
    "a position of our own: an unsendable stop is tried again": Case(
        [placed("stop", S.REJECTED, refusal="unreachable", at_ms=NOW_MS - 400)],
        Phase.PLACING,
        [f"wake {NOW_MS + 600}"],
        protects=True,
    ),
    "a position of our own: a refused take-profit leaves the stop": Case(
        [NEW_STOP, placed("profit", S.REJECTED, code=-2025, at_ms=NOW_MS - 400)],
        Phase.PLACING,
        [f"wake {NOW_MS + 600}"],
        protects=True,
    ),
    "a position of our own that is gone": Case(
        [NEW_STOP, placed("profit", S.REJECTED, code=-2022)],
        Phase.CANCELING,
        ["cancel STOP_MARKET 1"],
        protects=True,
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_what_a_pair_needs_next(name: str) -> None:
    case = CASES[name]
    step = next_step(case.pair, ONE, case.orders, BTC, NOW_MS, protects=case.protects)
    assert (step.phase, told(step)) == (case.phase, case.does)


def test_the_stop_is_believed_to_rest_once_it_was_asked_after_the_take_profit_ended() -> None:
    stop, profit = placed("stop", S.NEW), placed("profit", S.EXPIRED)
    profit.confirmed_ns, stop.confirmed_ns = 5, 6
    step = next_step(CLOSING, ONE, [stop, profit], BTC, NOW_MS)
    assert told(step) == ["cancel STOP_MARKET 1"]


def test_a_position_that_grows_gets_a_larger_stop_and_one_take_profit_more() -> None:
    orders = [placed("stop", S.NEW, "0.4"), placed("profit", S.NEW, "0.4")]
    step = next_step(CLOSING, ONE, orders, BTC, NOW_MS, growing=True, protects=True)
    assert told(step) == ["submit STOP_MARKET 1", "submit LIMIT 0.6"]


def test_the_take_profits_of_a_position_that_grows_in_small_pieces_are_few() -> None:
    orders = [placed("stop", S.NEW, "1")] + [placed("profit", S.NEW, "0.1", at_ms=n) for n in range(5)]
    growing = next_step(CLOSING, ONE, orders, BTC, NOW_MS, growing=True, protects=True)
    grown = next_step(CLOSING, ONE, orders, BTC, NOW_MS, protects=True)
    assert (told(growing), told(grown)) == ([], ["submit LIMIT 0.5"])


def test_what_cannot_be_closed_is_said_loudly() -> None:
    exits = [placed("exit", S.REJECTED, "1", code=-2019, at_ms=n) for n in range(5)]
    step = next_step(CLOSING, ONE, [placed("stop", S.REJECTED, code=-2021), *exits], BTC, NOW_MS)
    assert step.phase is Phase.ENDED
    assert step.reason is not None
    assert step.reason.startswith("NOT PROTECTED: 1")


def test_a_lack_of_counterparts_is_waited_out_however_long() -> None:
    exits = [placed("exit", S.EXPIRED, "1", at_ms=n) for n in range(20)]
    step = next_step(CLOSING, ONE, [placed("stop", S.REJECTED, code=-2021), *exits], BTC, NOW_MS)
    assert told(step) == ["submit MARKET 1"]


def test_types_of_the_legs() -> None:
    limited = ExitPair("BTCUSDT", Side.BUY, Decimal(58_000), Decimal(62_000), Decimal(62_100))
    assert limited.stop_order(ONE).type is OrderType.STOP
    assert limited.stop_order(ONE).price == 62_100
    assert CLOSING.stop_order(ONE).type is OrderType.STOP_MARKET
    assert CLOSING.stop_order(ONE).time_in_force is None
