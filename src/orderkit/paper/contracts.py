"""The twenty contracts that ship with the embedded exchange: filters and brackets in Binance's form."""

import json
from decimal import Decimal
from importlib.resources import files
from typing import Any, cast

from orderkit.domain.instrument import Instrument
from orderkit.domain.margin import Bracket


def load_exchange_info() -> dict[str, Any]:
    """The body of GET /fapi/v1/exchangeInfo but for ``serverTime``, which the server adds.

    A new document on each call: the caller may change it. Where each figure comes from:
    docs/decisions/synthetic-market.md.
    """
    return cast(dict[str, Any], json.loads(_read("exchange_info.json")))


def load_leverage_brackets() -> list[dict[str, Any]]:
    """The body of GET /fapi/v1/leverageBracket; ratios and amounts are JSON numbers, as on the wire.

    For arithmetic use `brackets`, which is exact.
    """
    return cast(list[dict[str, Any]], json.loads(_read("leverage_brackets.json")))


def instruments() -> list[Instrument]:
    """The contracts of `load_exchange_info`, parsed, in its order (most traded first)."""
    return [Instrument.from_exchange_info(raw) for raw in load_exchange_info()["symbols"]]


def brackets() -> dict[str, list[Bracket]]:
    """Leverage brackets by symbol, lowest notional first, amounts in the margin asset."""
    document = json.loads(_read("leverage_brackets.json"), parse_float=Decimal, parse_int=Decimal)
    return {entry["symbol"]: [_bracket(row) for row in entry["brackets"]] for entry in document}


def _bracket(row: dict[str, Decimal]) -> Bracket:
    return Bracket(
        bracket=int(row["bracket"]),
        initial_leverage=int(row["initialLeverage"]),
        notional_floor=row["notionalFloor"],
        notional_cap=row["notionalCap"],
        maint_margin_ratio=row["maintMarginRatio"],
        cum=row["cum"],
    )


def _read(name: str) -> str:
    return (files("orderkit.paper") / "data" / name).read_text(encoding="utf-8")
