"""Settings from the environment and .env, their checks, the log, and the authenticated client."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orderkit import __version__
from orderkit.domain.enums import Environment
from orderkit.errors import ConfigurationError
from orderkit.redaction import Secret, register_secret

if TYPE_CHECKING:
    from binance.client import Client

RECV_WINDOW_MS = 5_000
CONNECT_TIMEOUT_S = 5.0
DEFAULT_TIMEOUT_S = 10.0  # Binance itself gives up on its backend after 10 s (-1007)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_KEY_PAGES = {
    Environment.TESTNET: "create a key at https://demo.binance.com (API Management)",
    Environment.DEMO: "create a key at https://demo.binance.com (API Management)",
    Environment.LIVE: "create a key with futures permission at https://www.binance.com (API Management)",
}
_PLACEHOLDERS = ("your", "changeme", "change_me", "placeholder", "example", "secret", "api_key", "<", "...")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a command needs to know before it starts. ``timeout_s`` bounds each wait for an answer."""

    environment: Environment
    home: Path
    environment_source: str = "default"
    api_key: Secret = field(default=Secret(), repr=False)
    api_secret: Secret = field(default=Secret(), repr=False)
    private_key: Path | None = None
    log_level: str = "INFO"
    log_file: Path | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    risk_variables: Mapping[str, str] = field(default_factory=dict)  # ORDERKIT_RISK_…, as written

    @classmethod
    def load(
        cls,
        environment: str | None = None,
        environ: Mapping[str, str] | None = None,
        dotenv: Path | None = Path(".env"),
    ) -> "Settings":
        """Read the settings: ``environment`` (from --env) before the real environment before ``.env``.

        An empty variable counts as not set, and hides the one in ``.env``. Credentials read here are masked
        in the log from now on.

        Raises:
            ConfigurationError: an unknown environment, a number that is none, an unreadable ``.env``.
        """
        values = {**_read_dotenv(dotenv), **(os.environ if environ is None else environ)}

        def get(name: str) -> str:
            return values.get(name, "").strip()

        key, secret, private_key = get("BINANCE_API_KEY"), get("BINANCE_API_SECRET"), get(_PRIVATE_KEY)
        for credential in (key, secret):
            register_secret(credential)
        chosen, source = _choose_environment(environment, get("BINANCE_ENV"), has_keys=bool(key))
        return cls(
            environment=chosen,
            environment_source=source,
            home=home_directory(values),
            api_key=Secret(key),
            api_secret=Secret(secret),
            private_key=Path(private_key).expanduser() if private_key else None,
            log_level=get("ORDERKIT_LOG_LEVEL").upper() or "INFO",
            log_file=Path(get("ORDERKIT_LOG_FILE")).expanduser() if get("ORDERKIT_LOG_FILE") else None,
            risk_variables={
                name: value.strip() for name, value in values.items() if name.startswith("ORDERKIT_RISK_")
            },
            timeout_s=_seconds("ORDERKIT_TIMEOUT", get("ORDERKIT_TIMEOUT")),
        )


_PRIVATE_KEY = "BINANCE_PRIVATE_KEY_PATH"


def home_directory(environ: Mapping[str, str] | None = None) -> Path:
    """The state directory (journal, paper account, caches), created for this user alone.

    ``ORDERKIT_HOME``, else the platform's usual place. Raises ConfigurationError where it cannot be made.
    """
    named = (os.environ if environ is None else environ).get("ORDERKIT_HOME", "").strip()
    if named:
        home = Path(named).expanduser().absolute()
    else:
        from platformdirs import user_state_path

        home = user_state_path("orderkit")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the state directory {home} cannot be created: {error.strerror}",
            hint="name a writable directory in ORDERKIT_HOME",
        ) from error
    return home


def validate_environment(settings: Settings) -> None:
    """Check that the settings can work before anything is sent; the network is not asked.

    Raises:
        ConfigurationError: with a hint that says which variable to set, and to what.
    """
    if settings.log_level not in LOG_LEVELS:
        raise ConfigurationError(
            f"ORDERKIT_LOG_LEVEL is {settings.log_level!r}", hint=f"accepted: {', '.join(LOG_LEVELS)}"
        )
    if settings.environment is Environment.PAPER:
        return
    where = _KEY_PAGES[settings.environment]
    if not settings.api_key:
        raise ConfigurationError(
            f"BINANCE_API_KEY is not set, {settings.environment} needs it",
            hint=f"{where} and put it into .env, or use --env paper, which needs none",
        )
    _check_credential("BINANCE_API_KEY", settings.api_key, where)
    if settings.private_key is not None:
        load_private_key(settings.private_key)
        return
    if not settings.api_secret:
        raise ConfigurationError(
            f"neither BINANCE_API_SECRET nor {_PRIVATE_KEY} is set",
            hint="set the secret that belongs to the key, or the file of its RSA or Ed25519 private key",
        )
    _check_credential("BINANCE_API_SECRET", settings.api_secret, where)


def load_private_key(path: Path) -> Secret:
    """The key as unencrypted PKCS#8 PEM text, the only form python-binance tells RSA and Ed25519 apart in.

    Raises:
        ConfigurationError: unreadable, encrypted, or neither RSA nor Ed25519.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError(
            f"{_PRIVATE_KEY}: {path} cannot be read: {error.strerror}",
            hint="name the PEM file of the private key and let your user read it",
        ) from error
    except TypeError as error:
        raise ConfigurationError(
            f"{_PRIVATE_KEY}: {path} is encrypted", hint="decrypt it: openssl pkey -in KEY -out PLAIN_KEY"
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{_PRIVATE_KEY}: {path} holds no private key in PEM form",
            hint="the file starts with -----BEGIN PRIVATE KEY-----",
        ) from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigurationError(
            f"{_PRIVATE_KEY}: {path} is of a kind Binance does not take", hint="accepted: RSA and Ed25519"
        )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secret(pem.decode("ascii"))


def setup_logging(settings: Settings) -> Path | None:
    """Send all records of this process, masked, to bot.log and return its path; nothing to the terminal.

    The file is ``settings.log_file``, else bot.log in the checkout we run from, else in the state directory,
    which also takes over where the first choice cannot be written. Where nothing can be written, None:
    a log must never stop an order. Calling it again replaces the earlier set-up.
    """
    from orderkit.logfile import SharedRotatingFileHandler

    for secret in (settings.api_key, settings.api_secret):
        register_secret(secret)
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, SharedRotatingFileHandler | _Discard)]:
        root.removeHandler(old)
        old.close()
    handler: logging.Handler = _Discard()
    for path in (settings.log_file or _default_log_file(settings.home), settings.home / "bot.log"):
        try:
            handler = SharedRotatingFileHandler(path)
            break
        except OSError:
            continue
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    return handler.path if isinstance(handler, SharedRotatingFileHandler) else None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an environment answers, without trailing slashes, and the key pair it knows us by."""

    rest: str
    stream: str
    ws_api: str
    api_key: Secret = field(default=Secret(), repr=False)
    api_secret: Secret = field(default=Secret(), repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Endpoints":
        """The environment's addresses; on paper this starts the exchange where none is running."""
        if settings.environment is not Environment.PAPER:
            rest, stream, ws_api = _ADDRESSES[settings.environment]
            return cls(rest, stream, ws_api, settings.api_key, settings.api_secret)
        from orderkit.paper.process import ensure_running

        paper = ensure_running(settings.home)
        for credential in (paper.api_key, paper.api_secret):
            register_secret(credential)
        return cls(
            rest=paper.rest,
            stream=paper.ws,
            ws_api=f"{paper.ws}/ws-fapi/v1",
            api_key=Secret(paper.api_key),
            api_secret=Secret(paper.api_secret),
        )

    @property
    def is_loopback(self) -> bool:
        return self.rest.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:"))


# Testnet and demo are one backend under two names; unrouted stream addresses are retired since 2026-04-23.
_ADDRESSES = {
    Environment.TESTNET: (
        "https://testnet.binancefuture.com",
        "wss://fstream.binancefuture.com",
        "wss://testnet.binancefuture.com/ws-fapi/v1",
    ),
    Environment.DEMO: (
        "https://demo-fapi.binance.com",
        "wss://demo-fstream.binance.com",
        "wss://testnet.binancefuture.com/ws-fapi/v1",
    ),
    Environment.LIVE: (
        "https://fapi.binance.com",
        "wss://fstream.binance.com",
        "wss://ws-fapi.binance.com/ws-fapi/v1",
    ),
}


def get_client(settings: Settings | None = None, endpoints: Endpoints | None = None) -> "Client":
    """An authenticated python-binance client for the environment; no request is made here.

    It is meant for REST, by one thread at a time: its WebSocket API is left without an event loop. Its clock
    offset is 0: set ``timestamp_offset`` from the futures server's time where the local clock is off.

    Raises:
        ConfigurationError: as ``validate_environment``.
    """
    settings = settings or Settings.load()
    validate_environment(settings)
    endpoints = endpoints or Endpoints.of(settings)
    client = _bare_client(settings, endpoints)
    client.REQUEST_RECVWINDOW = RECV_WINDOW_MS
    client.REQUEST_TIMEOUT = (min(CONNECT_TIMEOUT_S, settings.timeout_s), settings.timeout_s)
    client.session.headers["User-Agent"] = f"orderkit/{__version__}"
    # On the instance: python-binance has no demo address for /futures/data and would ask the live one.
    for name in ("FUTURES_URL", "FUTURES_TESTNET_URL", "FUTURES_DEMO_URL"):
        setattr(client, name, f"{endpoints.rest}/fapi")
    for name in ("FUTURES_DATA_URL", "FUTURES_DATA_TESTNET_URL"):
        setattr(client, name, f"{endpoints.rest}/futures/data")
    client.ws_future._url = endpoints.ws_api
    if endpoints.is_loopback:
        client.API_URL = f"{endpoints.rest}/api"
        client.MARGIN_API_URL = f"{endpoints.rest}/sapi"
        client.session.trust_env = False  # a proxy has no way to this machine's loopback
    return client


def _bare_client(settings: Settings, endpoints: Endpoints) -> "Client":
    """Construct the client in a thread of its own.

    The constructor makes an event loop the thread's current one and leaves it open: in the caller's thread
    that would leak its sockets and stand in the way of a later ``asyncio.run``.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from orderkit.exchange.lean_import import client_class

    private_key = None
    if settings.private_key is not None and settings.environment is not Environment.PAPER:
        private_key = str(load_private_key(settings.private_key))

    def build() -> "Client":
        client = client_class()(
            str(endpoints.api_key) or None,
            str(endpoints.api_secret) or None,
            # A redirect would carry the key to another host, and is no answer of Binance's.
            requests_params={"allow_redirects": False},
            testnet=settings.environment is Environment.TESTNET,
            demo=settings.environment is Environment.DEMO,
            private_key=private_key,
            ping=False,
        )
        client.loop.close()
        asyncio.set_event_loop(None)
        return client

    with ThreadPoolExecutor(1, thread_name_prefix="orderkit-client") as thread:
        return thread.submit(build).result()


class _Discard(logging.NullHandler):
    """Stands in where no log can be written, so that nothing falls through to the terminal."""


def _default_log_file(home: Path) -> Path:
    checkout = Path(__file__).parents[2]
    return (checkout if (checkout / "bot.py").is_file() else home) / "bot.log"


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return {k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}",
            hint="write it as .env.example shows",
        ) from error


def _choose_environment(option: str | None, variable: str, *, has_keys: bool) -> tuple[Environment, str]:
    for name, source in ((option or "", "--env"), (variable, "BINANCE_ENV")):
        if name.strip():
            try:
                return Environment(name.strip().lower()), source
            except ValueError:
                raise ConfigurationError(
                    f"{source} names an unknown environment: {name.strip()!r}",
                    hint=f"accepted: {', '.join(Environment)}",
                ) from None
    if has_keys:
        return Environment.TESTNET, "keys are set"
    return Environment.PAPER, "no keys are set"


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text) if text else DEFAULT_TIMEOUT_S
    except ValueError:
        value = -1.0
    if not 0.1 <= value <= 120:  # nan fails too
        raise ConfigurationError(f"{name} is {text!r}", hint="seconds between 0.1 and 120, for example 10")
    return value


def _check_credential(name: str, value: str, where: str) -> None:
    """Find what copying goes wrong with; the value itself is never told."""
    if value[0] in "\"'" or value[-1] in "\"'":
        raise ConfigurationError(f"{name} is wrapped in quotes", hint="write the bare value")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(
            f"{name} holds a blank or a character no key has", hint="copy it again, in one piece"
        )
    if len(value) < 64 and any(word in value.lower() for word in _PLACEHOLDERS):
        raise ConfigurationError(f"{name} still holds the placeholder", hint=where)
