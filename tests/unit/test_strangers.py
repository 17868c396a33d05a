"""Others' trades told from our own by what the journal and the exchange know, in memory."""

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from orderkit.domain.enums import OrderType, Side
from orderkit.domain.job import JobRecord
from orderkit.domain.order import Fill, OrderRef, OrderRequest
from orderkit.engine.journal import OrderIntended
from orderkit.errors import ExchangeUnreachable, OrderNotFound
from orderkit.journal.sqlite import SqliteJournal
from orderkit.runtime.strangers import MARGIN_MS, MOST_NOTICES, Strangers

NOW_MS = 1_800_000_000_000


@dataclass
class Named:
    client_order_id: str


@dataclass
class Exchange:
    """Lists ``fills`` and knows the orders in ``names``; down while ``down``."""

    fills: list[Fill] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    down: bool = False
    asked_ms: list[int] = field(default_factory=list)

    def trades(self, symbol: str, since_ms: int, until_ms: int) -> list[Fill]:
        self.asked_ms.append(since_ms)
        if self.down:
            raise ExchangeUnreachable("down")
        return [f for f in self.fills if f.symbol == symbol and since_ms <= f.time_ms <= until_ms]

    def order(self, ref: OrderRef) -> Named:
        if ref.order_id not in self.names:
            raise OrderNotFound("unknown", code=-2013)
        return Named(self.names[ref.order_id])


def fill(trade_id: int, order_id: int, quantity: str, cid: str = "", side: Side = Side.BUY) -> Fill:
    return Fill(
        "BTCUSDT", cid, order_id, trade_id, side, Decimal(60_000), Decimal(quantity), Decimal(0), "USDT",
        Decimal(0), False, NOW_MS,
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> SqliteJournal:
    """With one order of ours whose number the exchange has not told yet."""
    made = SqliteJournal(tmp_path / "journal.sqlite")
    made.open_job(JobRecord("job", "market", "paper", {}, started_ns=1))
    request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.3"))
    made.append([OrderIntended("job", "ok-job-1", request, 1, None)]).result()
    return made


def strangers(journal: SqliteJournal) -> Strangers:
    return Strangers(journal, "job", lambda: NOW_MS)


def test_an_order_of_ours_without_its_number_is_no_stranger(journal: SqliteJournal) -> None:
    watching = strangers(journal)
    watching.search(Exchange([fill(1, 7, "0.3")], {7: "ok-job-1"}), ["BTCUSDT"], NOW_MS - 1)
    assert watching.notices == []
    journal.close()


def test_whoever_meets_a_stranger_does_not_wait_while_another_one_is_written_down(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = strangers(journal)
    writing, written = threading.Event(), threading.Event()

    def slow(_: str) -> bool:
        writing.set()
        return written.wait(10)

    monkeypatch.setattr(journal, "knows_order", slow)
    watching.met([], ["web-1"])
    reporting = threading.Thread(target=watching.report)
    reporting.start()
    assert writing.wait(10)
    meeting = threading.Thread(target=watching.met, args=([], ["web-2"]))
    meeting.start()
    meeting.join(5)
    assert not meeting.is_alive()
    written.set()
    reporting.join(10)
    journal.close()


def test_an_orders_trades_are_one_notice_and_each_counts_once(journal: SqliteJournal) -> None:
    watching = strangers(journal)
    exchange = Exchange([fill(1, 8, "0.1"), fill(2, 8, "0.2")], {8: "web-1"})
    for _ in range(2):
        watching.search(exchange, ["BTCUSDT"], NOW_MS - 1)
    watching.met([fill(1, 8, "0.1", "web-1"), fill(3, 8, "0.4", "web-1", Side.SELL)], ())
    watching.report()
    assert [notice.partition(" was changed by ")[2].partition(",")[0] for notice in watching.notices] == [
        "+0.3 by order web-1",
        "-0.4 by order web-1",
    ]
    journal.close()


def test_an_order_that_rests_and_then_trades_is_told_as_both(journal: SqliteJournal) -> None:
    watching = strangers(journal)
    watching.met([], {"web-2"})
    watching.report()
    watching.met([fill(4, 9, "0.1", "web-2")], {"web-2"})
    watching.report()
    assert len(watching.notices) == 2
    journal.close()


def test_an_order_that_the_exchange_has_forgotten_is_named_by_its_number(journal: SqliteJournal) -> None:
    watching = strangers(journal)
    watching.search(Exchange([fill(5, 11, "0.1")]), ["BTCUSDT"], NOW_MS - 1)
    assert "order number 11" in watching.notices[0]
    journal.close()


def test_a_search_that_failed_is_made_again_from_where_it_was(journal: SqliteJournal) -> None:
    watching, exchange = strangers(journal), Exchange(down=True)
    since_ms = NOW_MS - 600_000
    watching.search(exchange, ["BTCUSDT"], since_ms)
    exchange.down = False
    for _ in range(2):
        watching.search(exchange, ["BTCUSDT"], since_ms)
    assert exchange.asked_ms == [since_ms, since_ms, NOW_MS - MARGIN_MS]
    journal.close()


def test_others_who_trade_all_day_do_not_fill_the_journal(journal: SqliteJournal) -> None:
    watching = strangers(journal)
    for number in range(2 * MOST_NOTICES):
        watching.met([fill(100 + number, number, "0.1", f"web-{number}")], ())
        watching.report()
    assert len(watching.notices) == MOST_NOTICES
    assert watching.notices[-1].endswith("what follows is not told any more")
    journal.close()
