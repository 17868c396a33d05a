"""What differs from run to run, made the same: ids, times, ports, paths."""

import re
from typing import Any

import msgspec

from tests.support import Desk, Done
from tests.waiting import until

_SAME = [
    (re.compile(r"\b(market|limit|stop-limit|twap|oco|grid|flatten)-[2-9a-hjkmnp-z]{8}\b"), r"\1-ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r"\b\d\d-\d\d \d\d:\d\d:\d\d\b"), "DAY CLOCK"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d{3})?\b"), "CLOCK"),
    (re.compile(r"(?<![\d.])\d{10,}(?!\.)"), "NUMBER"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
]


def normal(text: str, desk: Desk) -> str:
    """Text without what changes, and without blanks at the ends of lines."""
    text = text.replace(str(desk.home), "HOME")
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def wait_for_orders(desk: Desk, count: int) -> None:
    """Return once the exchange has received ``count`` orders."""
    until(lambda: len(desk.requests("POST", "/fapi/v1/order")) >= count, "no order came")


def document_of(done: Done, kind: type[msgspec.Struct]) -> Any:
    """The one document on stdout, which has exactly the fields of ``kind``."""
    assert done.out.count("\n") == 1, done.out
    document = msgspec.convert(msgspec.json.decode(done.out), kind)
    assert msgspec.to_builtins(document) == msgspec.json.decode(done.out)
    return document
