"""Settings: what wins over what, what is refused and with which advice, and the client they lead to."""

import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from orderkit.config import (
    Endpoints,
    Settings,
    get_client,
    home_directory,
    load_private_key,
    validate_environment,
)
from orderkit.domain.enums import Environment
from orderkit.errors import ConfigurationError

KEY = "aB3" * 21 + "x"
SECRET = "zY9" * 21 + "w"
KEYS = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}


def load(tmp_path: Path, option: str | None = None, dotenv: str = "", **environ: str) -> Settings:
    (tmp_path / ".env").write_text(dotenv)
    return Settings.load(option, {"ORDERKIT_HOME": str(tmp_path / "home"), **environ}, tmp_path / ".env")


# --env, environment, .env → environment, why
PRECEDENCE: list[tuple[str, str | None, Mapping[str, str], str, Environment, str]] = [
    ("nothing", None, {}, "", Environment.PAPER, "no keys are set"),
    ("keys", None, KEYS, "", Environment.TESTNET, "keys are set"),
    ("keys in .env", None, {}, f"BINANCE_API_KEY={KEY}", Environment.TESTNET, "keys are set"),
    ("variable over keys", None, {**KEYS, "BINANCE_ENV": "demo"}, "", Environment.DEMO, "BINANCE_ENV"),
    ("option over variable", "live", {"BINANCE_ENV": "demo"}, "", Environment.LIVE, "--env"),
    (
        "variable over .env",
        None,
        {"BINANCE_ENV": "demo"},
        "BINANCE_ENV=live",
        Environment.DEMO,
        "BINANCE_ENV",
    ),
    (".env", None, {}, "BINANCE_ENV=live", Environment.LIVE, "BINANCE_ENV"),
    ("empty hides .env", None, {"BINANCE_ENV": ""}, "BINANCE_ENV=live", Environment.PAPER, "no keys are set"),
    ("empty key is no key", None, {"BINANCE_API_KEY": " "}, "", Environment.PAPER, "no keys are set"),
    ("case and blanks", " Testnet ", {}, "", Environment.TESTNET, "--env"),
]


@pytest.mark.parametrize(
    ("option", "environ", "dotenv", "expected", "source"),
    [p[1:] for p in PRECEDENCE],
    ids=[p[0] for p in PRECEDENCE],
)
def test_the_environment_is_chosen_by_the_first_that_names_one(
    tmp_path: Path,
    option: str | None,
    environ: Mapping[str, str],
    dotenv: str,
    expected: Environment,
    source: str,
) -> None:
    settings = load(tmp_path, option, dotenv, **environ)
    assert (settings.environment, settings.environment_source) == (expected, source)


def test_dotenv_takes_quotes_comments_and_dollar_signs_as_they_are(tmp_path: Path) -> None:
    settings = load(
        tmp_path, dotenv=f"# keys\nexport BINANCE_API_KEY='{KEY}'\nBINANCE_API_SECRET=a${{HOME}}b\n"
    )
    assert settings.api_key == KEY
    assert settings.api_secret == "a${HOME}b"


def test_a_missing_dotenv_is_fine_and_one_that_is_no_text_is_not(tmp_path: Path) -> None:
    home = {"ORDERKIT_HOME": str(tmp_path)}
    assert Settings.load(None, home, tmp_path / "none").environment is Environment.PAPER
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        Settings.load(None, home, tmp_path / ".env")


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, **KEYS)
    endpoints = Endpoints("r", "s", "w", settings.api_key, settings.api_secret)
    shown = f"{settings!r} {endpoints!r} {settings.api_key!r} {[settings.api_secret]}"
    assert KEY not in shown
    assert SECRET not in shown


BAD: list[tuple[str, Mapping[str, str], str, str]] = [
    ("unknown environment", {"BINANCE_ENV": "mainnet"}, "mainnet", "paper, testnet, demo, live"),
    ("no key", {"BINANCE_ENV": "testnet"}, "BINANCE_API_KEY is not set", "demo.binance.com"),
    ("no key, live", {"BINANCE_ENV": "live"}, "BINANCE_API_KEY is not set", "www.binance.com"),
    ("no secret", {"BINANCE_API_KEY": KEY}, "BINANCE_API_SECRET", "private key"),
    ("quoted key", {**KEYS, "BINANCE_API_KEY": f'"{KEY}"'}, "quotes", "bare"),
    ("quote at one end", {**KEYS, "BINANCE_API_SECRET": f"{SECRET}'"}, "quotes", "bare"),
    ("two words", {**KEYS, "BINANCE_API_KEY": f"{KEY} {KEY}"}, "blank", "copy"),
    ("line break", {**KEYS, "BINANCE_API_SECRET": f"{KEY}\n{KEY}"}, "blank", "copy"),
    ("not ASCII", {**KEYS, "BINANCE_API_KEY": "ключ" * 16}, "character", "copy"),
    ("placeholder", {**KEYS, "BINANCE_API_KEY": "your_api_key_here"}, "placeholder", "create a key"),
    ("placeholder secret", {**KEYS, "BINANCE_API_SECRET": "<secret>"}, "placeholder", "create a key"),
    ("log level", {"ORDERKIT_LOG_LEVEL": "loud"}, "LOUD", "DEBUG"),
    ("timeout no number", {"ORDERKIT_TIMEOUT": "ten"}, "ten", "0.1 and 120"),
    ("timeout zero", {"ORDERKIT_TIMEOUT": "0"}, "0", "0.1 and 120"),
    ("timeout nan", {"ORDERKIT_TIMEOUT": "nan"}, "nan", "0.1 and 120"),
    ("key file missing", {**KEYS, "BINANCE_PRIVATE_KEY_PATH": "/no/such.pem"}, "cannot be read", "PEM"),
]


@pytest.mark.parametrize(("environ", "message", "hint"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_wrong_setting_is_refused_with_advice(
    tmp_path: Path, environ: Mapping[str, str], message: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate_environment(load(tmp_path, **environ))
    assert message in caught.value.message
    assert hint in str(caught.value.hint)
    told = f"{caught.value.message}{caught.value.hint}"
    assert KEY not in told
    assert SECRET not in told


@pytest.mark.parametrize("environment", ["paper", "testnet", "demo", "live"])
def test_good_settings_pass(tmp_path: Path, environment: str) -> None:
    validate_environment(load(tmp_path, environment, **KEYS))


def test_paper_needs_no_keys_and_does_not_mind_bad_ones(tmp_path: Path) -> None:
    validate_environment(load(tmp_path, "paper", BINANCE_API_KEY="<key>"))


def test_the_home_is_private_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    home = home_directory({"ORDERKIT_HOME": str(tmp_path / "a" / "b")})
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="state directory"):
        home_directory({"ORDERKIT_HOME": str(tmp_path / "file" / "below")})


# --- private keys -----------------------------------------------------------------------------------


def pem(
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b""
) -> bytes:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)],
    ids=["Ed25519", "RSA"],
)
def test_a_private_key_signs_whatever_its_line_ends(
    tmp_path: Path, key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, line_end: bytes
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(key).replace(b"\n", line_end))
    settings = load(tmp_path, "testnet", BINANCE_API_KEY=KEY, BINANCE_PRIVATE_KEY_PATH=str(path))
    client = get_client(settings)
    assert client._is_rsa == isinstance(key, rsa.RSAPrivateKey)
    assert client._generate_signature({"symbol": "BTCUSDT"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pem(ed25519.Ed25519PrivateKey.generate(), b"password"), "encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "does not take"),
        (b"not a key", "no private key"),
    ],
)
def test_a_private_key_of_no_use_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        load_private_key(path)


# --- the client -------------------------------------------------------------------------------------

ADDRESSES = [
    ("testnet", "https://testnet.binancefuture.com", "wss://fstream.binancefuture.com"),
    ("demo", "https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
    ("live", "https://fapi.binance.com", "wss://fstream.binance.com"),
]


@pytest.mark.parametrize(("environment", "rest", "stream"), ADDRESSES)
def test_the_client_asks_its_own_environment_only(
    tmp_path: Path, environment: str, rest: str, stream: str
) -> None:
    settings = load(tmp_path, environment, **KEYS, ORDERKIT_TIMEOUT="3")
    client = get_client(settings)
    assert client._create_futures_api_uri("order", 1) == f"{rest}/fapi/v1/order"
    assert client._create_futures_data_api_uri("basis") == f"{rest}/futures/data/basis"
    assert Endpoints.of(settings).stream == stream
    assert (client.REQUEST_RECVWINDOW, client.REQUEST_TIMEOUT) == (5000, (3.0, 3.0))
    assert client.session.headers["X-MBX-APIKEY"] == KEY


def test_on_loopback_nothing_leaves_the_machine(tmp_path: Path) -> None:
    base = "http://127.0.0.1:1"
    settings = load(tmp_path, "paper", **KEYS)
    client = get_client(
        settings, Endpoints(base, "ws://127.0.0.1:1", "ws://127.0.0.1:1/ws-fapi/v1", settings.api_key)
    )
    assert client._create_futures_api_uri("order", 1).startswith(base)
    assert client._create_futures_data_api_uri("basis").startswith(base)
    assert client._create_api_uri("ping").startswith(base)
    assert client.ws_future._url.startswith("ws://127.0.0.1:1/")
    assert not client.session.trust_env


def test_reading_settings_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
from orderkit.config import Settings
Settings.load(environ={"ORDERKIT_HOME": sys.argv[1]})
heavy = {"binance", "requests", "typer", "rich", "aiohttp", "websockets", "cryptography", "dotenv", "asyncio"}
print(sorted(heavy & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert result.stdout.strip() == "[]"
