"""Every style of TWAP on the recorded market of 2024-07-18: exact, and the patient ones cheaper."""

from pathlib import Path

import pytest
from benchmarks.twap_slippage import QUANTITIES, Paid, table

from orderkit.domain.enums import Side
from orderkit.domain.job import JobStatus
from orderkit.orders.pacing import Style

pytestmark = pytest.mark.slow


def costs(paid: Paid) -> tuple[float, float]:
    """Slippage and fees together, against the interval's TWAP and against arrival."""
    return float(paid.against_twap + paid.fees), float(paid.against_arrival + paid.fees)


def test_waiting_is_cheaper_than_taking_and_every_total_exact(recordings: Path) -> None:
    rows = {(p.symbol, p.side, p.style): p for p in table(recordings / "tick_csv")}
    assert len(rows) == 12
    for (symbol, _, _), paid in rows.items():
        assert paid.status is JobStatus.COMPLETED
        assert paid.executed == QUANTITIES[symbol]
    for style in (Style.PASSIVE, Style.TICK_BETTER):
        for symbol in QUANTITIES:
            for side in Side:
                patient, taking = rows[symbol, side, style], rows[symbol, side, Style.TAKING]
                assert patient.maker_share > 0.5
                assert costs(patient)[0] < costs(taking)[0]
            # The market fell: against arrival one side gains what the other loses, in each style.
            both = sum(costs(rows[symbol, side, style])[1] for side in Side)
            assert both < sum(costs(rows[symbol, side, Style.TAKING])[1] for side in Side)
