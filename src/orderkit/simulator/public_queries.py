"""What anyone may ask the simulated exchange about its markets."""

from collections.abc import Sequence
from decimal import Decimal

from orderkit.domain.instrument import Instrument
from orderkit.domain.market import MarketTrade, MarkPrice, Quote
from orderkit.simulator import queries
from orderkit.simulator.fixed import to_decimal
from orderkit.simulator.statements import FundingSettlement
from orderkit.simulator.types import DepthView
from orderkit.simulator.venue import Venue


class PublicQueries(Venue):
    """Market data. An unlisted symbol is refused with -1121."""

    @property
    def symbols(self) -> Sequence[str]:
        return list(self._markets)

    def instrument(self, symbol: str) -> Instrument:
        """The contract's rules."""
        return self._market(symbol).contract.instrument

    def quote(self, symbol: str) -> Quote:
        """The public touch; an empty side is price 0, quantity 0."""
        return self._market(symbol).quote()

    def depth(self, symbol: str, limit: int = 500) -> DepthView:
        return self._market(symbol).depth(limit)

    def last_price(self, symbol: str) -> Decimal:
        """The last traded price; the mid while no trade has been seen; 0 before any market data."""
        return to_decimal(self._market(symbol).last)

    def mark_price(self, symbol: str) -> Decimal:
        """The mark price; without a source of marks it follows the mid; 0 before any market data."""
        return to_decimal(self._market(symbol).mark)

    def mark(self, symbol: str) -> MarkPrice:
        """Mark, index and funding as last given; without a source the mid, the mid and 0."""
        return self._market(symbol).mark_fact()

    def recent_trades(self, symbol: str, limit: int = 500) -> list[MarketTrade]:
        """The newest public trades (at most 1000 are kept), oldest first."""
        trades = self._market(symbol).trades
        return list(trades)[-limit:] if limit > 0 else []

    def funding_history(
        self,
        symbol: str | None = None,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[FundingSettlement]:
        """Funding settlements ascending by time; from ``start_ms`` on if given, else the newest ``limit``.

        Of each symbol the newest thousand are kept.
        """
        markets = self._markets.values() if symbol is None else (self._market(symbol),)
        found = sorted(
            (f for market in markets for f in market.fundings if queries.within(f.time_ms, start_ms, end_ms)),
            key=lambda f: f.time_ms,
        )
        return queries.page(found, limit, forward=start_ms is not None)

    def open_interest(self, symbol: str) -> Decimal:
        """Contracts that the accounts hold, in base asset: the larger of all longs and all shorts.

        The market's other participants are not simulated, so this is not the open interest of a real market.
        """
        market = self._market(symbol)
        longs = sum(p.amount for p in market.holders if p.amount > 0)
        shorts = -sum(p.amount for p in market.holders if p.amount < 0)
        return market.contract.quantities[max(longs, shorts)]

    def insurance_balance(self, asset: str) -> Decimal:
        """What liquidation fees brought in less what the fund paid for empty wallets; may be negative."""
        return to_decimal(self._tape.insurance.get(asset, 0))
