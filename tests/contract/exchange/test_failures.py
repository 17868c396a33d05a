"""Every way a request can fail, through python-binance, as the taxonomy names it."""

import json
import socket
import ssl
from typing import Any

import pytest
import requests
import responses
import urllib3

from orderkit.domain.order import OrderRef
from orderkit.errors import (
    AuthenticationFailed,
    ExchangeUnreachable,
    OrderKitError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.pacing import Pacer

from . import wire
from .conftest import KEY, REST, SECRET

ORDER = f"{REST}/fapi/v1/order"
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def coded(code: int, message: str = "what the exchange says") -> str:
    return json.dumps({"code": code, "msg": message})


# status, body, class when placing an order, class when querying one
ANSWERS: list[tuple[str, int, str, type[OrderKitError], type[OrderKitError]]] = [
    ("margin", 400, coded(-2019), OrderRejected, OrderRejected),
    ("post-only would take", 400, coded(-5022), OrderRejected, OrderRejected),
    ("unknown order sent", 400, coded(-2011), OrderNotFound, OrderNotFound),
    ("order does not exist", 400, coded(-2013), OrderNotFound, OrderNotFound),
    ("key format", 401, coded(-2014), AuthenticationFailed, AuthenticationFailed),
    ("key, address or permission", 401, coded(-2015), AuthenticationFailed, AuthenticationFailed),
    ("signature", 400, coded(-1022), AuthenticationFailed, AuthenticationFailed),
    ("restricted location", 451, HTML, AuthenticationFailed, AuthenticationFailed),
    ("timeout behind the exchange", 400, coded(-1007), OutcomeUnknown, ExchangeUnreachable),
    ("timeout behind, as 408", 408, coded(-1007), OutcomeUnknown, ExchangeUnreachable),
    ("timeout, no body", 408, "", OutcomeUnknown, ExchangeUnreachable),
    ("unexpected response", 500, coded(-1006), OutcomeUnknown, ExchangeUnreachable),
    ("unknown error", 400, coded(-1000), OutcomeUnknown, ExchangeUnreachable),
    (
        "503 unknown",
        503,
        json.dumps({"code": 0, "msg": "Unknown error, please check your request or try again later."}),
        OutcomeUnknown,
        ExchangeUnreachable,
    ),
    ("503 -1008 throttled", 503, coded(-1008), ExchangeUnreachable, ExchangeUnreachable),
    ("503 unavailable", 503, coded(0, "Service Unavailable."), ExchangeUnreachable, ExchangeUnreachable),
    ("503 unavailable, plain", 503, "Service Unavailable.", ExchangeUnreachable, ExchangeUnreachable),
    (
        "503 internal error",
        503,
        coded(-1001, "Internal error; unable to process your request. Please try again."),
        ExchangeUnreachable,
        ExchangeUnreachable,
    ),
    ("503 page of a proxy", 503, HTML, OutcomeUnknown, ExchangeUnreachable),
    ("502 page of a proxy", 502, HTML, OutcomeUnknown, ExchangeUnreachable),
    ("500 with a JSON list", 500, "[]", OutcomeUnknown, ExchangeUnreachable),
    ("500 with a JSON string", 500, '"oops"', OutcomeUnknown, ExchangeUnreachable),
    ("403 firewall", 403, HTML, ExchangeUnreachable, ExchangeUnreachable),
    ("404 wrong address", 404, "not found", ExchangeUnreachable, ExchangeUnreachable),
    ("302 captive portal", 302, "", ExchangeUnreachable, ExchangeUnreachable),
    ("too many requests", 429, coded(-1003), RateLimited, RateLimited),
    ("too many orders", 400, coded(-1015), RateLimited, RateLimited),
    ("banned", 418, coded(-1003, "IP banned until 1795000060000."), RateLimited, RateLimited),
    ("success that is a page", 200, HTML, OutcomeUnknown, ExchangeUnreachable),
    ("success without a body", 200, "", OutcomeUnknown, ExchangeUnreachable),
    ("success cut short", 200, '{"orderId": 12', OutcomeUnknown, ExchangeUnreachable),
    ("success without fields", 200, "{}", OutcomeUnknown, ExchangeUnreachable),
    ("success that is a list", 200, "[]", OutcomeUnknown, ExchangeUnreachable),
]


def new_connection_error() -> requests.ConnectionError:
    pool: Any = urllib3.HTTPConnectionPool("exchange.test")
    connection: Any = urllib3.connection.HTTPConnection("exchange.test")
    refused = urllib3.exceptions.NewConnectionError(connection, "refused")
    return requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(pool, "/fapi/v1/order?signature=abc", refused)
    )


def name_resolution_error() -> requests.ConnectionError:
    pool: Any = urllib3.HTTPConnectionPool("exchange.test")
    connection: Any = urllib3.connection.HTTPConnection("exchange.test")
    failed = urllib3.exceptions.NameResolutionError("exchange.test", connection, socket.gaierror(-2, "no"))
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", failed))


def untrusted_certificate() -> requests.exceptions.SSLError:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.reason = "CERTIFICATE_VERIFY_FAILED"
    pool: Any = urllib3.HTTPConnectionPool("exchange.test")
    wrapped = urllib3.exceptions.SSLError(cause)
    return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(pool, "/", wrapped))


EXCEPTIONS: list[tuple[str, Exception, type[OrderKitError], type[OrderKitError]]] = [
    ("refused", new_connection_error(), ExchangeUnreachable, ExchangeUnreachable),
    ("host not found", name_resolution_error(), ExchangeUnreachable, ExchangeUnreachable),
    ("connect timeout", requests.ConnectTimeout(), ExchangeUnreachable, ExchangeUnreachable),
    ("proxy", requests.exceptions.ProxyError(), ExchangeUnreachable, ExchangeUnreachable),
    ("certificate", untrusted_certificate(), ExchangeUnreachable, ExchangeUnreachable),
    ("TLS broke later", requests.exceptions.SSLError("EOF occurred"), OutcomeUnknown, ExchangeUnreachable),
    ("read timeout", requests.ReadTimeout(), OutcomeUnknown, ExchangeUnreachable),
    (
        "reset",
        requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104))),
        OutcomeUnknown,
        ExchangeUnreachable,
    ),
    ("body cut", requests.exceptions.ChunkedEncodingError(), OutcomeUnknown, ExchangeUnreachable),
    ("body garbled", requests.exceptions.ContentDecodingError(), OutcomeUnknown, ExchangeUnreachable),
    ("something else", RuntimeError("a bug in a library"), OutcomeUnknown, ExchangeUnreachable),
]


@pytest.mark.parametrize(
    ("status", "body", "placing", "querying"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS]
)
def test_an_answer_means_what_its_row_says(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    placing: type[OrderKitError],
    querying: type[OrderKitError],
) -> None:
    monkeypatch.setattr(Pacer, "halt", lambda *_: None)  # what one answer says must not hold up the other
    http.post(ORDER, status=status, body=body)
    http.get(ORDER, status=status, body=body)
    with pytest.raises(OrderKitError) as placed:
        gateway.submit("job-1", wire.LIMIT)
    with pytest.raises(OrderKitError) as queried:
        gateway.query(OrderRef("BTCUSDT", "job-1"))
    assert (type(placed.value), type(queried.value)) == (placing, querying)
    assert len(http.calls) == 2  # nothing was repeated


@pytest.mark.parametrize(
    ("error", "placing", "querying"), [e[1:] for e in EXCEPTIONS], ids=[e[0] for e in EXCEPTIONS]
)
def test_a_broken_request_means_what_its_row_says(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    error: Exception,
    placing: type[OrderKitError],
    querying: type[OrderKitError],
) -> None:
    http.post(ORDER, body=error)
    http.get(ORDER, body=error)
    with pytest.raises(OrderKitError) as placed:
        gateway.submit("job-1", wire.LIMIT)
    with pytest.raises(OrderKitError) as queried:
        gateway.query(OrderRef("BTCUSDT", "job-1"))
    assert (type(placed.value), type(queried.value)) == (placing, querying)
    assert len(http.calls) == 2


def test_a_reset_after_a_refused_connection_is_still_unknown(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ORDER, body=new_connection_error())
    http.post(ORDER, body=requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted")))
    try:
        gateway.submit("job-1", wire.LIMIT)
    except ExchangeUnreachable:
        with pytest.raises(OutcomeUnknown):
            gateway.submit("job-1", wire.LIMIT)


def test_a_redirect_takes_neither_the_key_nor_the_order_elsewhere(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    elsewhere = "https://elsewhere.test/fapi/v1/order"
    http.post(ORDER, status=307, headers={"Location": elsewhere})
    http.post(elsewhere, json=wire.order())
    with pytest.raises(ExchangeUnreachable):
        gateway.submit("job-1", wire.LIMIT)
    assert [call.request.url for call in http.calls] == [ORDER]


def test_a_lost_cancel_is_unknown_and_a_lost_listen_key_is_not(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.delete(ORDER, body=requests.ReadTimeout())
    http.post(f"{REST}/fapi/v1/listenKey", body=requests.ReadTimeout())
    with pytest.raises(OutcomeUnknown):
        gateway.cancel(OrderRef("BTCUSDT", "job-1"))
    with pytest.raises(ExchangeUnreachable):
        gateway.create_listen_key()


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds", "banned"),
    [
        (429, {"Retry-After": "7"}, "Too many requests", 7, False),
        (429, {}, "Too many requests", 60, False),
        (429, {"Retry-After": "soon"}, "Too many requests", 60, False),
        (418, {"Retry-After": "120"}, "Way too much; IP banned until 1795000060000.", 120, True),
        (418, {}, "Way too much; IP banned until 1795000060000.", 60, True),
        (418, {}, "banned", 120, True),
    ],
)
def test_a_rate_limit_says_how_long(
    gateway: BinanceGateway,
    http: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    message: str,
    seconds: float,
    banned: bool,
) -> None:
    monkeypatch.setattr("orderkit.exchange.clock._local_ms", lambda: 1795000000000)
    http.post(ORDER, status=status, headers=headers, body=coded(-1003, message))
    with pytest.raises(RateLimited) as caught:
        gateway.submit("job-1", wire.LIMIT)
    assert (caught.value.retry_after_s, caught.value.banned) == (seconds, banned)


def test_a_refusal_carries_code_text_and_advice(
    gateway: BinanceGateway, http: responses.RequestsMock
) -> None:
    http.post(ORDER, status=400, body=coded(-2019, "Margin is insufficient."))
    with pytest.raises(OrderRejected) as caught:
        gateway.submit("job-1", wire.LIMIT)
    assert caught.value.code == -2019
    assert "Margin is insufficient." in caught.value.message
    assert caught.value.hint
    assert "leverage" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        coded(-2015, f"Invalid API-key {KEY}"),
        coded(-1022, f"signature {'a' * 64} of {SECRET}"),
        f"upstream said signature={'b' * 40} X-MBX-APIKEY: {KEY}",
    ],
)
def test_no_message_repeats_a_credential(
    gateway: BinanceGateway, http: responses.RequestsMock, body: str
) -> None:
    http.post(ORDER, status=400, body=body)
    with pytest.raises(OrderKitError) as caught:
        gateway.submit("job-1", wire.LIMIT)
    text = f"{caught.value.message} {caught.value.hint}"
    assert not any(secret in text for secret in (KEY, SECRET, "a" * 64, "b" * 40))
