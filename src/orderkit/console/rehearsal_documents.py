"""The JSON documents of the ``paper`` commands that make things happen on the paper exchange."""

from typing import Any

import msgspec

from orderkit.console.documents import SCHEMA


class PaperMarketDocument(msgspec.Struct, kw_only=True):
    """The best prices that were set."""

    schema: int = SCHEMA
    env: str
    symbol: str
    bid: str
    ask: str


class PaperMarkDocument(msgspec.Struct, kw_only=True):
    """The mark price that was set."""

    schema: int = SCHEMA
    env: str
    symbol: str
    price: str


class PaperTradeDocument(msgspec.Struct, kw_only=True):
    """The trade of others that was printed; ``aggressor`` is the side that began it, BUY or SELL."""

    schema: int = SCHEMA
    env: str
    symbol: str
    price: str
    quantity: str
    aggressor: str


class PaperFundingDocument(msgspec.Struct, kw_only=True):
    """The funding that was settled; ``rate`` 0.0001 is 0.01 %."""

    schema: int = SCHEMA
    env: str
    symbol: str
    rate: str
    mark_price: str
    settled_at: str


class PaperDepositDocument(msgspec.Struct, kw_only=True):
    """What was paid in, or taken out below 0."""

    schema: int = SCHEMA
    env: str
    asset: str
    amount: str


class PaperKeyDocument(msgspec.Struct, kw_only=True):
    """A key that may trade now, and the account it trades on; ``kind`` is HMAC, RSA or ED25519."""

    schema: int = SCHEMA
    env: str
    api_key: str
    account: str
    kind: str


class PaperRequestRow(msgspec.Struct, kw_only=True):
    """One request, its parameters without signature; ``status`` null where no answer was given."""

    received_at: str
    method: str
    path: str
    params: dict[str, str]
    status: int | None


class PaperRequestsDocument(msgspec.Struct, kw_only=True):
    """What the exchange received, oldest first."""

    schema: int = SCHEMA
    env: str
    requests: list[PaperRequestRow]


class PaperFaultRow(msgspec.Struct, kw_only=True):
    """A fault in force, as POST /paper/faults takes it; of ``seen`` matching requests it has ``hit`` some."""

    match: dict[str, str | int | None]
    action: str
    apply: str
    status: int
    body: dict[str, Any] | str | None
    headers: dict[str, str]
    delay_ms: int
    times: int | None
    seen: int
    hit: int


class PaperFaultsDocument(msgspec.Struct, kw_only=True):
    """The faults in force: of requests, and the one of ``streams``, null where there is none."""

    schema: int = SCHEMA
    env: str
    requests: list[PaperFaultRow]
    streams: str | None
