"""Which class runs which kind of job: what it takes to go on with one from the journal."""

import importlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from orderkit.domain.instrument import Instrument
from orderkit.domain.job import JobRecord
from orderkit.errors import ConfigurationError
from orderkit.orders.executor import Executor, as_amended

# Kind: the executor's and the request's place below orderkit.orders. Imported when a job of the kind is met:
# one market order needs none of the others.
KINDS: Mapping[str, tuple[str, str]] = {
    "market": ("market:MarketExecutor", "single:SingleRequest"),
    "limit": ("limit:LimitExecutor", "single:SingleRequest"),
    "stop-limit": ("stop_limit:StopLimitExecutor", "single:SingleRequest"),
    "trailing-stop": ("trailing_stop:TrailingStopExecutor", "single:SingleRequest"),
    "twap": ("twap:TWAPExecutor", "twap_request:TWAPRequest"),
    "twap-binance": ("twap_binance:BinanceTWAPExecutor", "single:SingleRequest"),
    "grid": ("grid:GridTrader", "grid_request:GridRequest"),
    "scaled": ("scaled:ScaledExecutor", "scaled:ScaledRequest"),
    "iceberg": ("iceberg:IcebergExecutor", "iceberg:IcebergRequest"),
    "chase": ("chase:ChaseExecutor", "chase:ChaseRequest"),
    "oco": ("oco:OCOExecutor", "oco:OCORequest"),
    "bracket": ("bracket:BracketExecutor", "bracket:BracketRequest"),
    "close": ("close:CloseExecutor", "close:CloseRequest"),
    "vwap": ("vwap:VWAPExecutor", "vwap:VWAPRequest"),
    "pov": ("pov:POVExecutor", "pov_request:POVRequest"),
}


def request_of(kind: str, parameters: Mapping[str, Any]) -> Any:
    """The request that the journal holds as plain JSON values.

    Raises:
        ConfigurationError: a kind, or parameters, that this version does not know.
    """
    try:
        return msgspec.convert(parameters, _class(KINDS[kind][1]))
    except (KeyError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"the journal holds a job of kind {kind!r} that this orderkit cannot go on with: {error}",
            hint="use the version of orderkit that wrote it",
        ) from error


def quantity_of(record: JobRecord) -> Decimal | None:
    """What a job is to do in all, as amended; None where no quantity means that it is done."""
    request = as_amended(request_of(record.kind, record.parameters), record.controls)
    return None if getattr(request, "open_ended", False) else request.quantity


def executor_of(kind: str, request: Any, instrument: Instrument) -> Executor:
    """The executor of a job, to be run with the orders of its earlier runs."""
    made: Executor = _class(KINDS[kind][0])(request, instrument)
    return made


def _class(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"orderkit.orders.{module}"), name)
