"""Starting, finding and stopping the exchange from commands: one per home, whatever happens."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from orderkit.errors import ConfigurationError
from orderkit.paper import process, server, state
from orderkit.paper.store import Store
from tests.contract.paper.server import Server
from tests.waiting import until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of its own; what runs in it is stopped afterwards."""
    yield tmp_path
    process.stop(tmp_path)


def server_for(info: state.PaperInfo, home: Path) -> Server:
    return Server(home, None, info.rest, info.ws, info.api_key, info.api_secret)  # type: ignore[arg-type]


def test_twenty_commands_at_once_start_one_exchange(home: Path) -> None:
    code = (
        "import sys, pathlib; from orderkit.paper import process; "
        "print(process.ensure_running(pathlib.Path(sys.argv[1])).pid)"
    )

    def command(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True, timeout=60
        ).stdout

    with ThreadPoolExecutor(20) as pool:
        pids = set(pool.map(command, range(20)))
    assert len(pids) == 1
    info = process.status(home)
    assert info is not None
    assert {str(info.pid)} == {p.strip() for p in pids}


def test_an_exchange_is_found_again_and_stopped(home: Path) -> None:
    assert process.status(home) is None
    assert process.stop(home) is False
    started = process.start(home, market="manual")
    assert process.status(home) == started
    assert process.start(home, market="manual") == started
    assert process.ensure_running(home) == started
    assert process.stop(home) is True
    assert process.status(home) is None
    assert not state.state_file(home).exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{started.rest}/fapi/v1/ping", timeout=2)


def test_a_command_leaves_its_exchange_without_a_warning(home: Path) -> None:
    code = "import sys, pathlib; from orderkit.paper import process; process.start(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code, str(home)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert process.status(home) is not None


def test_another_market_is_not_started_over_the_running_one(home: Path) -> None:
    process.start(home, market="manual")
    with pytest.raises(ConfigurationError, match="manual market runs already"):
        process.start(home, market="synthetic")


def test_an_exchange_is_started_anew_with_its_market_after_a_kill(home: Path) -> None:
    first = process.start(home, market="manual")
    os.kill(first.pid, signal.SIGKILL)
    second = process.ensure_running(home)
    assert second.pid != first.pid
    assert second.market == "manual"
    assert (second.api_key, second.api_secret) == (first.api_key, first.api_secret)


def write_state(home: Path, **fields: Any) -> None:
    state.directory(home)
    info = {"pid": os.getpid(), "rest": "", "ws": "", "market": "manual", "api_key": "", "api_secret": ""}
    state.state_file(home).write_text(json.dumps(info | {"instance": "old"} | fields))


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_exchange_comes_back_on_its_port(home: Path, end: str) -> None:
    first = process.start(home, market="manual")
    # A client that is connected to the end leaves its side of the connection behind.
    with socket.create_connection(("127.0.0.1", first.port)) as left_over:
        if end == "kill":
            os.kill(first.pid, signal.SIGKILL)
            process._wait_gone(first.pid)
        else:
            process.stop(home)
        again = process.start(home, market="manual")
        assert (again.port, again.pid != first.pid, left_over.fileno() > 0) == (first.port, True, True)


def test_a_port_that_somebody_took_is_left_alone(home: Path) -> None:
    first = process.start(home, market="manual")
    process.stop(home)
    with socket.create_server(("127.0.0.1", first.port)):
        again = process.start(home, market="manual")
        assert again.port != first.port
    assert process.status(home) == again


@pytest.mark.parametrize("text", ["", "x", "0", "70000", "-1"])
def test_a_damaged_port_file_counts_as_none(home: Path, text: str) -> None:
    state.directory(home)
    state.port_file(home).write_text(text)
    assert state.last_port(home) is None


def test_a_port_asked_for_must_be_free(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(ConfigurationError) as failed:
            process.start(home, market="manual", port=other.getsockname()[1])
        assert "cannot be used" in failed.value.message


def test_a_state_file_of_something_else_on_the_port_is_not_believed(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"instance": "another"}')

        thread = threading.Thread(target=answer)
        thread.start()
        write_state(home, rest=f"http://127.0.0.1:{port}")
        assert process.status(home) is None
        thread.join(5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"unknown": 1}'])
def test_a_damaged_state_file_counts_as_none(home: Path, text: str) -> None:
    state.directory(home)
    state.state_file(home).write_text(text)
    assert process.status(home) is None
    assert process.ensure_running(home).pid > 0


def test_a_failure_to_start_says_why(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"):
            process.start(home, market="manual", port=port)
    with pytest.raises(ConfigurationError, match="does not list NOPEUSDT"):
        process.start(home, symbols=["NOPEUSDT"])
    with pytest.raises(ConfigurationError, match="--data"):
        process.start(home, market="replay")
    assert process.status(home) is None


def test_a_second_exchange_cannot_serve_the_same_home(home: Path) -> None:
    process.start(home, market="manual")
    second = subprocess.run(
        [sys.executable, "-m", "orderkit.paper", "--home", str(home), "--market", "manual"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == ConfigurationError.exit_code
    assert "is running already" in second.stderr
    assert second.stdout == ""


def test_an_unused_exchange_stops_by_itself(home: Path) -> None:
    info = process.start(home, market="manual", idle_timeout_s=2.5)
    server = server_for(info, home)
    for _ in range(6):  # in use
        time.sleep(0.5)
        assert server.raw("GET", "/fapi/v1/ping").status_code == 200
    until(lambda: not state.state_file(home).exists(), "it runs on")


def test_a_reset_works_running_and_stopped(home: Path) -> None:
    server = server_for(process.start(home, market="manual"), home)
    for running in (True, False):
        server = server_for(process.start(home, market="manual"), home)
        server.market()
        client = server.client()
        client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        if not running:
            process.stop(home)
        process.reset(home)
        server.close_clients()
        server = server_for(process.start(home, market="manual"), home)
        assert server.client().futures_account_balance()[0]["balance"] == "100000.00000000"
        server.close_clients()


def test_keys_are_in_no_log_and_in_no_representation(home: Path) -> None:
    info = process.start(home, market="manual")
    server = server_for(info, home)
    server.raw("GET", "/fapi/v3/balance?signature=abc&timestamp=1", headers={"X-MBX-APIKEY": info.api_key})
    process.stop(home)
    log = state.log_file(home).read_text()
    for secret in (info.api_key, info.api_secret):
        assert secret not in log
        assert secret not in repr(info)


def test_the_client_side_imports_nothing_heavy() -> None:
    heavy = ("aiohttp", "http.client", "msgspec", "typer", "filelock")
    code = f"import sys, orderkit.paper.process; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_only_named_symbols_are_open(home: Path) -> None:
    info = process.start(home, symbols=["ETHUSDT"])
    listed = requests.get(f"{info.rest}/fapi/v1/exchangeInfo", timeout=5).json()["symbols"]
    assert [s["symbol"] for s in listed if s["status"] == "TRADING"] == ["ETHUSDT"]
    server = server_for(info, home)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert server.signed("POST", "/fapi/v1/order", order).json()["code"] == -4141
    answer = server.signed("POST", "/fapi/v1/order", order | {"symbol": "ETHUSDT", "quantity": "0.1"})
    assert answer.status_code == 200


def test_a_market_that_cannot_be_had_leaves_the_account_file_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoMarket:
        async def prime(self) -> None:
            raise ConfigurationError("no symbol can be had")

    closed = []
    close = Store.close

    def note_and_close(store: Store) -> None:
        closed.append(store)
        close(store)

    monkeypatch.setattr(Store, "close", note_and_close)
    monkeypatch.setattr(server, "open_pump", lambda *_, **__: NoMarket())
    with pytest.raises(ConfigurationError, match="no symbol"):
        server.serve(server.ServeOptions(tmp_path, market="manual"), lambda _: None)
    assert len(closed) == 1
