"""A paper exchange in a process of its own, as tests drive it."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import requests
from binance.client import Client

# A market order, and a limit order that rests while the market stands at 60000. Not to be changed: clients
# write what they add into the dictionaries that they are given.
MARKET = MappingProxyType({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"})
LIMIT = MappingProxyType(MARKET | {"type": "LIMIT", "price": "59000", "timeInForce": "GTC"})


@dataclass
class Server:
    """A served exchange; ``process`` is ours to end."""

    home: Path
    process: "subprocess.Popen[str]"
    rest: str
    ws: str
    api_key: str
    api_secret: str
    sessions: list[requests.Session] = field(default_factory=list, repr=False)

    def client(self, **options: Any) -> Any:
        """A python-binance client pointed here and at nothing else."""
        given = {"api_key": self.api_key, "api_secret": self.api_secret} | options
        client = Client(ping=False, **given)
        client.FUTURES_URL = f"{self.rest}/fapi"
        if not client.loop.is_running():
            # The library makes a loop for its WebSocket calls and never closes it.
            client.loop.close()
            asyncio.set_event_loop(None)
        self.sessions.append(client.session)
        return client

    def close_clients(self) -> None:
        """Close what `client` opened."""
        while self.sessions:
            self.sessions.pop().close()

    def control(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """A /paper request that must succeed; returns its document."""
        answer = self.raw(method, path, data=None if body is None else json.dumps(body), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def market(self, symbol: str = "BTCUSDT", bid: str = "60000", ask: str = "60000.1", **more: str) -> None:
        self.control("POST", "/paper/market", {"symbol": symbol, "bid": bid, "ask": ask, **more})

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.rest + path, timeout=10, **options)

    def signed(
        self, method: str, path: str, parameters: Mapping[str, str], **options: Any
    ) -> requests.Response:
        """A correctly signed request with everything in the query; ``options`` as for `signed_query`."""
        query = signed_query(self.api_secret, parameters, **options)
        return self.raw(method, f"{path}?{query}", headers={"X-MBX-APIKEY": self.api_key})

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End the process and everything a test opened on it."""
        self.close_clients()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def signed_query(secret: str, parameters: Mapping[str, str], *, offset_ms: int = 0) -> str:
    """Parameters with timestamp and HMAC signature, percent-encoded and signed so."""
    stamped = dict(parameters) | {"timestamp": str(int(time.time() * 1000) + offset_ms)}
    query = urlencode(stamped)
    return f"{query}&signature={hmac_hex(secret, query)}"


def hmac_hex(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def serve(home: Path, *arguments: str, market: str = "manual") -> Server:
    """Start an exchange in the foreground of a child process and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orderkit.paper", "--home", str(home), "--market", market, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready.pop("ready") is True
    return Server(home, process, **ready)
