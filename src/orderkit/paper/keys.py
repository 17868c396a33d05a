"""API keys of the paper exchange: who may sign, with what, and for which account."""

import secrets
import string
from dataclasses import dataclass, field

from orderkit.paper.signature import KeyKind

DEFAULT_ACCOUNT = "default"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``material`` is the HMAC secret, or the PEM public key of an RSA or Ed25519 pair."""

    api_key: str = field(repr=False)
    account_id: str
    kind: KeyKind
    material: str = field(repr=False)


def new_default_key() -> ApiKey:
    """A random HMAC pair for the default account, in the form of the live exchange's keys."""
    return ApiKey(_token(), DEFAULT_ACCOUNT, KeyKind.HMAC, _token())


def is_well_formed(api_key: str) -> bool:
    """Whether a text can be an API key at all (else -2014, not -2015)."""
    return 1 <= len(api_key) <= 256 and api_key.isascii() and api_key.isprintable() and " " not in api_key


def _token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
