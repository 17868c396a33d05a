"""bot.py grid from the command to the account: fills, round trips, refusals, trailing, exits, ends."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.truth import assert_true, client_of, gateway_of
from tests.support import Desk, finish
from tests.waiting import until

BATCH = "/fapi/v1/batchOrders"
GRID = "grid BTCUSDT 48000 52000 5 0.01"


@pytest.fixture
def desk(opened: Desk) -> Desk:
    """The exchange as new, at 50000."""
    opened.control("DELETE", "/paper/faults")
    opened.control("POST", "/paper/reset")
    for path in opened.home.glob("journal.sqlite*"):
        path.unlink()
    opened.market("50000", "50000.1")
    return opened


@contextlib.contextmanager
def running(desk: Desk, line: str) -> Iterator[Any]:
    """A grid that is killed at the end where it still runs."""
    process = desk.start(line + " --json")
    try:
        yield process
    finally:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def levels(desk: Desk) -> list[tuple[str, Decimal, Decimal]]:
    """The open orders' side, price and quantity, in the order of their prices."""
    client = client_of(desk)
    try:
        rows = client.futures_get_open_orders(symbol="BTCUSDT")
    finally:
        client.close_connection()
    return sorted(
        ((row["side"], Decimal(row["price"]), Decimal(row["origQty"])) for row in rows), key=lambda r: r[1]
    )


def prices(desk: Desk) -> list[tuple[str, int]]:
    return [(side, int(price)) for side, price, _ in levels(desk)]


START = [("BUY", 48000), ("BUY", 49000), ("SELL", 51000), ("SELL", 52000)]


def test_a_fill_places_its_counterpart_one_level_away_and_the_round_trip_earns_ten_dollars(
    desk: Desk,
) -> None:
    with running(desk, GRID) as grid:
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("48999.9", "49000")
        until(
            lambda: prices(desk) == [("BUY", 48000), ("SELL", 50000), ("SELL", 51000), ("SELL", 52000)],
            "the counterpart of the buy at 49000",
        )
        desk.market("50000", "50000.1")
        until(lambda: prices(desk) == START, "the grid as it began")
        grid.send_signal(signal.SIGINT)
        done = finish(grid)
    assert done.code == 130, done.err
    document = done.json
    assert document["details"]["round_trips"] == "1"
    assert document["details"]["realised"] == "10.0000 USDT"
    assert document["details"]["fees"] == "0.1980 USDT"
    assert document["details"]["position"].startswith("0")
    assert_true(desk, executed=Decimal(0))


def test_partial_fills_add_up_before_the_counterpart_goes_out(desk: Desk) -> None:
    with running(desk, GRID):
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("48999.9", "49000", quantities=("50", "0.004"))
        time.sleep(0.5)
        assert prices(desk) == START
        desk.market("48999.9", "49000", quantities=("50", "0.5"))
        until(lambda: ("SELL", 50000) in prices(desk), "the counterpart")
        assert {int(p): q for _, p, q in levels(desk)}[50000] == Decimal("0.01")


def test_a_batch_of_initial_orders_whose_answer_is_lost_is_found_and_not_sent_twice(desk: Desk) -> None:
    desk.fault("POST", BATCH, "drop", apply="after", times=1)
    with running(desk, GRID) as grid:
        until(lambda: prices(desk) == START, "the initial orders")
        until(lambda: "the connection broke" in desk.log_file.read_text(), "the lost answer")
        time.sleep(0.5)
        assert prices(desk) == START
        (batch,) = desk.requests("POST", BATCH)
        assert len(json.loads(batch["params"]["batchOrders"])) == 4
        assert not desk.requests("POST", "/fapi/v1/order")
        grid.send_signal(signal.SIGINT)
        done = finish(grid)
    assert [o["status"] for o in done.json["orders"]] == ["CANCELED"] * 4, done.err
    assert_true(desk, executed=Decimal(0))


def test_a_post_only_level_that_would_take_waits_for_the_market(desk: Desk) -> None:
    """The sell at 50000 arrives after the market has come back above it."""
    desk.fault("POST", "/fapi/v1/order", "delay", apply="before", delay_ms=2_000, nth=1, times=1)
    with running(desk, GRID):
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("48999.9", "49000")
        until(lambda: desk.requests("POST", "/fapi/v1/order"))
        desk.market("50100", "50100.1")  # the sell at 50000, still on its way, would take now
        until(lambda: [row for row in desk.requests("POST", "/fapi/v1/order") if row["status"] == 400])
        assert ("SELL", 50000) not in prices(desk)
        desk.market("49500", "49500.1")
        until(lambda: ("SELL", 50000) in prices(desk), "the level, once the market let it rest")
        assert len(levels(desk)) == 4


def test_a_level_that_somebody_cancels_is_placed_again(desk: Desk) -> None:
    with running(desk, GRID):
        until(lambda: prices(desk) == START, "the initial orders")
        client = client_of(desk)
        client.futures_cancel_all_open_orders(symbol="BTCUSDT")
        client.close_connection()
        until(lambda: prices(desk) == START, "every level again")


def test_a_fill_that_the_stream_does_not_tell_is_found_by_asking(desk: Desk) -> None:
    down = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
    desk.fault("POST", "/fapi/v1/listenKey", "error", apply="before", status=400, body=down, times=100)
    with running(desk, GRID):
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("48999.9", "49000")
        until(lambda: ("SELL", 50000) in prices(desk), "the counterpart")


@pytest.mark.parametrize(("mode", "bought"), [("long", "0.02"), ("short", "-0.02")])
def test_a_directional_grid_begins_with_the_position_that_it_trades_away(
    desk: Desk, mode: str, bought: str
) -> None:
    with running(desk, f"{GRID} --mode {mode} --on-stop flatten") as grid:
        until(lambda: prices(desk) == START, "the initial orders")
        gateway = gateway_of(desk)
        assert gateway.account(["BTCUSDT"]).position_quantity("BTCUSDT") == Decimal(bought)
        gateway.close()
        desk.market("51000", "51000.1") if mode == "long" else desk.market("48999.9", "49000")
        until(lambda: prices(desk) != START, "a fill")
        grid.send_signal(signal.SIGTERM)
        done = finish(grid)
    assert done.json["status"] == "STOPPED"
    assert done.json["details"]["round_trips"] == "1"
    assert_true(desk, executed=Decimal(0))


def test_a_stop_loss_cancels_everything_and_closes_what_is_held(desk: Desk) -> None:
    with running(desk, f"{GRID} --stop-loss 47000") as grid:
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("47500", "47500.1")
        until(lambda: ("SELL", 49000) in prices(desk), "both buys filled")
        desk.market("46900", "46900.1")
        done = finish(grid)
    assert done.code == 9, done.err
    assert "stop-loss" in done.json["reason"]
    assert done.json["details"]["position"].startswith("0")
    # bought at 49000 and 48000, sold at 46900
    assert done.json["details"]["unrealised"] == "-32.0000 USDT"
    assert_true(desk, executed=Decimal(0))


def test_a_take_profit_amount_ends_the_grid_as_done(desk: Desk) -> None:
    with running(desk, f"{GRID} --take-profit 9USDT") as grid:
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("48999.9", "49000")
        until(lambda: ("SELL", 50000) in prices(desk), "the counterpart")
        desk.market("50000", "50000.1")
        done = finish(grid)
    assert (done.code, done.json["status"]) == (0, "COMPLETED"), done.err
    assert_true(desk, executed=Decimal(0))


def test_trailing_moves_idle_levels_after_the_market(desk: Desk) -> None:
    with running(desk, f"{GRID} --mode long --trailing"):
        until(lambda: prices(desk) == START, "the initial orders")
        desk.market("52500", "52500.1")
        until(lambda: [p for _, p in prices(desk)] == [48000, 49000, 50000, 51000], "all sold")
        desk.market("53200", "53200.1")
        until(
            lambda: prices(desk) == [("BUY", p) for p in (49000, 50000, 51000, 52000)],
            "the range one level up",
        )
        desk.market("51999.9", "52000")
        until(lambda: ("SELL", 53000) in prices(desk), "the new level's counterpart")


def test_max_runtime_ends_it_and_keep_leaves_the_orders(desk: Desk) -> None:
    done = desk.bot(f"{GRID} --max-runtime 1s --on-stop keep --json")
    assert (done.code, done.json["status"]) == (0, "OPEN"), done.err
    assert done.json["reason"] == "ran for 1 s; 0 round trips; 4 orders stay on the exchange"
    assert prices(desk) == START


def test_a_killed_grid_goes_on_with_what_happened_meanwhile(desk: Desk) -> None:
    with running(desk, GRID + " --job-id g1"):
        until(lambda: prices(desk) == START, "the initial orders")
    desk.market("48999.9", "49000")
    with running(desk, "resume g1") as grid:
        until(lambda: ("SELL", 50000) in prices(desk), "the counterpart of the fill that nobody saw")
        assert len(levels(desk)) == 4
        assert desk.bot("stop g1").code == 0
        done = finish(grid)
    assert done.code == 9
    assert_true(desk, executed=Decimal("0.01"))


def test_a_grid_is_paused_and_goes_on_from_another_terminal(desk: Desk) -> None:
    with running(desk, GRID + " --job-id g2"):
        until(lambda: prices(desk) == START, "the initial orders")
        assert desk.bot("pause g2").code == 0
        desk.market("48999.9", "49000")
        until(lambda: len(prices(desk)) == 3, "the fill")
        assert "PAUSED" in desk.bot("ps").out
        assert prices(desk) == [("BUY", 48000), ("SELL", 51000), ("SELL", 52000)]
        assert "takes no finish-now" in desk.bot("finish-now g2").err
        assert desk.bot("resume g2").code == 0
        until(lambda: ("SELL", 50000) in prices(desk), "the counterpart")


def test_a_plan_shows_every_level_and_sends_nothing(desk: Desk) -> None:
    done = desk.bot(f"{GRID} --mode long --plan --json")
    planned = [(o["type"], o["side"], o["price"]) for o in done.json["plan"]["orders"]]
    assert planned[0] == ("MARKET", "BUY", None)
    assert sorted(planned[1:], key=lambda o: str(o[2])) == [
        ("LIMIT", "BUY", "48000.0"),
        ("LIMIT", "BUY", "49000.0"),
        ("LIMIT", "SELL", "51000.0"),
        ("LIMIT", "SELL", "52000.0"),
    ]
    assert not desk.requests("POST", "/fapi/v1/order")


def test_an_investment_is_spread_over_the_levels(desk: Desk) -> None:
    done = desk.bot("grid BTCUSDT 48000 52000 5 --investment 1000 --plan --json")
    quantities = {o["quantity"] for o in done.json["plan"]["orders"]}
    assert quantities == {"0.100"}  # 1000 x 20 / (48000 + 49000 + 51000 + 52000), rounded down


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("grid BTCUSDT 52000 48000 5 0.01", "GRID: lower"),
        ("grid BTCUSDT 48000 52000 1 0.01", "accepted: 2 to"),
        ("grid BTCUSDT 48000 52000 500 0.01", "accepted: 2 to 201"),
        ("grid BTCUSDT 49990 50010 3 0.01", "GRID_PROFIT"),
        ("grid BTCUSDT 48000 52000 5 0.0001", "LOT_SIZE"),
        ("grid BTCUSDT 48000 52000 5 0.001", "MIN_NOTIONAL"),
        ("grid BTCUSDT 48000.05 52000 5 0.01", "PRICE_FILTER"),
        ("grid BTCUSDT 48000 52000 5 40", "MARGIN"),
        ("grid BTCUSDT 48000 52000 5 --investment 5", "INVESTMENT"),
        ("grid BTCUSDT 48000 52000 5 0.01 --stop-loss 50000", "EXIT"),
        ("grid BTCUSDT 48000 52000 5 0.01 --mode long --take-profit 47000", "EXIT"),
    ],
)
def test_what_makes_no_grid_is_refused_with_the_numbers(desk: Desk, line: str, rule: str) -> None:
    done = desk.bot(line + " --json")
    assert done.code == 3, done.err
    assert rule in done.json["error"]["message"]
    assert not desk.requests("POST", "/fapi/v1/order")


def test_a_grid_that_does_not_earn_its_fees_says_how_many_levels_would(desk: Desk) -> None:
    done = desk.bot("grid BTCUSDT 49000 51000 150 0.01 --json")
    message = done.json["error"]["message"]
    # 2000 / 149 = 13.4 apart; fees of twice 0.02 % at 51000 are 20.4 a coin
    assert "GRID_PROFIT" in message
    assert "fees (0.02 % maker) take 0.20" in message
    most = int(message.split("at most ")[1].split()[0])
    assert desk.bot(f"grid BTCUSDT 49000 51000 {most} 0.01 --plan").code == 0
    assert desk.bot(f"grid BTCUSDT 49000 51000 {most + 1} 0.01 --plan").code == 3
