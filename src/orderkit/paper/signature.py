"""Checks a request's signature over what stood on the wire: HMAC-SHA256, RSA PKCS#1 v1.5 or Ed25519.

The signed text is the raw query immediately followed by the raw body, without the signature. Clients that
sign before they percent-encode are accepted too, as the live exchange does (section 1.2 of the fact sheet
behind this package: python-binance signs ``a:b`` and sends ``a%3Ab``).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_SIGNATURE = re.compile(r"(?:^|&)signature=[^&]*")


class KeyKind(StrEnum):
    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "ED25519"


def kind_of_public_key(pem: str) -> KeyKind:
    """Whether a PEM public key is RSA or Ed25519.

    Raises:
        ValueError: it is neither, or no PEM at all.
    """
    key = _public_key(pem)
    return KeyKind.RSA if isinstance(key, RSAPublicKey) else KeyKind.ED25519


def signed_texts(query: str, body: str) -> tuple[str, ...]:
    """What a client may have signed: the raw text first, then its percent-decoded forms."""
    raw = _SIGNATURE.sub("", query).removeprefix("&") + _SIGNATURE.sub("", body).removeprefix("&")
    if "%" not in raw and "+" not in raw:
        return (raw,)
    return tuple(dict.fromkeys((raw, unquote(raw), unquote_plus(raw))))


def is_valid(kind: KeyKind, material: str, signature: str, texts: Iterable[str]) -> bool:
    """True when ``signature`` signs one of ``texts``; ``material`` is the secret or the PEM public key."""
    if kind is KeyKind.HMAC:
        given = signature.lower().encode()
        return any(hmac.compare_digest(_hmac(material, text), given) for text in texts)
    # A "+" of the base64 text arrives as a space when the client did not encode it.
    try:
        raw = base64.b64decode(unquote(signature).replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_verifies(material, raw, text.encode()) for text in texts)


def _hmac(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().encode()


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey | Ed25519PublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise ValueError("the public key must be RSA or Ed25519")
    return key


def _verifies(pem: str, signature: bytes, message: bytes) -> bool:
    key = _public_key(pem)
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
