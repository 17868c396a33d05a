"""What the commands that look have in common: a desk, contracts by name, a document or a table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from orderkit.console import invocation
from orderkit.console.beginning import prepared
from orderkit.console.documents import print_document
from orderkit.console.options import RunOptions
from orderkit.console.terminal import say
from orderkit.domain.instrument import Instrument
from orderkit.errors import ValidationError
from orderkit.exchange.details import ListedOrder
from orderkit.journal.reader import JournalReader
from orderkit.runtime.desk import JOURNAL_FILE, Desk

D = TypeVar("D", bound=msgspec.Struct)


@contextmanager
def looking(options: RunOptions) -> Iterator[Desk]:
    """A desk to look from, having said at which environment."""
    settings = prepared(options)
    say(f"environment: {settings.environment.value}")
    with Desk(settings) as desk:
        yield desk


def present(document: D, printer: Callable[[D], None]) -> None:
    """The document for a script, its table for a person."""
    if invocation.current.json:
        print_document(document)
    else:
        printer(document)


def contract(desk: Desk, symbol: str) -> Instrument:
    """The contract of that name, whether or not orders can be sent for it now.

    Raises:
        ValidationError: no such contract; the hint names the nearest.
    """
    try:
        return desk.instrument(symbol)
    except ValidationError:
        known = desk.gateway.instruments().get(symbol.strip().upper())
        if known is None:
            raise
        return known


def reader(desk: Desk) -> JournalReader:
    return JournalReader(desk.settings.home / JOURNAL_FILE)


def jobs_of(desk: Desk, orders: Sequence[ListedOrder]) -> dict[str, str]:
    """The job of each of these orders that is ours, by client order id."""
    return reader(desk).jobs_of(order.client_order_id for order in orders)
