"""What every request passes on its way to an endpoint, over REST and the WebSocket API alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orderkit.paper.authentication import check_signature, check_timestamp, identify
from orderkit.paper.endpoint import Call, Endpoint, Security
from orderkit.paper.keys import ApiKey


@dataclass(slots=True)
class Credentials:
    """What a request says about its sender.

    ``signed_texts`` gives the texts that its signature may cover. ``authenticated`` is the key of a session
    that logged on: its requests need neither key nor signature, only a timestamp.
    """

    api_key: str | None
    signed_texts: Callable[[], Iterable[str]]
    authenticated: ApiKey | None = None


def admit(endpoint: Endpoint, call: Call, credentials: Credentials) -> int:
    """Count the request and find out who sends it; returns how many orders were counted.

    Raises:
        LimitExceeded: too much weight or too many orders.
        ExchangeError: key, timestamp or signature are refused.
    """
    limiter, parameters, now_ms = call.exchange.limiter, call.parameters, call.now_ms
    weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
    limiter.count_weight(weight, now_ms)
    if endpoint.security is not Security.NONE:
        in_session = credentials.authenticated is not None and not credentials.api_key
        call.key = credentials.authenticated if in_session else identify(call.exchange, credentials.api_key)
        if endpoint.security is Security.SIGNED:
            assert call.key is not None
            if not in_session:
                parameters.required("signature")
            check_timestamp(parameters, now_ms)
            if not in_session:
                check_signature(call.key, parameters, credentials.signed_texts())
    orders = endpoint.orders if isinstance(endpoint.orders, int) else endpoint.orders(parameters)
    if orders:
        limiter.count_orders(call.account_id, orders, now_ms)
    return orders


async def execute(endpoint: Endpoint, call: Call) -> object:
    """The endpoint's document, once what it changed is on disk."""
    if not endpoint.changes:
        return endpoint.handler(call)
    exchange = call.exchange
    exchange.advance()
    try:
        document = endpoint.handler(call)
    finally:
        exchange.touch()
    await exchange.settled()
    return document
