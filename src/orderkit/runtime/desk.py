"""One command's hold on the outside: settings, gateway, journal, and what its checks need to know."""

import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

from orderkit.config import Endpoints, Settings
from orderkit.domain.account import TradingSnapshot
from orderkit.domain.instrument import Instrument
from orderkit.domain.market import Period, VolumeBar
from orderkit.domain.order import Order
from orderkit.errors import ValidationError
from orderkit.exchange.binance_gateway import BinanceGateway
from orderkit.journal.sqlite import SqliteJournal
from orderkit.runtime.risk import RiskGuard, load_limits, load_state
from orderkit.utils import validate_symbol

log = logging.getLogger(__name__)

JOURNAL_FILE = "journal.sqlite"
_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else


def new_job_id(kind: str) -> str:
    """Such as twap-7k3m9q2x: 31^8 possibilities per kind."""
    return f"{kind}-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(8))


class Desk:
    """Opens what a command needs, lazily, and closes it. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.endpoints = Endpoints.of(settings)
        self.gateway = BinanceGateway(settings, self.endpoints)
        self._journal: SqliteJournal | None = None

    def __enter__(self) -> "Desk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._journal is not None:
            self._journal.close()
        self.gateway.close()

    @property
    def journal(self) -> SqliteJournal:
        if self._journal is None:
            self._journal = SqliteJournal(self.settings.home / JOURNAL_FILE)
        return self._journal

    def instrument(self, symbol: str) -> Instrument:
        """The contract, from a fresh exchangeInfo where the cached one does not know or does not trade it."""
        try:
            return validate_symbol(symbol, self.gateway.instruments())
        except ValidationError:
            return validate_symbol(symbol, self.gateway.instruments(refresh=True))

    def snapshot(self, instrument: Instrument, *, fees: bool = False) -> TradingSnapshot:
        """Quote, mark price, account and brackets, asked for at the same time."""
        symbol, gateway = instrument.symbol, self.gateway
        calls: list[Callable[[], Any]] = [
            lambda: gateway.quote(symbol),
            lambda: gateway.mark_price(symbol),
            lambda: gateway.account([symbol]),
            lambda: gateway.brackets(symbol),
        ]
        if fees:
            calls.append(lambda: gateway.commission_rates(symbol))
        with ThreadPoolExecutor(len(calls), thread_name_prefix="snapshot") as pool:
            quote, mark, account, brackets, *rates = pool.map(lambda call: call(), calls)
        snapshot = TradingSnapshot(
            instrument=instrument,
            quote=quote,
            mark_price=mark.mark_price,
            now_ms=gateway.now_ms(),
            account=account,
            brackets=brackets,
        )
        if not rates:
            return snapshot
        maker_rate, taker_rate = rates[0]
        return replace(snapshot, maker_rate=maker_rate, taker_rate=taker_rate)

    def volumes(self, symbol: str, periods: Sequence[Period]) -> list[list[VolumeBar]]:
        """What traded in each of the periods, asked for at the same time."""
        with ThreadPoolExecutor(4, thread_name_prefix="volumes") as pool:
            return list(pool.map(lambda period: self.gateway.inquiry.volumes(symbol, period), periods))

    def guard(self, snapshot: TradingSnapshot, orders: Sequence[Order] = ()) -> RiskGuard:
        """The gate for one job's orders; what a limit needs to know is asked for only where it is set.

        ``orders`` are those that the job has from earlier runs.

        Raises:
            ConfigurationError: limits that cannot be understood.
        """
        limits = load_limits(self.settings.home, self.settings.risk_variables)
        earlier = frozenset(order.client_order_id for order in orders)
        open_orders = 0
        if limits.max_open_orders is not None:
            listed = self.gateway.open_orders(snapshot.instrument.symbol)
            open_orders = sum(report.client_order_id not in earlier for report in listed)
        return RiskGuard(
            limits=limits,
            state=load_state(self.settings.home),
            snapshot=snapshot,
            open_orders=open_orders,
            daily_result=None if limits.max_daily_loss is None else self.gateway.daily_result(),
            earlier=earlier,
            home=self.settings.home,
        )
