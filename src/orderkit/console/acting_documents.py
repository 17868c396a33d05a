"""The JSON documents of the commands that change orders and settings outside of a job's own flow."""

import msgspec

from orderkit.console.documents import SCHEMA, JobDocument
from orderkit.console.looking_documents import ListedOrderRow, PositionRow


class CancelRow(msgspec.Struct, kw_only=True):
    """An order and what became of it: ``status`` after the cancel; ``reason`` where it was not canceled."""

    symbol: str
    client_order_id: str
    order_id: int | None
    algo_id: int | None
    job_id: str | None
    status: str
    executed_quantity: str
    code: int | None
    reason: str | None


class CancelDocument(msgspec.Struct, kw_only=True):
    """What was asked to be canceled; an order in doubt has status "UNKNOWN"."""

    schema: int = SCHEMA
    env: str
    orders: list[CancelRow]


class ModifyDocument(msgspec.Struct, kw_only=True):
    """An open order after its change, with what it had before."""

    schema: int = SCHEMA
    env: str
    previous_quantity: str
    previous_price: str | None
    order: ListedOrderRow


class SettingDocument(msgspec.Struct, kw_only=True):
    """A setting of the account (``symbol`` null) or of a symbol; ``changed`` false where it was so."""

    schema: int = SCHEMA
    env: str
    symbol: str | None
    setting: str
    previous: str
    value: str
    changed: bool


class ClosedDocument(msgspec.Struct, kw_only=True):
    """What ``close --all`` closed, and every position that is open afterwards; ``reason`` if one failed."""

    schema: int = SCHEMA
    env: str
    jobs: list[JobDocument]
    positions_left: list[PositionRow]
    reason: str | None


class FlattenDocument(msgspec.Struct, kw_only=True):
    """What was stopped, canceled and closed; ``flat`` when nothing is left."""

    schema: int = SCHEMA
    env: str
    flat: bool
    stopped_jobs: list[str]
    canceled_orders: list[ListedOrderRow]
    jobs: list[JobDocument]
    orders_left: list[ListedOrderRow]
    positions_left: list[PositionRow]
    reason: str | None
