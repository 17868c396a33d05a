"""From an HTTP request to an endpoint's answer: parameters, limits, faults, authentication, errors."""

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from orderkit.paper.admission import Credentials, admit, execute
from orderkit.paper.endpoint import Call, Endpoint
from orderkit.paper.fault_kinds import Action, Moment
from orderkit.paper.faults import UNKNOWN_BODY, FaultRequest
from orderkit.paper.host import PaperExchange
from orderkit.paper.limits import LimitExceeded
from orderkit.paper.parameters import Parameters, merge
from orderkit.paper.signature import signed_texts
from orderkit.simulator.types import ExchangeError

logger = logging.getLogger(__name__)

API_KEY_HEADER = "X-MBX-APIKEY"


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
        call = Call(exchange, parameters, now_ms)
        credentials = Credentials(request.headers.get(API_KEY_HEADER), lambda: signed_texts(query, body))
        try:
            if admit(endpoint, call, credentials):
                short, long = exchange.limiter.order_counts(call.account_id, now_ms)
                headers |= {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1M": str(long)}
            response = json_response(await execute(endpoint, call))
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
                await self._exchange.faults.hold(
                    lambda: request.transport is None or request.transport.is_closing()
                )
        if request.transport is not None:
            request.transport.close()
        return None


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
