"""The paper exchange as a process: builds it, serves it on loopback, ends it in order."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from orderkit.errors import ConfigurationError
from orderkit.paper import state
from orderkit.paper.dispatch import Dispatcher, json_errors
from orderkit.paper.endpoint import Endpoint
from orderkit.paper.host import PaperExchange
from orderkit.paper.markets import DEFAULT_SEED, open_market
from orderkit.paper.pump import Pump, beat, open_pump
from orderkit.paper.routes import account, algo, funding, listen_key, market, statements, trading
from orderkit.paper.routes.control import Control
from orderkit.paper.state import PaperInfo
from orderkit.paper.store import Store
from orderkit.paper.streams.sockets import StreamSockets
from orderkit.paper.websocket_api.sockets import ApiSockets

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_BODY_BYTES = 1024 * 1024
BACKLOG = 1024
# Some clients put whole batches into the query.
MAX_LINE_BYTES = 64 * 1024
# A predecessor that is just ending still holds the home for a moment.
PREDECESSOR_TIMEOUT_S = 5.0
IDLE_CHECK_S = 0.25
ENDPOINTS: tuple[Endpoint, ...] = (
    *market.ENDPOINTS,
    *funding.ENDPOINTS,
    *trading.ENDPOINTS,
    *algo.ENDPOINTS,
    *account.ENDPOINTS,
    *statements.ENDPOINTS,
    *listen_key.ENDPOINTS,
)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    ``port`` 0 takes this home's last one if it is free, else any; ``idle_timeout_s`` 0 never ends by itself.
    """

    home: Path
    market: str = "synthetic"
    data_dir: Path | None = None
    seed: int = DEFAULT_SEED
    symbols: tuple[str, ...] = ()
    speed: float = 1.0
    loop: bool = False
    port: int = 0
    idle_timeout_s: float = 0.0


class Activity:
    """When the exchange was last used."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def note(self) -> None:
        self._last = time.monotonic()

    def idle_s(self) -> float:
        return time.monotonic() - self._last


def serve(options: ServeOptions, announce: Callable[[PaperInfo], None]) -> None:
    """Serve until told to stop (signal, POST /paper/shutdown, idle); ``announce`` is called once ready.

    Raises:
        ConfigurationError: the market cannot be opened, the port is taken, or this home's exchange runs.
    """
    from filelock import FileLock, Timeout

    state.directory(options.home)
    lock = FileLock(state.lifetime_lock(options.home), timeout=PREDECESSOR_TIMEOUT_S)
    try:
        lock.acquire()
    except Timeout:
        raise ConfigurationError(
            f"a paper exchange of {options.home} is running already",
            hint="stop it first (paper stop), or name another home in ORDERKIT_HOME",
        ) from None
    try:
        asyncio.run(_serve(options, announce))
    finally:
        lock.release()


async def _serve(options: ServeOptions, announce: Callable[[PaperInfo], None]) -> None:
    contracts, source = open_market(
        options.market,
        data_dir=options.data_dir,
        seed=options.seed,
        symbols=options.symbols,
        loop=options.loop,
    )
    with contextlib.ExitStack() as opened:
        store = Store(state.account_file(options.home))
        opened.callback(store.close)  # unless the exchange comes up, and then closes it itself
        exchange = PaperExchange(contracts, store, market=options.market)
        pump = open_pump(exchange, source, speed=options.speed)
        await pump.prime()
        opened.pop_all()
    stopping = asyncio.Event()
    activity = Activity()
    instance = secrets.token_hex(16)

    def status() -> dict[str, object]:
        return {
            "running": True,
            "pid": os.getpid(),
            "instance": instance,
            "market": options.market,
            "symbols": list(exchange.instruments),
            "started": exchange.started_ms,
            "streams": len(exchange.hub.subscribers),
        }

    control = Control(exchange, status=status, shut_down=stopping.set)
    runner = web.AppRunner(
        _application(exchange, control, activity),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=1.0,
        max_line_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    try:
        port = await _listen(runner, options.home, options.port)
        info = PaperInfo(
            pid=os.getpid(),
            rest=f"http://{HOST}:{port}",
            ws=f"ws://{HOST}:{port}",
            market=options.market,
            api_key=exchange.default_key.api_key,
            api_secret=exchange.default_key.material,
            instance=instance,
        )
        await _run(options, exchange, pump, activity, stopping, lambda: _ready(options, info, announce))
    finally:
        state.remove(options.home, instance)
        exchange.cut_all()
        exchange.faults.clear()
        await runner.cleanup()
        exchange.close()


def _ready(options: ServeOptions, info: PaperInfo, announce: Callable[[PaperInfo], None]) -> None:
    # What is loaded by now stays: the collector need not look at it again during a request.
    gc.collect()
    gc.freeze()
    state.write(options.home, info)
    announce(info)


async def _run(
    options: ServeOptions,
    exchange: PaperExchange,
    pump: Pump,
    activity: Activity,
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Feed and beat until ``stopping``; a failure of either ends the exchange and is raised."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stopping.set)
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(beat(exchange)),
        asyncio.create_task(_feed(pump)),
        asyncio.create_task(stopping.wait()),
    ]
    if options.idle_timeout_s:
        tasks.append(asyncio.create_task(_idle(exchange, activity, options.idle_timeout_s)))
    ready()
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _feed(pump: Pump) -> None:
    await pump.run()
    await asyncio.Event().wait()  # the market stands still, the exchange goes on


async def _idle(exchange: PaperExchange, activity: Activity, timeout_s: float) -> None:
    """Return once nobody has asked anything, or listened, for ``timeout_s``."""
    while True:
        if exchange.is_in_use:
            activity.note()
        left = timeout_s - activity.idle_s()
        if left <= 0:
            logger.info("not used for %.0f s: stopping", timeout_s)
            return
        await asyncio.sleep(min(left, IDLE_CHECK_S))


async def _listen(runner: web.AppRunner, home: Path, port: int) -> int:
    """Listen on ``port``; with 0 on the port used last, where jobs look for it, if nobody took it."""
    listener = (None if port else _bound(state.last_port(home))) or _bound(port)
    if listener is None:
        raise ConfigurationError(f"port {port} cannot be used", hint="choose another, or 0 for any free one")
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    chosen: int = listener.getsockname()[1]
    return chosen


def _bound(port: int | None) -> socket.socket | None:
    if port is None:
        return None
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except (OSError, OverflowError):
        return None


def _application(exchange: PaperExchange, control: Control, activity: Activity) -> web.Application:
    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        activity.note()
        try:
            return await handler(request)
        finally:
            activity.note()

    dispatcher = Dispatcher(exchange)
    application = web.Application(middlewares=[noted, json_errors], client_max_size=MAX_BODY_BYTES)
    for endpoint in ENDPOINTS:
        application.router.add_route(endpoint.method, endpoint.path, _handler(dispatcher, endpoint))
    application.router.add_routes(control.routes())
    application.router.add_routes(StreamSockets(exchange.hub).routes())
    application.router.add_routes(ApiSockets(exchange).routes())
    return application


def _handler(dispatcher: Dispatcher, endpoint: Endpoint) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await dispatcher.handle(request, endpoint)

    return handle
