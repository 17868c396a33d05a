"""Strings that name conditions are read at once, or refused with the form they should have."""

from decimal import Decimal

import pytest

from orderkit.errors import ConfigurationError, UsageError
from orderkit.exchange import venues
from orderkit.orders.conditions import StopWhen, Trigger, parse_stop_when, parse_trigger
from orderkit.orders.pacing import Pacing, Style, read_style

D = Decimal


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("BINANCE;BTCUSDT;above;65000", Trigger("binance", "BTCUSDT", True, D(65000))),
        (" binance ; btc-usdt ; BELOW ; 65000.5 ", Trigger("binance", "BTCUSDT", False, D("65000.5"))),
        ("Binance;BTC/USDT:USDT;above;1", Trigger("binance", "BTCUSDT", True, D(1))),
        ("KRAKEN;btc/usd;above;1", Trigger("kraken", "BTC/USD", True, D(1))),
    ],
)
def test_triggers_are_read(text: str, trigger: Trigger) -> None:
    assert parse_trigger(text) == trigger


@pytest.mark.parametrize(
    "text",
    ["", "BINANCE;BTCUSDT;above", "a;b;c;d", "BINANCE;BTCUSDT;over;1", "BINANCE;;above;1", "x;y;above;-1"],
)
def test_other_triggers_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trigger(text)
    assert "BINANCE;BTCUSDT;above;65000" in (refused.value.hint or "")


def test_stop_conditions_are_read_and_others_refused() -> None:
    condition = parse_stop_when("usdt;below;500")
    assert condition == StopWhen("USDT", False, D(500))
    assert condition.holds(D(500))
    assert not condition.holds(D(501))
    for text in ("USDT;500", "USDT;under;500", ";below;1"):
        with pytest.raises(UsageError):
            parse_stop_when(text)


def test_styles_and_their_options_must_go_together() -> None:
    assert read_style(" Tick-Better ", "--style") is Style.TICK_BETTER
    with pytest.raises(UsageError):
        read_style("lazy", "--style")
    with pytest.raises(UsageError):
        Pacing(no_cross=True).check()
    with pytest.raises(UsageError):
        Pacing(max_slice_multiplier=D("0.5")).check()
    Pacing(style=Style.PASSIVE, no_cross=True, escalate_after=1).check()


def test_a_venue_must_be_known_and_ccxt_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    venues.check_venue("binance")

    class Library:
        exchanges = ("kraken",)

    monkeypatch.setattr(venues, "_ccxt", lambda: Library)
    venues.check_venue("kraken")
    with pytest.raises(UsageError):
        venues.check_venue("bazaar")
    monkeypatch.undo()
    monkeypatch.setitem(__import__("sys").modules, "ccxt", None)
    with pytest.raises(ConfigurationError) as missing:
        venues.check_venue("kraken")
    assert "venues" in (missing.value.hint or "")


def test_another_venues_price_is_its_last_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    class Venue:
        def __init__(self, options: dict[str, object]) -> None:
            assert options["timeout"] == venues.TIMEOUT_MS

        def fetch_ticker(self, pair: str) -> dict[str, float]:
            assert pair == "BTC/USD"
            return {"last": 64000.5}

    class Library:
        exchanges = ("test",)
        BaseError = RuntimeError
        test = Venue

    monkeypatch.setattr(venues, "_ccxt", lambda: Library)
    assert venues.last_price("test", "BTC/USD") == D("64000.5")
