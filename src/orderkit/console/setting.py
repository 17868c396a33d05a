"""What leverage, margin-type and position-mode do."""

from orderkit.console import tables
from orderkit.console.acting_documents import SettingDocument
from orderkit.console.beginning import announce, prepared
from orderkit.console.looking import contract, present
from orderkit.console.options import RunOptions
from orderkit.errors import RiskRefused, UsageError, ValidationError
from orderkit.runtime.desk import Desk
from orderkit.runtime.risk import load_limits

MARGIN_TYPES = {"cross": False, "crossed": False, "isolated": True}
POSITION_MODES = {"one-way": False, "oneway": False, "hedge": True}


def set_leverage(symbol: str, leverage: int, options: RunOptions) -> None:
    """Checked against the symbol's brackets and the desk's own limit before anything is sent.

    Raises:
        ValidationError: more than the symbol allows, or less than 1.
        RiskRefused: more than the desk allows itself.
    """
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        instrument = contract(desk, symbol)
        most = max(row.initial_leverage for row in desk.gateway.brackets(instrument.symbol))
        if not 1 <= leverage <= most:
            raise ValidationError(
                f"LEVERAGE: {leverage} is out of range for {instrument.symbol}; accepted: 1 to {most}",
                rule="LEVERAGE",
                hint=f"Use 1 to {most}.",
            )
        limit = load_limits(settings.home, settings.risk_variables).max_leverage
        if limit is not None and leverage > limit:
            raise RiskRefused(
                f"MAX_LEVERAGE: {leverage} is more than the limit {limit}",
                hint=f"use at most {limit}, or raise max_leverage (bot.py risk)",
            )
        before = desk.gateway.inquiry.symbol_settings(instrument.symbol).leverage
        after = before
        if before != leverage:
            after = desk.gateway.administration.set_leverage(instrument.symbol, leverage)
        _report(desk, instrument.symbol, "leverage", str(before), str(after), changed=before != after)


def set_margin_type(symbol: str, name: str, options: RunOptions) -> None:
    """Raises UsageError for another word than cross or isolated."""
    isolated = _one_of(MARGIN_TYPES, name, "cross or isolated")
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        instrument = contract(desk, symbol)
        before = desk.gateway.inquiry.symbol_settings(instrument.symbol).isolated
        changed = before != isolated and desk.gateway.administration.set_margin_type(
            instrument.symbol, isolated=isolated
        )
        names = {False: "cross", True: "isolated"}
        _report(desk, instrument.symbol, "margin type", names[before], names[isolated], changed=changed)


def set_position_mode(name: str, options: RunOptions) -> None:
    """Raises UsageError for another word than one-way or hedge."""
    hedge = _one_of(POSITION_MODES, name, "one-way or hedge")
    settings = prepared(options)
    announce(settings, options)
    with Desk(settings) as desk:
        before = desk.gateway.inquiry.account_settings().hedge_mode
        changed = before != hedge and desk.gateway.administration.set_position_mode(hedge=hedge)
        names = {False: "one-way", True: "hedge"}
        _report(desk, None, "position mode", names[before], names[hedge], changed=changed)


def _one_of(known: dict[str, bool], name: str, accepted: str) -> bool:
    try:
        return known[name.strip().lower()]
    except KeyError:
        raise UsageError(f"{name!r} is not known", hint=f"write {accepted}") from None


def _report(desk: Desk, symbol: str | None, setting: str, before: str, after: str, *, changed: bool) -> None:
    document = SettingDocument(
        env=desk.settings.environment.value,
        symbol=symbol,
        setting=setting.replace(" ", "_"),
        previous=before,
        value=after,
        changed=changed,
    )

    def tell(shown: SettingDocument) -> None:
        of = f"{shown.symbol} " if shown.symbol else ""
        was = f", was {shown.previous}" if shown.changed else " already"
        tables.show(tables.text(f"{of}{setting}: {shown.value}{was}"))

    present(document, tell)
