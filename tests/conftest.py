"""Fixtures for tests that run commands against an embedded exchange."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import Desk

DATA = Path(__file__).parents[2] / "shared" / "data"


settings.register_profile("orderkit", deadline=None)  # no test may depend on how fast a machine is
settings.load_profile("orderkit")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than there are cores, since much of the suite waits; none for a chosen file."""
    whole = all(Path(str(argument)).is_dir() for argument in config.args)
    return (os.cpu_count() or 1) + 1 if whole else 0


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A home with a running manual market, one for each test module."""
    made = Desk(tmp_path_factory.mktemp("home"))
    made.open()
    yield made
    made.close()


@pytest.fixture
def desk(opened: Desk) -> Iterator[Desk]:
    """The exchange as new, BTCUSDT quoted 60000 / 60000.1 and ETHUSDT 3000 / 3000.01."""
    opened.control("DELETE", "/paper/faults")
    opened.control("POST", "/paper/reset")
    for path in opened.home.glob("journal.sqlite*"):
        path.unlink()
    opened.market("60000", "60000.1")
    opened.market("3000", "3000.01", "ETHUSDT")
    yield opened
    opened.end_all()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recordings beside the checkout; they are not part of the project."""
    if not (DATA / "tick_csv").is_dir():
        pytest.skip(f"no recordings at {DATA}")
    return DATA
