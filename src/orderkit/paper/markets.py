"""Opens a market source and lists the contracts; one that the source does not feed is listed as closed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orderkit.domain.instrument import Instrument
from orderkit.errors import ConfigurationError
from orderkit.paper import contracts
from orderkit.paper.host import Contracts
from orderkit.paper.sources import LiveSource, MarketSource, open_source

CLOSED = "CLOSE"
DEFAULT_SEED = 1


def open_market(
    market: str,
    *,
    data_dir: Path | None = None,
    seed: int = DEFAULT_SEED,
    symbols: Sequence[str] = (),
    loop: bool = False,
) -> tuple[Contracts, MarketSource | LiveSource]:
    """The contracts and the source that feeds them, of ``symbols`` only if any are named.

    Raises:
        ConfigurationError: an unknown symbol or source, or recordings that cannot be used.
    """
    instruments = contracts.instruments()
    known = {i.symbol for i in instruments}
    unknown = [symbol for symbol in symbols if symbol not in known]
    if unknown:
        raise ConfigurationError(
            f"the paper exchange does not list {', '.join(unknown)}", hint=f"it lists {', '.join(known)}"
        )
    chosen = [i for i in instruments if not symbols or i.symbol in symbols]
    source = open_source(market, chosen, data_dir=data_dir, seed=seed, loop=loop)
    return _listing(instruments, set(source.symbols)), source


def _listing(instruments: Sequence[Instrument], fed: set[str]) -> Contracts:
    exchange_info = contracts.load_exchange_info()
    for document in exchange_info["symbols"]:
        if document["symbol"] not in fed:
            document["status"] = CLOSED
    return Contracts(
        instruments=[i if i.symbol in fed else replace(i, status=CLOSED) for i in instruments],
        brackets=contracts.brackets(),
        exchange_info=exchange_info,
        leverage_brackets=contracts.load_leverage_brackets(),
    )
