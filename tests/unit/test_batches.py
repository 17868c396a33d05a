"""Which orders share a request."""

from decimal import Decimal

from orderkit.domain.commands import Command, SetTimer, SubmitOrder
from orderkit.domain.enums import OrderType, Side, TimeInForce
from orderkit.domain.order import OrderRequest
from orderkit.runtime.batches import in_batches

KINDS = {
    "L": (OrderType.LIMIT, TimeInForce.GTC),
    "P": (OrderType.LIMIT, TimeInForce.GTX),
    "I": (OrderType.LIMIT, TimeInForce.IOC),
    "M": (OrderType.MARKET, None),
    "S": (OrderType.STOP_MARKET, None),
}


def commands(letters: str) -> list[Command]:
    """One command a letter: an order of a kind, in lower case for ETHUSDT; T is a timer."""
    made: list[Command] = []
    for number, letter in enumerate(letters):
        if letter == "T":
            made.append(SetTimer(number, 0))
            continue
        kind, tif = KINDS[letter.upper()]
        symbol = "BTCUSDT" if letter.isupper() else "ETHUSDT"
        request = OrderRequest(symbol, Side.BUY, kind, Decimal(1), Decimal(1), time_in_force=tif)
        made.append(SubmitOrder("job", f"{letter}{number}", request))
    return made


def test_orders_that_can_rest_and_follow_each_other_share_a_request() -> None:
    for letters, groups in {
        "": [],
        "L": [1],
        "LP": [2],
        "LLLLLLLLLLLL": [5, 5, 2],
        "LLLLLL": [5, 1],
        "MLLM": [1, 2, 1],
        "LSLL": [1, 1, 2],
        "LITLL": [1, 1, 1, 2],
        "LLll": [2, 2],
    }.items():
        sent = commands(letters)
        made = list(in_batches(sent))
        assert [len(part) if isinstance(part, list) else 1 for part in made] == groups, letters
        flat = [command for part in made for command in (part if isinstance(part, list) else [part])]
        assert flat == sent
