"""Money as people read it: cents, and of fees what cents would hide."""

import pytest

from orderkit.console.figures import fee_shown, money_shown


@pytest.mark.parametrize(
    ("amount", "asset", "shown"),
    [
        ("64052.167338", "USDT", "64052.17"),
        ("48", "USDT", "48.00"),
        ("0", "USDC", "0.00"),
        ("-0.001", "USDT", "-0.001"),
        ("0.60", "USDT", "0.60"),
        ("0.0123456", "USDT", "0.01235"),  # a fee that cents would hide
        ("0.999999", "USDT", "1.00"),
        ("1.23456789", "BTC", "1.234568"),
        ("0.00001234567", "BNB", "0.00001235"),
    ],
)
def test_a_fee_has_the_decimals_that_count(amount: str, asset: str, shown: str) -> None:
    assert fee_shown(amount, asset) == shown


@pytest.mark.parametrize(
    ("amount", "asset", "shown"),
    [("64052.167338", "USDT", "64052.17"), ("-0.001", "USDT", "0.00"), ("0.01234567", "BTC", "0.012346")],
)
def test_other_money_has_the_cents_of_its_asset(amount: str, asset: str, shown: str) -> None:
    assert money_shown(amount, asset) == shown
