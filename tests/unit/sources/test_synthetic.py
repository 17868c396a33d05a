"""The synthetic market is valid, reproducible and trades like the recorded ones."""

from collections import Counter, defaultdict
from decimal import Decimal
from itertools import islice, pairwise, takewhile
from math import log, sqrt
from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade, MarkPrice
from orderkit.errors import ConfigurationError
from orderkit.paper.contracts import instruments
from orderkit.paper.sources.price_path import PricePath
from orderkit.paper.sources.profiles import PROFILES
from orderkit.paper.sources.synthetic import SyntheticMarket

CONTRACTS = {i.symbol: i for i in instruments()}
START_MS = 1_790_000_000_000
EIGHT_HOURS_MS = 8 * 3600 * 1000


def market(*symbols: str, seed: int = 1, start_ms: int = START_MS, events: int = 2_000) -> list[MarketEvent]:
    source = SyntheticMarket([CONTRACTS[s] for s in symbols], seed=seed)
    return list(islice(source.events(start_ms), events))


class Book:
    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def apply(self, update: DepthUpdate) -> None:
        if update.snapshot:
            self.bids, self.asks = {}, {}
        for side, levels in ((self.bids, update.bids), (self.asks, update.asks)):
            for price, quantity in levels:
                if quantity:
                    side[price] = quantity
                else:
                    del side[price]

    @property
    def mid(self) -> Decimal:
        return (max(self.bids) + min(self.asks)) / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(), st.sampled_from(sorted(CONTRACTS)), st.integers(10**12, 10**13))
def test_every_event_is_valid_whatever_the_seed(seed: int, symbol: str, start_ms: int) -> None:
    contract: Instrument = CONTRACTS[symbol]
    book = Book()
    eaten: dict[Decimal, Decimal] = defaultdict(Decimal)
    now_ms, trade_id = start_ms, 0
    events = market(symbol, seed=seed, start_ms=start_ms, events=600)
    assert isinstance(events[0], DepthUpdate)
    assert events[0].snapshot
    assert isinstance(events[1], MarkPrice)
    for event in events:
        assert event.time_ms >= now_ms
        now_ms = event.time_ms
        match event:
            case DepthUpdate():
                for price, quantity in event.bids + event.asks:
                    assert price > 0
                    assert price % contract.price_filter.tick_size == 0
                    assert quantity >= 0
                    assert quantity % contract.lot_size.step_size == 0
                book.apply(event)
                eaten.clear()
                assert max(book.bids) < min(book.asks)
            case MarketTrade():
                assert event.trade_id == trade_id + 1
                trade_id = event.trade_id
                assert event.quantity > 0
                assert event.quantity % contract.lot_size.step_size == 0
                eaten[event.price] += event.quantity
                resting = book.bids if event.buyer_is_maker else book.asks
                assert eaten[event.price] <= resting[event.price]
            case MarkPrice():
                assert abs(event.mark_price / book.mid - 1) < Decimal("0.01")
                assert abs(event.funding_rate) <= Decimal("0.0003")
                assert now_ms < event.next_funding_ms <= now_ms + EIGHT_HOURS_MS
                assert event.next_funding_ms % EIGHT_HOURS_MS == 0


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    symbols = tuple(CONTRACTS)
    assert market(*symbols, seed=7) == market(*symbols, seed=7)
    assert market(*symbols, seed=7) != market(*symbols, seed=8)


def test_a_source_gives_the_same_events_each_time_it_is_asked() -> None:
    source = SyntheticMarket([CONTRACTS["BTCUSDT"]], seed=3)
    first, second = (list(islice(source.events(START_MS), 500)) for _ in range(2))
    assert first == second


def test_a_later_start_moves_the_times_and_nothing_else() -> None:
    def relative(start_ms: int) -> list[object]:
        return [
            (e.time_ms - start_ms, e.price if isinstance(e, MarketTrade) else None, type(e))
            for e in market("ETHUSDT", start_ms=start_ms)
        ]

    assert relative(START_MS) == relative(START_MS + 12_345_678)


def test_a_symbol_trades_the_same_whoever_else_is_listed() -> None:
    alone = market("SOLUSDT", events=300)
    among = [e for e in market(*CONTRACTS, events=20_000) if e.symbol == "SOLUSDT"]
    assert among[:300] == alone


def test_every_symbol_has_a_book_and_a_mark_before_the_market_moves_on() -> None:
    opening = market(*CONTRACTS, events=2 * len(CONTRACTS))
    assert {e.time_ms for e in opening} == {START_MS}
    assert Counter(type(e) for e in opening) == {DepthUpdate: 20, MarkPrice: 20}


@pytest.mark.parametrize("symbol", CONTRACTS)
def test_a_market_order_of_ten_thousand_dollars_finds_its_match_within_one_percent(symbol: str) -> None:
    snapshot = market(symbol, events=1)[0]
    assert isinstance(snapshot, DepthUpdate)
    for levels in (snapshot.bids, snapshot.asks):
        touch = levels[0][0]
        near = sum(p * q for p, q in levels if abs(p / touch - 1) < Decimal("0.01"))
        assert near > 10_000
        assert len(levels) > 20


def test_an_unknown_contract_is_refused_by_name() -> None:
    from dataclasses import replace

    stranger = replace(CONTRACTS["BTCUSDT"], symbol="XYZUSDT")
    with pytest.raises(ConfigurationError, match="XYZUSDT"):
        SyntheticMarket([stranger], seed=1)


def test_the_whole_market_stays_light_enough_for_a_background_process() -> None:
    until = START_MS + 60_000
    source = SyntheticMarket(list(CONTRACTS.values()), seed=1)
    count = sum(1 for _ in takewhile(lambda e: e.time_ms < until, source.events(START_MS)))
    assert 200 < count / 60 < 500


# Recorded 2024-07-18/19 (docs/decisions/synthetic-market.md): trades per s, median trade in USDT,
# touch in thousand USDT, thousand USDT within 10 bps of the touch, moves per s, volatility over 1 s in bps
RECORDED = {
    "BTCUSDT": (22.3, 767.0, 900.0, 16_100.0, 0.313, 0.475),
    "ETHUSDT": (28.5, 140.0, 288.0, 7_840.0, 0.377, 0.621),
}


@pytest.mark.parametrize("symbol", RECORDED)
def test_it_trades_like_the_recorded_market(symbol: str) -> None:
    minutes = 15
    trades, touches, depths, mids, narrow = [], [], [], [], []
    book = Book()
    tick = CONTRACTS[symbol].price_filter.tick_size
    next_ms = START_MS
    for event in SyntheticMarket([CONTRACTS[symbol]], seed=2).events(START_MS):
        while event.time_ms > next_ms and book.bids:  # what stood there at each full second
            bid, ask = max(book.bids), min(book.asks)
            mids.append(float(book.mid))
            narrow.append(ask - bid == tick)
            touches.append(float(bid * book.bids[bid] + ask * book.asks[ask]) / 2e3)
            depths.append(float(sum(p * q for p, q in book.asks.items() if 0 < p / ask - 1 <= 0.001)) / 1e3)
            next_ms += 1000
        if event.time_ms > START_MS + minutes * 60_000:
            break
        if isinstance(event, DepthUpdate):
            book.apply(event)
        elif isinstance(event, MarketTrade):
            trades.append(float(event.price * event.quantity))
    returns = [log(b / a) for a, b in pairwise(mids)]
    measured = (
        len(trades) / minutes / 60,
        median(trades),
        fmean(touches),
        fmean(depths),
        -log(fmean(r == 0 for r in returns)),  # Poisson: moves per s from the seconds without one
        sqrt(fmean(r * r for r in returns)) * 1e4,
    )
    assert fmean(narrow) > 0.99
    for figure, target in zip(measured, RECORDED[symbol], strict=True):
        assert figure == pytest.approx(target, rel=0.3)


@pytest.mark.parametrize("symbol", CONTRACTS)
def test_a_day_of_moves_leaves_the_price_in_sane_bounds_but_moves_it(symbol: str) -> None:
    profile = PROFILES[symbol]
    tick = float(CONTRACTS[symbol].price_filter.tick_size)
    start = price = round(profile.price / tick)
    path = PricePath(profile, tick, start, Random(5))
    moves = round(86_400 * profile.aggressor_rate * profile.move_share * path.frequency)
    seen = []
    for _ in range(moves):
        price += path.next_move(price)
        seen.append(price / start)
    assert 0.8 < min(seen) < 0.998
    assert 1.002 < max(seen) < 1.2


def test_a_price_far_from_its_start_is_drawn_back() -> None:
    def share_up(price: int) -> float:
        path = PricePath(PROFILES["BTCUSDT"], 0.1, 640_000, Random(1))
        return fmean(path.next_move(price) > 0 for _ in range(20_000))

    assert share_up(1_280_000) < 0.47 < share_up(640_000) < 0.53 < share_up(320_000)


def test_a_coarse_tick_keeps_the_variance_that_a_fine_one_has() -> None:
    def variance_bps(tick: float) -> float:
        profile = PROFILES["ETHUSDT"]
        start = round(profile.price / tick)
        path = PricePath(profile, tick, start, Random(4))
        moves = [path.next_move(start) * tick / profile.price * 1e4 for _ in range(50_000)]
        return path.frequency * fmean(m * m for m in moves)

    assert variance_bps(0.5) == pytest.approx(variance_bps(0.001), rel=0.05)
