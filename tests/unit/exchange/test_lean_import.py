"""The REST client comes without the heavy half of python-binance, and nobody else notices."""

import subprocess
import sys

import pytest

LEAN = "from orderkit.exchange.lean_import import client_class; Client = client_class(); import sys\n"
CASES = [
    ("aiohttp stays out", LEAN + "print('aiohttp' in sys.modules)", "False"),
    (
        "the rest comes when asked for",
        LEAN + "from binance import AsyncClient; print(AsyncClient.__name__)",
        "AsyncClient",
    ),
    ("one class", LEAN + "import binance; print(binance.Client is Client)", "True"),
    ("one class, asked for again", LEAN + "print(client_class() is Client)", "True"),
    (
        "submodules",
        LEAN + "from binance.ws.streams import BinanceSocketManager as B; print(B.__name__)",
        "BinanceSocketManager",
    ),
    ("star import", LEAN + "from binance import *; print('KLINE_INTERVAL_1MINUTE' in dir())", "True"),
    ("probing", LEAN + "import binance; print(hasattr(binance, 'no_such_name'))", "False"),
    ("the whole package first", "import binance\n" + LEAN + "print(Client is binance.Client)", "True"),
]


@pytest.mark.parametrize(("code", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_package_behaves_as_if_imported_whole(code: str, expected: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.returncode) == (expected, 0), result.stderr
