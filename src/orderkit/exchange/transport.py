"""One request to the exchange: paced, with the right clock and address, its failure explained."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from orderkit.config import Endpoints, Settings, get_client
from orderkit.domain.enums import Environment
from orderkit.errors import ClockSkew, OrderKitError, RateLimited
from orderkit.exchange.budget import Limits
from orderkit.exchange.client_pool import ClientPool
from orderkit.exchange.clock import ExchangeClock
from orderkit.exchange.failures import Call, from_answer, from_exception, never_sent
from orderkit.exchange.pacing import Pacer
from orderkit.exchange.weights import cost_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

RESOLVE_PAUSE_S = 2.0
# What reading an answer of an unexpected shape raises.
_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, ArithmeticError)


class _Refused(Exception):
    """Nobody listens at the exchange's address; ``failure`` is how the caller is told."""

    def __init__(self, failure: OrderKitError) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Link:
    """What belongs to one address of the exchange."""

    endpoints: Endpoints
    pool: ClientPool
    pacer: Pacer


@dataclass(slots=True)
class _Answered:
    """How far a request came, for the budget."""

    sent: bool = False
    headers: Mapping[str, str] | None = None


class Transport:
    """Makes requests with python-binance; safe to use from several threads.

    A request is repeated only where the first one certainly had no effect and something was set right since:
    after -1021 with the clock measured, and on paper after a refused connection, when the exchange has come
    back at another address.
    """

    def __init__(self, settings: Settings, endpoints: Endpoints | None) -> None:
        self.settings = settings
        self._resolve_lock = threading.Lock()
        self._resolved_at_s = -math.inf
        self._resolved = False
        endpoints = endpoints or Endpoints.of(settings)
        self.clock = ExchangeClock(
            settings.home / "cache" / f"clock-{settings.environment.value}.json", endpoints.rest
        )
        self._link = self._connect(endpoints)

    @property
    def endpoints(self) -> Endpoints:
        """Where the exchange answers; on paper this can change."""
        return self._link.endpoints

    @property
    def pacer(self) -> Pacer:
        return self._link.pacer

    def call(
        self,
        call: Call,
        method: str,
        params: Mapping[str, Any] | None,
        read: Callable[[Any], T] = lambda raw: raw,
    ) -> T:
        """Call the client's ``method`` and ``read`` its answer, with every failure as the taxonomy has it."""
        offset_ms = self.clock.offset_ms
        try:
            raw = self._request(call, method, params, offset_ms)
        except ClockSkew:
            self.clock.resync(offset_ms, self._server_time_ms)
            logger.warning("the local clock is off by %d ms, sending again", self.clock.offset_ms)
            raw = self._request(call, method, params, self.clock.offset_ms)
        return self.read(call, raw, read)

    def read(self, call: Call, raw: Any, read: Callable[[Any], T]) -> T:
        """``read`` an answer that may have any shape."""
        try:
            return read(raw)
        except _UNREADABLE as error:
            raise call.uncertain("the exchange's answer cannot be read") from error

    def close(self) -> None:
        """Close all connections; requests that wait for their turn end as RateLimited. Idempotent."""
        self._link.pacer.close()
        self._link.pool.close()

    def _connect(self, endpoints: Endpoints) -> _Link:
        pacer = Pacer(
            endpoints.rest,
            str(endpoints.api_key),
            Limits.of(self.settings.environment),
            self.clock.now_ms,
            shared_by_key=endpoints.is_loopback,
        )
        return _Link(endpoints, ClientPool(partial(get_client, self.settings, endpoints)), pacer)

    def _request(self, call: Call, method: str, params: Mapping[str, Any] | None, offset_ms: int) -> Any:
        moved = False
        while True:
            link = self._link
            ticket = link.pacer.take(cost_of(method, params or {}), call.action)
            answered = _Answered()
            try:
                return self._send(link, call, method, params or {}, offset_ms, answered)
            except _Refused as refused:
                if moved or not self._found_elsewhere(link):
                    raise refused.failure from refused.__cause__
                moved = True
            finally:
                link.pacer.settle(ticket, answered.headers, sent=answered.sent)

    def _send(
        self,
        link: _Link,
        call: Call,
        method: str,
        params: Mapping[str, Any],
        offset_ms: int,
        answered: "_Answered",
    ) -> Any:
        with link.pool.borrow() as client:
            client.timestamp_offset = offset_ms
            answered.sent = True
            try:
                return getattr(client, method)(**params)
            except Exception as error:
                # Whatever went wrong: with an answer its status decides (the client's own exceptions fail
                # on some bodies), without one how far the request came.
                response = client.response
                failure = self._explain(call, response, error)
                logger.info("%s [%s]", failure, failure.kind, exc_info=error if response is None else None)
                if response is None and never_sent(error):
                    answered.sent = False
                    raise _Refused(failure) from error
                if isinstance(failure, RateLimited):
                    link.pacer.halt(failure)
                raise failure from error
            finally:
                if client.response is not None:
                    answered.headers = client.response.headers

    def _explain(self, call: Call, response: Any, error: Exception) -> OrderKitError:
        if response is not None:
            return from_answer(
                call, response.status_code, response.headers, response.text, now_ms=self.clock.now_ms()
            )
        return from_exception(call, error)

    def _found_elsewhere(self, failed: _Link) -> bool:
        """True when the exchange has another address by now: the paper exchange restarts on a free port.

        Looking for it starts it where it is gone, so this is done once in a while, by one thread.
        """
        if self.settings.environment is not Environment.PAPER:
            return False
        with self._resolve_lock:
            if self._link is not failed:
                return True
            if time.monotonic() - self._resolved_at_s < RESOLVE_PAUSE_S:
                return self._resolved  # another thread has just looked, and may have found it where it was
            self._resolved = False
            try:
                endpoints = Endpoints.of(self.settings)
            except (OrderKitError, OSError) as error:
                logger.warning("the paper exchange cannot be found or started: %s", error)
                return False
            finally:
                self._resolved_at_s = time.monotonic()
            self._resolved = True
            if endpoints == failed.endpoints:
                return True
            logger.warning("the paper exchange is at %s now", endpoints.rest)
            self._link = self._connect(endpoints)
        failed.pacer.close()
        failed.pool.close()
        return True

    def _server_time_ms(self) -> int:
        call = Call("exchange time")
        raw = self._request(call, "futures_time", None, 0)
        return self.read(call, raw, lambda answer: int(answer["serverTime"]))
