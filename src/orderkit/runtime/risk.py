"""The desk's risk limits and trading state on disk, and the guard that holds a job's orders against them."""

import json
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.order import Order, OrderRequest
from orderkit.errors import ConfigurationError
from orderkit.risk.gate import Approved, Exposure, Refused, TradingState, check
from orderkit.risk.limits import RiskLimits

log = logging.getLogger(__name__)

FILE_VARIABLE = "ORDERKIT_RISK_FILE"
LIMITS_FILE = "risk.toml"
STATE_FILE = "risk_state.json"
ZERO = Decimal(0)


def limits_path(home: Path, variables: Mapping[str, str]) -> Path:
    """``ORDERKIT_RISK_FILE``, else risk.toml in the state directory."""
    named = variables.get(FILE_VARIABLE, "")
    return Path(named).expanduser() if named else home / LIMITS_FILE


def load_limits(home: Path, variables: Mapping[str, str]) -> RiskLimits:
    """The limits in force: the file's, and before them the ``ORDERKIT_RISK_…`` variables.

    Raises:
        ConfigurationError: a file or variable that cannot be understood, or a named file that is not there:
            nothing is sent on a guess.
    """
    path = limits_path(home, variables)
    limits = {name: value for name, value in variables.items() if name != FILE_VARIABLE}
    try:
        named = bool(variables.get(FILE_VARIABLE))
        table = tomllib.loads(path.read_text()) if named or path.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"the risk limits in {path} cannot be read: {error}", hint="mend the file, or move it away"
        ) from error
    return RiskLimits.read(table, limits)


def load_state(home: Path) -> TradingState:
    """The trading state. A file that cannot be understood means HALTED: somebody meant to stop something."""
    path = home / STATE_FILE
    try:
        return TradingState(json.loads(path.read_text())["state"])
    except FileNotFoundError:
        return TradingState.ACTIVE
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("%s cannot be read, trading is halted: %s", path, error)
        return TradingState.HALTED


def save_state(home: Path, state: TradingState) -> None:
    """Set the state for every process that shares this home; running jobs see it within a second."""
    path = home / STATE_FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        fresh.write_text(json.dumps({"state": state.value}) + "\n")
        fresh.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"the trading state cannot be written to {path}: {error.strerror}",
            hint="check the disk's space and the permissions of the state directory",
        ) from error


@dataclass(slots=True)
class RiskGuard:
    """Holds each order of one job against limits and state; the position follows the job's own fills.

    ``earlier``: client order ids of the job's earlier runs. What they executed before the snapshot was taken
    is in its position already, and may not be journaled yet. ``open_orders``: those of others.
    """

    limits: RiskLimits
    state: TradingState
    snapshot: TradingSnapshot
    open_orders: int = 0
    daily_result: Decimal | None = None
    earlier: frozenset[str] = frozenset()
    home: Path | None = field(default=None)

    def __call__(
        self, request: OrderRequest, orders: Iterable[Order], *, parent: bool = False
    ) -> Approved | Refused:
        """The gate's verdict on ``request`` beside the job's other ``orders``."""
        return check(request, self._exposure(request, orders), self.limits, self.state, parent=parent)

    def refresh(self) -> None:
        """Look whether somebody has halted trading since."""
        if self.home is not None:
            self.state = load_state(self.home)

    def _executed(self, order: Order) -> Decimal:
        """What the snapshot's position does not have yet."""
        if order.client_order_id not in self.earlier:
            return order.executed_quantity
        new = (fill.quantity for fill in order.fills.values() if fill.time_ms > self.snapshot.now_ms)
        return sum(new, ZERO)

    def _exposure(self, request: OrderRequest, orders: Iterable[Order]) -> Exposure:
        snapshot, account = self.snapshot, self.snapshot.account
        position = account.position_quantity(request.symbol, request.position_side) if account else ZERO
        working = ZERO
        open_orders = self.open_orders
        for order in orders:
            if order.request.symbol != request.symbol:
                continue
            position += order.request.side.sign * self._executed(order)
            if order.leaves_quantity and not order.request.is_immediate:
                open_orders += 1
            if order.request.side is request.side and not order.request.reduce_only:
                working += order.request.side.sign * order.leaves_quantity
        return Exposure(
            position=position,
            mark_price=snapshot.mark_price,
            working=working,
            open_orders=open_orders,
            leverage=account.leverage.get(request.symbol, 1) if account else 1,
            daily_result=self.daily_result,
        )
