"""A gateway whose HTTP goes through python-binance and requests into recorded answers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses

from orderkit.config import Endpoints, Settings
from orderkit.domain.enums import Environment
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.redaction import Secret

REST = "https://exchange.test"
KEY = "K" * 31 + "1" * 33
SECRET = "S" * 29 + "2" * 35


@pytest.fixture(autouse=True)
def _own_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 of one test must not hold up the others: the budget file is in the temporary directory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        environment=Environment.TESTNET,
        home=tmp_path,
        api_key=Secret(KEY),
        api_secret=Secret(SECRET),
        timeout_s=2.0,
    )


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints(
        REST, "wss://exchange.test", "wss://exchange.test/ws-fapi/v1", Secret(KEY), Secret(SECRET)
    )


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def gateway(
    settings: Settings, endpoints: Endpoints, http: responses.RequestsMock
) -> Iterator[BinanceGateway]:
    assert http is not None
    gateway = BinanceGateway(settings, endpoints)
    yield gateway
    gateway.close()
