"""What orders share that wait in the exchange's algo service until a price triggers them."""

from decimal import Decimal

from orderkit.domain.account import TradingSnapshot
from orderkit.domain.enums import WorkingType
from orderkit.orders.child import closes
from orderkit.orders.single import SingleOrderExecutor


class ConditionalExecutor(SingleOrderExecutor):
    """One order that the exchange triggers by itself: no process has to watch."""

    def warnings(self, snapshot: TradingSnapshot) -> list[str]:
        del snapshot
        if closes(self.request):
            return []
        return ["margin is checked when the stop triggers, not now; --reduce-only needs none"]

    @property
    def by_mark(self) -> bool:
        """True where the mark price triggers it, not the last trade's."""
        return self.request.order.working_type is WorkingType.MARK_PRICE

    def market(self, snapshot: TradingSnapshot) -> Decimal:
        """The price that it is measured against now; the mid price stands for the last trade's."""
        return snapshot.mark_price if self.by_mark else snapshot.quote.mid
