"""Carries out what the engine asks of the exchange: each request on a thread, its outcome told as events."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVarTuple

from orderkit.domain.commands import (
    CancelOrder,
    ListOpenOrders,
    LookAt,
    Query,
    QueryFills,
    QueryOrder,
    SearchOrder,
    SubmitOrder,
)
from orderkit.domain.events import (
    CancelRefused,
    Input,
    ListingFailed,
    LookedAt,
    OpenOrdersListed,
    OrderAbsent,
    OrderReported,
    QueryAnswered,
    QueryFailed,
    SubmitRefused,
    SubmitUnknown,
    TradeReported,
)
from orderkit.domain.looks import AccountFor, BalanceOf, ContractOf, Look, PriceAt, QuoteOf, Seen
from orderkit.domain.order import OrderReport, Rejection
from orderkit.engine.journal import Ticket
from orderkit.errors import ExchangeUnreachable, OrderKitError, OrderNotFound, OutcomeUnknown, RateLimited
from orderkit.exchange.gateway import Gateway

log = logging.getLogger(__name__)

ORDER_THREADS = 8
CANCEL_THREADS = 4
QUERY_THREADS = 2
# Between the attempts of a request that certainly was not executed; after the last one it is refused.
PAUSES_S = (0.2, 0.4, 0.8, 1.6, 3.2)
LONGEST_RATE_LIMIT_S = 65.0

Arguments = TypeVarTuple("Arguments")
OrderQuery = QueryOrder | QueryFills | SearchOrder


class GatewayCalls:
    """Orders, cancels and queries have threads of their own, so that none stands in another's way.

    An order is sent only once the journal's ticket is done.
    """

    def __init__(
        self,
        gateway: Gateway,
        now_ns: Callable[[], int],
        tell: Callable[[Sequence[Input]], None],
        call_later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        """``tell`` and ``call_later`` (s) are called on any thread; once nobody listens they do nothing."""
        self._gateway = gateway
        self._now_ns = now_ns
        self._tell = tell
        self._call_later = call_later
        self._orders = ThreadPoolExecutor(ORDER_THREADS, "order")
        self._cancels = ThreadPoolExecutor(CANCEL_THREADS, "cancel")
        self._queries = ThreadPoolExecutor(QUERY_THREADS, "query")
        self._closed = False
        self.stopping = False  # what was not sent is not sent again

    def submit(self, command: SubmitOrder, ticket: Ticket | None) -> None:
        self._hand(self._orders, self._submit, command, ticket, 0)

    def submit_batch(self, commands: Sequence[SubmitOrder], ticket: Ticket | None) -> None:
        """Several orders in one request; what fails as if it had been sent alone goes on alone."""
        self._hand(self._orders, self._submit_batch, commands, ticket)

    def cancel(self, command: CancelOrder) -> None:
        self._hand(self._cancels, self._cancel, command)

    def ask(self, query: Query) -> None:
        self._hand(self._queries, self._ask, query)

    def close(self) -> None:
        """What has not begun is dropped, and nothing begins any more; idempotent."""
        self._closed = True
        for pool in (self._orders, self._cancels, self._queries):
            pool.shutdown(wait=False, cancel_futures=True)

    def _hand(
        self, pool: ThreadPoolExecutor, call: Callable[[*Arguments], None], *arguments: *Arguments
    ) -> None:
        """On the loop's thread. The call handles every failure of its own: nobody looks at its future."""
        if not self._closed:
            pool.submit(call, *arguments)

    # --- on the threads: orders -------------------------------------------------------------------

    def _submit(self, command: SubmitOrder, ticket: Ticket | None, attempt: int) -> None:
        try:
            if ticket is not None:
                ticket.result()
            early_s = (command.not_before_ns - self._now_ns()) / 1e9
            if early_s > 0 and not self.stopping:
                time.sleep(early_s)
            report = self._gateway.submit(command.client_order_id, command.request)
        except Exception as error:
            self._failed(command, error, attempt)
        else:
            self._tell([OrderReported(report)])

    def _submit_batch(self, commands: Sequence[SubmitOrder], ticket: Ticket | None) -> None:
        try:
            if ticket is not None:
                ticket.result()
            answers = self._gateway.submit_batch([(c.client_order_id, c.request) for c in commands])
        except Exception as error:
            for command in commands:
                self._failed(command, error, 0)
        else:
            for command, answer in zip(commands, answers, strict=True):
                if isinstance(answer, OrderReport):
                    self._tell([OrderReported(answer)])
                else:
                    self._failed(command, answer, 0)

    def _failed(self, command: SubmitOrder, error: Exception, attempt: int) -> None:
        """An order's request brought no report: send it again, or say what is known of its fate."""
        cid = command.client_order_id
        match error:
            case ExchangeUnreachable():
                pause_s = _pause_s(error, attempt)
                if pause_s is None or self.stopping:
                    self._tell([SubmitRefused(cid, _rejection_of(error))])
                else:
                    log.warning("order %s not sent (%s), again in %.1f s", cid, error.message, pause_s)
                    self._call_later(
                        pause_s, lambda: self._hand(self._orders, self._submit, command, None, attempt + 1)
                    )
            case OutcomeUnknown():
                log.warning("order %s: %s", cid, error.message)
                self._tell([SubmitUnknown(cid, error.message)])
            case OrderKitError():
                self._tell([SubmitRefused(cid, _rejection_of(error))])
            case _:
                log.error("order %s: unexpected error, outcome not known", cid, exc_info=error)
                self._tell([SubmitUnknown(cid, repr(error))])

    def _cancel(self, command: CancelOrder) -> None:
        cid = command.ref.client_order_id
        attempt = 0
        while True:
            try:
                report = self._gateway.cancel(command.ref)
            except OrderKitError as error:
                pause_s = _pause_s(error, attempt)
                if pause_s is None:
                    self._tell([CancelRefused(cid, _rejection_of(error))])
                    return
                time.sleep(pause_s)
                attempt += 1
            except Exception as error:
                log.exception("cancel of %s: unexpected error", cid)
                self._tell([CancelRefused(cid, Rejection(kind="internal", message=repr(error)))])
                return
            else:
                self._tell([OrderReported(report)])
                return

    # --- on the threads: questions ----------------------------------------------------------------

    def _ask(self, query: Query) -> None:
        match query:
            case QueryOrder() | QueryFills() | SearchOrder():
                self._ask_about_order(query)
            case ListOpenOrders(symbol):
                asked_ns = self._now_ns()
                try:
                    reports = self._gateway.open_orders(symbol)
                except Exception as error:
                    _log_query(f"open orders of {symbol}", error)
                    self._tell([ListingFailed(symbol, str(error))])
                else:
                    self._tell([OpenOrdersListed(symbol, asked_ns, tuple(reports))])
            case LookAt(look):
                try:
                    value = self._seen(look)
                except Exception as error:
                    _log_query(str(look), error)
                    self._tell([LookedAt(look, None, str(error))])
                else:
                    self._tell([LookedAt(look, value)])

    def _ask_about_order(self, query: OrderQuery) -> None:
        cid = query.ref.client_order_id
        try:
            answer = self._answer(query)
        except OrderNotFound:
            self._tell([OrderAbsent(cid)])
        except Exception as error:
            _log_query(cid, error)
            held_back = isinstance(error, RateLimited) and not error.banned
            self._tell([QueryFailed(cid, str(error), held_back)])
        else:
            self._tell([*answer, QueryAnswered(cid)])

    def _answer(self, query: OrderQuery) -> Sequence[Input]:
        match query:
            case QueryOrder(ref):
                return [OrderReported(self._gateway.query(ref))]
            case SearchOrder(ref, since_ms):
                return [OrderReported(self._gateway.search(ref, since_ms))]
            case QueryFills(ref):
                return [TradeReported(fill) for fill in self._gateway.fills(ref)]

    def _seen(self, look: Look) -> Seen:
        match look:
            case AccountFor(symbol):
                return self._gateway.account([symbol])
            case BalanceOf(asset):
                return self._gateway.balance(asset)
            case ContractOf(symbol):
                return self._gateway.instruments(refresh=True)[symbol]
            case QuoteOf(symbol):
                return self._gateway.quote(symbol)
            case PriceAt(venue, pair):
                return self._gateway.reference_price(venue, pair)


def _pause_s(error: OrderKitError, attempt: int) -> float | None:
    """How long to wait after attempt number ``attempt`` (from 0); None where it was the last."""
    if not isinstance(error, ExchangeUnreachable) or attempt >= len(PAUSES_S):
        return None
    if isinstance(error, RateLimited):
        if error.banned or error.retry_after_s > LONGEST_RATE_LIMIT_S:
            return None
        return max(PAUSES_S[attempt], error.retry_after_s)
    return PAUSES_S[attempt]


def _rejection_of(error: OrderKitError) -> Rejection:
    return Rejection(kind=error.kind, message=error.message, code=error.code, hint=error.hint)


def _log_query(what: str, error: Exception) -> None:
    if isinstance(error, OrderKitError):
        log.warning("query of %s: %s", what, error.message)
    else:
        log.error("query of %s: unexpected error", what, exc_info=error)
