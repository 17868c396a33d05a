"""One manual-market exchange for all clients, as new before each test."""

from collections.abc import Iterator

import pytest

from tests.contract.paper.server import Server, serve

NO_LIMITS = {"weight_per_minute": 0, "orders_per_10s": 0, "orders_per_minute": 0}


@pytest.fixture(scope="session")
def _exchange_for_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("clients"))
    yield server
    server.stop()


@pytest.fixture
def exchange(_exchange_for_clients: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An exchange without rate limits, BTCUSDT 60000 / 60000.1 and ETHUSDT 3000 / 3000.01."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    server = _exchange_for_clients
    server.control("DELETE", "/paper/faults")
    server.control("POST", "/paper/reset")
    server.control("POST", "/paper/limits", NO_LIMITS)
    server.market()
    server.market("ETHUSDT", "3000", "3000.01")
    return server
