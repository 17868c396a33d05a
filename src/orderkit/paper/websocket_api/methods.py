"""The methods of the WebSocket API: the endpoints of REST under their names there, and sessions."""

from orderkit.paper.endpoint import Call, Endpoint, Security, Session
from orderkit.paper.routes import account, algo, listen_key, market, trading
from orderkit.paper.signature import KeyKind
from orderkit.simulator.types import ExchangeError

METHOD = "WS"


def log_on(call: Call) -> object:
    """session.logon: requests that follow need no key and no signature. Ed25519 keys only."""
    assert call.key is not None
    if call.key.kind is not KeyKind.ED25519:
        raise ExchangeError(-4056, f"{call.key.kind} API key is not supported.")
    session = _session(call)
    session.key, session.authorized_ms = call.key, call.now_ms
    return _describe(session, call.now_ms)


def log_out(call: Call) -> object:
    """session.logout."""
    session = _session(call)
    session.key = session.authorized_ms = None
    return _describe(session, call.now_ms)


def status(call: Call) -> object:
    """session.status."""
    return _describe(_session(call), call.now_ms)


def _session(call: Call) -> Session:
    assert call.session is not None
    return call.session


def _describe(session: Session, now_ms: int) -> object:
    return {
        "apiKey": session.key.api_key if session.key else None,
        "authorizedSince": session.authorized_ms,
        "connectedSince": session.connected_ms,
        "returnRateLimits": session.return_rate_limits,
        "serverTime": now_ms,
    }


_REUSED = {
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.price": ("GET", "/fapi/v2/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
}


def _methods() -> dict[str, Endpoint]:
    tables = (market, trading, algo, account, listen_key)
    rest = {(e.method, e.path): e for table in tables for e in table.ENDPOINTS}
    reused = [
        Endpoint(METHOD, name, e.handler, e.security, weight=e.weight, orders=e.orders, changes=e.changes)
        for name, e in ((name, rest[route]) for name, route in _REUSED.items())
    ]
    sessions = (
        Endpoint(METHOD, "session.logon", log_on, Security.SIGNED, weight=2),
        Endpoint(METHOD, "session.status", status, weight=2),
        Endpoint(METHOD, "session.logout", log_out, weight=2),
    )
    return {endpoint.path: endpoint for endpoint in (*reused, *sessions)}


METHODS = _methods()
