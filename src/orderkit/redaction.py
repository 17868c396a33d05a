"""Keeps credentials, signatures and listen keys out of everything that is written down."""

import json
import re
from urllib.parse import quote

MASK = "***"
_SHORTEST_LITERAL = 8  # a shorter "secret" would blank ordinary words; no real one is that short

_literals: set[str] = set()
_literal_pattern: re.Pattern[str] | None = None

# Names are followed by their value in URLs (k=v), JSON and dict reprs ("k": "v"), headers (K: v) and
# tuples ('K', 'v').
_NAMED = re.compile(
    r"""(?P<name>(?:signature|listen_?key|api_?key|api_?secret|secret_?key|x-mbx-apikey)
         (?:\\*["'])?\s*(?:=|:|%3D|(?<=["']),)\s*(?:b(?=["']))?(?:\\*["'])?)
        (?P<value>[^\s"'&,;)}\]\\]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_STREAM_PATH = re.compile(r"(/(?:ws|stream)/)([A-Za-z0-9]{20,})(?![A-Za-z0-9@_])")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
# Binance's keys, secrets, listen keys and HMAC signatures are runs of 64 characters; client order ids
# end at 36, so nothing that a reader needs is this long.
_LONG_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{48,}(?![A-Za-z0-9])")


class Secret(str):
    """A string whose repr shows nothing, so that it cannot slip out of a dataclass or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({MASK!r})" if self else "Secret('')"


def register_secret(value: str) -> None:
    """Mask every literal occurrence of ``value`` (also URL- and JSON-escaped) from now on."""
    global _literal_pattern
    value = str(value).strip()
    if len(value) < _SHORTEST_LITERAL or value in _literals:
        return
    _literals.update({value, quote(value, safe=""), json.dumps(value)[1:-1]})
    longest_first = sorted(_literals, key=len, reverse=True)
    _literal_pattern = re.compile("|".join(map(re.escape, longest_first)))


def mask(text: str) -> str:
    """``text`` without credentials, signatures and listen keys, known or recognisable."""
    if _literal_pattern is not None:
        text = _literal_pattern.sub(MASK, text)
    text = _PEM.sub(MASK, text)
    text = _NAMED.sub(rf"\g<name>{MASK}", text)
    text = _STREAM_PATH.sub(rf"\g<1>{MASK}", text)
    return _LONG_RUN.sub(MASK, text)
