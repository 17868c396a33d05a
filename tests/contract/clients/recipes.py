"""How each client is pointed at another base URL; nothing else about it is changed."""

from typing import Any

from tests.contract.paper.server import Server

PERPETUAL = {"BTCUSDT": "BTC/USDT:USDT", "ETHUSDT": "ETH/USDT:USDT"}


def point_python_binance(client: Any, exchange: Server) -> Any:
    """A python-binance client, sync or async."""
    client.FUTURES_URL = f"{exchange.rest}/fapi"
    client.FUTURES_DATA_URL = f"{exchange.rest}/futures/data"
    client.ws_future._url = f"{exchange.ws}/ws-fapi/v1"
    return client


def point_ccxt(client: Any, exchange: Server) -> Any:
    """A ccxt binanceusdm, sync, async or pro."""
    api = client.urls["api"]
    for name, version in (("", "v1"), ("V2", "v2"), ("V3", "v3")):
        api[f"fapiPublic{name}"] = api[f"fapiPrivate{name}"] = f"{exchange.rest}/fapi/{version}"
    api["fapiData"] = f"{exchange.rest}/futures/data"
    if "ws" in api:
        api["ws"]["linear"] = f"{exchange.ws}/ws"
        api["ws"]["ws-api"]["linear"] = f"{exchange.ws}/ws-fapi/v1"
    client.options["fetchCurrencies"] = False
    # ccxt chooses its error map by host name.
    client.exceptions["exact"].update(client.exceptions["linear"]["exact"])
    return client


def sdk(exchange: Server, **credentials: Any) -> Any:
    """The official SDK with its three parts."""
    from binance_common.configuration import (
        ConfigurationRestAPI,
        ConfigurationWebSocketAPI,
        ConfigurationWebSocketStreams,
    )
    from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
        DerivativesTradingUsdsFutures,
    )

    keys = credentials or {"api_key": exchange.api_key, "api_secret": exchange.api_secret}
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(**keys, base_path=exchange.rest, timeout=5000),
        config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=f"{exchange.ws}/ws-fapi/v1"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=exchange.ws),
    )
