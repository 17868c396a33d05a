"""Which class runs which kind of job: what it takes to go on with one from the journal."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orderkit.domain.instrument import Instrument
from orderkit.errors import ConfigurationError
from orderkit.orders.bracket import BracketExecutor, BracketRequest
from orderkit.orders.executor import Executor
from orderkit.orders.grid import GridTrader
from orderkit.orders.grid_request import GridRequest
from orderkit.orders.limit import LimitExecutor
from orderkit.orders.market import MarketExecutor
from orderkit.orders.oco import OCOExecutor, OCORequest
from orderkit.orders.single import SingleRequest
from orderkit.orders.stop_limit import StopLimitExecutor
from orderkit.orders.twap import TWAPExecutor, TWAPRequest

_REQUESTS: dict[str, type[Any]] = {
    MarketExecutor.kind: SingleRequest,
    LimitExecutor.kind: SingleRequest,
    StopLimitExecutor.kind: SingleRequest,
    TWAPExecutor.kind: TWAPRequest,
    GridTrader.kind: GridRequest,
    OCOExecutor.kind: OCORequest,
    BracketExecutor.kind: BracketRequest,
}
_EXECUTORS: dict[str, type[Any]] = {
    MarketExecutor.kind: MarketExecutor,
    LimitExecutor.kind: LimitExecutor,
    StopLimitExecutor.kind: StopLimitExecutor,
    TWAPExecutor.kind: TWAPExecutor,
    GridTrader.kind: GridTrader,
    OCOExecutor.kind: OCOExecutor,
    BracketExecutor.kind: BracketExecutor,
}


def request_of(kind: str, parameters: Mapping[str, Any]) -> Any:
    """The request that the journal holds as plain JSON values.

    Raises:
        ConfigurationError: a kind, or parameters, that this version does not know.
    """
    try:
        return msgspec.convert(parameters, _REQUESTS[kind])
    except (KeyError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"the journal holds a job of kind {kind!r} that this orderkit cannot go on with: {error}",
            hint="use the version of orderkit that wrote it",
        ) from error


def executor_of(kind: str, request: Any, instrument: Instrument) -> Executor:
    """The executor of a job, to be run with the orders of its earlier runs."""
    made: Executor = _EXECUTORS[kind](request, instrument)
    return made
