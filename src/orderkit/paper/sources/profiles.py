"""The figures of the synthetic market: two contracts fitted to recordings, the others scaled by turnover.

Fitted so that the synthetic market measures like the recordings of 2024-07-18 23:57 to 2024-07-19 00:05 UTC;
docs/decisions/synthetic-market.md has both columns, benchmarks/calibrate_synthetic.py measures them again.
"""

from dataclasses import dataclass, replace
from math import sqrt

# Where the bands of `MarketProfile.depth_per_bps` begin and end, in basis points behind the touch.
DEPTH_EDGES_BPS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0)


@dataclass(frozen=True, slots=True)
class MarketProfile:
    """How one contract trades. Rates are per second, sizes and depths in quote asset (notional)."""

    price: float  # at the start, and what the price is slowly drawn back to
    aggressor_rate: float  # orders that take liquidity
    short_gap_share: float  # of the gaps between them: those inside a cluster
    short_gap_ms: float  # mean gap inside a cluster
    size_median: float  # of an aggressor; sizes are lognormal
    size_sigma: float
    print_median: float  # of the resting orders an aggressor meets, each of which makes one trade
    print_sigma: float
    same_side_share: float  # of aggressors on the side of the one before
    move_share: float  # of aggressors that move the touch
    move_mean_bps: float  # mean size of such a move; sizes are exponential
    same_direction_share: float  # of moves in the direction of the one before
    refill_ms: float  # mean time until the side left behind follows
    update_rate: float  # depth updates from orders placed and cancelled
    touch_notional: float  # mean at the best price
    depth_per_bps: tuple[float, ...]  # mean per basis point and side, in the bands of DEPTH_EDGES_BPS


BITCOIN = MarketProfile(
    price=64_000.0,
    aggressor_rate=8.2,
    short_gap_share=0.3,
    short_gap_ms=10.0,
    size_median=1_600.0,
    size_sigma=2.35,
    print_median=1_500.0,
    print_sigma=2.3,
    same_side_share=0.64,
    move_share=0.04,
    move_mean_bps=0.56,
    same_direction_share=0.75,
    refill_ms=5.0,
    update_rate=11.0,
    touch_notional=930_000.0,
    depth_per_bps=(403e3, 1_270e3, 1_720e3, 1_850e3, 1_590e3, 880e3, 440e3),
)

ETHER = MarketProfile(
    price=3_420.0,
    aggressor_rate=7.9,
    short_gap_share=0.3,
    short_gap_ms=10.0,
    size_median=560.0,
    size_sigma=2.5,
    print_median=280.0,
    print_sigma=2.5,
    same_side_share=0.65,
    move_share=0.051,
    move_mean_bps=0.68,
    same_direction_share=0.75,
    refill_ms=5.0,
    update_rate=11.0,
    touch_notional=300_000.0,
    depth_per_bps=(197e3, 540e3, 845e3, 910e3, 870e3, 520e3, 260e3),
)

# Assumptions, not measurements. Start price: about that of the day of the recordings. Turnover: of ether's.
_SCALED: dict[str, tuple[float, float]] = {
    "BNBUSDT": (575.0, 0.12),
    "SOLUSDT": (165.0, 0.40),
    "XRPUSDT": (0.58, 0.25),
    "DOGEUSDT": (0.122, 0.15),
    "ADAUSDT": (0.43, 0.06),
    "TRXUSDT": (0.137, 0.02),
    "LINKUSDT": (14.0, 0.06),
    "LTCUSDT": (72.0, 0.06),
    "BCHUSDT": (380.0, 0.06),
    "DOTUSDT": (6.1, 0.04),
    "NEARUSDT": (5.9, 0.05),
    "UNIUSDT": (7.8, 0.04),
    "AAVEUSDT": (94.0, 0.03),
    "ATOMUSDT": (6.4, 0.03),
    "FILUSDT": (4.5, 0.04),
    "ETCUSDT": (23.0, 0.04),
    "XLMUSDT": (0.105, 0.02),
    "HBARUSDT": (0.074, 0.02),
}
_ALTCOIN_VOLATILITY = 1.25  # of ether's


def _scaled(price: float, turnover: float) -> MarketProfile:
    """Ether's profile for a contract with ``turnover`` times its turnover.

    Orders become both rarer and smaller, each by the square root, so that the product is the turnover. Depth
    is proportional to turnover. Volatility stays: rarer moves are larger.
    """
    root = sqrt(turnover)
    return replace(
        ETHER,
        price=price,
        aggressor_rate=ETHER.aggressor_rate * root,
        update_rate=ETHER.update_rate * root,
        size_median=ETHER.size_median * root,
        print_median=ETHER.print_median * root,
        move_mean_bps=ETHER.move_mean_bps * _ALTCOIN_VOLATILITY / sqrt(root),
        touch_notional=ETHER.touch_notional * turnover,
        depth_per_bps=tuple(density * turnover for density in ETHER.depth_per_bps),
    )


PROFILES: dict[str, MarketProfile] = {
    "BTCUSDT": BITCOIN,
    "ETHUSDT": ETHER,
    **{symbol: _scaled(price, turnover) for symbol, (price, turnover) in _SCALED.items()},
}
