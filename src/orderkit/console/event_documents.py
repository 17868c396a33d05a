"""The lines of ``--events``: what a job's orders did, as it happens, one JSON object each."""

import msgspec

from orderkit.console.documents import SCHEMA


class JobBody(msgspec.Struct, kw_only=True):
    kind: str
    symbol: str
    side: str
    quantity: str
    started_at: str


class SubmittedBody(msgspec.Struct, kw_only=True):
    client_order_id: str
    type: str
    side: str
    quantity: str
    price: str | None
    trigger_price: str | None
    reduce_only: bool
    replaces: str | None


class ChangedBody(msgspec.Struct, kw_only=True):
    """Where an order stands now; ``code`` and ``reason`` where it was refused or ended early."""

    client_order_id: str
    order_id: int | None
    algo_id: int | None
    status: str
    executed_quantity: str
    price: str | None
    average_price: str | None
    code: int | None
    reason: str | None


class FillBody(msgspec.Struct, kw_only=True):
    """One trade; ``traded_at`` is the exchange's time."""

    client_order_id: str
    order_id: int
    trade_id: int
    side: str
    price: str
    quantity: str
    commission: str
    commission_asset: str
    realized_pnl: str
    maker: bool
    traded_at: str


class StateBody(msgspec.Struct, kw_only=True):
    state: str
    message: str


class Event(msgspec.Struct, kw_only=True, tag_field="kind"):
    """``at`` is when this process learned of it."""

    schema: int = SCHEMA
    env: str
    job_id: str
    at: str


class JobStarted(Event, tag="job_started"):
    """First of a job's lines; what an earlier run did follows as if it happened now."""

    data: JobBody


class OrderSubmitted(Event, tag="order_submitted"):
    """The order is in the journal and on its way."""

    data: SubmittedBody


class OrderChanged(Event, tag="order_changed"):
    data: ChangedBody


class Filled(Event, tag="fill"):
    data: FillBody


class StateChanged(Event, tag="state"):
    """The job says in words where it stands."""

    data: StateBody


EventDocument = JobStarted | OrderSubmitted | OrderChanged | Filled | StateChanged
