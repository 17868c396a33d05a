"""Market sources are opened by name."""

from pathlib import Path

import pytest

from orderkit.errors import ConfigurationError
from orderkit.paper.contracts import instruments
from orderkit.paper.sources import SOURCE_NAMES, LiveSource, MarketSource, open_source


def opened(name: str, data_dir: Path) -> MarketSource | LiveSource:
    return open_source(name, instruments()[:1], seed=2, data_dir=data_dir)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_every_source_says_its_name_and_what_it_trades(name: str, tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-trades-x.csv").write_text("10,100.0,0.500,50.00,1500,true\n")
    source = opened(name, tmp_path)
    assert (source.name, source.symbols) == (name, ("BTCUSDT",))


def test_the_manual_market_does_nothing_by_itself(tmp_path: Path) -> None:
    source = opened("manual", tmp_path)
    assert isinstance(source, MarketSource)
    assert list(source.events(0)) == []


def test_only_the_live_market_cannot_be_pulled_ahead(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-trades-x.csv").write_text("10,100.0,0.500,50.00,1500,true\n")
    live = [name for name in SOURCE_NAMES if isinstance(opened(name, tmp_path), LiveSource)]
    assert live == ["live"]


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_source("lunar", instruments())
    assert refusal.value.hint == "one of synthetic, replay, manual, live"


def test_a_replay_without_a_directory_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_source("replay", instruments())
    assert "--data DIR" in (refusal.value.hint or "")
