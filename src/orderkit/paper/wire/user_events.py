"""The account's own events as the user data stream spells them."""

from collections.abc import Mapping

from orderkit.domain.instrument import Instrument
from orderkit.paper.wire.numbers import fixed, money, plain, trimmed
from orderkit.paper.wire.orders import AVERAGE_EXTRA_DECIMALS, average_price, child_type
from orderkit.simulator.types import (
    AccountConfigUpdate,
    AccountUpdate,
    AlgoStatus,
    AlgoUpdate,
    MarginCall,
    MultiAssetsUpdate,
    OrderUpdate,
)

Document = dict[str, object]

PRICE_DECIMALS = 11


def trade_lite(update: OrderUpdate, instrument: Instrument, now_ms: int) -> Document:
    """TRADE_LITE, sent ahead of the ORDER_TRADE_UPDATE of a fill; ``update.trade`` is set."""
    order, trade = update.order, update.trade
    assert trade is not None
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return {
        "e": "TRADE_LITE",
        "E": now_ms,
        "T": update.time_ms,
        "s": order.symbol,
        "q": fixed(order.quantity, quantity),
        "p": fixed(order.price, price),
        "m": trade.maker,
        "c": order.client_order_id,
        "S": order.side.value,
        "L": fixed(trade.price, price),
        "l": fixed(trade.quantity, quantity),
        "t": trade.trade_id,
        "i": order.order_id,
    }


def order_trade_update(update: OrderUpdate, instrument: Instrument, now_ms: int) -> Document:
    """ORDER_TRADE_UPDATE; before a fill ``n`` is "0" and ``N`` the margin asset, as seen live."""
    order, trade = update.order, update.trade
    price, quantity = instrument.price_precision, instrument.quantity_precision
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": update.time_ms,
        "E": now_ms,
        "o": {
            "s": order.symbol,
            "c": order.client_order_id,
            "S": order.side.value,
            "o": order.type.value,
            "f": order.time_in_force.value,
            "q": fixed(order.quantity, quantity),
            "p": plain(order.price),
            "ap": average_price(order, instrument) if order.executed_quantity else "0",
            "sp": plain(order.stop_price),
            "x": update.execution_type.value,
            "X": order.status.value,
            "i": order.order_id,
            "l": fixed(trade.quantity, quantity) if trade else "0",
            "z": fixed(order.executed_quantity, quantity) if order.executed_quantity else "0",
            "L": fixed(trade.price, price) if trade else "0",
            "n": money(trade.commission) if trade else "0",
            "N": trade.commission_asset if trade else instrument.margin_asset,
            "T": update.time_ms,
            "t": trade.trade_id if trade else 0,
            "b": plain(order.bid_notional),
            "a": plain(order.ask_notional),
            "m": trade.maker if trade else False,
            "R": order.reduce_only,
            "wt": order.working_type.value,
            "ot": order.original_type.value,
            "ps": order.position_side.value,
            "cp": order.close_position,
            "rp": money(trade.realized_pnl) if trade else "0",
            "pP": order.price_protect,
            "si": 0,
            "ss": 0,
            "V": order.self_trade_prevention.value,
            "pm": order.price_match.value if order.price_match else "NONE",
            "gtd": order.good_till_date_ms,
            "er": str(int(update.expire_reason)),
        },
    }


def account_update(update: AccountUpdate, instruments: Mapping[str, Instrument], now_ms: int) -> Document:
    """ACCOUNT_UPDATE with the balances and positions that changed."""
    return {
        "e": "ACCOUNT_UPDATE",
        "T": update.time_ms,
        "E": now_ms,
        "a": {
            "B": [
                {
                    "a": b.asset,
                    "wb": money(b.wallet_balance),
                    "cw": money(b.cross_wallet_balance),
                    "bc": plain(b.change),
                }
                for b in update.balances
            ],
            "P": [
                {
                    "s": p.symbol,
                    "pa": fixed(p.amount, instruments[p.symbol].quantity_precision),
                    "ep": trimmed(p.entry_price, PRICE_DECIMALS),
                    "cr": money(p.accumulated_realized),
                    "up": money(p.unrealized_profit),
                    "mt": "isolated" if p.isolated else "cross",
                    "iw": money(p.isolated_wallet),
                    "ps": p.position_side.value,
                    "ma": instruments[p.symbol].margin_asset,
                    "bep": trimmed(p.break_even_price, PRICE_DECIMALS),
                }
                for p in update.positions
            ],
            "m": update.reason.value,
        },
    }


def account_config_update(update: AccountConfigUpdate, now_ms: int) -> Document:
    """ACCOUNT_CONFIG_UPDATE of a symbol's leverage."""
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": now_ms,
        "T": update.time_ms,
        "ac": {"s": update.symbol, "l": update.leverage},
    }


def multi_assets_update(update: MultiAssetsUpdate, now_ms: int) -> Document:
    """ACCOUNT_CONFIG_UPDATE of the account's multi-assets mode."""
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": now_ms,
        "T": update.time_ms,
        "ai": {"j": update.multi_assets},
    }


def margin_call(call: MarginCall, instruments: Mapping[str, Instrument], now_ms: int) -> Document:
    """MARGIN_CALL; ``cw`` only when cross positions are called."""
    document: Document = {"e": "MARGIN_CALL", "E": now_ms}
    if call.cross_wallet_balance is not None:
        document["cw"] = money(call.cross_wallet_balance)
    document["p"] = [
        {
            "s": p.symbol,
            "ps": p.position_side.value,
            "pa": fixed(p.amount, instruments[p.symbol].quantity_precision),
            "mt": "ISOLATED" if p.isolated else "CROSSED",
            "iw": money(p.isolated_wallet),
            "mp": money(p.mark_price),
            "up": money(p.unrealized_profit),
            "mm": money(p.maintenance_margin),
        }
        for p in call.positions
    ]
    return document


def algo_update(update: AlgoUpdate, instrument: Instrument, now_ms: int) -> Document:
    """ALGO_UPDATE; ``ap``, ``aq`` and ``act`` are absent while TRIGGERING, as seen live."""
    order = update.order
    body: Document = {
        "caid": order.client_algo_id,
        "aid": order.algo_id,
        "at": "CONDITIONAL",
        "o": order.type.value,
        "s": order.symbol,
        "S": order.side.value,
        "ps": order.position_side.value,
        # A close-position stop lives only as long as the position (observed live as GTE_GTC).
        "f": "GTE_GTC" if order.close_position else order.time_in_force.value,
        "q": plain(order.quantity),
        "X": order.status.value,
        "ai": str(order.actual_order_id) if order.actual_order_id else "",
    }
    if order.status is not AlgoStatus.TRIGGERING:
        body["ap"] = trimmed(order.actual_price, instrument.price_precision + AVERAGE_EXTRA_DECIMALS)
        body["aq"] = plain(order.actual_quantity)
        body["act"] = child_type(order) if order.actual_order_id else "0"
    body |= {
        "tp": plain(order.trigger_price),
        "p": plain(order.price),
        "V": order.self_trade_prevention.value,
        "wt": order.working_type.value,
        "pm": order.price_match.value if order.price_match else "NONE",
        "cp": order.close_position,
        "pP": order.price_protect,
        "R": order.reduce_only,
        "tt": order.trigger_time_ms,
        "gtd": order.good_till_date_ms,
    }
    if order.reject_reason:
        body["rm"] = order.reject_reason
    if order.callback_rate is not None:
        body |= {"cr": plain(order.callback_rate), "ia": order.activated}
    return {"e": "ALGO_UPDATE", "T": update.time_ms, "E": now_ms, "o": body}


def listen_key_expired(listen_key: str, now_ms: int) -> Document:
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": listen_key}
