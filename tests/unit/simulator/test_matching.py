"""Takers against the book: price-time priority, times in force, the market bound, self-trade prevention."""

import pytest

from orderkit.domain.enums import OrderStatus, PriceMatch, SelfTradePrevention, Side, TimeInForce
from orderkit.domain.market import Quote
from orderkit.simulator.types import (
    DepthChanged,
    ExecutionType,
    ExpireReason,
    OrderUpdate,
    QuoteChanged,
    TradePrinted,
)
from tests.unit.simulator.desk import BUY, SELL, SYMBOL, D, Desk, decimal, refusal_of

BIDS = [("59999.9", "1"), ("59999.8", "2"), ("59000.0", "50")]
ASKS = [("60000.1", "1"), ("60000.2", "2"), ("61000.0", "50")]


@pytest.fixture
def deep() -> Desk:
    """A known book of three levels a side."""
    desk = Desk(wallet="10000000")
    desk.depth(BIDS, ASKS, snapshot=True)
    desk.drain()
    return desk


def test_a_market_order_walks_the_levels_and_every_fill_has_its_own_trade(deep: Desk) -> None:
    order = deep.order(BUY, "4")
    assert deep.fills() == [(D("60000.1"), D(1)), (D("60000.2"), D(2)), (D("61000.0"), D(1))]
    assert order.status is OrderStatus.FILLED
    assert order.average_price == D("60250.125")
    assert order.cumulative_quote == D("241000.5")
    ids = [t.trade_id for t in deep.trades()]
    assert ids == sorted(set(ids))


def test_a_market_order_is_announced_as_new_then_reports_each_fill(deep: Desk) -> None:
    deep.order(BUY, "2")
    updates = deep.updates()
    assert [u.execution_type for u in updates] == [ExecutionType.NEW, *[ExecutionType.TRADE] * 2]
    assert [u.order.executed_quantity for u in updates] == [D(0), D(1), D(2)]
    assert [u.order.status.value for u in updates] == ["NEW", "PARTIALLY_FILLED", "FILLED"]


def test_liquidity_that_was_taken_is_gone_until_the_market_shows_that_level_again(deep: Desk) -> None:
    deep.order(BUY, "1.5")
    assert deep.exchange.depth(SYMBOL, 2).asks == ((D("60000.2"), D("1.5")), (D(61000), D(50)))
    deep.depth([], [("60000.1", "3")])
    deep.order(BUY, "1")
    assert deep.fills()[-1] == (D("60000.1"), D(1))


def test_the_rest_of_a_market_order_beyond_the_take_bound_expires(deep: Desk) -> None:
    deep.mark("60000")
    deep.depth([], [("61000.0", "0"), ("63000.0", "1"), ("63000.1", "50")])
    order = deep.order(BUY, "10")
    assert order.status is OrderStatus.EXPIRED
    assert order.executed_quantity == D(4)
    assert deep.fills()[-1][0] == D(63000)
    assert deep.updates()[-1].expire_reason is ExpireReason.MARKET_REMAINDER


def test_with_quotes_only_levels_are_remembered_and_the_rest_fills_at_the_last_known_one() -> None:
    desk = Desk(wallet="10000000")
    desk.quote("59999.0", "60001.0", ask_size="3")
    desk.quote("59998.0", "60000.0", ask_size="1")
    order = desk.order(BUY, "10")
    assert order.status is OrderStatus.FILLED
    assert desk.fills() == [(D(60000), D(1)), (D(60001), D(3)), (D(60001), D(6))]


def test_with_quotes_only_an_exhausted_touch_still_trades_at_its_quoted_price() -> None:
    desk = Desk()
    desk.quote("59999.0", "60001.0", ask_size="1")
    desk.order(BUY, "1")
    desk.order(BUY, "1")
    assert desk.fills() == [(D(60001), D(1)), (D(60001), D(1))]


def test_a_quote_that_moves_away_removes_the_better_levels_and_keeps_the_worse() -> None:
    desk = Desk()
    desk.quote("100000.0", "100001.0", bid_size="5")
    desk.quote("99999.0", "100001.0", bid_size="2")
    assert desk.exchange.depth(SYMBOL).bids == ((D(99999), D(2)),)
    desk.quote("100000.5", "100001.0", bid_size="1")
    assert desk.exchange.depth(SYMBOL).bids == ((D("100000.5"), D(1)), (D(99999), D(2)))


def test_a_market_order_without_any_liquidity_expires_unfilled() -> None:
    desk = Desk()
    desk.mark("60000")
    assert desk.order(BUY, "0.01").status is OrderStatus.EXPIRED


TIMES_IN_FORCE = [
    ("GTC rests", TimeInForce.GTC, "3", OrderStatus.PARTIALLY_FILLED, "1"),
    ("IOC expires", TimeInForce.IOC, "3", OrderStatus.EXPIRED, "1"),
    ("FOK fills whole", TimeInForce.FOK, "1", OrderStatus.FILLED, "1"),
]


@pytest.mark.parametrize(("name", "tif", "quantity", "status", "filled"), TIMES_IN_FORCE)
def test_a_crossing_limit_takes_what_its_price_allows_and_its_time_in_force_decides_the_rest(
    deep: Desk, name: str, tif: TimeInForce, quantity: str, status: OrderStatus, filled: str
) -> None:
    order = deep.order(BUY, quantity, "60000.1", tif=tif)
    assert (order.status, order.executed_quantity) == (status, D(filled)), name


@pytest.mark.parametrize(
    ("tif", "price", "quantity", "code"),
    [
        (TimeInForce.FOK, "60000.1", "1.001", -5021),
        (TimeInForce.GTX, "60000.1", "1", -5022),
    ],
)
def test_fok_and_post_only_that_cannot_be_kept_leave_no_record(
    deep: Desk, tif: TimeInForce, price: str, quantity: str, code: int
) -> None:
    assert refusal_of(lambda: deep.order(BUY, quantity, price, tif=tif, client_order_id="x"))[0] == code
    assert refusal_of(lambda: deep.exchange.order("a", SYMBOL, client_order_id="x"))[0] == -2013
    assert deep.drain() == []


def test_a_gtd_order_expires_at_its_second_and_not_before(deep: Desk) -> None:
    till = deep.exchange.now_ms + 700_999
    order = deep.order(BUY, "1", "59000", tif=TimeInForce.GTD, good_till_date_ms=till)
    due = till // 1000 * 1000
    assert order.good_till_date_ms == due
    deep.exchange.advance(due - 1)
    assert deep.now(order).status is OrderStatus.NEW
    deep.exchange.advance(due + 5)
    assert deep.now(order).status is OrderStatus.EXPIRED
    assert deep.now(order).update_time_ms == due


def test_orders_of_two_accounts_meet_in_price_time_priority(deep: Desk) -> None:
    early = deep.order(SELL, "1", "60000.0", account="b")
    late = deep.order(SELL, "1", "60000.0", account="b")
    best = deep.order(SELL, "0.5", "59999.9", account="b", tif=TimeInForce.IOC)
    assert best.executed_quantity == D("0.5")
    deep.order(BUY, "1.5", "60000.1")
    assert deep.now(early, "b").status is OrderStatus.FILLED
    assert deep.now(late, "b").executed_quantity == D("0.5")
    assert deep.trades("b")[-1].maker
    assert deep.fills()[-2:] == [(D(60000), D(1)), (D(60000), D("0.5"))]


def test_what_was_displayed_before_our_order_trades_before_it(deep: Desk) -> None:
    resting = deep.order(SELL, "1", "60000.1", account="b")
    deep.depth([], [("60000.1", "4")])
    deep.order(BUY, "1.5")
    assert deep.now(resting, "b").executed_quantity == D("0.5")
    deep.order(BUY, "2")
    assert deep.now(resting, "b").status is OrderStatus.FILLED
    assert deep.exchange.depth(SYMBOL, 1).asks == ((D("60000.1"), D("1.5")),)


PREVENTION = [
    (SelfTradePrevention.EXPIRE_MAKER, "EXPIRED_IN_MATCH", "FILLED"),
    (SelfTradePrevention.EXPIRE_TAKER, "NEW", "EXPIRED_IN_MATCH"),
    (SelfTradePrevention.EXPIRE_BOTH, "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
    (SelfTradePrevention.NONE, "FILLED", "FILLED"),
]


@pytest.mark.parametrize(("mode", "maker_status", "taker_status"), PREVENTION)
def test_self_trade_prevention_of_the_taker_decides_who_expires(
    deep: Desk, mode: SelfTradePrevention, maker_status: str, taker_status: str
) -> None:
    maker = deep.order(SELL, "1", "60000.0")
    taker = deep.order(BUY, "1", "60000.1", self_trade_prevention=mode)
    assert (deep.now(maker).status.value, deep.now(taker).status.value) == (maker_status, taker_status)
    if mode is not SelfTradePrevention.NONE:
        assert not any(t.price == D(60000) for t in deep.trades())


MATCHES = [
    (BUY, PriceMatch.OPPONENT, "60000.1"),
    (BUY, PriceMatch.QUEUE, "59999.9"),
    (SELL, PriceMatch.OPPONENT, "59999.9"),
    (SELL, PriceMatch.QUEUE, "60000.1"),
]


@pytest.mark.parametrize(("side", "match", "price"), MATCHES)
def test_price_match_takes_its_price_from_the_book(
    deep: Desk, side: Side, match: PriceMatch, price: str
) -> None:
    order = deep.order(side, "1", price_match=match)
    assert order.price == D(price)
    assert order.price_match is match


def test_price_match_counts_five_levels_deep() -> None:
    desk = Desk()
    desk.depth([(f"{60000 - i}", "1") for i in range(6)], [("60001", "1")])
    assert desk.order(BUY, "0.1", price_match=PriceMatch.QUEUE_5).price == D(59996)


def test_cancelling_returns_the_order_and_a_second_cancel_finds_nothing(deep: Desk) -> None:
    order = deep.order(BUY, "1", "59000")
    assert deep.exchange.cancel("a", SYMBOL, client_order_id=order.client_order_id).status.value == "CANCELED"
    assert refusal_of(lambda: deep.exchange.cancel("a", SYMBOL, order_id=order.order_id)) == (
        -2011,
        "Unknown order sent.",
    )
    assert refusal_of(lambda: deep.exchange.cancel("a", SYMBOL, client_order_id="nothing"))[0] == -2011


def test_an_accounts_orders_are_its_own(deep: Desk) -> None:
    order = deep.order(BUY, "1", "59000")
    assert refusal_of(lambda: deep.exchange.cancel("b", SYMBOL, order_id=order.order_id))[0] == -2011
    assert deep.exchange.open_orders("b") == []
    assert [o.order_id for o in deep.exchange.open_orders("a", SYMBOL)] == [order.order_id]


def test_modify_keeps_the_ids_and_loses_the_place_in_the_queue(deep: Desk) -> None:
    first = deep.order(SELL, "1", "60000.0", account="b")
    second = deep.order(SELL, "1", "60000.0", account="b")
    deep.exchange.modify("b", SYMBOL, side=SELL, quantity=D(2), price=D(60000), order_id=first.order_id)
    deep.order(BUY, "1", "60000.0")
    assert deep.now(second, "b").status is OrderStatus.FILLED
    assert deep.now(first, "b").executed_quantity == 0
    assert deep.now(first, "b").quantity == D(2)


def test_modify_reports_an_amendment_and_matches_at_the_new_price(deep: Desk) -> None:
    order = deep.order(BUY, "1", "59000")
    deep.drain()
    changed = deep.exchange.modify(
        "a", SYMBOL, side=BUY, quantity=D(1), price=D("60000.1"), order_id=order.order_id
    )
    assert changed.status is OrderStatus.FILLED
    assert [u.execution_type.value for u in deep.updates()] == ["AMENDMENT", "TRADE"]


def test_modify_refusals_leave_the_order_as_it_was(deep: Desk) -> None:
    deep.exchange.set_leverage("a", SYMBOL, 1)
    order = deep.order(BUY, "1", "59000")
    number = order.order_id
    modify = deep.exchange.modify

    def change(quantity: str | None, price: str | None, order_id: int = number) -> int:
        new_quantity, new_price = decimal(quantity), decimal(price)
        return refusal_of(
            lambda: modify("a", SYMBOL, side=BUY, quantity=new_quantity, price=new_price, order_id=order_id)
        )[0]

    before = deep.now(order)
    assert change("1", "59000") == -5027
    assert change("1", None) == -1102
    assert change(None, "59000") == -1102
    assert change("0.001", "49000") == -5029
    assert change("1", "59000.05") == -4014
    assert change("999", "60000") == -2019
    assert change("1", "59001", order_id=1) == -2011
    assert deep.now(order) == before


def test_an_order_can_be_modified_ten_thousand_times(deep: Desk) -> None:
    number = deep.order(BUY, "1", "59000").order_id

    def change(price: str) -> object:
        return deep.exchange.modify("a", SYMBOL, side=BUY, quantity=D(1), price=D(price), order_id=number)

    for _ in range(5_000):
        change("59001")
        change("59000")
    assert refusal_of(lambda: change("59001"))[0] == -5026


def test_modify_to_what_is_already_executed_or_across_a_post_only_cancels(deep: Desk) -> None:
    partial = deep.order(BUY, "3", "60000.1")
    assert partial.executed_quantity == D(1)
    done = deep.exchange.modify(
        "a", SYMBOL, side=BUY, quantity=D(1), price=D(60000), order_id=partial.order_id
    )
    assert (done.status, done.executed_quantity) == (OrderStatus.CANCELED, D(1))
    post = deep.order(BUY, "1", "59000", tif=TimeInForce.GTX)
    crossed = deep.exchange.modify(
        "a", SYMBOL, side=BUY, quantity=D(1), price=D("60000.2"), order_id=post.order_id
    )
    assert crossed.status is OrderStatus.CANCELED
    assert deep.exchange.open_orders("a") == []


def test_public_events_tell_depth_touch_and_trades_in_order(deep: Desk) -> None:
    deep.order(BUY, "1")
    events = deep.drain()
    public = [type(e) for e in events if e.account_id is None]
    assert public == [TradePrinted, DepthChanged, QuoteChanged]
    depth = next(e for e in events if isinstance(e, DepthChanged))
    assert depth.asks == ((D("60000.1"), D(0)),)
    assert depth.first_update_id == depth.previous_final_update_id + 1
    quote = next(e for e in events if isinstance(e, QuoteChanged)).quote
    assert (quote.bid, quote.ask, quote.ask_quantity) == (D("59999.9"), D("60000.2"), D(2))
    trade = next(e for e in events if isinstance(e, TradePrinted)).trade
    assert not trade.buyer_is_maker
    assert trade.trade_id == deep.trades()[0].trade_id


def test_diffs_add_up_to_the_depth(deep: Desk) -> None:
    levels: dict[str, dict[D, D]] = {"bids": {}, "asks": {}}
    snapshot = deep.exchange.depth(SYMBOL)
    levels["bids"].update(snapshot.bids)
    levels["asks"].update(snapshot.asks)
    last = snapshot.last_update_id
    deep.order(BUY, "0.5", "59990")
    deep.order(SELL, "1.5")
    deep.order(SELL, "2", "60050")
    deep.depth([("59999.9", "0"), ("59998", "7")], [("60000.1", "0.3")])
    for event in deep.drain():
        if isinstance(event, DepthChanged):
            assert event.previous_final_update_id == last
            last = event.final_update_id
            for side, changes in (("bids", event.bids), ("asks", event.asks)):
                levels[side].update(changes)
    now = deep.exchange.depth(SYMBOL)
    assert now.last_update_id == last
    assert {p: q for p, q in levels["bids"].items() if q} == dict(now.bids)
    assert {p: q for p, q in levels["asks"].items() if q} == dict(now.asks)


def test_no_event_is_lost_or_repeated_by_draining(deep: Desk) -> None:
    deep.order(BUY, "1", "59000")
    assert any(isinstance(e, OrderUpdate) for e in deep.drain())
    assert deep.drain() == []


def test_a_crossed_quote_or_depth_is_an_error_of_the_source(deep: Desk) -> None:
    with pytest.raises(ValueError, match="crossed"):
        deep.quote("60001", "60000")
    with pytest.raises(ValueError, match="crossed"):
        deep.depth([("60001", "1")], [("60000", "1")])
    with pytest.raises(KeyError):
        deep.exchange.apply(Quote("NOSUCH", D(1), D(1), D(2), D(1), deep.exchange.now_ms))
