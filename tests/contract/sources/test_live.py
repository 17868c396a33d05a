"""The live market follows Binance's public streams through gaps, losses and silence."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from orderkit.domain.market import DepthUpdate, MarketEvent, MarketTrade, MarkPrice, Quote
from orderkit.errors import ConfigurationError, ExchangeUnreachable
from orderkit.paper.contracts import brackets, instruments
from orderkit.paper.host import PaperExchange
from orderkit.paper.markets import open_market
from orderkit.paper.pump import LivePump, open_pump
from orderkit.paper.sources.live import LiveMarket
from orderkit.paper.sources.live_feed import LiveTimings
from orderkit.paper.store import Store
from orderkit.simulator.exchange import SimulatedExchange
from tests.contract.sources.fake_binance import FakeBinance, FakeBook, fake_binance
from tests.waiting import eventually

TIMINGS = LiveTimings(
    first_book_s=5.0, stale_s=3.0, withdraw_s=2.0, request_s=2.0, first_pause_s=0.02, longest_pause_s=0.1
)
QUICK_TO_WITHDRAW = LiveTimings(
    first_book_s=5.0, stale_s=3.0, withdraw_s=0.3, first_pause_s=0.02, longest_pause_s=0.05
)
BTC, ETH = "BTCUSDT", "ETHUSDT"


def books() -> dict[str, FakeBook]:
    return {
        BTC: FakeBook({"60000.0": "2", "59999.9": "5"}, {"60000.1": "3", "60000.2": "6"}),
        ETH: FakeBook({"3000.00": "2"}, {"3000.01": "3"}),
    }


def market(fake: FakeBinance, symbols: Sequence[str] = (BTC,), timings: LiveTimings = TIMINGS) -> LiveMarket:
    chosen = [i for i in instruments() if i.symbol in symbols]
    return LiveMarket(
        chosen, rest_base=f"http://{fake.base}", stream_base=f"ws://{fake.base}", timings=timings
    )


class Follower:
    """Reads a live market into a simulated exchange, as a host does."""

    def __init__(self, source: LiveMarket) -> None:
        self._batches = source.live_events()
        self.simulated = SimulatedExchange(instruments(), brackets(), now_ms=0, public_events=False)
        self.events: list[MarketEvent] = []

    async def run(self) -> None:
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                for event in batch:
                    self.events.append(event)
                    self.simulated.apply(event)

    def shows(self, book: FakeBook, symbol: str = BTC) -> bool:
        """Whether the exchange's depth is the fake's true book."""
        depth = self.simulated.depth(symbol, 1000)
        return (as_numbers(depth.bids), as_numbers(depth.asks)) == (numbers(book.bids), numbers(book.asks))

    def snapshots(self) -> list[DepthUpdate]:
        return [event for event in self.events if isinstance(event, DepthUpdate) and event.snapshot]


def numbers(side: dict[str, str]) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(quantity) for price, quantity in side.items()}


def as_numbers(side: Sequence[tuple[Decimal, Decimal]]) -> dict[Decimal, Decimal]:
    return dict(side)


@asynccontextmanager
async def following(
    symbols: Sequence[str] = (BTC,), timings: LiveTimings = TIMINGS
) -> AsyncIterator[tuple[FakeBinance, Follower]]:
    """A follower that has the opening books of these symbols."""
    async with fake_binance(books()) as fake:
        follower = Follower(market(fake, symbols, timings))
        task = asyncio.create_task(follower.run())
        try:
            await open_books(fake, symbols)
            await eventually(lambda: all(follower.shows(fake.books[s], s) for s in symbols))
            yield fake, follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def open_books(fake: FakeBinance, symbols: Sequence[str] = (BTC,)) -> None:
    """What the streams bring in the first second."""
    await fake.connected("public")
    await fake.connected("market")
    for symbol in symbols:
        await fake.mark(symbol, "60000.05")
        await fake.move(symbol, "b", "1000.0", "7")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(90):
            await scenario()

    asyncio.run(limited())


def test_the_opening_has_a_whole_book_and_a_mark_of_every_symbol() -> None:
    async def scenario() -> None:
        async with fake_binance(books()) as fake, aclosing(market(fake, (BTC, ETH)).live_events()) as batches:
            first = asyncio.create_task(anext(batches))
            await open_books(fake, (BTC, ETH))
            opening = await first
            for symbol in (BTC, ETH):
                kinds = [type(event) for event in opening if event.symbol == symbol]
                assert kinds[0] is DepthUpdate
                assert MarkPrice in kinds
            assert dict(fake.connections) == {
                "public": [
                    "btcusdt@depth@100ms",
                    "btcusdt@bookTicker",
                    "ethusdt@depth@100ms",
                    "ethusdt@bookTicker",
                ],
                "market": [
                    "btcusdt@aggTrade",
                    "btcusdt@markPrice@1s",
                    "ethusdt@aggTrade",
                    "ethusdt@markPrice@1s",
                ],
            }
            asked = sorted(parameters["symbol"] for _, parameters in fake.depth_requests)
            assert asked == [BTC, ETH]
            assert {parameters["limit"] for _, parameters in fake.depth_requests} == {"1000"}

    run(scenario)


def test_diffs_best_prices_trades_and_marks_are_followed() -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            await fake.move(BTC, "b", "60000.0", "1.5")
            await fake.move(BTC, "a", "60000.1", "0")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            fake.books[BTC].set("b", "60000.1", "4")
            await fake.show_best(BTC)
            await fake.print_trade(BTC, 77, "60000.2", "0.25")
            await fake.mark(BTC, "60001.5")
            await eventually(lambda: follower.simulated.mark_price(BTC) == Decimal("60001.5"))
            quote = follower.simulated.quote(BTC)
            assert [quote.bid, quote.bid_quantity, quote.ask] == [Decimal("60000.1"), 4, Decimal("60000.2")]
            [trade] = [event for event in follower.events if isinstance(event, MarketTrade)]
            assert (trade.trade_id, trade.price, trade.quantity) == (77, Decimal("60000.2"), Decimal("0.25"))
            assert follower.simulated.last_price(BTC) == Decimal("60000.2")
            assert len(fake.depth_requests) == 1

    run(scenario)


def test_a_gap_begins_the_book_anew_and_nothing_of_the_broken_one_gets_through() -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            await fake.move(BTC, "a", "60000.1", "0", told=False)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert [event.snapshot for event in follower.events if isinstance(event, DepthUpdate)] == [
                True,
                True,
            ]
            assert len(fake.depth_requests) == 2
            await fake.move(BTC, "b", "60000.0", "9")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert len(fake.depth_requests) == 2

    run(scenario)


def test_a_snapshot_older_than_the_diffs_is_asked_for_again() -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            old = fake.books[BTC].snapshot()
            await fake.move(BTC, "a", "60000.1", "0", told=False)
            fake.answers = [(200, old, {})]
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert len(fake.depth_requests) == 3

    run(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        (503, {"code": -1, "msg": "busy"}, {}),
        (200, ["no", "book"], {}),
        (200, {"lastUpdateId": 101, "T": 1, "bids": [["NaN", "1"]], "asks": []}, {}),
    ],
)
def test_a_snapshot_that_fails_is_asked_for_again(answer: tuple[int, object, dict[str, str]]) -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            fake.answers = [answer, answer]
            await fake.move(BTC, "a", "60000.1", "0", told=False)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert len(fake.depth_requests) == 4

    run(scenario)


@pytest.mark.parametrize("status", [429, 418])
def test_a_rate_limit_is_waited_out_for_all_symbols(status: int) -> None:
    async def scenario() -> None:
        async with following((BTC, ETH)) as (fake, follower):
            fake.answers = [(status, {"code": -1003, "msg": "slow down"}, {"Retry-After": "1"})]
            await fake.move(BTC, "a", "60000.1", "0", told=False)
            await fake.move(BTC, "b", "60000.0", "1")
            await fake.asked(3)
            await asyncio.sleep(0.1)
            await fake.move(ETH, "a", "3000.01", "0.5", told=False)
            await fake.move(ETH, "b", "3000.00", "1")
            await eventually(lambda: follower.shows(fake.books[ETH], ETH))
            await eventually(lambda: follower.shows(fake.books[BTC]))
            refused = fake.depth_requests[2][0]
            assert all(at - refused >= 0.95 for at, _ in fake.depth_requests[3:])

    run(scenario)


def test_after_a_lost_connection_the_book_is_begun_anew() -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            await fake.cut("public")
            await fake.connected("public", 2)
            await fake.move(BTC, "b", "60000.0", "1", told=False)
            await fake.move(BTC, "b", "59999.9", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert len(fake.depth_requests) == 2
            assert follower.snapshots()[-1].bids != ()

    run(scenario)


def test_after_a_lost_market_path_trades_and_marks_come_again_and_the_book_stays() -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            await fake.cut("market")
            await fake.connected("market", 2)
            await fake.mark(BTC, "60002")
            await eventually(lambda: follower.simulated.mark_price(BTC) == 60_002)
            assert follower.shows(fake.books[BTC])
            assert len(fake.depth_requests) == 1

    run(scenario)


def test_a_connection_gone_silent_is_given_up() -> None:
    async def scenario() -> None:
        timings = LiveTimings(
            first_book_s=5, stale_s=0.4, withdraw_s=3, first_pause_s=0.02, longest_pause_s=0.1
        )
        async with following(timings=timings) as (fake, follower):
            await fake.connected("public", 2)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))

    run(scenario)


def test_a_book_long_out_of_step_is_empty_until_it_is_back() -> None:
    async def scenario() -> None:
        async with following(timings=QUICK_TO_WITHDRAW) as (fake, follower):
            fake.refuse_streams = True
            await fake.cut("public")
            lost = time.monotonic()
            await asyncio.sleep(0.15)
            if time.monotonic() - lost < QUICK_TO_WITHDRAW.withdraw_s:
                assert follower.shows(fake.books[BTC])  # a short loss is not seen
            await eventually(lambda: follower.simulated.quote(BTC).bid == 0)
            assert time.monotonic() - lost > 0.25
            assert follower.simulated.quote(BTC).ask == 0
            fake.refuse_streams = False
            await fake.connected("public", 2)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))

    run(scenario)


def test_a_book_that_came_back_in_time_stays() -> None:
    async def scenario() -> None:
        async with following(timings=QUICK_TO_WITHDRAW) as (fake, follower):
            await fake.move(BTC, "a", "60000.1", "0", told=False)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            await asyncio.sleep(0.5)
            assert follower.shows(fake.books[BTC])

    run(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}',
        '{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":999,"s":"BTCUSDT","T":1,'
        '"b":"NaN","B":"1","a":"1","A":"1"}}',
        '{"stream":"dogeusdt@kline_1m","data":{"e":"kline"}}',
        '{"stream":"xrpusdt@depth@100ms","data":{"e":"depthUpdate","s":"XRPUSDT","U":1,"u":1,"pu":0,"T":1,'
        '"b":[],"a":[]}}',
        '{"result":null,"id":1}',
    ],
)
def test_a_frame_that_says_nothing_here_is_left_out(text: str) -> None:
    async def scenario() -> None:
        async with following() as (fake, follower):
            await fake.send_text("public", text)
            await fake.move(BTC, "b", "60000.0", "1")
            await eventually(lambda: follower.shows(fake.books[BTC]))
            assert (len(fake.depth_requests), len(fake.connections)) == (1, 2)

    run(scenario)


def test_without_any_book_the_market_is_unreachable_and_says_why() -> None:
    async def scenario() -> None:
        async with fake_binance(books()) as fake:
            fake.refuse_streams = True
            patience = LiveTimings(first_book_s=0.4, first_pause_s=0.02, longest_pause_s=0.1)
            with pytest.raises(ExchangeUnreachable) as refusal:
                await anext(market(fake, timings=patience).live_events())
            assert "BTCUSDT" in refusal.value.message
            assert "503" in refusal.value.message

    run(scenario)


def test_a_symbol_that_does_not_come_is_not_waited_for_beyond_the_patience() -> None:
    async def scenario() -> None:
        patience = LiveTimings(first_book_s=0.6, first_pause_s=0.02, longest_pause_s=0.1)
        async with (
            fake_binance(books()) as fake,
            aclosing(market(fake, (BTC, ETH), patience).live_events()) as batches,
        ):
            first = asyncio.create_task(anext(batches))
            await open_books(fake, (BTC,))
            assert {event.symbol for event in await first} == {BTC}

    run(scenario)


def test_the_host_applies_the_live_market_at_its_own_time(tmp_path: Path) -> None:
    """The fake's best prices are from 1970, its marks too: clocks need not agree."""

    async def scenario() -> None:
        contracts, _ = open_market("manual")
        exchange = PaperExchange(contracts, Store(tmp_path / "a.sqlite3"), market="live")
        async with fake_binance(books()) as fake:
            pump = open_pump(exchange, market(fake), speed=1)
            assert isinstance(pump, LivePump)
            primed = asyncio.create_task(pump.prime())
            await open_books(fake)
            await primed
            assert exchange.simulator.quote(BTC).bid == 60_000
            running = asyncio.create_task(pump.run())
            fake.books[BTC].set("b", "60000.0", "1.25")
            await fake.show_best(BTC)
            while exchange.simulator.quote(BTC).bid_quantity != Decimal("1.25"):
                await asyncio.sleep(0.005)
            quote = exchange.simulator.quote(BTC)
            assert isinstance(quote, Quote)
            assert abs(quote.time_ms - exchange.now_ms()) < 30_000
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            while fake.sockets["public"]:  # cancelled means disconnected
                await asyncio.sleep(0.005)
        exchange.close()

    run(scenario)


def test_a_live_market_has_no_other_pace(tmp_path: Path) -> None:
    async def scenario() -> None:
        contracts, source = open_market("live")
        exchange = PaperExchange(contracts, Store(tmp_path / "a.sqlite3"), market="live")
        with pytest.raises(ConfigurationError, match="its own pace"):
            open_pump(exchange, source, speed=2)
        exchange.close()

    run(scenario)
