"""Makes a test fail where the official SDK would fall back from its strict models to something laxer."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def strict_models() -> Iterator[None]:
    """Within this, an answer or event that a model of the SDK does not take as it stands is an error.

    The SDK validates strictly, then with its models' strict types removed for good, then hands out the raw
    document; each step is only logged.
    """
    from binance_common import utils

    def refuse(model: Any) -> None:
        raise AssertionError(f"an answer does not have the types of {getattr(model, '__name__', model)}")

    warned = _Warnings()
    logging.getLogger().addHandler(warned)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(utils, "relax_model_strictness", refuse)
            yield
    finally:
        logging.getLogger().removeHandler(warned)
    assert warned.texts == []


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # Its own words about answers it could not parse; refusals are logged by others.
        text = record.getMessage()
        if "parse" in text.lower() or "Unknown user data event" in text or "callback" in text:
            self.texts.append(text)
