"""Whether a slice may be sent now: market, price, volatility, balance, leverage, earlier failures."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orderkit.domain.account import Account
from orderkit.domain.enums import OrderStatus, PositionSide, Side
from orderkit.domain.instrument import Instrument
from orderkit.domain.looks import AccountFor, BalanceOf, ContractOf, PriceAt, QuoteOf
from orderkit.domain.order import Order
from orderkit.engine.context import Context
from orderkit.orders.outcomes import committed, latest, would_have_taken
from orderkit.orders.pacing import Pacing, Style
from orderkit.utils import closing_quantity

S_NS = 1_000_000_000
BPS = Decimal(10_000)
TAKER_RATE = Decimal("0.0005")
ASK_QUOTE_AFTER_NS = 10 * S_NS
STALE_AFTER_NS = 30 * S_NS
ACCOUNT_AGE_NS = 5 * S_NS
CONDITION_AGE_NS = 2 * S_NS
BALANCE_AGE_NS = 5 * S_NS
CONTRACT_AGE_NS = 600 * S_NS
VOLATILITY_WINDOW_NS = 60 * S_NS
LONGEST_COOLDOWN_S = 60
# Rejections that say that our picture of the contract is out of date.
RULE_CODES = frozenset({-1111, -4003, -4004, -4005, -4014, -4023, -4140, -4141, -4164})


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing is sent now, as a state and in words; ``until_ns`` where the time is known."""

    state: str
    message: str
    until_ns: int | None = None


@dataclass(slots=True)
class Readiness:
    """Keeps what conditions need: the market's recent mid prices, and fresh answers to looks."""

    symbol: str
    side: Side
    position_side: PositionSide
    closes: bool
    foreign: set[str] = field(default_factory=set)  # orders that somebody else cancelled
    _mids: deque[tuple[int, Decimal]] = field(default_factory=deque)

    def observe(self, ctx: Context, pacing: Pacing) -> None:
        """Note the present mid price; called at every event."""
        quote = ctx.quote(self.symbol)
        if pacing.volatility_bps is None or quote is None:
            return
        if not self._mids or self._mids[-1][1] != quote.mid:
            self._mids.append((ctx.now_ns, quote.mid))
        while len(self._mids) > 1 and self._mids[1][0] <= ctx.now_ns - VOLATILITY_WINDOW_NS:
            self._mids.popleft()

    def ask(self, ctx: Context, pacing: Pacing) -> None:
        """Have everything that the next slice depends on fresh."""
        age_ns = ctx.quote_age_ns(self.symbol)
        if age_ns is None or age_ns > ASK_QUOTE_AFTER_NS:
            ctx.look(QuoteOf(self.symbol))
        if not self.closes or pacing.leverage is not None:
            self._refresh(ctx, AccountFor(self.symbol), ACCOUNT_AGE_NS)
        outdated = any(o.rejection and o.rejection.code in RULE_CODES for o in ctx.orders[-1:])
        since_ns = ctx.now_ns - ctx.orders[-1].created_ms * 1_000_000 if outdated else CONTRACT_AGE_NS
        self._refresh(ctx, ContractOf(self.symbol), since_ns)
        if pacing.trigger is not None and not self._ours(pacing):
            self._refresh(ctx, PriceAt(pacing.trigger.venue, pacing.trigger.pair), CONDITION_AGE_NS)
        if pacing.stop_when is not None:
            self._refresh(ctx, BalanceOf(pacing.stop_when.asset), BALANCE_AGE_NS)

    def stop_met(self, ctx: Context, pacing: Pacing) -> Decimal | None:
        """The balance that ends the job; None while it goes on."""
        if pacing.stop_when is None:
            return None
        seen = ctx.seen(BalanceOf(pacing.stop_when.asset))
        if seen is None or not isinstance(seen.value, Decimal) or not pacing.stop_when.holds(seen.value):
            return None
        return seen.value

    def contract(self, ctx: Context, known: Instrument) -> Instrument:
        """The contract's rules as last seen."""
        seen = ctx.seen(ContractOf(self.symbol))
        return seen.value if seen is not None and isinstance(seen.value, Instrument) else known

    def blocked(
        self, ctx: Context, pacing: Pacing, style: Style, quantity: Decimal, known: Instrument
    ) -> Blocked | None:
        """Why a slice of ``quantity`` may not be sent now; None where it may."""
        return (
            self._no_trigger(ctx, pacing)
            or self._no_market(ctx, known)
            or self._breached(ctx, pacing, style)
            or self._violent(pacing)
            or cooldown(ctx, self.foreign)
            or self._poor(ctx, pacing, quantity)
        )

    def _refresh(
        self, ctx: Context, look: AccountFor | BalanceOf | ContractOf | PriceAt, age_ns: int
    ) -> None:
        seen = ctx.seen(look)
        if seen is None or ctx.now_ns - seen.at_ns >= age_ns:
            ctx.look(look)

    def _ours(self, pacing: Pacing) -> bool:
        trigger = pacing.trigger
        return trigger is not None and (trigger.venue, trigger.pair) == ("binance", self.symbol)

    def _no_trigger(self, ctx: Context, pacing: Pacing) -> Blocked | None:
        trigger = pacing.trigger
        if trigger is None:
            return None
        state = "TRIGGER_CONDITION_BREACH"
        if self._ours(pacing):
            quote = ctx.quote(self.symbol)
            price = None if quote is None else quote.mid
        else:
            seen = ctx.seen(PriceAt(trigger.venue, trigger.pair))
            if seen is not None and seen.failure is not None and ctx.now_ns - seen.at_ns > STALE_AFTER_NS:
                return Blocked(state, f"no price of {trigger.venue} {trigger.pair}: {seen.failure}")
            price = seen.value if seen is not None and isinstance(seen.value, Decimal) else None
        if price is None:
            return Blocked(state, f"waiting for the price of {trigger.venue} {trigger.pair}")
        return None if trigger.holds(price) else Blocked(state, f"waiting for {trigger}")

    def _no_market(self, ctx: Context, known: Instrument) -> Blocked | None:
        status = self.contract(ctx, known).status
        if status != "TRADING":
            return Blocked("WAITING", f"{self.symbol} is {status}")
        age_ns, quote = ctx.quote_age_ns(self.symbol), ctx.quote(self.symbol)
        if age_ns is None or quote is None or min(quote.bid, quote.ask) <= 0:
            return Blocked("WAITING", "no price yet")
        if age_ns > STALE_AFTER_NS:
            return Blocked("WAITING", f"the last price is {age_ns // S_NS} s old")
        return None

    def _breached(self, ctx: Context, pacing: Pacing, style: Style) -> Blocked | None:
        limit, quote = pacing.limit_price, ctx.quote(self.symbol)
        if limit is None or quote is None:
            return None
        price = quote.far(self.side) if style is Style.TAKING else quote.near(self.side)
        if (price - limit) * self.side.sign <= 0:
            return None
        return Blocked("THRESHOLD_PRICE_BREACH", f"{price} is worse than the limit {limit}")

    def _violent(self, pacing: Pacing) -> Blocked | None:
        if pacing.volatility_bps is None or not self._mids:
            return None
        mids = [mid for _, mid in self._mids]
        moved_bps = (max(mids) - min(mids)) / min(mids) * BPS
        if moved_bps <= pacing.volatility_bps:
            return None
        return Blocked("WAITING", f"the market moved {moved_bps:.1f} bps within a minute")

    def _poor(self, ctx: Context, pacing: Pacing, quantity: Decimal) -> Blocked | None:
        """Balance and leverage as last seen, less what was sent since."""
        seen, quote = ctx.seen(AccountFor(self.symbol)), ctx.quote(self.symbol)
        if seen is None or not isinstance(seen.value, Account) or quote is None:
            return None
        account = seen.value
        leverage = account.leverage.get(self.symbol, 1)
        if pacing.leverage not in (None, leverage):
            message = f"the leverage is {leverage}x, not {pacing.leverage}x"
            return Blocked("WAITING", message)
        if self.closes:
            return None
        sent = committed(latest(ctx.orders, lambda order: order.created_ms * 1_000_000 >= seen.at_ns))
        position = account.position_quantity(self.symbol, self.position_side)
        closing = closing_quantity(self.side, sent + quantity, position, self.position_side)
        needed = (sent + quantity - closing) * quote.far(self.side) * (1 / Decimal(leverage) + TAKER_RATE)
        if needed <= account.available_balance:
            return None
        message = f"{quantity} needs a margin of {needed:.2f}, available are {account.available_balance:.2f}"
        return Blocked("NOT_ENOUGH_BALANCE", message)


def cooldown(ctx: Context, foreign: Collection[str]) -> Blocked | None:
    """A pause after the second failed order in a row, longer with each one: 1, 2, 4 … 60 s."""
    count = failures(ctx.orders, foreign)
    if count < 2:
        return None
    pause_s = min(LONGEST_COOLDOWN_S, 2 ** (count - 2))
    until_ns = ctx.orders[-1].created_ms * 1_000_000 + pause_s * S_NS
    if ctx.now_ns >= until_ns:
        return None
    return Blocked("ORDER_FAILED", f"{count} orders in a row came to nothing, again in {pause_s} s", until_ns)


def failures(orders: Sequence[Order], foreign: Collection[str] = ()) -> int:
    """How many of the last orders were refused, or ended by others, without any fill.

    ``foreign``: ids of those that somebody else cancelled; a cancel of ours is no failure.
    """
    return len(latest(orders, lambda order: failed(order, foreign)))


def failed(order: Order, foreign: Collection[str] = ()) -> bool:
    """True for an order that came to nothing, and not because we cancelled it or would have crossed."""
    if not order.is_terminal or order.executed_quantity or would_have_taken(order):
        return False
    return order.status is not OrderStatus.CANCELED or order.client_order_id in foreign
