"""Compares what the exchange sent with what the official SDK's models know."""

from collections.abc import Iterable
from typing import Any


def differences(model: Any, document: Any, path: str = "") -> tuple[set[str], set[str]]:
    """Fields sent that the model does not know, and fields it knows that were not sent; paths with dots."""
    model = getattr(model, "actual_instance", None) or model
    if isinstance(model, list):
        return _merged(differences(m, d, path) for m, d in zip(model, document, strict=True))
    fields = getattr(type(model), "model_fields", None)
    if fields is None:
        return set(), set()
    named = {f.alias or name: name for name, f in fields.items() if name != "additional_properties"}
    unknown = {f"{path}{name}" for name in document if name not in named}
    missing = {f"{path}{name}" for name in named if name not in document}
    nested = [
        differences(getattr(model, named[name]), document[name], f"{path}{name}.")
        for name in named.keys() & document.keys()
        if isinstance(document[name], dict | list) and document[name]
    ]
    deeper_unknown, deeper_missing = _merged(nested)
    return unknown | deeper_unknown, missing | deeper_missing


def _merged(pairs: Iterable[tuple[set[str], set[str]]]) -> tuple[set[str], set[str]]:
    unknown: set[str] = set()
    missing: set[str] = set()
    for more_unknown, more_missing in pairs:
        unknown |= more_unknown
        missing |= more_missing
    return unknown, missing
