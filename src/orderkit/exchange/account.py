"""What the account holds and may do: balances, positions, leverage brackets, fees, the day's result."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

from orderkit.domain.account import Account
from orderkit.domain.margin import Bracket
from orderkit.errors import OrderRejected
from orderkit.exchange import mapping
from orderkit.exchange.failures import Call
from orderkit.exchange.symbol_cache import SymbolCache
from orderkit.exchange.transport import Transport

BRACKETS_MAX_AGE_MS = 86_400_000
INCOME_PER_PAGE = 1000
DAY_MS = 86_400_000
RESULT_KINDS = frozenset(
    {"REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR", "SPECIAL_FUNDING_FEE"}
)


class AccountCalls:
    """The requests about the account that checks and risk limits need; ``Gateway`` says what each gives."""

    def __init__(self, transport: Transport, brackets_file: Path) -> None:
        self._clock = transport.clock
        self._call, self._read = transport.call, transport.read
        self._brackets = SymbolCache(
            brackets_file,
            transport.endpoints.rest,
            BRACKETS_MAX_AGE_MS,
            self._fetch_brackets,
            mapping.brackets,
        )
        self._commission_rates: dict[str, tuple[Decimal, Decimal]] = {}
        self._workers: ThreadPoolExecutor | None = None
        self._workers_lock = threading.Lock()

    def account(self, symbols: Sequence[str], margin_asset: str) -> Account:
        """Balances, position mode, positions and leverage, from concurrent requests of weight 5 each.

        Balance and configuration, one more per symbol, and one when there is a position. The position mode
        is read from accountConfig: its own route weighs 30.
        """
        call = Call("account")
        balances = self._start(call, "futures_account", version=3)  # python-binance's default is v2
        config = self._start(call, "futures_account_config")
        configs = [self._start(call, "futures_symbol_config", symbol=symbol) for symbol in symbols]
        raw_balances = balances()
        holds_any = self._read(
            call, raw_balances, lambda raw: any(Decimal(p["positionAmt"]) for p in raw["positions"])
        )
        return self._read(
            call,
            {
                "balances": raw_balances,
                "config": config(),
                "symbol_configs": [row for answer in configs for row in answer()],
                "positions": self._call(call, "futures_position_information", {}) if holds_any else [],
                "margin_asset": margin_asset,
            },
            lambda parts: mapping.account(**parts),
        )

    def brackets(self, symbol: str) -> Sequence[Bracket]:
        """The symbol's leverage brackets, cached on disk for a day. Raises OrderRejected (-1121)."""
        table = self._brackets.get()
        if symbol not in table:
            raise OrderRejected(f"no leverage brackets for {symbol}", hint="check the symbol", code=-1121)
        return table[symbol]

    def commission_rates(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Maker and taker rate; asked once per symbol, since the request weighs 20."""
        if symbol not in self._commission_rates:
            self._commission_rates[symbol] = self._call(
                Call(f"commission rates of {symbol}"),
                "futures_commission_rate",
                {"symbol": symbol},
                lambda raw: (Decimal(raw["makerCommissionRate"]), Decimal(raw["takerCommissionRate"])),
            )
        return self._commission_rates[symbol]

    def daily_result(self) -> Decimal:
        """Sum of the income history since 00:00 UTC without transfers (one request of weight 30 per page)."""
        start_ms = self._clock.now_ms() // DAY_MS * DAY_MS
        entries: dict[tuple[int, str, str], Decimal] = {}
        while True:
            rows = self._call(
                Call("income of today"),
                "futures_income_history",
                {"startTime": str(start_ms), "limit": str(INCOME_PER_PAGE)},
                lambda raw: [
                    ((int(r["time"]), str(r["tranId"]), r["incomeType"]), Decimal(r["income"])) for r in raw
                ],
            )
            entries.update(rows)
            if len(rows) < INCOME_PER_PAGE:
                return sum((v for (_, _, kind), v in entries.items() if kind in RESULT_KINDS), Decimal(0))
            last_ms = rows[-1][0][0]  # once more: a page may end inside a millisecond
            start_ms = max(start_ms + 1, last_ms)

    def close(self) -> None:
        """Wait for requests under way; idempotent."""
        with self._workers_lock:
            workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown()

    # --- inside -----------------------------------------------------------------------------------

    def _fetch_brackets(self) -> Mapping[str, Any]:
        def read(raw: Any) -> Mapping[str, Any]:
            return mapping.by_symbol(raw if isinstance(raw, list) else [raw])

        return self._call(Call("leverage brackets"), "futures_leverage_bracket", {}, read)

    def _start(self, call: Call, method: str, **params: Any) -> Callable[[], Any]:
        """Begin a request in a worker thread; calling the result waits for its answer."""
        with self._workers_lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="orderkit-account")
            return self._workers.submit(self._call, call, method, params).result
