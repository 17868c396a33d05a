"""For any price path a grid stays within its bound, loses no level and earns the sum of its round trips."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.commands import SubmitOrder
from orderkit.domain.enums import Side
from orderkit.domain.market import Quote
from orderkit.engine.engine import Engine
from orderkit.orders.grid import GridTrader
from orderkit.orders.grid_ledger import Ledger, ledger_of
from orderkit.orders.grid_levels import Ladder, Mode, Spacing
from orderkit.orders.grid_request import GridRequest, OnStop
from orderkit.paper.contracts import brackets, instruments
from orderkit.runtime.backtest import BacktestRuntime, Latency
from orderkit.runtime.simulated import SimulatedAccount
from orderkit.simulator.exchange import SimulatedExchange

START_MS = 1_800_000_000_000
STEP_MS = 500
BTC = next(i for i in instruments() if i.symbol == "BTCUSDT")
TICK = Decimal("0.1")
ZERO = Decimal(0)


def quote(price: int, size: str, time_ms: int) -> Quote:
    """A market with its bid at ``price`` tenths of a dollar."""
    bid, quantity = price * TICK, Decimal(size)
    return Quote("BTCUSDT", bid, quantity, bid + TICK, quantity, time_ms)


class World:
    """One account with one grid, in virtual time."""

    def __init__(self, request: GridRequest, first: Quote, latency_ms: int = 0) -> None:
        self.exchange = SimulatedExchange(instruments(), brackets(), now_ms=START_MS)
        self.exchange.open_account("me", {"USDT": Decimal(1_000_000)})
        self.exchange.apply(first)
        self.account = SimulatedAccount(self.exchange, "me")
        self.market: list[Quote] = []
        self.trader = GridTrader(request, BTC)
        self.trader.validate(self.snapshot())
        self.engine = Engine()
        latency = Latency(latency_ms, latency_ms)
        self.runtime = BacktestRuntime(self.engine, self.exchange, "me", self._events(), latency=latency)
        self.runtime.start("grid", self.trader.run)

    def _events(self) -> Iterator[Quote]:
        while True:
            if self.market:
                yield self.market.pop(0)
            else:
                yield quote(int(self.last.bid / TICK), "50", 2**60)

    def snapshot(self) -> TradingSnapshot:
        return self.account.snapshot(BTC, brackets()["BTCUSDT"])

    @property
    def ledger(self) -> Ledger:
        ledger = self.trader._ledger
        assert ledger is not None
        return ledger

    @property
    def last(self) -> Quote:
        return self.exchange.quote("BTCUSDT")

    @property
    def position(self) -> Decimal:
        account = self.snapshot().account
        assert account is not None
        return account.position_quantity("BTCUSDT")

    @property
    def result(self) -> Decimal:
        """What the account has gained or lost, fees included, at the mark price."""
        view = self.exchange.account("me")
        usdt = next(a for a in view.assets if a.asset == "USDT")
        return usdt.wallet_balance + usdt.unrealized_profit - Decimal(1_000_000)

    @property
    def fees(self) -> Decimal:
        trades = self.exchange.user_trades("me", "BTCUSDT", limit=1000)
        return sum((trade.commission for trade in trades), ZERO)


prices = st.integers(min_value=470_000, max_value=530_000)
moves = st.lists(
    st.tuples(prices, st.sampled_from(["0.001", "0.004", "0.013", "50"])), min_size=1, max_size=40
)
grids = st.builds(
    GridRequest,
    symbol=st.just("BTCUSDT"),
    lower=st.just(Decimal(48_000)),
    upper=st.just(Decimal(52_000)),
    count=st.integers(min_value=2, max_value=12),
    level_quantity=st.sampled_from([Decimal("0.004"), Decimal("0.01"), Decimal("0.013")]),
    spacing=st.sampled_from(list(Spacing)),
    mode=st.sampled_from(list(Mode)),
    post_only=st.booleans(),
    trailing=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids, prices, moves, st.sampled_from([0, 3]))
def test_on_any_path_a_grid_keeps_its_bound_its_levels_and_its_books(
    request: GridRequest, start: int, path: list[tuple[int, str]], latency_ms: int
) -> None:
    world = World(request, quote(start, "50", START_MS), latency_ms)
    now_ms = START_MS
    world.runtime.advance_market(now_ms + STEP_MS // 2)
    assert world.engine.jobs, world.runtime.results
    for price, size in path:
        now_ms += STEP_MS
        world.market.append(quote(price, size, now_ms))
        world.runtime._market = world._events()
        world.runtime.advance_market(now_ms + STEP_MS // 2)
        ledger = world.ledger
        ledger.audit()
        totals = ledger.totals()
        assert world.position == totals.position
        assert ledger.bound[0] <= world.position <= ledger.bound[1]
        assert abs(world.position) <= request.level_quantity * (request.count - 1)
        mark = world.snapshot().mark_price
        assert abs(world.result + world.fees - totals.realised - totals.unrealised(mark)) < Decimal("1e-6")
        assert totals.fees == world.fees
        assert totals.realised == sum(cell.leg.profit for cell in (*ledger.cells.values(), *ledger.retired))
        if request.post_only and request.mode is Mode.NEUTRAL:
            assert_idle_cells_have_earned_their_round_trips(ledger, request.level_quantity)
        assert_every_level_is_served(world)


def assert_idle_cells_have_earned_their_round_trips(ledger: Ledger, quantity: Decimal) -> None:
    """A maker's round trip earns the cell's width; a cell that is in none has nothing else in its books."""
    for cell in (*ledger.cells.values(), *ledger.retired):
        if cell.is_idle:
            width = cell.bounds.high - cell.bounds.low
            assert cell.leg.profit == cell.leg.round_trips * width * quantity


def assert_every_level_is_served(world: World) -> None:
    """One order a cell on the exchange; a cell without one waits for the market, or for its next try."""
    open_orders = {order.client_order_id for order in world.exchange.open_orders("me", "BTCUSDT")}
    working = set()
    for cell in world.ledger.cells.values():
        orders = [order for order in cell.orders if not order.is_terminal]
        assert len(orders) <= 1
        working |= {order.client_order_id for order in orders}
        if not orders:
            want = cell.want(world.trader.request.level_quantity)
            assert want is not None
            touch = [world.last.ask if want.side is Side.BUY else world.last.bid]
            touch += [o.price for o in world.exchange.open_orders("me", "BTCUSDT") if o.side is not want.side]
            crosses = any((want.price - price) * want.side.sign >= 0 for price in touch)
            assert crosses or cell.leg.failures or cell is world.trader._leaving
    assert open_orders == working


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids, prices, moves)
def test_books_rebuilt_from_the_orders_alone_say_the_same(
    request: GridRequest, start: int, path: list[tuple[int, str]]
) -> None:
    world = World(request, quote(start, "50", START_MS))
    for step, (price, size) in enumerate(path, 1):
        world.market.append(quote(price, size, START_MS + step * STEP_MS))
        world.runtime._market = world._events()
        world.runtime.advance_market(START_MS + step * STEP_MS)
    ledger = world.ledger
    ledger.audit()
    orders = world.engine.jobs["grid"].context.orders
    rebuilt = ledger_of(world.trader.request, BTC, orders)
    assert rebuilt.totals() == ledger.totals()
    assert {n: (c.role, c.leg) for n, c in rebuilt.cells.items()} == {
        n: (c.role, c.leg) for n, c in ledger.cells.items()
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids, prices, moves)
def test_a_grid_that_is_flattened_leaves_nothing_and_its_result_is_the_accounts(
    request: GridRequest, start: int, path: list[tuple[int, str]]
) -> None:
    request = replace(request, on_stop=OnStop.FLATTEN, max_runtime_ms=(len(path) + 1) * STEP_MS)
    world = World(request, quote(start, "50", START_MS))
    world.market = [quote(price, "50", START_MS + step * STEP_MS) for step, (price, _) in enumerate(path, 1)]
    world.runtime._market = iter(world.market)
    results = world.runtime.run()
    assert results["grid"].status.value in ("COMPLETED", "REJECTED"), results
    assert world.position == 0
    assert not world.exchange.open_orders("me", "BTCUSDT")
    totals = world.ledger.totals()
    assert abs(world.result - (totals.realised + totals.unrealised(ZERO) - totals.fees)) < Decimal("1e-6")


@settings(deadline=None)
@given(
    st.integers(min_value=1_000, max_value=900_000),
    st.integers(min_value=1, max_value=500_000),
    st.integers(min_value=2, max_value=200),
    st.sampled_from(list(Spacing)),
)
@example(480_000, 40_000, 5, Spacing.ARITHMETIC)
def test_levels_rise_on_ticks_from_end_to_end_and_orders_find_their_cells(
    lower: int, width: int, count: int, spacing: Spacing
) -> None:
    ladder = Ladder(lower * TICK, (lower + width) * TICK, count, spacing, TICK)
    prices = ladder.prices()
    assert (prices[0], prices[-1], len(prices)) == (ladder.lower, ladder.upper, count)
    assert all(price % TICK == 0 for price in prices)
    assert prices == sorted(prices)
    if len(set(prices)) == count:
        for number, cell in enumerate(ladder.cells()):
            assert ladder.cell_of(Side.BUY, cell.low) == ladder.cell_of(Side.SELL, cell.high) == number
        beyond = ladder.price(count + 1)
        if beyond > ladder.price(count) > ladder.upper:
            assert ladder.cell_of(Side.BUY, beyond) == count + 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(480_000, 520_000), min_size=10, max_size=60), st.sampled_from(list(Mode)))
def test_reinvested_profit_makes_round_trips_larger_and_the_bound_says_by_how_much(
    path: list[int], mode: Mode
) -> None:
    size = Decimal("0.013")
    request = GridRequest(
        "BTCUSDT", Decimal(48_000), Decimal(52_000), 5, size, mode=mode, reinvest=True, post_only=True
    )
    world = World(request, quote(500_000, "50", START_MS))
    for step, price in enumerate(path, 1):
        world.market.append(quote(price, "50", START_MS + step * STEP_MS))
        world.runtime._market = world._events()
        world.runtime.advance_market(START_MS + step * STEP_MS + STEP_MS // 2)
        ledger, totals = world.ledger, world.ledger.totals()
        ledger.audit()
        assert ledger.bound[0] <= world.position <= ledger.bound[1]
        most = size * (1 + max(totals.realised, ZERO) / world.trader.request.capital)
        for order in world.exchange.open_orders("me", "BTCUSDT"):
            assert size <= order.quantity <= most
    mark = world.snapshot().mark_price
    assert abs(world.result + world.fees - totals.realised - totals.unrealised(mark)) < Decimal("1e-6")


def test_the_profit_of_four_round_trips_buys_more_in_the_fifth() -> None:
    request = GridRequest("BTCUSDT", Decimal(48_000), Decimal(52_000), 5, Decimal("0.013"), reinvest=True)
    world = World(request, quote(500_000, "50", START_MS))
    for step, price in enumerate([480_000, 520_000] * 6, 1):  # each way all four cells, once
        world.market.append(quote(price, "50", START_MS + step * STEP_MS))
        world.runtime._market = world._events()
        world.runtime.advance_market(START_MS + step * STEP_MS + STEP_MS // 2)
    sizes = [c.request.quantity for _, c in world.runtime.commands if isinstance(c, SubmitOrder)]
    assert min(size for size in sizes if size) == Decimal("0.013")
    assert max(size for size in sizes if size) >= Decimal("0.014")


def test_virtual_time_sends_the_grid_of_the_handbook() -> None:
    request = GridRequest("BTCUSDT", Decimal(48_000), Decimal(52_000), 5, Decimal("0.01"))
    world = World(request, quote(500_000, "50", START_MS))
    world.runtime.advance_market(START_MS + 10)
    sent = [c.request for _, c in world.runtime.commands if isinstance(c, SubmitOrder)]
    assert [(r.side.value, int(r.price or 0)) for r in sent] == [
        ("SELL", 51_000),
        ("BUY", 49_000),
        ("SELL", 52_000),
        ("BUY", 48_000),
    ]
