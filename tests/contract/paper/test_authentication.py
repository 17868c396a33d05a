"""Keys, timestamps and signatures, as different clients put them on the wire."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from binance.exceptions import BinanceAPIException
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contract.paper.server import Server, hmac_hex, signed_query

BALANCE = "/fapi/v3/balance"


def stamp(offset_ms: int = 0) -> str:
    return str(int(time.time() * 1000) + offset_ms)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, -2014),
        ({"X-MBX-APIKEY": ""}, 401, -2014),
        ({"X-MBX-APIKEY": "with space"}, 401, -2014),
        ({"X-MBX-APIKEY": "unknown"}, 401, -2015),
    ],
)
def test_a_request_without_a_known_key_is_refused(
    paper: Server, headers: dict[str, str], status: int, code: int
) -> None:
    answer = paper.raw("GET", f"{BALANCE}?{signed_query('x', {})}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"].startswith("application/json")


def test_a_listen_key_needs_the_key_but_no_signature(paper: Server) -> None:
    assert paper.raw("POST", "/fapi/v1/listenKey").json()["code"] == -2014
    answer = paper.raw("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": paper.api_key})
    assert len(answer.json()["listenKey"]) == 64


@pytest.mark.parametrize(
    ("make_query", "code"),
    [
        (lambda _: "timestamp=" + stamp(), -1102),
        (lambda s: "signature=" + hmac_hex(s, ""), -1102),
        (lambda s: "timestamp=soon&signature=" + hmac_hex(s, "timestamp=soon"), -1102),
        (lambda _: signed_query("wrong", {}), -1022),
        (lambda s: signed_query(s, {}, offset_ms=-6_000), -1021),
        (lambda s: signed_query(s, {}, offset_ms=1_500), -1021),
        (lambda s: signed_query(s, {"recvWindow": "70000"}), -1130),
        (lambda s: signed_query(s, {"recvWindow": "1"}, offset_ms=-500), -1021),
        (lambda s: signed_query(s, {}) + "&limit=5", -1022),
    ],
)
def test_a_bad_timestamp_or_signature_has_its_own_code(
    paper: Server, make_query: Callable[[str], str], code: int
) -> None:
    query = make_query(paper.api_secret)
    answer = paper.raw("GET", f"{BALANCE}?{query}", headers={"X-MBX-APIKEY": paper.api_key})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("offset_ms", [-4_000, 0, 800])
def test_a_timestamp_within_the_window_is_accepted(paper: Server, offset_ms: int) -> None:
    assert paper.signed("GET", BALANCE, {}, offset_ms=offset_ms).status_code == 200


def test_a_wider_window_admits_an_older_timestamp(paper: Server) -> None:
    answer = paper.signed("GET", BALANCE, {"recvWindow": "60000"}, offset_ms=-30_000)
    assert answer.status_code == 200


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


def _post(paper: Server, query: str, body: str | None) -> dict[str, object]:
    headers = {"X-MBX-APIKEY": paper.api_key}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = paper.raw("POST", f"/fapi/v1/order?{query}", data=body, headers=headers)
    document: dict[str, object] = answer.json()
    return document


def test_a_post_may_carry_its_parameters_in_the_query_the_body_or_both(paper: Server) -> None:
    whole = signed_query(paper.api_secret, ORDER)
    assert "orderId" in _post(paper, whole, None)
    assert "orderId" in _post(paper, "", signed_query(paper.api_secret, ORDER))
    query = urlencode({"symbol": "BTCUSDT", "side": "BUY"})
    body = urlencode({"type": "MARKET", "quantity": "0.01", "timestamp": stamp()})
    signature = hmac_hex(paper.api_secret, query + body)
    assert "orderId" in _post(paper, query, f"{body}&signature={signature}")
    assert "orderId" in _post(paper, f"{query}&signature={signature}", body)


def test_of_a_parameter_in_query_and_body_the_query_counts(paper: Server) -> None:
    query, body = "quantity=0.02", urlencode(ORDER | {"timestamp": stamp()})
    signature = hmac_hex(paper.api_secret, query + body)
    assert _post(paper, query, f"{body}&signature={signature}")["origQty"] == "0.020"


def test_a_client_that_signs_before_it_encodes_is_understood(paper: Server) -> None:
    """python-binance posts ``a%3Ab`` and signs ``a:b``; with GET it sends and signs it raw."""
    client = paper.client()
    placed = client.futures_create_order(
        **ORDER | {"type": "LIMIT", "price": "50000", "timeInForce": "GTC", "newClientOrderId": "a:b/c"}
    )
    assert placed["clientOrderId"] == "a:b/c"
    assert client.futures_get_order(symbol="BTCUSDT", origClientOrderId="a:b/c")["status"] == "NEW"
    assert client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId="a:b/c")["status"] == "CANCELED"


def test_a_raw_json_batch_in_the_body_is_understood(paper: Server) -> None:
    """ccxt leaves the batch un-encoded."""
    batch = json.dumps([ORDER, ORDER | {"quantity": "0.02"}], separators=(",", ":"))
    body = f"batchOrders={batch}&timestamp={stamp()}"
    answer = paper.raw(
        "POST",
        "/fapi/v1/batchOrders",
        data=f"{body}&signature={hmac_hex(paper.api_secret, body)}",
        headers={"X-MBX-APIKEY": paper.api_key, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert [order["origQty"] for order in answer.json()] == ["0.010", "0.020"]


def test_an_upper_case_signature_is_accepted(paper: Server) -> None:
    text = f"timestamp={stamp()}"
    signature = hmac_hex(paper.api_secret, text).upper()
    answer = paper.raw(
        "GET", f"{BALANCE}?{text}&signature={signature}", headers={"X-MBX-APIKEY": paper.api_key}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["ED25519", "RSA"])
def test_an_account_with_a_key_pair_can_trade(paper: Server, kind: str) -> None:
    private: Ed25519PrivateKey | rsa.RSAPrivateKey = (
        Ed25519PrivateKey.generate() if kind == "ED25519" else rsa.generate_private_key(65537, 2048)
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    added = paper.control("POST", "/paper/keys", {"api_key": kind, "public_key": public.decode()})
    assert added["kind"] == kind
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    client = paper.client(api_key=kind, api_secret=None, private_key=pem)
    assert client.futures_create_order(**ORDER)["status"] == "NEW"
    assert client.futures_account_balance()[0]["balance"].startswith("99999")
    # its own account: the default one has not traded
    assert paper.client().futures_account_trades(symbol="BTCUSDT") == []

    text = f"timestamp={stamp()}"
    signature = (
        private.sign(text.encode())
        if isinstance(private, Ed25519PrivateKey)
        else private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    )
    for sent, status in ((signature, 200), (bytes([signature[0] ^ 1]) + signature[1:], 400)):
        encoded = quote(base64.b64encode(sent).decode(), safe="")
        answer = paper.raw("GET", f"{BALANCE}?{text}&signature={encoded}", headers={"X-MBX-APIKEY": kind})
        assert answer.status_code == status


def test_an_hmac_key_can_be_added_and_has_an_account_of_its_own(paper: Server) -> None:
    paper.control("POST", "/paper/keys", {"api_key": "second", "api_secret": "hush"})
    second = paper.client(api_key="second", api_secret="hush")
    second.futures_create_order(**ORDER)
    assert len(second.futures_account_trades(symbol="BTCUSDT")) == 1
    assert paper.client().futures_account_trades(symbol="BTCUSDT") == []
    with pytest.raises(BinanceAPIException) as refused:
        paper.client(api_key="second", api_secret="other").futures_account_balance()
    assert refused.value.code == -1022


@pytest.mark.parametrize(
    "body", [{"api_key": "k"}, {"api_key": "k", "api_secret": "a", "public_key": "b"}, {"api_secret": "s"}]
)
def test_a_key_without_exactly_one_kind_of_material_is_refused(paper: Server, body: object) -> None:
    assert paper.raw("POST", "/paper/keys", data=json.dumps(body)).status_code == 400
