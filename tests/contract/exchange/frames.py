"""User stream frames as the exchange writes them, made up for the tests."""

from typing import Any


def order_update(**changes: Any) -> dict[str, Any]:
    order = {
        "s": "BTCUSDT",
        "c": "job-1",
        "S": "BUY",
        "o": "MARKET",
        "f": "GTC",
        "q": "0.100",
        "p": "0",
        "ap": "0",
        "sp": "0",
        "x": "NEW",
        "X": "NEW",
        "i": 4129479931,
        "l": "0",
        "z": "0",
        "L": "0",
        "n": "0",
        "N": "USDT",
        "T": 1795000000123,
        "t": 0,
        "m": False,
        "R": False,
        "ps": "BOTH",
        "rp": "0",
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": 1795000000123, "E": 1795000000124, "o": order | changes}


def algo_update(**changes: Any) -> dict[str, Any]:
    order = {
        "caid": "job-1",
        "aid": 1000000000000001,
        "at": "CONDITIONAL",
        "o": "STOP",
        "s": "BTCUSDT",
        "S": "SELL",
        "ps": "BOTH",
        "f": "GTC",
        "q": "0.010",
        "X": "NEW",
        "ai": "",
        "tp": "60000",
        "p": "59900",
        "V": "EXPIRE_MAKER",
        "wt": "CONTRACT_PRICE",
    }
    return {"e": "ALGO_UPDATE", "T": 1795000000500, "E": 1795000000501, "o": order | changes}


NEW = order_update()
FILL = order_update(
    x="TRADE", X="FILLED", ap="84146.50000", l="0.100", z="0.100", L="84146.50", n="3.36586000", t=310194316
)
TRADE_LITE = {
    "e": "TRADE_LITE",
    "E": 1,
    "T": 1,
    "s": "BTCUSDT",
    "c": "job-1",
    "t": 310194316,
    "i": 4129479931,
}
ACCOUNT_UPDATE = {"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "ORDER", "B": [], "P": []}}
UNHEARD_OF = {"e": "SOMETHING_OF_2027", "E": 1}
ALGO_NONSENSE = algo_update(aq="a lot")
