"""The WebSocket API's connections: requests in, answers out, several at a time on each."""

import asyncio
import logging
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from orderkit.paper.admission import Credentials, admit, execute
from orderkit.paper.dispatch import error_response
from orderkit.paper.endpoint import Call, Endpoint, Session
from orderkit.paper.fault_kinds import Action, Moment
from orderkit.paper.faults import UNKNOWN_BODY, FaultRequest
from orderkit.paper.host import PaperExchange
from orderkit.paper.limits import LimitExceeded
from orderkit.paper.parameters import Parameters
from orderkit.paper.request_log import ReceivedRequest
from orderkit.paper.streams.sockets import GOING_AWAY, LIFE_S, PING_INTERVAL_S
from orderkit.paper.websocket_api.message import NO_ID, rate_limits, read, signed_texts
from orderkit.paper.websocket_api.methods import METHOD, METHODS
from orderkit.simulator.types import ExchangeError

logger = logging.getLogger(__name__)

PATH = "/ws-fapi/v1"
MAX_MESSAGE_BYTES = 64 * 1024
HANDSHAKE_WEIGHT = 5
# Requests of one connection that are under way at a time; the next is read when one is answered.
MAX_UNDER_WAY = 64

Answer = dict[str, Any]


class ApiSockets:
    """Serves the WebSocket API of one exchange; a connection is closed when it is ``life_s`` old."""

    def __init__(self, exchange: PaperExchange, *, life_s: float = LIFE_S) -> None:
        self._exchange = exchange
        self._life_s = life_s

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        exchange = self._exchange
        now_ms = exchange.now_ms()
        try:
            exchange.limiter.count_weight(HANDSHAKE_WEIGHT, now_ms)
        except LimitExceeded as error:
            headers = {"Retry-After": str(error.retry_after_s)}
            return error_response(error.code, error.message, error.http_status, headers)
        socket = web.WebSocketResponse(
            heartbeat=PING_INTERVAL_S, compress=False, max_msg_size=MAX_MESSAGE_BYTES
        )
        if not socket.can_prepare(request):
            return error_response(-1000, "This path is for WebSocket.", 400)
        await socket.prepare(request)
        wants_limits = request.query.get("returnRateLimits", "true") != "false"
        connection = _Connection(exchange, request, socket, Session(now_ms, wants_limits))
        try:
            async with asyncio.timeout(self._life_s):
                await connection.run()
        except TimeoutError:
            await socket.close(code=GOING_AWAY)
        return socket


class _Connection:
    """One client's connection."""

    def __init__(
        self,
        exchange: PaperExchange,
        request: web.Request,
        socket: web.WebSocketResponse,
        session: Session,
    ) -> None:
        self._exchange = exchange
        self._request = request
        self._socket = socket
        self._session = session
        self._room = asyncio.Semaphore(MAX_UNDER_WAY)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until the connection ends. What was received by then is executed, answered or not."""
        self._exchange.open_connections[self] = self.cut_off
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                await self._room.acquire()
                task = asyncio.create_task(self._handle(message.data))
                self._under_way.add(task)
                task.add_done_callback(self._done)
        finally:
            del self._exchange.open_connections[self]
            if self._under_way:
                await asyncio.gather(*self._under_way, return_exceptions=True)

    def cut_off(self) -> None:
        """End the connection at once, without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._room.release()

    async def _handle(self, text: str) -> None:
        try:
            answer = await self._answer(text)
            if answer is not None:
                await self._socket.send_frame(msgspec.json.encode(answer), WSMsgType.TEXT)
        except ConnectionError:
            pass  # the client has gone; what it asked for is done
        except Exception:
            logger.exception("a WebSocket API request failed")

    async def _answer(self, text: str) -> Answer | None:
        """The answer to one message; None when a fault leaves it without."""
        exchange = self._exchange
        now_ms = exchange.now_ms()
        try:
            request = read(text)
        except ExchangeError as error:
            return {"id": NO_ID} | _refusal(error) | {"rateLimits": rate_limits(exchange.limiter, now_ms)}
        parameters = request.parameters
        head = {"id": request.id}
        endpoint = METHODS.get(request.method)
        if endpoint is None:
            unknown = ExchangeError(-5000, f"Method {request.method[:64]} is invalid")
            return head | _refusal(unknown) | {"rateLimits": rate_limits(exchange.limiter, now_ms)}
        entry = exchange.requests.add(METHOD, endpoint.path, parameters, now_ms)
        fault = exchange.faults.striking(METHOD, endpoint.path)
        if fault is not None and fault.apply is Moment.BEFORE:
            replaced = await self._suffer(fault, entry)
            if fault.action is not Action.DELAY:
                return replaced and head | replaced
        answer = await self._execute(endpoint, parameters)
        if fault is not None and fault.apply is Moment.AFTER:
            replaced = await self._suffer(fault, entry)
            if fault.action is not Action.DELAY:
                return replaced and head | replaced
        entry.status = answer["status"]
        return head | answer

    async def _execute(self, endpoint: Endpoint, parameters: dict[str, str]) -> Answer:
        exchange, session = self._exchange, self._session
        now_ms = exchange.now_ms()
        call = Call(exchange, Parameters(parameters), now_ms, session=session)
        credentials = Credentials(parameters.get("apiKey"), lambda: signed_texts(parameters), session.key)
        try:
            admit(endpoint, call, credentials)
            answer: Answer = {"status": 200, "result": await execute(endpoint, call)}
        except LimitExceeded as error:
            answer = _refusal(error)
            answer["error"]["data"] = {
                "serverTime": now_ms,
                "retryAfter": now_ms + 1000 * error.retry_after_s,
            }
        except ExchangeError as error:
            answer = _refusal(error)
        except Exception:
            logger.exception("%s failed", endpoint.path)
            answer = {"status": 503, "error": dict(UNKNOWN_BODY)}
        wants_limits = parameters.get("returnRateLimits", "").lower()
        if wants_limits == "true" or (wants_limits != "false" and session.return_rate_limits):
            counted = call.key.account_id if endpoint.orders and call.key else None
            answer["rateLimits"] = rate_limits(exchange.limiter, now_ms, counted)
        return answer

    async def _suffer(self, fault: FaultRequest, entry: ReceivedRequest) -> Answer | None:
        """Do what the fault says. None where no answer is given, and after a delay."""
        match fault.action:
            case Action.DELAY:
                await asyncio.sleep(fault.delay_ms / 1000)
            case Action.ERROR:
                body = UNKNOWN_BODY if fault.body is None else fault.body
                error = {"code": -1000, "msg": body} if isinstance(body, str) else body
                entry.status = fault.status
                return {
                    "status": fault.status,
                    "error": error,
                    "rateLimits": rate_limits(self._exchange.limiter, self._exchange.now_ms()),
                }
            case Action.HOLD:
                await self._exchange.faults.hold(lambda: self._socket.closed)
                self.cut_off()
            case Action.DROP:
                self.cut_off()
        return None


def _refusal(error: ExchangeError) -> Answer:
    return {"status": error.http_status, "error": {"code": error.code, "msg": error.message}}
