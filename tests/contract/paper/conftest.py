"""One manual-market exchange for all tests of this folder, as new before each of them."""

from collections.abc import Iterator

import pytest

from tests.contract.paper.server import Server, serve


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("paper"))
    yield server
    server.stop()


@pytest.fixture
def paper(_served: Server) -> Iterator[Server]:
    """The exchange after a reset, BTCUSDT quoted 60000 / 60000.1."""
    _served.control("POST", "/paper/reset")
    _served.control("POST", "/paper/limits", {})
    _served.market()
    yield _served
    _served.close_clients()
