"""The JSON documents of the commands that look: part of the published contract, like ``documents``.

Quantities, prices and money are decimal strings, times ISO 8601 UTC with milliseconds; ``null`` where there
is none.
"""

import msgspec

from orderkit.console.documents import SCHEMA, JobDocument


class PriceRow(msgspec.Struct, kw_only=True):
    """A contract's prices now; ``change_percent`` over 24 hours, ``funding_rate`` a fraction."""

    symbol: str
    bid: str
    ask: str
    last: str
    mark: str
    index: str
    change_percent: str
    high: str
    low: str
    volume: str
    quote_volume: str
    funding_rate: str
    next_funding_at: str | None


class PricesDocument(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    env: str
    prices: list[PriceRow]


class BookLevel(msgspec.Struct, kw_only=True):
    """``cumulative`` is the quantity from the best price up to this one."""

    price: str
    quantity: str
    cumulative: str


class BookDocument(msgspec.Struct, kw_only=True):
    """Both sides best first; ``spread_bps`` of the mid price, null with an empty side."""

    schema: int = SCHEMA
    env: str
    symbol: str
    at: str
    spread: str | None
    spread_bps: str | None
    bids: list[BookLevel]
    asks: list[BookLevel]


class InfoDocument(msgspec.Struct, kw_only=True):
    """A contract's rules; a limit that is switched off is null."""

    schema: int = SCHEMA
    env: str
    symbol: str
    status: str
    contract_type: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    mark: str
    tick_size: str
    min_price: str | None
    max_price: str | None
    lowest_sell_price: str | None
    highest_buy_price: str | None
    step_size: str
    min_quantity: str
    max_quantity: str | None
    market_max_quantity: str | None
    min_notional: str
    smallest_market_quantity: str | None
    max_open_orders: int
    max_leverage: int
    order_types: list[str]
    times_in_force: list[str]
    rules: list[str]


class BalanceRow(msgspec.Struct, kw_only=True):
    """``margin_ratio``: maintenance margin over margin balance; liquidation begins at 1."""

    asset: str
    wallet_balance: str
    unrealized_pnl: str
    margin_balance: str
    available_balance: str
    initial_margin: str
    maintenance_margin: str
    margin_ratio: str | None


class BalancesDocument(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    env: str
    balances: list[BalanceRow]


class StopRow(msgspec.Struct, kw_only=True):
    """A stop that protects a position; ``quantity`` null where it closes all of it."""

    client_order_id: str
    type: str
    trigger_price: str | None
    quantity: str | None


class PositionRow(msgspec.Struct, kw_only=True):
    """A position; ``quantity`` and ``notional`` < 0 when short.

    ``liquidation_distance_percent`` is how far the mark price is from the liquidation price.
    ``protection``: "full", "partial" or "none", by the stops before the liquidation price.
    """

    symbol: str
    position_side: str
    quantity: str
    notional: str
    entry_price: str
    break_even_price: str | None
    mark_price: str
    unrealized_pnl: str
    return_percent: str | None
    leverage: int
    margin_type: str
    margin: str
    margin_asset: str
    liquidation_price: str | None
    liquidation_distance_percent: str | None
    protection: str
    protected_quantity: str
    stops: list[StopRow]


class PositionsDocument(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    env: str
    positions: list[PositionRow]


class ListedOrderRow(msgspec.Struct, kw_only=True):
    """An order as the exchange lists it; ``job_id`` null where no job of this journal sent it.

    ``quantity`` is null for an order that closes a whole position.
    """

    symbol: str
    client_order_id: str
    order_id: int | None
    algo_id: int | None
    job_id: str | None
    type: str
    side: str
    position_side: str
    status: str
    quantity: str | None
    executed_quantity: str
    price: str | None
    average_price: str | None
    trigger_price: str | None
    time_in_force: str | None
    reduce_only: bool
    close_position: bool
    created_at: str
    updated_at: str


class OrdersDocument(msgspec.Struct, kw_only=True):
    """Open orders, ordinary and conditional, oldest first."""

    schema: int = SCHEMA
    env: str
    orders: list[ListedOrderRow]


class TradeRow(msgspec.Struct, kw_only=True):
    """A trade of ours; ids null where no job of this journal sent the order."""

    trade_id: int
    order_id: int
    client_order_id: str | None
    job_id: str | None
    side: str
    price: str
    quantity: str
    commission: str
    commission_asset: str
    realized_pnl: str
    maker: bool
    at: str


class IncomeRow(msgspec.Struct, kw_only=True):
    """A booking: REALIZED_PNL, COMMISSION, FUNDING_FEE, TRANSFER …; what was paid is negative."""

    type: str
    amount: str
    asset: str
    info: str
    trade_id: int | None
    transaction_id: int
    at: str


class HistoryDocument(msgspec.Struct, kw_only=True):
    """One of the three lists, oldest first; the others are null."""

    schema: int = SCHEMA
    env: str
    symbol: str
    what: str
    since: str
    orders: list[ListedOrderRow] | None = None
    trades: list[TradeRow] | None = None
    income: list[IncomeRow] | None = None


class JobRow(msgspec.Struct, kw_only=True):
    """A job in short. ``pid``: the process that runs it; null for a RUNNING job that nothing runs: resume it.

    ``progress`` is the share executed, ``expected`` what the schedule wants by now (both 0 to 1);
    ``late_ms`` how far execution is behind its schedule. Null where there is no schedule.
    ``trades_missing``: as in the job's own document.
    """

    job_id: str
    kind: str
    symbol: str
    side: str
    status: str
    reason: str | None
    pid: int | None
    quantity: str
    executed_quantity: str
    progress: str
    expected: str | None
    late_ms: int | None
    open_orders: int
    trades_missing: bool
    state: str | None
    started_at: str
    finished_at: str | None


class JobListDocument(msgspec.Struct, kw_only=True):
    """Jobs of the journal, newest first."""

    schema: int = SCHEMA
    env: str
    jobs: list[JobRow]


class NoteRow(msgspec.Struct, kw_only=True):
    at: str
    state: str
    message: str


class ShowDocument(msgspec.Struct, kw_only=True):
    """A job as its own command would report it, and what it said of itself, oldest first."""

    schema: int = SCHEMA
    env: str
    job: JobDocument
    notes: list[NoteRow]


class LogRow(msgspec.Struct, kw_only=True):
    """A record of bot.log; ``message`` may have several lines."""

    at: str
    level: str
    module: str
    message: str


class LogsDocument(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    env: str
    job_id: str
    lines: list[LogRow]


class CheckRow(msgspec.Struct, kw_only=True):
    """One check: ``verdict`` is "ok", "warn" or "fail"; ``action`` what to do about it."""

    name: str
    verdict: str
    message: str
    action: str | None


class DoctorDocument(msgspec.Struct, kw_only=True):
    """``verdict`` is the worst of the checks."""

    schema: int = SCHEMA
    env: str
    verdict: str
    checks: list[CheckRow]


class PaperDocument(msgspec.Struct, kw_only=True):
    """Where the paper exchange answers; all null when it does not run."""

    schema: int = SCHEMA
    env: str
    running: bool
    pid: int | None
    rest: str | None
    ws: str | None
    market: str | None
    api_key: str | None
    api_secret: str | None
