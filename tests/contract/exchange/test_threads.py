"""Many threads on one gateway, against a server of threads: nobody gets another's answer."""

import json
import random
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from orderkit.config import Endpoints, Settings
from orderkit.errors import ExchangeUnreachable
from orderkit.exchange import client_pool
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.redaction import Secret

from . import wire
from .conftest import KEY, SECRET


class EchoingExchange(BaseHTTPRequestHandler):
    """Answers each order under its own id, after a while of its own."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        client_order_id = dict(parse_qsl(body))["newClientOrderId"]
        time.sleep(random.uniform(0, 0.02))
        number = int(client_order_id.removeprefix("job-"))
        answer = json.dumps(wire.order(clientOrderId=client_order_id, orderId=number)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class PatientServer(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 resets connections that come at once
    connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


@pytest.fixture
def server() -> Iterator[PatientServer]:
    server = PatientServer(("127.0.0.1", 0), EchoingExchange)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def local(settings: Settings, server: PatientServer) -> Iterator[BinanceGateway]:
    base = f"http://127.0.0.1:{server.server_port}"
    endpoints = Endpoints(base, base, base, Secret(KEY), Secret(SECRET))
    gateway = BinanceGateway(settings, endpoints)
    yield gateway
    gateway.close()


class SlowlyReadBack:
    """Widens the moment between a client's storing an answer and reading it back."""

    def __get__(self, client: Any, owner: type) -> Any:
        return client.__dict__.get("response")

    def __set__(self, client: Any, answer: Any) -> None:
        client.__dict__["response"] = answer
        time.sleep(0.005)


@pytest.fixture
def _slow_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    from binance.client import Client

    monkeypatch.setattr(Client, "response", SlowlyReadBack(), raising=False)


@pytest.mark.usefixtures("_slow_clients")
def test_fifty_parallel_orders_each_get_their_own_answer(local: BinanceGateway) -> None:
    with ThreadPoolExecutor(50) as threads:
        reports = list(threads.map(lambda n: local.submit(f"job-{n}", wire.LIMIT), range(1, 201)))
    assert [report.order_id for report in reports] == list(range(1, 201))


def test_orders_one_after_the_other_share_a_connection(local: BinanceGateway, server: PatientServer) -> None:
    for n in range(1, 4):
        local.submit(f"job-{n}", wire.LIMIT)
    assert server.connections == 1


def test_a_connection_that_idled_is_not_trusted_with_an_order(
    local: BinanceGateway, server: PatientServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.submit("job-1", wire.LIMIT)
    monkeypatch.setattr(client_pool, "MAX_IDLE_S", 0.0)
    local.submit("job-2", wire.LIMIT)
    assert server.connections == 2


def test_making_clients_in_a_thread_leaves_no_event_loop_behind(local: BinanceGateway) -> None:
    with warnings.catch_warnings(), ThreadPoolExecutor(1) as thread:
        warnings.simplefilter("error")
        thread.submit(local.submit, "job-1", wire.LIMIT).result()
    ((_, client),) = local._transport._link.pool._idle
    assert client.loop.is_closed()


def test_closing_twice_is_harmless(local: BinanceGateway) -> None:
    local.submit("job-1", wire.LIMIT)
    local.close()
    local.close()


def test_a_refused_connection_is_certainly_not_sent(settings: Settings) -> None:
    taken = ThreadingHTTPServer(("127.0.0.1", 0), EchoingExchange)
    port = taken.server_port
    taken.server_close()
    base = f"http://127.0.0.1:{port}"
    gateway = BinanceGateway(settings, Endpoints(base, base, base, Secret(KEY), Secret(SECRET)))
    with pytest.raises(ExchangeUnreachable):
        gateway.submit("job-1", wire.LIMIT)
    gateway.close()
