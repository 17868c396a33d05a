"""From an HTTP request to an endpoint's answer: parameters, limits, faults, authentication, errors."""

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from orderkit.paper.authentication import check_signature, check_timestamp, identify
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.faults import UNKNOWN_BODY, Action, FaultRequest, Moment
from orderkit.paper.host import PaperExchange
from orderkit.paper.limits import LimitExceeded
from orderkit.paper.parameters import Parameters, merge
from orderkit.paper.signature import signed_texts
from orderkit.simulator.types import ExchangeError

logger = logging.getLogger(__name__)

API_KEY_HEADER = "X-MBX-APIKEY"
# How often a held request looks whether its client is still there.
HOLD_POLL_S = 0.1


def json_response(
    document: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(document), status=status, content_type="application/json", headers=headers
    )


def error_response(
    code: int, message: str, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    return json_response({"code": code, "msg": message}, status, headers)


class Dispatcher:
    """Answers requests for the endpoints of one exchange."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange

    async def handle(self, request: web.Request, endpoint: Endpoint) -> web.StreamResponse:
        """Answer one request, with the fault that a test may have asked for."""
        exchange = self._exchange
        query = request.raw_path.partition("?")[2]
        body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        now_ms = exchange.now_ms()
        try:
            values = merge(query, body)
        except ValueError:
            return error_response(-1101, "Too many parameters sent for this endpoint.", 400)
        entry = exchange.requests.add(endpoint.method, endpoint.path, values, now_ms)
        fault = exchange.faults.striking(endpoint.method, endpoint.path)
        response: web.Response | None = None
        if fault is not None and fault.apply is Moment.BEFORE:
            response = await self._suffer(fault, request)
            if fault.action is not Action.DELAY:
                entry.status = response.status if response is not None else None
                return response or web.Response(status=503)
        response = await self._answer(endpoint, request, Parameters(values), query, body)
        if fault is not None and fault.apply is Moment.AFTER:
            replaced = await self._suffer(fault, request)
            if fault.action is not Action.DELAY:
                entry.status = replaced.status if replaced is not None else None
                return replaced or web.Response(status=503)
        entry.status = response.status
        return response

    async def _answer(
        self, endpoint: Endpoint, request: web.Request, parameters: Parameters, query: str, body: str
    ) -> web.Response:
        exchange = self._exchange
        headers: dict[str, str] = {}
        # A delayed request is executed, and its timestamp judged, when it arrives late.
        now_ms = exchange.now_ms()
        try:
            weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
            exchange.limiter.count_weight(weight, now_ms)
            call = Call(exchange, parameters, now_ms)
            if endpoint.security is not Security.NONE:
                call.key = identify(exchange, request.headers.get(API_KEY_HEADER))
            if endpoint.security is Security.SIGNED:
                assert call.key is not None
                parameters.required("signature")
                check_timestamp(parameters, now_ms)
                check_signature(call.key, parameters, signed_texts(query, body))
            orders = endpoint.orders if isinstance(endpoint.orders, int) else endpoint.orders(parameters)
            if orders:
                exchange.limiter.count_orders(call.account_id, orders, now_ms)
                short, long = exchange.limiter.order_counts(call.account_id, now_ms)
                headers |= {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1M": str(long)}
            response = await self._execute(endpoint, call)
        except LimitExceeded as error:
            headers["Retry-After"] = str(error.retry_after_s)
            response = error_response(error.code, error.message, error.http_status)
        except ExchangeError as error:
            response = error_response(error.code, error.message, error.http_status)
        except Exception:
            logger.exception("%s %s failed", endpoint.method, endpoint.path)
            response = json_response(UNKNOWN_BODY, 503)
        headers["X-MBX-USED-WEIGHT-1M"] = str(exchange.limiter.used_weight(now_ms))
        response.headers.update(headers)
        return response

    async def _execute(self, endpoint: Endpoint, call: Call) -> web.Response:
        exchange = self._exchange
        if not endpoint.changes:
            return json_response(endpoint.handler(call))
        exchange.advance()
        try:
            document = endpoint.handler(call)
        finally:
            exchange.touch()
        await exchange.settled()
        return json_response(document)

    async def _suffer(self, fault: FaultRequest, request: web.Request) -> web.Response | None:
        """Do what the fault says. None where no answer is given, and after a delay."""
        match fault.action:
            case Action.DELAY:
                await asyncio.sleep(fault.delay_ms / 1000)
                return None
            case Action.ERROR:
                body: object = UNKNOWN_BODY if fault.body is None else fault.body
                if isinstance(body, str):
                    return web.Response(
                        text=body, status=fault.status, content_type="text/html", headers=fault.headers
                    )
                return json_response(body, fault.status, fault.headers)
            case Action.HOLD:
                await self._hold(request)
        if request.transport is not None:
            request.transport.close()
        return None

    async def _hold(self, request: web.Request) -> None:
        """Wait until the faults are cleared or the client has gone."""
        cleared = self._exchange.faults.cleared
        while not cleared.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            try:
                await asyncio.wait_for(cleared.wait(), HOLD_POLL_S)
            except TimeoutError:
                continue


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is answered as {code, msg}: clients decode every error as JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if error.status in (404, 405):
            return error_response(
                -5000, f"Path {request.path}, Method {request.method} is invalid", error.status
            )
        return error_response(-1000, error.reason, error.status)
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return json_response(UNKNOWN_BODY, 503)
