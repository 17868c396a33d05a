"""Turns an account's events into messages on its user data streams."""

from collections.abc import Callable, Mapping

from orderkit.domain.instrument import Instrument
from orderkit.paper.streams.hub import Hub
from orderkit.paper.streams.listen_keys import ListenKeys
from orderkit.paper.wire import user_events as wire
from orderkit.simulator.types import (
    AccountConfigUpdate,
    AccountUpdate,
    MarginCall,
    MultiAssetsUpdate,
    OrderUpdate,
    PrivateEvent,
)


class UserPublisher:
    """Sends private events to every listen key of their account; renders only what is listened to."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        hub: Hub,
        listen_keys: ListenKeys,
        clock: Callable[[], int],
    ) -> None:
        self._instruments = instruments
        self._hub = hub
        self._listen_keys = listen_keys
        self._clock = clock

    def publish(self, event: PrivateEvent) -> None:
        tokens = [t for t in self._listen_keys.of_account(event.account_id) if self._hub.wants(t)]
        if not tokens:
            return
        for document in self._render(event):
            for token in tokens:
                self._hub.publish(token, document, str(document["e"]))

    def expire_listen_keys(self) -> None:
        """Announce the listen keys whose sixty minutes are over; they carry nothing after that."""
        now_ms = self._clock()
        for token in self._listen_keys.expire(now_ms):
            self._hub.publish(token, wire.listen_key_expired(token, now_ms))

    def _render(self, event: PrivateEvent) -> list[wire.Document]:
        now_ms = self._clock()
        if isinstance(event, OrderUpdate):
            instrument = self._instruments[event.order.symbol]
            update = wire.order_trade_update(event, instrument, now_ms)
            return [wire.trade_lite(event, instrument, now_ms), update] if event.trade else [update]
        if isinstance(event, AccountUpdate):
            return [wire.account_update(event, self._instruments, now_ms)]
        if isinstance(event, AccountConfigUpdate):
            return [wire.account_config_update(event, now_ms)]
        if isinstance(event, MultiAssetsUpdate):
            return [wire.multi_assets_update(event, now_ms)]
        if isinstance(event, MarginCall):
            return [wire.margin_call(event, self._instruments, now_ms)]
        return [wire.algo_update(event, self._instruments[event.order.symbol], now_ms)]
