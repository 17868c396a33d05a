"""bot.log: nothing secret in it whatever writes, whole lines from many processes, never in the way."""

import asyncio
import contextlib
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from orderkit import config
from orderkit.config import Endpoints, Settings, get_client, setup_logging
from orderkit.domain.enums import Environment, OrderType, Side
from orderkit.domain.order import OrderRef, OrderRequest
from orderkit.errors import OrderKitError
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.exchange.user_stream import UserStream
from orderkit.logfile import SharedRotatingFileHandler
from orderkit.redaction import Secret, mask, register_secret
from tests.waiting import eventually

KEY = "Kk1" * 21 + "K"
SECRET = "Ss2" * 21 + "S"
LISTEN_KEY = "Ll3" * 21 + "L"
SIGNATURE = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def settings_in(folder: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "environment": Environment.TESTNET,
        "home": folder,
        "api_key": Secret(KEY),
        "api_secret": Secret(SECRET),
        "log_level": "DEBUG",
        "log_file": folder / "bot.log",
        "timeout_s": 1.0,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


MASKED = [
    f"GET /fapi/v1/order?symbol=BTCUSDT&signature={'a1' * 32} HTTP/1.1",
    "POST /fapi/v1/order?symbol=BTCUSDT&signature=bm9pc2U%2BbW9yZQ%3D%3D",
    "url: /private/ws?listenKey=abcdef12345",
    "GET /private/ws/abcdefghijklmnopqrstuvwx HTTP/1.1",
    "GET /private/stream?streams=" + "q" * 64,
    '{"listenKey":"abcdef12345"}',
    "{'listenKey': 'abcdef12345'}",
    r'"{\"listenKey\": \"abcdef12345\"}"',
    "X-MBX-APIKEY: shortkey1",
    "{'X-MBX-APIKEY': 'shortkey1', 'Accept': 'json'}",
    "('X-MBX-APIKEY', 'shortkey1')",
    "api_secret=hunter2hunter2",
    "signature=b1b1b1, bytes {b'X-MBX-APIKEY': b'shortkey1'}",
    "apiKey: shortkey1",
    "params: [('symbol', 'BTCUSDT'), ('signature', 'shortsig')]",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
]
SPOKEN = ("a1a1", "bm9pc2", "abcdef", "qqqq", "shortkey1", "hunter2", "shortsig", "MC4C", "b1b1", "=b***")


@pytest.mark.parametrize("line", MASKED)
def test_a_recognisable_secret_is_masked(line: str) -> None:
    masked = mask(line)
    assert "***" in masked
    assert not any(word in masked for word in SPOKEN)


@pytest.mark.parametrize(
    "line",
    [
        "order job-20261121-093000-abc-000001 is FILLED at 64000.10",
        "connecting to wss://fstream.binance.com/market/ws/btcusdt@aggTrade",
        "clientOrderId=ok-7f3a9c2e4b1d4f6a8c0e2b4d6f8a0c2e",
        '{"e":"listenKeyExpired","E":1795000000000}',
    ],
)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert mask(line) == line


def test_a_registered_secret_is_masked_in_every_escaping() -> None:
    secret = 'pa/per+"key"='
    register_secret(secret)
    for form in (secret, quote(secret, safe=""), json.dumps(secret)):
        assert "***" in mask(f"value {form} end")


class Exchange(BaseHTTPRequestHandler):
    """Gives a listen key, refuses orders repeating what it was sent, and drops queries unanswered."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.path.endswith("listenKey"):
            self._answer(200, {"listenKey": LISTEN_KEY})
        else:
            self._answer(400, {"code": -1100, "msg": f"Illegal: {body} by {self.headers['X-MBX-APIKEY']}"})

    def do_GET(self) -> None:
        self.close_connection = True

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def exchange() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_with_debug_on_no_path_writes_a_secret(tmp_path: Path, exchange: str) -> None:
    settings = settings_in(tmp_path)
    setup_logging(settings)
    for name in ("http", "https"):  # one address answers, the other cannot be reached
        endpoints = Endpoints(
            f"{name}://{exchange}", f"ws://{exchange}", "", settings.api_key, settings.api_secret
        )
        gateway = BinanceGateway(settings, endpoints)
        request = OrderRequest("BTCUSDT", Side.BUY, OrderType.MARKET, None)
        for call in (
            lambda: gateway.submit("job-1", request),  # noqa: B023
            lambda: gateway.query(OrderRef("BTCUSDT", "job-1")),  # noqa: B023
            gateway.create_listen_key,
        ):
            try:
                call()
            except OrderKitError:
                logging.getLogger("test").exception("it failed")
        asyncio.run(stream_until_lost(gateway, f"ws://{exchange}", tmp_path / "bot.log"))
        client = get_client(settings, endpoints)
        client.verbose = True
        with contextlib.suppress(Exception):
            client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
        try:
            client.futures_get_order(symbol="BTCUSDT", orderId="1")
        except Exception:
            logging.getLogger("test").exception("a library's own exception, with the signed URL in it")
        gateway.close()
        client.session.close()
    logging.getLogger("test").debug("settings %r, headers %s, key %s", settings, client.session.headers, KEY)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"look at {SECRET}", stacklevel=1)
    text = (tmp_path / "bot.log").read_text()
    # The paths were really taken …
    for trace in (
        "urllib3",
        "websockets.client",
        "signature=***",
        "binance.base_client",
        "Traceback",
        "py.warnings",
    ):
        assert trace in text, trace
    # … and told nothing.
    for secret in (KEY, SECRET, LISTEN_KEY):
        assert secret not in text
    assert not SIGNATURE.search(text)


async def stream_until_lost(gateway: BinanceGateway, base: str, log: Path) -> None:
    lost = log.read_text().count("user stream lost")
    task = asyncio.create_task(UserStream(gateway, base).run(lambda _: None))
    await eventually(lambda: log.read_text().count("user stream lost") > lost)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) [\w.]+: ")


def test_a_line_has_time_level_module_message_and_traceback(tmp_path: Path) -> None:
    setup_logging(settings_in(tmp_path))
    try:
        raise RuntimeError("the reason")
    except RuntimeError:
        logging.getLogger("orderkit.engine").exception("it broke")
    first, *rest = (tmp_path / "bot.log").read_text().splitlines()
    assert LINE.match(first)
    assert first.endswith("ERROR orderkit.engine: it broke")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "RuntimeError: the reason"


def test_nothing_reaches_the_terminal_and_setting_up_again_does_not_double(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    setup_logging(settings_in(tmp_path))
    setup_logging(settings_in(tmp_path))
    logging.getLogger("orderkit").error("once")
    assert (tmp_path / "bot.log").read_text().count("once") == 1
    assert capfd.readouterr() == ("", "")


def test_the_level_is_kept(tmp_path: Path) -> None:
    setup_logging(settings_in(tmp_path, log_level="WARNING"))
    logging.getLogger("orderkit").info("quiet")
    assert (tmp_path / "bot.log").read_text() == ""


def test_an_unwritable_place_falls_back_to_the_home_and_then_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "bot.log"
    assert setup_logging(settings_in(tmp_path, log_file=nowhere)) == tmp_path / "bot.log"
    assert setup_logging(settings_in(tmp_path / "file" / "home", log_file=nowhere)) is None
    logging.getLogger("orderkit").error("goes nowhere, and nothing breaks")


def test_the_default_place_is_the_checkout_else_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Path(config.__file__).parents[2]
    assert config._default_log_file(tmp_path) == checkout / "bot.log"
    monkeypatch.setattr(config, "__file__", str(tmp_path / "site-packages" / "orderkit" / "config.py"))
    assert config._default_log_file(tmp_path / "home") == tmp_path / "home" / "bot.log"


def test_a_log_that_is_deleted_or_fails_to_open_comes_back(tmp_path: Path) -> None:
    handler = SharedRotatingFileHandler(tmp_path / "logs" / "bot.log")
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", None, None)
    handler.emit(record)
    (tmp_path / "logs" / "bot.log").unlink()
    (tmp_path / "logs").rmdir()
    handler.emit(record)
    (tmp_path / "logs").mkdir()
    handler.emit(record)
    assert (tmp_path / "logs" / "bot.log").read_text().count("hello") == 1
    handler.close()


WRITER = """
import logging, sys
from pathlib import Path
from orderkit.logfile import SharedRotatingFileHandler
handler = SharedRotatingFileHandler(Path(sys.argv[1]), max_bytes=20_000, backups=40)
log = logging.getLogger("writer"); log.addHandler(handler); log.setLevel(logging.INFO)
for n in range(600):
    log.info("%s-%d %s", sys.argv[2], n, "xy-" * 20)
"""


def test_several_processes_share_and_rotate_one_file_without_losing_a_line(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"w{n}"]) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    files = [p for p in tmp_path.iterdir() if p.suffix != ".lock"]
    lines = [line for p in files for line in p.read_text().splitlines()]
    expected = {f"w{w}-{n}" for w in range(4) for n in range(600)}
    assert len(files) > 5
    assert all(LINE.match(line) and line.endswith("xy-" * 20) for line in lines)
    assert {line.split()[3] for line in lines} == expected
    assert len(lines) == len(expected)


def test_a_record_that_cannot_be_formatted_stops_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = SharedRotatingFileHandler(tmp_path / "bot.log")
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "bad %d arguments", ("no number",), None))
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "next", None, None))
    handler.close()
    assert (tmp_path / "bot.log").read_text().endswith("next\n")
    assert capfd.readouterr() == ("", "")


def test_old_files_are_dropped(tmp_path: Path) -> None:
    handler = SharedRotatingFileHandler(tmp_path / "bot.log", max_bytes=500, backups=2)
    for n in range(40):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, f"line {n} {'y' * 60}", None, None))
    handler.close()
    assert {p.name for p in tmp_path.iterdir()} == {"bot.log", "bot.log.1", "bot.log.2", "bot.log.lock"}
    assert all(p.stat().st_size <= 500 for p in tmp_path.iterdir())
