"""Decodes the frames of Binance's public streams and its REST depth snapshot."""

from decimal import Decimal
from typing import Any

import msgspec

from orderkit.domain.market import Level

MARKET_PRINT = "MARKET"
_LIMIT = Decimal(10) ** 15  # above any price or quantity: also refuses Infinity


class DepthDiff(msgspec.Struct, frozen=True):
    """``<symbol>@depth``: absolute quantities of what changed in updates ``first_id`` to ``last_id``.

    ``previous_id`` is the ``last_id`` of the diff before it on the stream.
    """

    symbol: str = msgspec.field(name="s")
    first_id: int = msgspec.field(name="U")
    last_id: int = msgspec.field(name="u")
    previous_id: int = msgspec.field(name="pu")
    time_ms: int = msgspec.field(name="T")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")


class DepthSnapshot(msgspec.Struct, frozen=True):
    """GET /fapi/v1/depth: the best levels as of update ``last_id``. It does not name its symbol."""

    last_id: int = msgspec.field(name="lastUpdateId")
    time_ms: int = msgspec.field(name="T")
    bids: list[Level]
    asks: list[Level]


class BookTicker(msgspec.Struct, frozen=True):
    """``<symbol>@bookTicker``: the best bid and ask after update ``update_id``."""

    symbol: str = msgspec.field(name="s")
    update_id: int = msgspec.field(name="u")
    time_ms: int = msgspec.field(name="T")
    bid: Decimal = msgspec.field(name="b")
    bid_quantity: Decimal = msgspec.field(name="B")
    ask: Decimal = msgspec.field(name="a")
    ask_quantity: Decimal = msgspec.field(name="A")


class TradePrint(msgspec.Struct, frozen=True):
    """``<symbol>@trade``. A ``kind`` other than MARKET (insurance fund, ADL …) took nothing from the book."""

    symbol: str = msgspec.field(name="s")
    trade_id: int = msgspec.field(name="t")
    time_ms: int = msgspec.field(name="T")
    price: Decimal = msgspec.field(name="p")
    quantity: Decimal = msgspec.field(name="q")
    buyer_is_maker: bool = msgspec.field(name="m")
    kind: str = msgspec.field(name="X", default=MARKET_PRINT)


class AggregateTrade(msgspec.Struct, frozen=True):
    """``<symbol>@aggTrade``: market trades of one order at one price, at most 100 ms together."""

    symbol: str = msgspec.field(name="s")
    trade_id: int = msgspec.field(name="a")
    time_ms: int = msgspec.field(name="T")
    price: Decimal = msgspec.field(name="p")
    quantity: Decimal = msgspec.field(name="q")
    buyer_is_maker: bool = msgspec.field(name="m")


class MarkUpdate(msgspec.Struct, frozen=True):
    """``<symbol>@markPrice``. The time is the event's: ``T`` is that of the next funding here."""

    symbol: str = msgspec.field(name="s")
    time_ms: int = msgspec.field(name="E")
    mark_price: Decimal = msgspec.field(name="p")
    index_price: Decimal = msgspec.field(name="i")
    funding_rate: Decimal = msgspec.field(name="r")
    next_funding_ms: int = msgspec.field(name="T")


StreamFrame = DepthDiff | BookTicker | TradePrint | AggregateTrade | MarkUpdate
Frame = StreamFrame | DepthSnapshot


class _Envelope(msgspec.Struct):
    """What tells frames apart: the wrapper of combined streams, an event's name, or a snapshot's id."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = msgspec.field(name="e", default="")
    last_id: int = msgspec.field(name="lastUpdateId", default=0)


_envelope = msgspec.json.Decoder(_Envelope)
_snapshot = msgspec.json.Decoder(DepthSnapshot)
_events: dict[str, msgspec.json.Decoder[Any]] = {
    "depthUpdate": msgspec.json.Decoder(DepthDiff),
    "bookTicker": msgspec.json.Decoder(BookTicker),
    "trade": msgspec.json.Decoder(TradePrint),
    "aggTrade": msgspec.json.Decoder(AggregateTrade),
    "markPriceUpdate": msgspec.json.Decoder(MarkUpdate),
}


def decode(text: bytes | str) -> Frame | None:
    """The frame, raw or wrapped as on a combined stream; None for one that says nothing about these markets.

    Partial books (``@depth20``) and RPI books call themselves depthUpdate too; they are left out.

    Raises:
        ValueError: not JSON, a known frame without its fields, a price or quantity that is none, or a best
            bid that is not below the best ask.
    """
    head = _envelope.decode(text)
    body: bytes | str | msgspec.Raw = text
    stream = head.stream
    if stream:
        body = head.data
        head = _envelope.decode(body)
    if head.event:
        decoder = _events.get(head.event)
        if decoder is None or (head.event == "depthUpdate" and stream and not _is_diff_stream(stream)):
            return None
        frame: StreamFrame = decoder.decode(body)
        _check(frame)
        return frame
    return decode_snapshot(body) if head.last_id else None


def decode_snapshot(body: bytes | str | msgspec.Raw) -> DepthSnapshot:
    """The answer of GET /fapi/v1/depth. Raises ValueError as `decode` does."""
    snapshot = _snapshot.decode(body)
    _check(snapshot)
    return snapshot


def _is_diff_stream(stream: str) -> bool:
    kind, _, rate = stream.partition("@")[2].partition("@")
    return kind == "depth" and "@" not in rate


def _check(frame: Frame) -> None:
    try:
        sane = _is_sane(frame)
    except ArithmeticError:  # a NaN cannot be compared
        sane = False
    if not sane:
        raise ValueError("a price or quantity is out of range")


def _is_sane(frame: Frame) -> bool:
    if isinstance(frame, DepthDiff | DepthSnapshot):
        return all(map(_is_level, frame.bids)) and all(map(_is_level, frame.asks))
    if isinstance(frame, BookTicker):
        touch = (frame.bid, frame.bid_quantity), (frame.ask, frame.ask_quantity)
        return all(map(_is_level, touch)) and frame.bid < frame.ask
    if isinstance(frame, MarkUpdate):
        return _is_level((frame.mark_price, frame.index_price)) and abs(frame.funding_rate) < 1
    return _is_level((frame.price, frame.quantity)) and frame.quantity > 0


def _is_level(level: Level) -> bool:
    price, quantity = level
    return 0 < price < _LIMIT and 0 <= quantity < _LIMIT
