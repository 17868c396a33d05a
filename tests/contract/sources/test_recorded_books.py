"""The book rebuilt from a real depth recording has the best prices that Binance published, event by event.

What can be compared: a diff gives the book after its last update ``u`` and says nothing of the updates before
it; a bookTicker is sent for every update that changes the best prices. So

- the book of snapshot and diffs alone must show, after each diff, the last bookTicker with an id up to ``u``,
  whether one of this very diff's updates sent it or an earlier one (then the best prices have not changed);
  bookTickers that another one followed before ``u`` were never the state of a book of diffs;
- the replay, which moves the touch by the bookTickers in between, must show every single one of them.
"""

import gzip
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade, Quote
from orderkit.paper.contracts import brackets, instruments
from orderkit.paper.sources.depth_book import DepthBook
from orderkit.paper.sources.frames import DepthDiff, DepthSnapshot, decode
from orderkit.paper.sources.replay import ReplayMarket
from orderkit.simulator.exchange import SimulatedExchange
from orderkit.simulator.types import NewOrder

START_MS = 1_790_000_000_000
INSTRUMENTS = {i.symbol: i for i in instruments()}
FIRST_IDS = {"BTCUSDT": 4984028384061, "ETHUSDT": 4984028386786}  # of the recorded snapshots

Top = tuple[Decimal, Decimal, Decimal, Decimal]  # bid, its quantity, ask, its quantity


def lines(recordings: Path, symbol: str) -> Iterator[bytes]:
    """The JSON of all frames of a symbol, in the recorded order."""
    for path in sorted((recordings / "tick_raw").glob(f"usdm_{symbol.lower()}_*.gz")):
        with gzip.open(path) as file:
            for line in file:
                yield line.partition(b" ")[2]


def tickers(recordings: Path, symbol: str) -> list[tuple[int, Top]]:
    """Every bookTicker as (update id, best prices): read with nothing of the project."""
    frames = (json.loads(line).get("data", {}) for line in lines(recordings, symbol))
    return [
        (f["u"], (Decimal(f["b"]), Decimal(f["B"]), Decimal(f["a"]), Decimal(f["A"])))
        for f in frames
        if f.get("e") == "bookTicker"
    ]


def top(quote: Quote) -> Top:
    return quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity


def exchange() -> SimulatedExchange:
    return SimulatedExchange(instruments(), brackets(), now_ms=START_MS, public_events=False)


def replayed(recordings: Path, instrument: Instrument) -> Iterator[MarketEvent]:
    return ReplayMarket([instrument], recordings / "tick_raw").events(START_MS)


@pytest.mark.parametrize(
    ("symbol", "diffs", "sent_by_the_last_update", "compared_tickers"),
    [("BTCUSDT", 9016, 625, 6099), ("ETHUSDT", 8922, 834, 6611)],
)
def test_the_book_of_diffs_alone_has_the_published_best_prices_after_every_diff(
    recordings: Path, symbol: str, diffs: int, sent_by_the_last_update: int, compared_tickers: int
) -> None:
    published = tickers(recordings, symbol)
    ids = [update_id for update_id, _ in published]
    assert ids == sorted(set(ids))
    book, counts, seen = DepthBook(INSTRUMENTS[symbol]), Counter[str](), set[int]()
    simulated = exchange()
    for line in lines(recordings, symbol):
        frame = decode(line)
        if isinstance(frame, DepthSnapshot):
            change = book.snapshot(frame)
        elif isinstance(frame, DepthDiff):
            change = book.diff(frame)
        else:
            continue
        if change is None:
            continue
        simulated.apply(change)
        touch = book.touch()
        assert touch is not None
        update_id, expected = published[bisect_right(ids, book.update_id) - 1]
        assert (*touch[0], *touch[1]) == expected, f"{symbol} after update {book.update_id}"
        assert top(simulated.quote(symbol)) == expected, f"{symbol} after update {book.update_id}"
        if isinstance(frame, DepthDiff):
            counts["diffs"] += 1
            counts["sent by the last update"] += update_id == book.update_id
            if update_id > FIRST_IDS[symbol]:
                seen.add(update_id)
    assert counts == {"diffs": diffs, "sent by the last update": sent_by_the_last_update}
    assert len(seen) == compared_tickers


@pytest.mark.parametrize(("symbol", "compared"), [("BTCUSDT", 52_253), ("ETHUSDT", 47_310)])
def test_the_replay_shows_every_published_best_price(recordings: Path, symbol: str, compared: int) -> None:
    """All from the snapshot on; after a diff the touch is still that of the last bookTicker."""
    expected = [prices for update_id, prices in tickers(recordings, symbol) if update_id >= FIRST_IDS[symbol]]
    assert len(expected) == compared
    simulated, shown = exchange(), 0
    for event in replayed(recordings, INSTRUMENTS[symbol]):
        simulated.apply(event)
        if isinstance(event, Quote):
            shown += 1
        elif not isinstance(event, DepthUpdate) or not shown:
            continue
        assert top(simulated.quote(symbol)) == expected[shown - 1], f"{symbol}: number {shown}"
    assert shown == compared


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_best_prices_between_diffs_leave_the_depth_behind_as_the_diffs_say(
    recordings: Path, symbol: str
) -> None:
    """The two books, 50 levels a side, after every diff of the first two minutes."""
    with_tickers, diffs_alone, compared = exchange(), exchange(), 0
    for event in replayed(recordings, INSTRUMENTS[symbol]):
        if event.time_ms > START_MS + 120_000:
            break
        with_tickers.apply(event)
        if isinstance(event, DepthUpdate):
            diffs_alone.apply(event)
            one, other = with_tickers.depth(symbol, 50), diffs_alone.depth(symbol, 50)
            assert (one.bids, one.asks) == (other.bids, other.asks)
            compared += 1
    assert compared > 1500


@pytest.mark.parametrize(("symbol", "trades"), [("BTCUSDT", 10_701), ("ETHUSDT", 13_654)])
def test_both_files_of_a_symbol_replay_whole_and_in_time(recordings: Path, symbol: str, trades: int) -> None:
    """480 seconds over midnight; one of ether's 13,655 trades came before the snapshot."""
    now_ms, counts = START_MS, Counter[type]()
    for event in replayed(recordings, INSTRUMENTS[symbol]):
        assert event.time_ms >= now_ms
        now_ms = event.time_ms
        counts[type(event)] += 1
    assert counts[MarketTrade] == trades
    assert 479_000 < now_ms - START_MS < 481_000


def test_a_market_order_meets_the_recorded_depth(recordings: Path) -> None:
    """The snapshot's asks pay for 20 BTC: the average is what walking its published levels gives."""
    events = replayed(recordings, INSTRUMENTS["BTCUSDT"])
    simulated = exchange()
    simulated.open_account("desk", {"USDT": Decimal(10_000_000)})
    simulated.apply(next(events))
    simulated.apply(next(events))
    asks = simulated.depth("BTCUSDT", 1000).asks
    order = simulated.place(
        "desk",
        NewOrder(
            symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(20), client_order_id="a"
        ),
    )
    left, cost, walked = Decimal(20), Decimal(0), 0
    for price, quantity in asks:
        taken = min(left, quantity)
        cost, left, walked = cost + taken * price, left - taken, walked + bool(taken)
    assert walked > 10
    assert order.cumulative_quote == cost
