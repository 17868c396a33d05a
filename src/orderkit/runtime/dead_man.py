"""The dead man's switch: the exchange cancels a symbol's open orders when this process falls silent."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from orderkit.errors import OrderKitError

log = logging.getLogger(__name__)

RENEWALS = 3  # within one countdown: two may fail


class CountsDown(Protocol):
    """The part of a gateway that the switch needs."""

    def count_down(self, symbol: str, countdown_ms: int) -> None: ...


@contextlib.asynccontextmanager
async def switch_for(gateway: CountsDown, dead_man: tuple[str, int] | None) -> AsyncIterator[None]:
    """Hold the switch of (symbol, countdown in ms) while the body runs; None holds nothing.

    It is armed before the body and lifted after it, however that ends. A killed or hanging process does
    neither, and that is its purpose. It cancels all open orders of the symbol, other jobs' and other people's
    too; whether it covers untriggered conditional orders Binance does not say.

    Raises:
        OrderKitError: it could not be armed; the body is not run.
    """
    if dead_man is None:
        yield
        return
    symbol, countdown_ms = dead_man
    await asyncio.to_thread(gateway.count_down, symbol, countdown_ms)
    renewal = asyncio.create_task(_renew(gateway, symbol, countdown_ms))
    try:
        yield
    finally:
        renewal.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewal
        await _call(gateway, symbol, 0)


async def _renew(gateway: CountsDown, symbol: str, countdown_ms: int) -> None:
    while True:
        await asyncio.sleep(countdown_ms / 1000 / RENEWALS)
        await _call(gateway, symbol, countdown_ms)


async def _call(gateway: CountsDown, symbol: str, countdown_ms: int) -> None:
    try:
        await asyncio.to_thread(gateway.count_down, symbol, countdown_ms)
    except OrderKitError as error:
        log.warning("the dead man's switch of %s was not %s: %s", symbol, _done(countdown_ms), error.message)


def _done(countdown_ms: int) -> str:
    return "renewed" if countdown_ms else "lifted"
