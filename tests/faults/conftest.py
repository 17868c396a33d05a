"""Fixtures for tests that spoil what commands meet: one exchange for each module, as new for each test."""

from collections.abc import Iterator

import pytest

from tests.faults.cells import CellDesk, open_desk


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CellDesk]:
    """A home with a running manual market."""
    made = open_desk(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture
def cell(shared: CellDesk) -> Iterator[CellDesk]:
    """The home as new: account, journal, cache and request budget."""
    shared.extra = {}
    shared.renew()
    yield shared
    shared.end_all()
