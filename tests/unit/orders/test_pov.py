"""What a share of the volume says of a market that it does not trade on."""

from decimal import Decimal

import pytest

from orderkit.domain.enums import Side
from orderkit.domain.events import QuoteUpdated
from orderkit.domain.market import Quote
from orderkit.orders.pacing import Style
from orderkit.orders.pov import POVExecutor
from orderkit.orders.pov_request import POVRequest
from tests.driving import Drive
from tests.virtual import BTC

D = Decimal


def quote(bid: str, ask: str) -> Quote:
    return Quote("BTCUSDT", D(bid), D(1), D(ask), D(1), 1)


@pytest.mark.parametrize(
    ("side", "style", "market", "state", "message"),
    [
        (Side.BUY, Style.TAKING, quote("60000", "0"), "WAITING", "no price yet: market 60000 / 0"),
        (Side.SELL, Style.TAKING, quote("0", "60000"), "WAITING", "no price yet: market 0 / 60000"),
        (Side.BUY, Style.PASSIVE, quote("0", "60000"), "WAITING", "no price yet: market 0 / 60000"),
        (
            Side.BUY,
            Style.TAKING,
            quote("60000", "60001"),
            "THRESHOLD_PRICE_BREACH",
            "60001 is worse than the limit 60000",
        ),
        (
            Side.SELL,
            Style.TAKING,
            quote("59999", "60000"),
            "THRESHOLD_PRICE_BREACH",
            "59999 is worse than the limit 60000",
        ),
    ],
)
def test_a_market_that_it_cannot_trade_on_is_said_with_the_reason(
    side: Side, style: Style, market: Quote, state: str, message: str
) -> None:
    request = POVRequest("BTCUSDT", side, D(1), D("0.1"), limit_price=D(60_000), style=style)
    drive = Drive(POVExecutor(request, BTC).run)
    drive.send(QuoteUpdated(market))
    context = drive.engine.jobs["j"].context
    assert (context.state, context.message) == (state, message)
    assert context.orders == []
