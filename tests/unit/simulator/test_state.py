"""State out and in: a restored exchange is the exchange that was saved."""

import json
from decimal import Decimal
from typing import Any

from orderkit.domain.enums import OrderType, PriceMatch
from orderkit.domain.instrument import Instrument
from orderkit.simulator.exchange import SimulatedExchange
from tests.unit.simulator.desk import BRACKETS, BUY, SELL, START_MS, SYMBOL, D, Desk, btc_info


def busy_desk() -> Desk:
    """Fills, a position, resting and cancelled orders, waiting and finished conditional orders, settings."""
    desk = Desk()
    desk.depth([("59999.9", "5"), ("59990", "5")], [("60000.0", "5")], snapshot=True)
    desk.exchange.set_leverage("a", SYMBOL, 10)
    desk.order(BUY, "0.3")
    desk.order(SELL, "0.1", "60100", reduce_only=True)
    desk.order(BUY, "0.2", price_match=PriceMatch.QUEUE)
    cancelled = desk.order(BUY, "0.2", "59000")
    desk.exchange.cancel("a", SYMBOL, order_id=cancelled.order_id)
    desk.algo(SELL, OrderType.STOP_MARKET, "59000", close_position=True)
    desk.algo(SELL, OrderType.TRAILING_STOP_MARKET, None, "0.1", callback_rate=D("0.5"), reduce_only=True)
    desk.algo(BUY, OrderType.STOP_MARKET, "60050", "0.01")
    desk.trade("60050", "0.01", seller_hits=False)
    desk.order(SELL, "0.4", "60000", account="b")
    desk.order(SELL, "0.1", "61000", account="b")
    desk.exchange.deposit("b", "USDT", D(50))
    desk.exchange.set_commission_rates("b", maker=D(0), taker=D("0.0003"))
    desk.exchange.countdown_cancel_all("b", SYMBOL, 60_000)
    desk.mark("60000")
    desk.exchange.settle_funding(SYMBOL, D("0.0001"))
    desk.exchange.open_account("c", {"USDT": D(3100)})
    desk.exchange.set_margin_type("c", SYMBOL, isolated=True)
    desk.depth([("60000", "5")], [("60000.1", "5")])
    desk.order(BUY, "0.9", account="c")
    desk.exchange.change_position_margin("c", SYMBOL, D(5), add=True)
    desk.mark("50000")
    desk.mark("60000")
    desk.order(BUY, "0.001", account="c")
    return desk


def new_exchange() -> SimulatedExchange:
    instrument = Instrument.from_exchange_info(btc_info())
    return SimulatedExchange([instrument], {SYMBOL: BRACKETS}, now_ms=START_MS)


def test_a_restored_exchange_answers_every_question_as_before() -> None:
    desk = busy_desk()
    before = desk.exchange
    after = new_exchange()
    after.restore_state(json.loads(json.dumps(before.export_state())))
    assert after.export_state() == before.export_state()
    for account in ("a", "b", "c"):
        assert after.open_orders(account) == before.open_orders(account)
        assert after.all_orders(account) == before.all_orders(account)
        assert after.user_trades(account, SYMBOL) == before.user_trades(account, SYMBOL)
        assert after.all_algo_orders(account) == before.all_algo_orders(account)
        assert after.income(account) == before.income(account)
        assert after.force_orders(account) == before.force_orders(account)
        assert after.commission_rates(account, SYMBOL) == before.commission_rates(account, SYMBOL)
        assert after.position_margin_history(account, SYMBOL) == before.position_margin_history(
            account, SYMBOL
        )
    assert before.force_orders("c")
    assert before.insurance_balance("USDT")
    assert after.insurance_balance("USDT") == before.insurance_balance("USDT")
    assert after.funding_history() == before.funding_history()
    after.apply(before.mark(SYMBOL))
    before.apply(before.mark(SYMBOL))
    for account in ("a", "b", "c"):
        assert after.account(account) == before.account(account)
    assert after.open_interest(SYMBOL) == before.open_interest(SYMBOL)


def test_a_restored_countdown_runs_out_and_a_store_may_keep_null_for_what_is_gone() -> None:
    desk = busy_desk()
    saved = desk.exchange.export_state()
    saved["orders"]["800000000000"] = None
    after = new_exchange()
    after.restore_state(saved)
    assert after.open_orders("b")
    after.advance(desk.exchange.now_ms + 60_000)
    assert after.open_orders("b") == []


def test_restored_orders_trade_on_and_ids_continue() -> None:
    desk = busy_desk()
    exchange = new_exchange()
    exchange.restore_state(desk.exchange.export_state())
    newest = max(o.order_id for o in desk.exchange.all_orders("a"))
    restored = Desk()
    restored.exchange = exchange
    restored.depth([("60100.1", "9")], [("60200", "9")], snapshot=True)
    assert exchange.user_trades("a", SYMBOL)[-1].price == D(60100)
    order = restored.order(BUY, "0.01", client_order_id="after")
    assert order.order_id > newest
    ids = [t.trade_id for t in exchange.user_trades("a", SYMBOL)]
    assert ids == sorted(set(ids))


def test_a_restored_order_queues_behind_what_is_displayed_first() -> None:
    desk = Desk()
    desk.quote("60000", "60001")
    order = desk.order(BUY, "1", "59999")
    restored = Desk()
    restored.exchange = new_exchange()
    restored.exchange.restore_state(desk.exchange.export_state())
    restored.trade("59999", "1", seller_hits=True)
    restored.quote("59999", "60001", bid_size="2")
    restored.trade("59999", "2.5", seller_hits=True)
    assert restored.now(order).executed_quantity == D("0.5")


def test_upserting_the_changes_keeps_a_store_equal_to_the_full_state() -> None:
    desk = Desk()
    store: dict[str, dict[str, Any]] = {}

    def persist() -> None:
        for table, records in desk.exchange.export_changes().items():
            store.setdefault(table, {}).update(records)

    persist()
    for step in range(6):
        desk.quote(str(60000 + step * 50), str(60001 + step * 50))
        desk.order(BUY, "0.1")
        desk.order(SELL, "0.05", str(60100 + step), reduce_only=True)
        if step % 2:
            desk.algo(SELL, OrderType.STOP_MARKET, "59000", "0.1", reduce_only=True)
            desk.exchange.cancel_all("a", SYMBOL)
            desk.exchange.deposit("a", "USDT", D(1))
            desk.exchange.settle_funding(SYMBOL, D("0.0001"))
        persist()
    assert store == desk.exchange.export_state()
    changes = desk.exchange.export_changes()
    assert not any(records for table, records in changes.items() if table != "counters")


def test_the_same_calls_give_the_same_events_and_state() -> None:
    first, second = busy_desk(), busy_desk()
    assert first.drain() == second.drain()
    assert first.exchange.export_state() == second.exchange.export_state()


def test_pages_of_orders_and_trades_ascend_and_start_where_asked() -> None:
    desk = Desk()
    desk.quote("60000", "60001")
    orders = [desk.order(BUY, "0.01") for _ in range(5)]
    ids = [o.order_id for o in orders]
    exchange = desk.exchange
    assert [o.order_id for o in exchange.all_orders("a", SYMBOL, limit=2)] == ids[-2:]
    assert [o.order_id for o in exchange.all_orders("a", SYMBOL, order_id=ids[1], limit=2)] == ids[1:3]
    trades = exchange.user_trades("a", SYMBOL)
    assert [t.order_id for t in trades] == ids
    assert exchange.user_trades("a", SYMBOL, from_id=trades[2].trade_id) == trades[2:]
    assert exchange.user_trades("a", SYMBOL, order_id=ids[3]) == trades[3:4]
    assert exchange.user_trades("a", SYMBOL, end_ms=START_MS) == []
    assert sum((t.quantity for t in exchange.user_trades("a")), Decimal(0)) == D("0.05")
