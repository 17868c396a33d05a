"""The ``paper`` commands that make things happen on the running exchange: prices, money, keys and faults."""

from pathlib import Path
from typing import Annotated

import typer

from orderkit.console import options
from orderkit.paper.fault_kinds import Action, Moment, StreamFault

_SETTING = "Setting"
_FAULT = "A fault of requests"
_STREAMS = "Others"
BidArgument = Annotated[str, typer.Argument(metavar="BID", help="Best bid.")]
AskArgument = Annotated[str, typer.Argument(metavar="ASK", help="Best ask.")]
MarkArgument = Annotated[str, typer.Argument(metavar="PRICE", help="Mark price.")]
TradePriceArgument = Annotated[str, typer.Argument(metavar="PRICE", help="Price of the trade.")]
TradedArgument = Annotated[str, typer.Argument(metavar="QUANTITY", help="Size in base asset.")]
AmountArgument = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="How much to pay in; below 0 it is taken out.")
]
KeyArgument = Annotated[str, typer.Argument(metavar="API_KEY", help="The key's name, as clients send it.")]


def market(
    symbol: options.SymbolArgument,
    bid: BidArgument,
    ask: AskArgument,
    bid_quantity: Annotated[
        str | None,
        typer.Option(
            "--bid-quantity",
            metavar="Q",
            help="Size at the bid; else the largest lot.",
            rich_help_panel=_SETTING,
        ),
    ] = None,
    ask_quantity: Annotated[
        str | None,
        typer.Option(
            "--ask-quantity",
            metavar="Q",
            help="Size at the ask; else the largest lot.",
            rich_help_panel=_SETTING,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Set the best prices of the manual market; the last price moves to the middle.

    Examples:

      bot.py paper market BTCUSDT 60000 60000.1

      bot.py paper market BTCUSDT 60000 60000.1 --ask-quantity 0.5
    """
    del json
    from orderkit.console.rehearsing import set_market

    set_market(symbol, bid, ask, bid_quantity, ask_quantity)


def trade(
    symbol: options.SymbolArgument,
    price: TradePriceArgument,
    quantity: TradedArgument,
    sell: Annotated[
        bool, typer.Option("--sell", help="A seller began it; else a buyer.", rich_help_panel=_SETTING)
    ] = False,
    json: options.Json = False,
) -> None:
    """Let others trade on the manual market; orders that rest at the price or better are filled by it.

    Examples:

      bot.py paper trade BTCUSDT 60000.1 0.5

      bot.py paper trade BTCUSDT 60000 0.5 --sell --json
    """
    del json
    from orderkit.console.rehearsing import print_trade

    print_trade(symbol, price, quantity, seller_began=sell)


def mark(symbol: options.SymbolArgument, price: MarkArgument, json: options.Json = False) -> None:
    """Set the mark price of the manual market; without one it follows the middle of the best prices.

    Examples:

      bot.py paper mark BTCUSDT 59990

      bot.py paper mark ETHUSDT 2995.5 --json
    """
    del json
    from orderkit.console.rehearsing import set_mark

    set_mark(symbol, price)


def funding(
    symbol: options.SymbolArgument,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            metavar="R",
            help="As 0.0001 for 0.01 %; else the one in force.",
            rich_help_panel=_SETTING,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Settle a contract's funding now: longs pay a rate above 0, shorts one below.

    Examples:

      bot.py paper funding BTCUSDT --rate 0.0001

      bot.py paper funding ETHUSDT --json
    """
    del json
    from orderkit.console.rehearsing import settle_funding

    settle_funding(symbol, rate)


def deposit(
    amount: AmountArgument,
    asset: Annotated[str, typer.Option("--asset", help="Which balance.", rich_help_panel=_SETTING)] = "USDT",
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key", metavar="KEY", help="Whose account; else the default one.", rich_help_panel=_SETTING
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Pay into an account's wallet, or take out with an amount below 0.

    Examples:

      bot.py paper deposit 5000

      bot.py paper deposit -250.5 --asset USDT
    """
    del json
    from orderkit.console.rehearsing import pay_in

    pay_in(amount, asset, api_key)


def keys(
    api_key: KeyArgument,
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret", metavar="SECRET", help="The secret of an HMAC key.", rich_help_panel=_SETTING
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="The PEM file of an RSA or Ed25519 public key.",
            rich_help_panel=_SETTING,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Let another key trade, on an account of its own.

    Examples:

      bot.py paper keys second --secret not-a-real-secret

      bot.py paper keys third --public-key ed25519.pub.pem
    """
    del json
    from orderkit.console.rehearsing import add_key

    add_key(api_key, secret, public_key)


def requests(
    last: Annotated[
        int | None,
        typer.Option("--last", "-n", min=1, metavar="N", help="Only the newest N.", rich_help_panel=_SETTING),
    ] = None,
    json: options.Json = False,
) -> None:
    """List what the exchange received, oldest first: parameters without signatures, and the answer's status.

    Examples:

      bot.py paper requests --last 20

      bot.py paper requests --json
    """
    del json
    from orderkit.console.rehearsing import show_requests

    show_requests(last)


def faults(
    action: Annotated[
        Action | None,
        typer.Option("--action", help="What happens to a request.", rich_help_panel=_FAULT),
    ] = None,
    apply: Annotated[
        Moment,
        typer.Option(
            "--apply",
            help="before: it never reaches the book. after: it is executed, its answer is lost or replaced.",
            rich_help_panel=_FAULT,
        ),
    ] = Moment.BEFORE,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="VERB",
            help="Only POST, GET, …; WS: the WebSocket API.",
            rich_help_panel=_FAULT,
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path",
            metavar="PATH",
            help="Only this path, or method of the WebSocket API.",
            rich_help_panel=_FAULT,
        ),
    ] = None,
    nth: Annotated[
        int | None,
        typer.Option(
            "--nth", min=1, metavar="N", help="From the Nth matching request on.", rich_help_panel=_FAULT
        ),
    ] = None,
    times: Annotated[
        int | None,
        typer.Option(
            "--times",
            min=1,
            metavar="N",
            help="How many; else one with --nth, all without.",
            rich_help_panel=_FAULT,
        ),
    ] = None,
    status: Annotated[
        int | None,
        typer.Option("--status", metavar="CODE", help="HTTP status of an error.", rich_help_panel=_FAULT),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            "--body", metavar="TEXT", help="An error's JSON document, or text.", rich_help_panel=_FAULT
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="NAME:VALUE",
            help="A header of the error, such as Retry-After:3.",
            rich_help_panel=_FAULT,
        ),
    ] = None,
    delay_ms: Annotated[
        int,
        typer.Option("--delay-ms", min=0, metavar="MS", help="How long a delay is.", rich_help_panel=_FAULT),
    ] = 0,
    streams: Annotated[
        StreamFault | None,
        typer.Option("--streams", help="What happens to streams instead.", rich_help_panel=_STREAMS),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="End all faults first.", rich_help_panel=_STREAMS)
    ] = False,
    json: options.Json = False,
) -> None:
    """Make requests or streams fail, and show the faults in force.

    Examples:

      bot.py paper faults --action drop --apply after --method POST --path /fapi/v1/order --nth 1

      bot.py paper faults --action error --status 429 --header Retry-After:3 --times 1

      bot.py paper faults --streams disconnect

      bot.py paper faults --clear
    """
    del json
    from orderkit.console.rehearsing import FaultWords, set_faults

    words = FaultWords(action, apply, method, path, nth, times, status, body, tuple(header or ()), delay_ms)
    set_faults(words, streams, clear=clear)
