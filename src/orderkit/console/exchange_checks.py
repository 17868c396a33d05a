"""The checks of doctor that ask the exchange: key, clock, modes, contracts, streams, orders, positions."""

import time
from collections.abc import Callable, Mapping, Sequence

from orderkit.console import tables
from orderkit.console.check import Check, failure, ok, warning
from orderkit.console.looking import jobs_of
from orderkit.console.protection import protection_of
from orderkit.console.rows import in_steps
from orderkit.domain.enums import Environment
from orderkit.domain.job import JobStatus
from orderkit.errors import AuthenticationFailed, ExchangeUnreachable, OrderKitError
from orderkit.exchange.details import ListedOrder
from orderkit.journal.locks import is_locked
from orderkit.runtime.desk import JOURNAL_FILE, Desk

WARN_SKEW_MS = 1000  # the exchange refuses requests from a second or more ahead of its clock (-1021)
SHOWN = 5


def key(desk: Desk) -> list[Check]:
    """Does the exchange take the key, and may it trade."""
    settings = desk.gateway.inquiry.account_settings()
    if not settings.can_trade:
        action = "allow futures for this key on Binance's API Management page"
        return [failure("key", "it may not trade", action, AuthenticationFailed.exit_code)]
    own = "the paper account's own" if desk.settings.environment is Environment.PAPER else "accepted"
    return [ok("key", f"{own}; it may trade")]


def clock(desk: Desk) -> list[Check]:
    """The least of three offsets: a slow answer looks like a wrong clock."""
    offsets = []
    for _ in range(3):
        sent = time.time_ns()
        server_ms = desk.gateway.inquiry.server_time_ms()
        offsets.append(server_ms - (sent + time.time_ns()) // 2_000_000)
    skew_ms = min(offsets, key=abs)
    words = f"{abs(skew_ms)} ms {'behind' if skew_ms > 0 else 'ahead of'} the exchange"
    if abs(skew_ms) < WARN_SKEW_MS:
        return [ok("clock", words)]
    return [warning("clock", words, "let this machine's clock synchronise (NTP)")]


def mode(desk: Desk) -> list[Check]:
    """Position mode, margin mode, and the settings of the symbols in use."""
    settings = desk.gateway.inquiry.account_settings()
    words = "hedge mode: orders need --position-side" if settings.hedge_mode else "one-way mode"
    assets = "multi-assets margin" if settings.multi_assets else "single-asset margin"
    checks = [ok("position mode", f"{words}, {assets}")]
    symbols = {position.symbol for position in desk.gateway.inquiry.positions()}
    symbols |= {order.symbol for order in desk.gateway.inquiry.open_orders()}
    used = [desk.gateway.inquiry.symbol_settings(symbol) for symbol in sorted(symbols)[:SHOWN]]
    each = [f"{u.symbol} {'isolated' if u.isolated else 'cross'} {u.leverage}x" for u in used]
    return [*checks, ok("margin mode", ", ".join(each) or "no symbol is in use")]


def contracts(desk: Desk) -> list[Check]:
    """How old the filters are that orders are checked by."""
    known = desk.gateway.instruments()
    age_ms = desk.gateway.instruments_age_ms or 0
    return [ok("exchange info", f"{len(known)} contracts, {tables.duration(max(0, age_ms))} old")]


def streams(desk: Desk) -> list[Check]:
    """A connection on each of the three paths, as a flow would open it."""
    return [_stream(desk, path) for path in ("public", "market", "private")]


def _stream(desk: Desk, path: str) -> Check:
    from websockets.exceptions import WebSocketException

    from orderkit.exchange.probe import probe

    name, base = f"stream /{path}", desk.gateway.endpoints.stream
    try:
        took_ms = probe(base, path, desk.gateway.create_listen_key() if path == "private" else "")
    except (OSError, TimeoutError, ValueError, WebSocketException) as error:
        why = str(error) or type(error).__name__
        action = "let WebSocket connections through firewall and proxy (HTTPS_PROXY, NO_PROXY)"
        return failure(name, f"{base} does not answer: {why}", action, ExchangeUnreachable.exit_code)
    except OrderKitError as error:
        return failure(name, error.message, error.hint or "try again", error.exit_code)
    return ok(name, f"answered in {took_ms:.0f} ms")


def orders(desk: Desk) -> list[Check]:
    """Open orders that no job knows, and orders that the journal takes for open and the exchange does not."""
    listed = desk.gateway.inquiry.open_orders()
    ours = jobs_of(desk, listed)
    strangers = [order for order in listed if order.client_order_id not in ours]
    return [_strangers(strangers, len(listed)), *_lost(desk, {order.client_order_id for order in listed})]


def _strangers(strangers: Sequence[ListedOrder], total: int) -> Check:
    if not strangers:
        return ok("orders", f"{total} open, each known to a job")
    names = ", ".join(f"{order.symbol} {order.client_order_id}" for order in strangers[:SHOWN])
    more = f" and {len(strangers) - SHOWN} more" if len(strangers) > SHOWN else ""
    message = f"{len(strangers)} of {total} open orders belong to no job of this journal: {names}{more}"
    return warning("orders", message, "bot.py orders lists them; bot.py cancel ORDER ends one")


def _lost(desk: Desk, listed: set[str]) -> list[Check]:
    if not (desk.settings.home / JOURNAL_FILE).exists():
        return []
    lost, dead = [], []
    for job_id in desk.journal.unfinished_jobs(desk.settings.environment.value):
        record = desk.journal.load_job(job_id)
        if record is None or is_locked(desk.settings.home, job_id):
            continue
        if record.status is JobStatus.RUNNING:
            dead.append(job_id)
        lost += [
            o.client_order_id for o in record.orders if not o.is_terminal and o.client_order_id not in listed
        ]
    checks = []
    if lost:
        message = f"the journal has {len(lost)} orders as open that are not: {', '.join(lost[:SHOWN])}"
        checks.append(warning("journal orders", message, "bot.py reconcile learns what became of them"))
    if dead:
        message = f"nobody runs {', '.join(dead[:SHOWN])}, which were not done"
        checks.append(warning("jobs", message, "bot.py resume JOB goes on, bot.py resume --all with all"))
    else:
        checks.append(ok("jobs", "none was left behind"))
    return checks


def positions(desk: Desk) -> list[Check]:
    """Positions that no stop, or too small a stop, protects."""
    held = desk.gateway.inquiry.positions()
    listed = desk.gateway.inquiry.open_orders() if held else []
    bare = []
    for position in held:
        protection = protection_of(position, listed)
        if protection.verdict != "full":
            instrument = desk.gateway.instruments().get(position.symbol)
            size, covered = (in_steps(q, instrument) for q in (position.quantity, protection.quantity))
            bare.append(f"{position.symbol} {size} ({covered} protected)")
    if not bare:
        return [ok("positions", f"{len(held)} open, each protected by a stop" if held else "none is open")]
    message = f"no stop protects {', '.join(bare)} in full"
    return [warning("positions", message, "place a stop: bot.py stop-limit … --reduce-only")]


CHECKS: Mapping[str, Callable[[Desk], Sequence[Check]]] = {
    "key": key,
    "clock": clock,
    "mode": mode,
    "exchange info": contracts,
    "streams": streams,
    "orders": orders,
    "positions": positions,
}
