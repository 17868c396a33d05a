"""What scenario tests share: an embedded exchange in its own process, and commands run against it."""

import atexit
import functools
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.launcher import Launched, Launcher

ROOT = Path(__file__).parents[1]
BOT = ROOT / "bot.py"
CREDENTIALS = ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_ENV", "BINANCE_PRIVATE_KEY_PATH")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(slots=True)
class Desk:
    """One ORDERKIT_HOME with its paper exchange; every command is a process of its own."""

    home: Path
    rest: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    _begun: list[Launched] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if k not in CREDENTIALS}
        return environ | {
            "ORDERKIT_HOME": str(self.home),
            "TMPDIR": str(self.home),  # the request budget that all processes share
            "ORDERKIT_LOG_FILE": str(self.log_file),
            "ORDERKIT_LOG_LEVEL": "DEBUG",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "ORDERKIT_RISK_MAX_POSITION_NOTIONAL": "off",
            **self.variables,
        }

    @property
    def log_file(self) -> Path:
        return self.home / "bot.log"

    def begin(self, *arguments: str, script: Path = BOT) -> Launched:
        """Start a command and leave it running, until ``end_all`` at the latest."""
        process = _launcher().start(script, arguments, self.environ, self.home)
        self._begun = [begun for begun in self._begun if begun.poll() is None] + [process]
        return process

    def end_all(self) -> None:
        """End what a failed test has left running, lest it fails others."""
        for process in self._begun:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self._begun.clear()

    def run(self, *arguments: str, script: Path = BOT, timeout_s: float = 60) -> Done:
        """Run a command to its end."""
        return finish(self.begin(*arguments, script=script), timeout_s)

    def start(self, line: str) -> Launched:
        """Start ``bot.py`` with the words of ``line`` and leave it running."""
        return self.begin(*line.split())

    def bot(self, line: str) -> Done:
        """Run ``bot.py`` with the words of ``line``."""
        return self.run(*line.split())

    # --- the exchange -----------------------------------------------------------------------------

    def open(self, *options: str) -> None:
        """Start the exchange; its default is the manual market."""
        options = options or ("--market", "manual")
        done = self.run("paper", "start", *options, "--json")
        assert done.code == 0, done.err
        self.rest = done.json["rest"]

    def close(self) -> None:
        self.run("paper", "stop")

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask one of the /paper routes."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.rest + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def market(
        self, bid: str, ask: str, symbol: str = "BTCUSDT", quantities: tuple[str, str] = ("50", "50")
    ) -> None:
        """Set the best prices of the manual market."""
        body = {"symbol": symbol, "bid": bid, "ask": ask}
        body |= {"bid_quantity": quantities[0], "ask_quantity": quantities[1]}
        self.control("POST", "/paper/market", body)

    def trade(
        self, price: str, quantity: str, symbol: str = "BTCUSDT", *, seller_began: bool = False
    ) -> None:
        """Let others trade on the manual market."""
        body = {"symbol": symbol, "price": price, "quantity": quantity, "buyer_is_maker": seller_began}
        self.control("POST", "/paper/trade", body)

    def fault(self, method: str, path: str, action: str, **more: object) -> None:
        """Make the exchange fail on a matching request."""
        nth = more.pop("nth", None)
        match = {"method": method, "path": path} | ({} if nth is None else {"nth": nth})
        self.control("POST", "/paper/faults", {"match": match, "action": action, **more})

    def all_requests(self) -> list[dict[str, Any]]:
        """What the exchange has received since its start or reset."""
        listed = self.control("GET", "/paper/requests")
        rows: list[dict[str, Any]] = listed["requests"] if isinstance(listed, dict) else listed
        return rows

    def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        return [row for row in self.all_requests() if (row["method"], row["path"]) == (method, path)]

    def taken(self, method: str, path: str) -> int:
        """How many of these requests have been done, and answered so."""
        return sum(row["status"] == 200 for row in self.requests(method, path))


@functools.cache
def _launcher() -> Launcher:
    launcher = Launcher()
    atexit.register(launcher.close)
    return launcher


def finish(process: Launched, timeout_s: float = 60) -> Done:
    """Wait for a command's end."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Done(process.wait(), out, err)
