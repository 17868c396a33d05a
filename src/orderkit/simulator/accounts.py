"""An account: wallets, settings, positions, its orders and fills, and what it can still afford."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orderkit.domain.enums import PositionSide, Side
from orderkit.simulator.contract import MAKER_RATE, TAKER_RATE
from orderkit.simulator.fixed import multiply, to_fixed
from orderkit.simulator.positions import Position, Settings
from orderkit.simulator.statements import IncomeView, MarginChange
from orderkit.simulator.types import TradeView

if TYPE_CHECKING:
    from orderkit.simulator.algo import AlgoOrder
    from orderkit.simulator.market import Market
    from orderkit.simulator.orders import Order

DEFAULT_LEVERAGE = 20


class Account:
    """One account. Money is fixed-point; each asset margins its own contracts (single-asset mode).

    ``maker_rate`` and ``taker_rate`` are in units of 1e-8; ``ledger`` holds the income that no fill made;
    ``countdowns`` maps symbols to the time at which their orders are cancelled; ``called`` are the assets
    whose cross positions got a margin call.
    """

    __slots__ = (
        "account_id",
        "algos",
        "algos_by_client_id",
        "called",
        "countdowns",
        "hedge",
        "ledger",
        "maker_rate",
        "margin_changes",
        "multi_assets",
        "open_algos",
        "open_by_client_id",
        "open_orders",
        "orders",
        "orders_by_client_id",
        "positions",
        "settings",
        "taker_rate",
        "trades",
        "update_time_ms",
        "wallets",
    )

    def __init__(self, account_id: str, wallets: dict[str, int], now_ms: int) -> None:
        self.account_id = account_id
        self.wallets = wallets
        self.update_time_ms = now_ms
        self.hedge = False
        self.multi_assets = False
        self.maker_rate = to_fixed(MAKER_RATE)
        self.taker_rate = to_fixed(TAKER_RATE)
        self.settings: dict[str, Settings] = {}
        self.positions: dict[tuple[str, PositionSide], Position] = {}
        self.orders: dict[int, Order] = {}
        self.orders_by_client_id: dict[tuple[str, str], Order] = {}
        self.open_orders: dict[str, dict[int, Order]] = {}
        self.open_by_client_id: dict[str, Order] = {}
        self.algos: dict[int, AlgoOrder] = {}
        self.algos_by_client_id: dict[str, AlgoOrder] = {}
        self.open_algos: dict[int, AlgoOrder] = {}
        self.trades: dict[str, list[TradeView]] = {}
        self.ledger: list[IncomeView] = []
        self.margin_changes: list[MarginChange] = []
        self.countdowns: dict[str, int] = {}
        self.called: set[str] = set()

    # settings and positions

    @property
    def sides(self) -> tuple[PositionSide, ...]:
        """The position sides of its mode."""
        return (PositionSide.LONG, PositionSide.SHORT) if self.hedge else (PositionSide.BOTH,)

    def settings_for(self, market: "Market") -> Settings:
        settings = self.settings.get(market.symbol)
        if settings is None:
            settings = Settings(min(DEFAULT_LEVERAGE, market.contract.max_leverage))
            self.settings[market.symbol] = settings
        return settings

    def position_for(self, market: "Market", side: PositionSide) -> Position:
        """The position, created flat when it is first asked for."""
        key = (market.symbol, side)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(self, market, side, self.settings_for(market))
        return position

    # orders

    def adopt(self, order: "Order") -> None:
        """Take a new order into the history and the lookups."""
        self.orders[order.order_id] = order
        self.orders_by_client_id[order.market.symbol, order.client_order_id] = order

    def open(self, order: "Order") -> None:
        """Count an order that will rest, and reserve its notional or its place among closing orders."""
        self.open_orders.setdefault(order.market.symbol, {})[order.order_id] = order
        self.open_by_client_id[order.client_order_id] = order
        if order.closing:
            order.position.closing_orders[order.order_id] = order
        self.reserve(order)

    def close(self, order: "Order") -> None:
        """Undo ``open`` for an order that is done; harmless for one that never rested."""
        resting = self.open_orders.get(order.market.symbol)
        if resting is None or resting.pop(order.order_id, None) is None:
            return
        del self.open_by_client_id[order.client_order_id]
        if order.closing:
            del order.position.closing_orders[order.order_id]
        self._set_reserved(order, 0)

    def reserve(self, order: "Order") -> None:
        """Bring the reserved notional of an open order up to date with its remaining quantity and price."""
        self._set_reserved(order, 0 if order.closing else multiply(order.price, order.remaining))

    def _set_reserved(self, order: "Order", reserved: int) -> None:
        difference = reserved - order.reserved
        if difference:
            if order.side is Side.BUY:
                order.position.bid_notional += difference
            else:
                order.position.ask_notional += difference
            order.reserved = reserved

    def all_open_orders(self) -> Iterator["Order"]:
        for orders in self.open_orders.values():
            yield from orders.values()

    # margin

    def positions_in(self, asset: str) -> list[Position]:
        return [p for p in self.positions.values() if p.market.contract.margin_asset == asset]

    def cross_wallet(self, asset: str) -> int:
        """What backs the cross positions of an asset: the wallet less what isolated positions set aside."""
        free = self.wallets.get(asset, 0)
        for position in self.positions.values():
            if position.isolated_wallet and position.market.contract.margin_asset == asset:
                free -= position.isolated_wallet
        return free

    def available(self, asset: str) -> int:
        """Cross wallet + unrealised profit - initial margins of positions and open orders; may be negative.

        Of an isolated position only the open orders count: its own margin has left the cross wallet. Source:
        GET account, ``availableBalance`` in single-asset mode.
        """
        free = self.wallets.get(asset, 0)
        for position in self.positions.values():
            if position.market.contract.margin_asset == asset:
                free -= position.tied_up()
        return free

    def record(self) -> dict[str, Any]:
        """Everything ``state.py`` needs besides orders and trades, JSON-serialisable."""
        return {
            "wallets": dict(self.wallets),
            "hedge": self.hedge,
            "multi_assets": self.multi_assets,
            "rates": [self.maker_rate, self.taker_rate],
            "countdowns": dict(self.countdowns),
            "update_time_ms": self.update_time_ms,
            "settings": {s: [c.leverage, c.isolated] for s, c in self.settings.items()},
            "positions": [p.record() for p in self.positions.values() if p.amount or p.realized],
        }
