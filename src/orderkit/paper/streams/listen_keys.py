"""Listen keys: the tokens that name an account's user data stream for sixty minutes at a time."""

import secrets
import string
from dataclasses import dataclass

from orderkit.simulator.types import ExchangeError

LIFETIME_MS = 60 * 60 * 1000
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 64


@dataclass(slots=True)
class _ListenKey:
    token: str
    api_key: str
    account_id: str
    expires_ms: int


class ListenKeys:
    """One listen key per API key, as the exchange keeps them."""

    def __init__(self) -> None:
        self._by_api_key: dict[str, _ListenKey] = {}

    def open(self, api_key: str, account_id: str, now_ms: int) -> str:
        """The API key's listen key, good for another sixty minutes; a new one if it had none."""
        key = self._by_api_key.get(api_key)
        if key is None:
            token = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            key = self._by_api_key[api_key] = _ListenKey(token, api_key, account_id, 0)
        key.expires_ms = now_ms + LIFETIME_MS
        return key.token

    def extend(self, api_key: str, now_ms: int) -> str:
        """Another sixty minutes for the API key's listen key; -1125 if it has none."""
        key = self._by_api_key.get(api_key)
        if key is None:
            raise ExchangeError(-1125, "This listenKey does not exist.")
        key.expires_ms = now_ms + LIFETIME_MS
        return key.token

    def close(self, api_key: str) -> None:
        """Forget the API key's listen key; nothing happens if it has none."""
        self._by_api_key.pop(api_key, None)

    def expire(self, now_ms: int) -> list[str]:
        """Forget and return the tokens whose time is over."""
        expired = [k for k in self._by_api_key.values() if k.expires_ms <= now_ms]
        for key in expired:
            del self._by_api_key[key.api_key]
        return [k.token for k in expired]

    def of_account(self, account_id: str) -> list[str]:
        """The living tokens of an account."""
        return [k.token for k in self._by_api_key.values() if k.account_id == account_id]

    def exists(self, token: str) -> bool:
        return any(k.token == token for k in self._by_api_key.values())
