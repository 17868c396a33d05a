"""Who sends a request: API key, timestamp window and signature, refused as the live exchange refuses."""

from collections.abc import Iterable

from orderkit.paper.host import PaperExchange
from orderkit.paper.keys import ApiKey, is_well_formed
from orderkit.paper.parameters import Parameters, invalid, missing
from orderkit.paper.signature import is_valid
from orderkit.simulator.types import ExchangeError

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
FUTURE_TOLERANCE_MS = 1_000


def identify(exchange: PaperExchange, api_key: str | None) -> ApiKey:
    """The key of a request; 401 with -2014 for none or a malformed one, -2015 for one unknown here."""
    if not api_key or not is_well_formed(api_key):
        raise ExchangeError(-2014, "API-key format invalid.", 401)
    key = exchange.key(api_key)
    if key is None:
        raise ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return key


def check_timestamp(parameters: Parameters, now_ms: int) -> None:
    """-1021 unless timestamp < now + 1 s and now - timestamp ≤ recvWindow (at most 60 s)."""
    timestamp = parameters.integer("timestamp")
    if timestamp is None:
        raise missing("timestamp")
    window_ms = parameters.integer("recvWindow")
    if window_ms is None:
        window_ms = DEFAULT_RECV_WINDOW_MS
    if not 0 <= window_ms <= MAX_RECV_WINDOW_MS:
        raise invalid("recvWindow")
    if timestamp >= now_ms + FUTURE_TOLERANCE_MS:
        raise ExchangeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > window_ms:
        raise ExchangeError(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_signature(key: ApiKey, parameters: Parameters, texts: Iterable[str]) -> None:
    """-1022 unless the signature parameter signs one of ``texts``."""
    signature = parameters.required("signature")
    if not is_valid(key.kind, key.material, signature, texts):
        raise ExchangeError(-1022, "Signature for this request is not valid.")
