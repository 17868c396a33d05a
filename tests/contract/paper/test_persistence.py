"""The account outlives the process, however it ends: what was answered is on disk."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.contract.paper.server import LIMIT, MARKET, Server, serve

STOP = MARKET | {"type": "STOP_MARKET", "side": "SELL", "stopPrice": "50000", "clientAlgoId": "stop-1"}


def account_of(server: Server) -> dict[str, Any]:
    """Everything an account's owner can see and that does not move with the market."""
    client = server.client()
    return {
        "balance": client.futures_account_balance()[0]["balance"],
        "open": client.futures_get_open_orders(),
        "orders": client.futures_get_all_orders(symbol="BTCUSDT"),
        "trades": client.futures_account_trades(symbol="BTCUSDT"),
        "stops": client.futures_get_open_algo_orders(),
        "positions": [(p["positionAmt"], p["entryPrice"]) for p in client.futures_position_information()],
        "settings": server.signed("GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"}).json(),
        "mode": client.futures_get_position_mode(),
        "income": client.futures_income_history(),
        "margin": client.futures_position_margin_history(symbol="ETHUSDT"),
        "funding": client.futures_funding_rate(symbol="BTCUSDT"),
    }


def fill(server: Server) -> None:
    server.market()
    client = server.client()
    client.futures_change_leverage(symbol="BTCUSDT", leverage="11")
    client.futures_create_order(**MARKET)
    client.futures_create_order(**LIMIT, newClientOrderId="rest-1")
    client.futures_cancel_order(symbol="BTCUSDT", orderId=client.futures_create_order(**LIMIT)["orderId"])
    client.futures_create_order(**STOP)
    server.market("ETHUSDT", "3000", "3000.01")
    client.futures_change_margin_type(symbol="ETHUSDT", marginType="ISOLATED")
    client.futures_create_order(**MARKET | {"symbol": "ETHUSDT", "quantity": "0.1"})
    client.futures_change_position_margin(symbol="ETHUSDT", amount="5", type=1)
    server.control("POST", "/paper/funding", {"symbol": "BTCUSDT", "rate": "0.0001"})


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_account_is_the_same_after_a_restart(tmp_path: Path, end: str) -> None:
    server = serve(tmp_path)
    try:
        fill(server)
        before, keys = account_of(server), (server.api_key, server.api_secret)
        getattr(server, end)()
    finally:
        server.stop()
    server = serve(tmp_path)
    try:
        assert (server.api_key, server.api_secret) == keys
        assert account_of(server) == before
        # and it goes on living: the resting order fills, the next ids are new
        server.market(bid="58000", ask="58000.1")
        client = server.client()
        assert client.futures_get_order(symbol="BTCUSDT", origClientOrderId="rest-1")["status"] == "FILLED"
        assert client.futures_create_order(**MARKET)["orderId"] > max(o["orderId"] for o in before["orders"])
        trades = client.futures_account_trades(symbol="BTCUSDT")
        assert len({t["id"] for t in trades}) == 3
    finally:
        server.stop()


def test_nothing_that_was_answered_is_lost_to_a_kill_in_the_midst_of_orders(tmp_path: Path) -> None:
    server = serve(tmp_path)
    server.control("POST", "/paper/limits", {"orders_per_10s": 0, "orders_per_minute": 0})
    server.market()
    answered: list[str] = []

    def place(worker: int) -> None:
        session_of = server.client()
        for number in range(10_000):
            name = f"k-{worker}-{number}"
            try:
                session_of.futures_create_order(**MARKET, newClientOrderId=name)
            except OSError:
                return
            answered.append(name)

    workers = [threading.Thread(target=place, args=(n,)) for n in range(4)]
    try:
        for worker in workers:
            worker.start()
        while len(answered) < 100:
            workers[0].join(0.01)
        server.kill()
        for worker in workers:
            worker.join(10)
    finally:
        server.stop()
    server = serve(tmp_path)
    try:
        server.control("POST", "/paper/limits", {"weight_per_minute": 0})
        client = server.client()
        for name in answered:
            order = client.futures_get_order(symbol="BTCUSDT", origClientOrderId=name)
            assert order["status"] == "FILLED"
        (position,) = client.futures_position_information()
        trades = client.futures_account_trades(symbol="BTCUSDT", limit=1000)
        assert float(position["positionAmt"]) == pytest.approx(0.01 * len(trades))
    finally:
        server.stop()


def test_added_keys_outlive_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        server = serve(tmp_path)
        try:
            server.market()
            if number == 0:
                server.control("POST", "/paper/keys", {"api_key": "k", "api_secret": "s"})
            second = server.client(api_key="k", api_secret="s")
            second.futures_create_order(**MARKET)
            assert len(second.futures_account_trades(symbol="BTCUSDT")) == number + 1
            assert server.client().futures_account_trades(symbol="BTCUSDT") == []
        finally:
            server.stop()


def test_files_with_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    server = serve(tmp_path)
    try:
        files = [p for p in (tmp_path / "paper").iterdir() if p.suffix != ".lock"]
        assert {"state.json", "account.sqlite3"} <= {p.name for p in files}
        if os.name == "posix":
            assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
        assert json.loads((tmp_path / "paper" / "state.json").read_text())["rest"] == server.rest
    finally:
        server.stop()
    assert not (tmp_path / "paper" / "state.json").exists()
