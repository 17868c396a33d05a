"""The user data stream's listen key; these calls carry the API key and no signature."""

from orderkit.paper.endpoint import Call, Endpoint, Security


def open_(call: Call) -> object:
    """POST listenKey."""
    assert call.key is not None
    token = call.exchange.listen_keys.open(call.key.api_key, call.key.account_id, call.now_ms)
    return {"listenKey": token}


def extend(call: Call) -> object:
    """PUT listenKey."""
    assert call.key is not None
    return {"listenKey": call.exchange.listen_keys.extend(call.key.api_key, call.now_ms)}


def close(call: Call) -> object:
    """DELETE listenKey."""
    assert call.key is not None
    call.exchange.listen_keys.close(call.key.api_key)
    return {}


ENDPOINTS = (
    Endpoint("POST", "/fapi/v1/listenKey", open_, Security.KEY),
    Endpoint("PUT", "/fapi/v1/listenKey", extend, Security.KEY),
    Endpoint("DELETE", "/fapi/v1/listenKey", close, Security.KEY),
)
