"""What the commands of rehearsal.py do: each asks one route of the running exchange's test control."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from orderkit.config import home_directory
from orderkit.console import invocation
from orderkit.console.documents import print_document
from orderkit.console.durations import iso_time
from orderkit.console.rehearsal_documents import (
    PaperDepositDocument,
    PaperFaultRow,
    PaperFaultsDocument,
    PaperFundingDocument,
    PaperKeyDocument,
    PaperMarkDocument,
    PaperMarketDocument,
    PaperRequestRow,
    PaperRequestsDocument,
    PaperTradeDocument,
)
from orderkit.errors import ExchangeUnreachable, OrderRejected, UsageError
from orderkit.paper import process
from orderkit.paper.asking import ask
from orderkit.paper.fault_kinds import Action, Moment, StreamFault

ENVIRONMENT = "paper"
API_KEY_HEADER = "X-MBX-APIKEY"
_TIMEOUT_S = 30.0
_D = TypeVar("_D", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class FaultWords:
    """The options that describe a fault of requests."""

    action: Action | None
    apply: Moment
    method: str | None
    path: str | None
    nth: int | None
    times: int | None
    status: int | None
    body: str | None
    headers: tuple[str, ...]
    delay_ms: int


def set_market(symbol: str, bid: str, ask_: str, bid_quantity: str | None, ask_quantity: str | None) -> None:
    """Raises UsageError for what is no number, OrderRejected for another market than the manual one."""
    numbers = {"bid": bid, "ask": ask_, "bid_quantity": bid_quantity, "ask_quantity": ask_quantity}
    answer = _control("POST", "/paper/market", {"symbol": symbol} | _numbers(numbers))
    document = PaperMarketDocument(
        env=ENVIRONMENT, symbol=answer["symbol"], bid=answer["bid"], ask=answer["ask"]
    )
    _present(document, lambda d: f"{d.symbol}: {d.bid} / {d.ask}")


def set_mark(symbol: str, price: str) -> None:
    """Raises as ``set_market`` does."""
    answer = _control("POST", "/paper/mark", {"symbol": symbol} | _numbers({"price": price}))
    document = PaperMarkDocument(env=ENVIRONMENT, symbol=answer["symbol"], price=answer["price"])
    _present(document, lambda d: f"{d.symbol}: mark price {d.price}")


def print_trade(symbol: str, price: str, quantity: str, *, seller_began: bool) -> None:
    """Raises as ``set_market`` does."""
    numbers = _numbers({"price": price, "quantity": quantity})
    answer = _control("POST", "/paper/trade", {"symbol": symbol, "buyer_is_maker": seller_began} | numbers)
    document = PaperTradeDocument(
        env=ENVIRONMENT,
        symbol=answer["symbol"],
        price=answer["price"],
        quantity=answer["quantity"],
        aggressor="SELL" if seller_began else "BUY",
    )
    _present(document, lambda d: f"{d.symbol}: {d.quantity} traded at {d.price}")


def settle_funding(symbol: str, rate: str | None) -> None:
    """Raises UsageError for what is no number, OrderRejected for a rate beyond 1."""
    answer = _control("POST", "/paper/funding", {"symbol": symbol} | _numbers({"rate": rate}))
    document = PaperFundingDocument(
        env=ENVIRONMENT,
        symbol=answer["symbol"],
        rate=answer["fundingRate"],
        mark_price=answer["markPrice"],
        settled_at=iso_time(answer["fundingTime"]),
    )
    _present(document, lambda d: f"{d.symbol}: funding settled at {d.rate}, mark price {d.mark_price}")


def pay_in(amount: str, asset: str, api_key: str | None) -> None:
    """Raises OrderRejected where nobody has the key, or less is there than is taken out."""
    headers = () if api_key is None else ((API_KEY_HEADER, _plain(api_key)),)
    body = {"asset": asset.upper()} | _numbers({"amount": amount})
    answer = _control("POST", "/paper/deposit", body, headers)
    document = PaperDepositDocument(env=ENVIRONMENT, asset=answer["asset"], amount=answer["amount"])
    _present(document, lambda d: f"{d.asset}: {'+' if Decimal(d.amount) >= 0 else ''}{d.amount}")


def add_key(api_key: str, secret: str | None, public_key: Path | None) -> None:
    """Raises UsageError without exactly one of secret and public key, or for a file that cannot be read."""
    if (secret is None) == (public_key is None):
        raise UsageError("a key needs its secret or its public key", hint="give --secret or --public-key")
    body = {"api_key": _plain(api_key)}
    if secret is not None:
        body["api_secret"] = secret
    if public_key is not None:
        try:
            body["public_key"] = public_key.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{public_key} cannot be read: {error}", hint="name a PEM file") from None
    answer = _control("POST", "/paper/keys", body)
    document = PaperKeyDocument(
        env=ENVIRONMENT, api_key=api_key, account=answer["account"], kind=answer["kind"]
    )
    _present(document, lambda d: f"{d.api_key}: {d.kind} key of {d.account}")


def show_requests(last: int | None) -> None:
    """The record of requests, oldest first; ``last`` bounds it to the newest ones."""
    received = _control("GET", "/paper/requests")
    rows = [
        PaperRequestRow(
            received_at=iso_time(row["time"]),
            method=row["method"],
            path=row["path"],
            params=row["params"],
            status=row["status"],
        )
        for row in (received if last is None else received[-last:])
    ]
    _present(PaperRequestsDocument(env=ENVIRONMENT, requests=rows), _request_lines)


def set_faults(words: FaultWords, streams: StreamFault | None, *, clear: bool) -> None:
    """End the faults in force if asked to, set the ones described, and show what is in force then.

    Raises:
        UsageError: words about a fault without ``--action``, or a header without a colon.
    """
    body = _fault(words)
    faults = _control("DELETE" if clear else "GET", "/paper/faults")
    if body is not None:
        faults = _control("POST", "/paper/faults", body)
    if streams is not None:
        faults = _control("POST", "/paper/faults", {"streams": streams})
    rows = [msgspec.convert(fault, PaperFaultRow) for fault in faults["requests"]]
    document = PaperFaultsDocument(env=ENVIRONMENT, requests=rows, streams=faults["streams"])
    _present(document, _fault_lines)


def _fault(words: FaultWords) -> dict[str, Any] | None:
    """The body that describes a fault of requests; None where no word was said about one."""
    details = {"status": words.status, "body": _body(words.body), "times": words.times}
    match = {"method": words.method, "path": words.path, "nth": words.nth}
    given: dict[str, Any] = {name: value for name, value in details.items() if value is not None}
    given |= {"headers": _headers(words.headers)} if words.headers else {}
    given |= {"delay_ms": words.delay_ms} if words.delay_ms else {}
    matched = {name: value for name, value in match.items() if value is not None}
    if words.action is None:
        if given or matched:
            raise UsageError("a fault needs its action", hint="give --action drop, hold, error or delay")
        return None
    return {"match": matched, "action": words.action, "apply": words.apply, **given}


def _body(text: str | None) -> object:
    """A JSON object where the text is one, else the text."""
    if text is None:
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return document if isinstance(document, dict) else text


def _headers(texts: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon:
            raise UsageError(f"{text!r} is not a header", hint="write NAME:VALUE, such as Retry-After:3")
        headers[name.strip()] = value.strip()
    return headers


def _request_lines(document: PaperRequestsDocument) -> str:
    lines = [
        f"{row.received_at}  {row.status or '-'}  {row.method} {row.path}"
        + "".join(f" {name}={value}" for name, value in row.params.items())
        for row in document.requests
    ]
    return "\n".join(lines) or "Nothing was received."


def _fault_lines(document: PaperFaultsDocument) -> str:
    lines = []
    for row in document.requests:
        words = " ".join(str(row.match[name]) for name in ("method", "path") if row.match.get(name))
        nth = f" from number {row.match['nth']} on" if row.match.get("nth") else ""
        often = f", {row.times} times" if row.times else ""
        hit = f"hit {row.hit} of {row.seen}"
        lines.append(f"{row.action} {row.apply} {words or 'any request'}{nth}{often}: {hit}")
    if document.streams:
        lines.append(f"streams: {document.streams}")
    return "\n".join(lines) or "No faults are in force."


def _numbers(texts: Mapping[str, str | None]) -> dict[str, str]:
    """Those that were given. Raises UsageError for one that is no plain number."""
    given = {name: text.strip() for name, text in texts.items() if text is not None}
    for name, text in given.items():
        try:
            known = Decimal(text).is_finite()
        except InvalidOperation:
            known = False
        if not known:
            raise UsageError(f"{name.replace('_', ' ')} {text!r} is not a number", hint="write 0.5 or 1000")
    return given


def _plain(api_key: str) -> str:
    if not (api_key.isascii() and api_key.isprintable()):
        raise UsageError(f"{api_key!r} is not an API key", hint="use letters and digits")
    return api_key


def _control(method: str, path: str, body: object = None, headers: tuple[tuple[str, str], ...] = ()) -> Any:
    """The document that the running exchange answers with.

    Raises:
        ExchangeUnreachable: none runs in this home, or it does not answer.
        OrderRejected: it refuses; nothing has changed.
    """
    info = process.status(home_directory())
    if info is None:
        raise ExchangeUnreachable("no paper exchange is running in this home", hint="paper start")
    try:
        answer = ask(info.port, method, path, _TIMEOUT_S, body, headers=headers)
    except (OSError, ValueError) as error:
        raise ExchangeUnreachable(f"the paper exchange did not answer: {error}") from error
    if answer.status >= 400:
        raise OrderRejected(answer.document["msg"], code=answer.document["code"])
    return answer.document


def _present(document: _D, line: Callable[[_D], str]) -> None:
    if invocation.current.json:
        print_document(document)
    else:
        typer.echo(line(document))
