"""The fast book against a naive one: random commands give the same trades and the same book."""

from contextlib import suppress
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from orderkit.domain.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from orderkit.domain.market import DepthUpdate, MarketTrade
from orderkit.simulator.types import ExchangeError, NewOrder
from tests.properties.naive_book import NaiveBook, Trade
from tests.unit.simulator.desk import SYMBOL, Desk

BASE, TICK, STEP = Decimal(60000), Decimal("0.1"), Decimal("0.1")

ticks = st.integers(0, 8)
sizes = st.integers(1, 6)
signs = st.sampled_from([1, -1])
accounts = st.sampled_from(["a", "b"])
orders = st.tuples(
    st.just("place"), accounts, signs, st.none() | ticks, sizes, st.sampled_from(["GTC", "IOC", "FOK", "GTX"])
)
commands = st.one_of(
    orders,
    orders,
    st.tuples(st.just("cancel"), st.integers(0, 40)),
    st.tuples(st.just("show"), st.just(1), st.integers(0, 5), st.integers(0, 4)),
    st.tuples(st.just("show"), st.just(-1), st.integers(3, 8), st.integers(0, 4)),
    st.tuples(st.just("trade"), ticks, sizes, st.booleans()),
)


class Pair:
    """The exchange and the naive book, given the same commands."""

    def __init__(self) -> None:
        self.desk = Desk(wallet="1000000000")
        self.desk.mark("60000")
        self.desk.depth([], [], snapshot=True)
        self.naive = NaiveBook()
        self.owners: dict[str, str] = {}
        for tick in range(9):
            if tick != 4:
                self.run(("show", 1 if tick < 4 else -1, tick, 3))

    def run(self, command: tuple[object, ...]) -> None:
        match command:
            case ("place", str(account), int(sign), tick, int(size), str(kind)):
                self.place(account, sign, tick if isinstance(tick, int) else None, size, kind)
            case ("cancel", int(number)):
                name = f"o{number}"
                with suppress(ExchangeError):
                    self.desk.exchange.cancel(self.owners.get(name, "a"), SYMBOL, client_order_id=name)
                self.naive.cancel(name)
            case ("show", int(sign), int(tick), int(size)):
                level = ((BASE + tick * TICK, size * STEP),)
                bids, asks = (level, ()) if sign > 0 else ((), level)
                now = self.desk.exchange.now_ms + 1
                self.desk.exchange.apply(DepthUpdate(SYMBOL, bids, asks, now))
                self.naive.show(sign, tick, size)
            case ("trade", int(tick), int(size), bool(seller_hits)):
                now = self.desk.exchange.now_ms + 1
                price, quantity = BASE + tick * TICK, size * STEP
                self.desk.exchange.apply(MarketTrade(SYMBOL, now, price, quantity, seller_hits, now))
                self.naive.public_trade(tick, size, seller_hits=seller_hits)

    def place(self, account: str, sign: int, tick: int | None, size: int, kind: str) -> None:
        name = f"o{len(self.owners)}"
        self.owners[name] = account
        is_market = tick is None
        order = NewOrder(
            symbol=SYMBOL,
            side=Side.BUY if sign > 0 else Side.SELL,
            type=OrderType.MARKET if is_market else OrderType.LIMIT,
            client_order_id=name,
            quantity=size * STEP,
            price=None if tick is None else BASE + tick * TICK,
            time_in_force=None if is_market else TimeInForce(kind),
            self_trade_prevention=SelfTradePrevention.NONE,
        )
        with suppress(ExchangeError):
            self.desk.exchange.place(account, order)
        self.naive.place(name, sign, tick, size, "IOC" if is_market else kind)

    def fast_trades(self) -> list[Trade]:
        """The exchange's fills, maker and taker of one trade joined, in order."""
        names = {o.order_id: o.client_order_id for a in "ab" for o in self.desk.exchange.all_orders(a)}
        joined: dict[int, list[str | None]] = {}
        terms: dict[int, tuple[int, int]] = {}
        for account in "ab":
            for trade in self.desk.exchange.user_trades(account, SYMBOL, limit=10_000):
                pair = joined.setdefault(trade.trade_id, [None, None])
                pair[1 if trade.maker else 0] = names[trade.order_id]
                terms[trade.trade_id] = (int((trade.price - BASE) / TICK), int(trade.quantity / STEP))
        return [(joined[i][0], joined[i][1], *terms[i]) for i in sorted(joined)]

    def fast_levels(self, sign: int) -> list[tuple[int, int]]:
        depth = self.desk.exchange.depth(SYMBOL, 100)
        levels = depth.bids if sign > 0 else depth.asks
        return [(int((price - BASE) / TICK), int(size / STEP)) for price, size in levels]


@settings(max_examples=300, deadline=None)
@given(st.lists(commands, min_size=10, max_size=60))
def test_the_book_trades_and_stands_as_the_naive_one(script: list[tuple[object, ...]]) -> None:
    pair = Pair()
    for command in script:
        pair.run(command)
        assert pair.fast_levels(1) == pair.naive.levels(1)
        assert pair.fast_levels(-1) == pair.naive.levels(-1)
    assert pair.fast_trades() == pair.naive.trades
