"""Ends an order at the exchange, whatever happens on the way, and says what became of it."""

import logging
import time

from orderkit.domain.order import OrderRef, OrderReport
from orderkit.errors import ExchangeUnreachable, OrderNotFound, OutcomeUnknown, RateLimited
from orderkit.exchange.gateway import Gateway

log = logging.getLogger(__name__)

PAUSES_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2)
LONGEST_WAIT_S = 5.0  # a rate limit that asks for more is told to the person instead


def end_order(gateway: Gateway, ref: OrderRef) -> OrderReport:
    """Cancel until the order is over; asked for twice a cancel does no harm.

    "Unknown order" means that it is over, or is triggering this moment: it is looked up, and canceled as
    the order it became.

    Raises:
        OrderNotFound: the exchange does not know it at all.
        OutcomeUnknown, ExchangeUnreachable, RateLimited: it may still be open.
    """
    last: Exception | None = None
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        try:
            return gateway.cancel(ref)
        except OrderNotFound:
            report = gateway.query(ref)
            if report.status.is_terminal:
                return report
            last = OutcomeUnknown(
                f"order {ref.client_order_id} is open and cannot be canceled", hint="try again"
            )
        except (OutcomeUnknown, ExchangeUnreachable) as error:
            if isinstance(error, RateLimited) and error.retry_after_s > LONGEST_WAIT_S:
                raise
            log.warning("cancel of %s: %s; asking again", ref.client_order_id, error)
            last = error
    assert last is not None
    raise last
