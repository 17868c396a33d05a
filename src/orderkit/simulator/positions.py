"""A position: what fills do to its size, entry cost and realised profit, and the margin it ties up."""

from typing import TYPE_CHECKING, Any

from orderkit.domain.enums import PositionSide
from orderkit.simulator.fixed import SCALE, multiply
from orderkit.simulator.profit import break_even_price, entry_price, unrealized_profit
from orderkit.simulator.types import PositionChange

if TYPE_CHECKING:
    from orderkit.simulator.accounts import Account
    from orderkit.simulator.market import Market
    from orderkit.simulator.orders import Order


class Settings:
    """What an account has set for a symbol."""

    __slots__ = ("isolated", "leverage")

    def __init__(self, leverage: int, *, isolated: bool = False) -> None:
        self.leverage = leverage
        self.isolated = isolated


class Position:
    """A symbol's position of one side (BOTH in one-way mode); amounts fixed-point.

    ``amount`` is signed; ``cost`` (never negative) is what the open quantity was bought or sold for, so the
    entry price is cost / |amount|. Keeping the cost instead of a rounded average price makes the books
    balance to the last unit: realised profits of a closed position sum to sales minus purchases exactly.
    ``bid_notional`` and ``ask_notional`` sum the open orders that could enlarge it; ``closing_orders`` are
    those that can only shrink it. ``isolated_wallet`` is the margin set aside when the symbol is isolated:
    the initial margin of what was opened, released in proportion to what is closed; profits, losses and
    commissions go to the account's wallet. ``called`` says that a margin call was sent for it.
    """

    __slots__ = (
        "account",
        "amount",
        "ask_notional",
        "bid_notional",
        "called",
        "carry",
        "closing_orders",
        "cost",
        "isolated_wallet",
        "market",
        "realized",
        "settings",
        "side",
        "update_time_ms",
    )

    def __init__(self, account: "Account", market: "Market", side: PositionSide, settings: Settings) -> None:
        self.account = account
        self.market = market
        self.side = side
        self.settings = settings
        self.amount = 0
        self.cost = 0
        self.realized = 0
        self.carry = 0
        self.isolated_wallet = 0
        self.bid_notional = 0
        self.ask_notional = 0
        self.closing_orders: dict[int, Order] = {}
        self.called = False
        self.update_time_ms = 0

    def fill(self, sign: int, price: int, quantity: int, commission: int) -> int:
        """Book a fill and return the profit it realises (before commission).

        Closing takes its share of the entry cost; what goes beyond flat opens the other side at ``price``.
        """
        notional = price * quantity // SCALE
        amount = self.amount
        realized = 0
        self.carry += commission
        opened = notional
        if amount * sign >= 0:
            self.cost += notional
        else:
            held = abs(amount)
            closed = min(quantity, held)
            closed_notional = notional if closed == quantity else multiply(price, closed)
            released = self.cost * closed // held
            realized = -sign * (closed_notional - released)
            opened = notional - closed_notional
            self.cost -= released
            self.carry -= realized
            if self.isolated_wallet:
                self.isolated_wallet -= self.isolated_wallet * closed // held
            if closed == held:
                self.carry = commission * (quantity - closed) // quantity
                self.cost = opened
        if self.settings.isolated:
            self.isolated_wallet += self.margin_for(opened)
        self.amount = amount + sign * quantity
        self.realized += realized
        return realized

    @property
    def closable(self) -> int:
        """The quantity that closing orders may still take off."""
        return abs(self.amount)

    @property
    def entry_price(self) -> int:
        return entry_price(self.amount, self.cost)

    @property
    def break_even_price(self) -> int:
        """The exit price that recovers what was paid and lost since the position was opened."""
        return break_even_price(self.amount, self.cost, self.carry)

    @property
    def notional(self) -> int:
        """Signed, at the mark price."""
        amount = self.amount
        if amount >= 0:
            return self.market.mark * amount // SCALE
        return -(self.market.mark * -amount // SCALE)

    @property
    def unrealized(self) -> int:
        """amount × (mark - entry)."""
        return unrealized_profit(self.amount, self.cost, self.market.mark)

    def margin_for(self, exposure: int) -> int:
        """Initial margin of a notional at the leverage that is set, rounded up."""
        return -(-exposure // self.settings.leverage)

    def initial_margin(self) -> int:
        """Margin for position and open orders: the larger of what all bids or all asks would lead to."""
        return -(-self.exposure(self.notional) // self.settings.leverage)

    def exposure(self, notional: int) -> int:
        """The larger of what filling all bids or all asks would make of a signed notional."""
        after_bids = abs(notional + self.bid_notional)
        after_asks = abs(notional - self.ask_notional)
        return max(after_asks, after_bids)

    def tied_up(self) -> int:
        """What the position and its open orders take from the account's free cross balance.

        A cross position takes its initial margin and gives its unrealised profit; an isolated one has taken
        its isolated wallet, and only its open orders take more.
        """
        amount = self.amount
        size = self.market.mark * abs(amount) // SCALE
        held = size if amount >= 0 else -size
        exposed = max(abs(held - self.ask_notional), abs(held + self.bid_notional))
        tied = (
            self.isolated_wallet - (-exposed // self.settings.leverage) if exposed else self.isolated_wallet
        )
        if not amount:
            return tied
        if self.settings.isolated:
            return tied - self.margin_for(size)
        return tied - (size - self.cost if amount > 0 else self.cost - size)

    @property
    def position_margin(self) -> int:
        return self.margin_for(abs(self.notional))

    @property
    def maintenance_margin(self) -> int:
        return self.market.contract.maintenance_margin(self.notional) if self.amount else 0

    @property
    def is_idle(self) -> bool:
        """Flat and without open orders."""
        return not (self.amount or self.bid_notional or self.ask_notional or self.closing_orders)

    def change(self) -> PositionChange:
        """The position as ACCOUNT_UPDATE shows it."""
        market = self.market
        return PositionChange(
            market.symbol,
            self.side,
            market.contract.quantities[self.amount],
            self.amount,
            self.cost,
            self.carry,
            market.mark,
            self.realized,
            self.settings.isolated,
            self.isolated_wallet,
        )

    def record(self) -> dict[str, Any]:
        """Everything ``state.py`` needs to rebuild the position, JSON-serialisable."""
        return {
            "symbol": self.market.symbol,
            "side": self.side,
            "amount": self.amount,
            "cost": self.cost,
            "realized": self.realized,
            "carry": self.carry,
            "isolated_wallet": self.isolated_wallet,
            "update_time_ms": self.update_time_ms,
        }
