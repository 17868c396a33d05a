"""Test control under /paper: prices, faults, keys, balances, what was received, reset and shutdown.

These routes are this exchange's own. They take and give JSON, count against no limit and suffer no fault.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import msgspec
from aiohttp import web

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import DepthUpdate, MarketTrade, MarkPrice
from orderkit.paper.dispatch import API_KEY_HEADER, error_response, json_response
from orderkit.paper.fault_kinds import StreamFault
from orderkit.paper.faults import FaultRequest
from orderkit.paper.host import PaperExchange
from orderkit.paper.keys import ApiKey
from orderkit.paper.limits import Limits, RateLimiter
from orderkit.paper.signature import KeyKind, kind_of_public_key
from orderkit.paper.wire import statements as wire
from orderkit.simulator.types import ExchangeError

MANUAL = "manual"
LARGEST_AMOUNT = 10**12
FUNDING_INTERVAL_MS = 8 * 3600 * 1000
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_T = TypeVar("_T", bound=msgspec.Struct)


class SetMarket(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/market: the whole book is one level a side from now on; the last price is its middle.

    A quantity left out is the largest the symbol's LOT_SIZE allows.
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_quantity: Decimal | None = None
    ask_quantity: Decimal | None = None


class SetMark(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/mark."""

    symbol: str
    price: Decimal


class PrintTrade(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/trade: others trade at this price; ``buyer_is_maker`` says that a seller began it."""

    symbol: str
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool = False


class AddKey(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/keys: an HMAC secret, or a PEM public key (RSA or Ed25519). Opens an account of its own."""

    api_key: str
    api_secret: str | None = None
    public_key: str | None = None


class Deposit(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/deposit, for the account of the X-MBX-APIKEY header, else the default one.

    A negative amount withdraws.
    """

    amount: Decimal
    asset: str = "USDT"


class SettleFunding(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/funding: settle now, at the rate in force unless one is given."""

    symbol: str
    rate: Decimal | None = None


class SetStreamFault(msgspec.Struct, forbid_unknown_fields=True):
    """POST /paper/faults for streams."""

    streams: StreamFault


class ControlError(Exception):
    """A control request that cannot be done; the text says why."""


class Control:
    """The handlers of /paper; ``shut_down`` ends the server, ``status`` describes it."""

    def __init__(
        self,
        exchange: PaperExchange,
        *,
        status: Callable[[], dict[str, object]],
        shut_down: Callable[[], None],
    ) -> None:
        self._exchange = exchange
        self._status = status
        self._shut_down = shut_down

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/paper/status", self._guarded(self._get_status)),
            web.get("/paper/requests", self._guarded(self._get_requests)),
            web.get("/paper/faults", self._guarded(self._get_faults)),
            web.post("/paper/faults", self._guarded(self._add_fault)),
            web.delete("/paper/faults", self._guarded(self._clear_faults)),
            web.post("/paper/market", self._guarded(self._set_market)),
            web.post("/paper/mark", self._guarded(self._set_mark)),
            web.post("/paper/trade", self._guarded(self._print_trade)),
            web.post("/paper/keys", self._guarded(self._add_key)),
            web.post("/paper/deposit", self._guarded(self._deposit)),
            web.post("/paper/funding", self._guarded(self._settle_funding)),
            web.post("/paper/limits", self._guarded(self._set_limits)),
            web.post("/paper/reset", self._guarded(self._reset)),
            web.post("/paper/shutdown", self._guarded(self._stop)),
        ]

    def _guarded(
        self, handle: Callable[[web.Request], Awaitable[object]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            # A web page open in a browser on this machine must not drive the exchange.
            if request.url.host is None or request.headers.get("Origin") is not None:
                return error_response(-2015, "Only programs on this machine may use /paper.", 403)
            if request.headers.get("Host", "").rpartition(":")[0] not in _LOCAL_HOSTS:
                return error_response(-2015, "Only loopback addresses may use /paper.", 403)
            try:
                return json_response(await handle(request))
            except (ControlError, msgspec.DecodeError, ValueError, RecursionError) as error:
                return error_response(-1130, str(error), 400)
            except ExchangeError as error:
                return error_response(error.code, error.message, error.http_status)

        return guarded

    async def _get_status(self, _request: web.Request) -> object:
        return self._status()

    async def _get_requests(self, _request: web.Request) -> object:
        return self._exchange.requests.to_json()

    async def _get_faults(self, _request: web.Request) -> object:
        return {"requests": self._exchange.faults.to_json(), "streams": self._exchange.hub.fault}

    async def _add_fault(self, request: web.Request) -> object:
        raw = await request.read()
        if "streams" in msgspec.json.decode(raw, type=dict):
            fault = msgspec.json.decode(raw, type=SetStreamFault).streams
            if fault is StreamFault.DISCONNECT:
                self._exchange.hub.cut_all()
            else:
                self._exchange.hub.set_fault(fault)
        else:
            self._exchange.faults.add(msgspec.json.decode(raw, type=FaultRequest))
        return await self._get_faults(request)

    async def _clear_faults(self, request: web.Request) -> object:
        self._exchange.faults.clear()
        self._exchange.hub.set_fault(None)
        return await self._get_faults(request)

    async def _set_market(self, request: web.Request) -> object:
        order = await _body(request, SetMarket)
        instrument = self._manual(order.symbol)
        most = instrument.lot_size.max_quantity
        bid_quantity = most if order.bid_quantity is None else order.bid_quantity
        ask_quantity = most if order.ask_quantity is None else order.ask_quantity
        _check_amounts(order.bid, order.ask, bid_quantity, ask_quantity)
        if not 0 < order.bid < order.ask:
            raise ControlError("bid must be above 0 and below ask")
        if bid_quantity < 0 or ask_quantity < 0:
            raise ControlError("a quantity must not be negative")
        book = DepthUpdate(
            symbol=instrument.symbol,
            bids=((order.bid, bid_quantity),),
            asks=((order.ask, ask_quantity),),
            time_ms=self._exchange.now_ms(),
            snapshot=True,
        )
        self._exchange.advance()
        self._exchange.simulator.follow_book(instrument.symbol)
        self._exchange.apply(book)
        await self._exchange.settled()
        return {"symbol": instrument.symbol, "bid": f"{order.bid:f}", "ask": f"{order.ask:f}"}

    async def _set_mark(self, request: web.Request) -> object:
        order = await _body(request, SetMark)
        instrument = self._manual(order.symbol)
        _check_amounts(order.price)
        if order.price <= 0:
            raise ControlError("price must be above 0")
        now_ms = self._exchange.now_ms()
        self._exchange.advance()
        self._exchange.apply(
            MarkPrice(
                symbol=instrument.symbol,
                mark_price=order.price,
                index_price=order.price,
                funding_rate=Decimal(0),
                next_funding_ms=(now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS,
                time_ms=now_ms,
            )
        )
        await self._exchange.settled()
        return {"symbol": instrument.symbol, "price": f"{order.price:f}"}

    async def _print_trade(self, request: web.Request) -> object:
        order = await _body(request, PrintTrade)
        instrument = self._manual(order.symbol)
        _check_amounts(order.price, order.quantity)
        if order.price <= 0 or order.quantity <= 0:
            raise ControlError("price and quantity must be above 0")
        self._exchange.advance()
        trade = MarketTrade(
            symbol=instrument.symbol,
            trade_id=0,  # the exchange counts for itself
            price=order.price,
            quantity=order.quantity,
            buyer_is_maker=order.buyer_is_maker,
            time_ms=self._exchange.now_ms(),
        )
        self._exchange.apply(trade)
        await self._exchange.settled()
        return {"symbol": instrument.symbol, "price": f"{order.price:f}", "quantity": f"{order.quantity:f}"}

    async def _add_key(self, request: web.Request) -> object:
        order = await _body(request, AddKey)
        known = self._exchange.key(order.api_key)
        account_id = known.account_id if known else self._exchange.new_account_id()
        if order.api_secret and not order.public_key:
            key = ApiKey(order.api_key, account_id, KeyKind.HMAC, order.api_secret)
        elif order.public_key and not order.api_secret:
            kind = kind_of_public_key(order.public_key)
            key = ApiKey(order.api_key, account_id, kind, order.public_key)
        else:
            raise ControlError("give either api_secret or public_key")
        self._exchange.add_key(key)
        self._exchange.open_account(account_id)
        await self._exchange.settled()
        return {"account": account_id, "kind": key.kind}

    async def _deposit(self, request: web.Request) -> object:
        order = await _body(request, Deposit)
        api_key = request.headers.get(API_KEY_HEADER)
        key = self._exchange.key(api_key) if api_key else self._exchange.default_key
        if key is None:
            raise ControlError("no account has this API key")
        _check_amounts(order.amount)
        self._exchange.advance()
        self._exchange.simulator.deposit(key.account_id, order.asset, order.amount)
        self._exchange.touch()
        await self._exchange.settled()
        return {"asset": order.asset, "amount": f"{order.amount:f}"}

    async def _settle_funding(self, request: web.Request) -> object:
        order = await _body(request, SettleFunding)
        instrument = self._listed(order.symbol)
        if order.rate is not None and not (order.rate.is_finite() and abs(order.rate) <= 1):
            raise ControlError("rate must be a number from -1 to 1")
        self._exchange.advance()
        settlement = self._exchange.simulator.settle_funding(instrument.symbol, order.rate)
        self._exchange.touch()
        await self._exchange.settled()
        return wire.funding_rate(settlement)

    async def _set_limits(self, request: web.Request) -> object:
        """Replace the rate limits and start all counts anew; 0 switches a limit off."""
        self._exchange.limiter = RateLimiter(msgspec.json.decode(await request.read(), type=Limits))
        return self._exchange.limiter.limits

    async def _reset(self, _request: web.Request) -> object:
        self._exchange.reset()
        return self._status()

    async def _stop(self, _request: web.Request) -> object:
        self._shut_down()
        return {"running": False}

    def _manual(self, symbol: str) -> Instrument:
        if self._exchange.market != MANUAL:
            raise ControlError(
                f"the market source is {self._exchange.market}; prices can be set with --market manual only"
            )
        return self._listed(symbol)

    def _listed(self, symbol: str) -> Instrument:
        instrument = self._exchange.instruments.get(symbol.upper())
        if instrument is None:
            raise ControlError(f"{symbol} is not listed here")
        return instrument


def _check_amounts(*amounts: Decimal) -> None:
    if not all(amount.is_finite() and abs(amount) <= LARGEST_AMOUNT for amount in amounts):
        raise ControlError(f"an amount must be a number up to {LARGEST_AMOUNT:,}")


async def _body(request: web.Request, kind: type[_T]) -> _T:
    # Numbers are accepted as JSON numbers and as strings; read exactly, never through a float.
    return msgspec.json.decode(await request.read(), type=kind, strict=False)
