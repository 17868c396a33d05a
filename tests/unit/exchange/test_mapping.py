"""Numbers as the exchange wants them written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderkit.exchange.mapping import plain, positive


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.100", "0.1"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("100", "100"),
        ("64000.0", "64000"),
        ("0", "0"),
    ],
)
def test_a_number_is_written_plainly(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=8))
def test_writing_a_number_never_changes_it(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("text", "value"), [("0.00", None), ("", None), (None, None), ("0.5", Decimal("0.5"))]
)
def test_a_zero_price_is_no_price(text: str | None, value: Decimal | None) -> None:
    assert positive(text) == value
