"""The command-line arguments and options that order commands share."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from orderkit.console import completion
from orderkit.errors import UsageError, ValidationError

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

SHORTEST_DEAD_MAN_MS = 3_000  # renewed three times within it, each a request that may be slow

SymbolArgument = Annotated[
    str,
    typer.Argument(metavar="SYMBOL", help="Contract, such as BTCUSDT.", autocompletion=completion.symbols),
]
OptionalSymbolArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SYMBOL]",
        help="Contract, such as BTCUSDT.",
        autocompletion=completion.symbols,
        show_default=False,
    ),
]
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of a job.", autocompletion=completion.job_ids)
]
SideArgument = Annotated[str, typer.Argument(metavar="SIDE", help="BUY or SELL.")]
QuantityArgument = Annotated[
    str,
    typer.Argument(
        metavar="QUANTITY",
        help="Size in base asset, such as 0.01 (BTC); all of the position; - reads standard input.",
    ),
]
TakeProfitArgument = Annotated[
    str, typer.Argument(metavar="TAKE_PROFIT", help="Limit price at which the profit is taken.")
]
StopArgument = Annotated[str, typer.Argument(metavar="STOP", help="Price that triggers the stop.")]
StopLimitArgument = Annotated[
    str | None,
    typer.Argument(metavar="[STOP_LIMIT]", help="Limit price of the stop; without it, at market."),
]
PriceArgument = Annotated[str, typer.Argument(metavar="PRICE", help="Limit price in quote asset.")]

_SIZE = "Size, in place of QUANTITY"
_ORDER = "Order"
_RUN = "Run"

Notional = Annotated[
    str | None,
    typer.Option(
        "--notional", metavar="AMOUNT", help="Worth at most so much quote asset: 500.", rich_help_panel=_SIZE
    ),
]
Percent = Annotated[
    str | None,
    typer.Option(
        "--percent",
        metavar="PERCENT",
        help="So much of the available balance, with the leverage: 25.",
        rich_help_panel=_SIZE,
    ),
]
ReduceOnly = Annotated[
    bool,
    typer.Option("--reduce-only", help="Only reduce a position, never open one.", rich_help_panel=_ORDER),
]
PositionSideOption = Annotated[
    str,
    typer.Option(
        "--position-side", metavar="SIDE", help="BOTH, or LONG/SHORT in hedge mode.", rich_help_panel=_ORDER
    ),
]
TimeInForceOption = Annotated[
    str,
    typer.Option(
        "--time-in-force", "--tif", metavar="TIF", help="GTC, IOC, FOK, GTX or GTD.", rich_help_panel=_ORDER
    ),
]
GoodTillDate = Annotated[
    str | None,
    typer.Option(
        "--good-till",
        metavar="TIME",
        help="End of a GTD order: 2026-12-24T18:00:00Z, or a duration such as 2h.",
        rich_help_panel=_ORDER,
    ),
]
PriceMatchOption = Annotated[
    str | None,
    typer.Option(
        "--price-match",
        metavar="MODE",
        help="Let the exchange set the price: OPPONENT, OPPONENT_5, QUEUE, QUEUE_5, QUEUE_10, QUEUE_20.",
        rich_help_panel=_ORDER,
    ),
]
WorkingTypeOption = Annotated[
    str,
    typer.Option(
        "--working-type",
        metavar="TYPE",
        help="Price that triggers: CONTRACT_PRICE (last) or MARK_PRICE.",
        rich_help_panel=_ORDER,
    ),
]
PriceProtect = Annotated[
    bool,
    typer.Option(
        "--price-protect",
        help="Do not trigger while mark and last price differ too much.",
        rich_help_panel=_ORDER,
    ),
]
Rounding = Annotated[
    bool,
    typer.Option(
        "--round",
        help="Round the quantity down and the price to the passive side, instead of refusing.",
        rich_help_panel=_ORDER,
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Stay until all is done, also where an order rests on the book.", rich_help_panel=_RUN
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        help="Stop the job so long after its start, such as 90s; an order that rests needs --wait.",
        rich_help_panel=_RUN,
    ),
]
OnExit = Annotated[
    str,
    typer.Option(
        "--on-exit",
        metavar="cancel|keep",
        help="With --wait: what an interrupt or the timeout does to an open order.",
        rich_help_panel=_RUN,
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="ENV",
        help="paper, testnet, demo or live. Default: BINANCE_ENV; else testnet with keys, paper without.",
        rich_help_panel=_RUN,
    ),
]
JobId = Annotated[
    str | None,
    typer.Option("--job-id", metavar="ID", help="Name the job yourself (for cron).", rich_help_panel=_RUN),
]
Plan = Annotated[
    bool,
    typer.Option("--plan", help="Check and show what would be sent; send nothing.", rich_help_panel=_RUN),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before trading live.", rich_help_panel=_RUN)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=_RUN)]
OnLegsExit = Annotated[
    str,
    typer.Option(
        "--on-exit",
        metavar="keep|cancel",
        help="What an interrupt or bot.py stop does to orders that rest.",
        rich_help_panel=_RUN,
    ),
]
DeadMan = Annotated[
    str | None,
    typer.Option(
        "--dead-man",
        metavar="DURATION",
        help="Once this process is silent for so long, the exchange cancels all open orders of the symbol.",
        rich_help_panel=_RUN,
    ),
]
Detach = Annotated[
    bool,
    typer.Option("--detach", help="Leave the job to a background process.", rich_help_panel=_RUN),
]
Events = Annotated[
    bool,
    typer.Option(
        "--events",
        help="Tell on stdout what happens, one JSON line each; the job's document comes last.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results and errors only.", rich_help_panel=_RUN)
]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of every order command that say how it runs rather than what it trades."""

    environment: str | None = None
    json: bool = False
    quiet: bool = False
    yes: bool = False
    plan: bool = False
    rounding: bool = False
    job_id: str | None = None
    detach: bool = False
    dead_man_ms: int | None = None
    events: bool = False
    wait: bool = False
    timeout: str | None = None


# What can stand in a command's signature for its parameter ``run``, in the order of the help page.
_SHARED: Mapping[str, tuple[object, object]] = {
    "rounding": (Rounding, False),
    "wait": (Wait, False),
    "timeout": (Timeout, None),
    "detach": (Detach, False),
    "job_id": (JobId, None),
    "plan": (Plan, False),
    "environment": (EnvironmentOption, None),
    "yes": (Yes, False),
    "json": (Json, False),
    "events": (Events, False),
    "quiet": (Quiet, False),
}


# For the annotation of ``run``, where a command has only some of them; as ``RunOptions`` it stands for all.
Looking = Annotated[RunOptions, "environment", "json", "quiet"]
Acting = Annotated[RunOptions, "environment", "yes", "json", "quiet"]
Following = Annotated[RunOptions, "environment", "json", "events", "quiet"]
Resuming = Annotated[RunOptions, "environment", "yes", "json", "events", "quiet"]


_SIZES: Mapping[str, tuple[object, object]] = {"notional": (Notional, None), "percent": (Percent, None)}


def with_shared(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of ``RunOptions`` in place of its parameter ``run``, for Typer to read.

    A command that has no such parameter stays as it is. An option that it declares itself stays its own.
    One with a QUANTITY can be given its size in other ways too, and is told it in base asset all the same.
    """
    own = inspect.signature(command).parameters
    if "run" not in own:
        return command

    wanted = getattr(own["run"].annotation, "__metadata__", _SHARED)
    added = {name: pair for name, pair in _SHARED.items() if name in wanted and name not in own}
    sizes = _SIZES if "quantity" in own and own["quantity"].annotation is QuantityArgument else {}

    @functools.wraps(command)
    def called(**words: Any) -> None:
        run = RunOptions(**{name: words.pop(name) for name in added})
        if sizes:
            words |= _sized(words, run)
        command(**words, run=run)

    shown = [parameter for name, parameter in own.items() if name != "run"]
    for name, (annotation, default) in (dict(sizes) | added).items():
        kind = inspect.Parameter.KEYWORD_ONLY
        shown.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    called.__dict__["__signature__"] = inspect.Signature(shown)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return called


def _sized(words: dict[str, Any], run: RunOptions) -> Mapping[str, Any]:
    """The words that say an order's size in base asset; takes the others out of ``words``."""
    typed = words.pop("quantity"), words.pop("notional"), words.pop("percent")
    quantity = typed[0]
    if quantity is not None and quantity != "-" and quantity.lower() != "all":
        return {"quantity": quantity}
    from orderkit.console.sizes import Size, resolved

    return resolved(Size(*typed), words, run)


def run_command(command: Callable[..., None]) -> NoReturn:
    """Run one order command as a script of its own."""
    from orderkit.console.helptext import App
    from orderkit.console.main import run_app

    app = App(add_completion=False)
    app.command()(with_shared(command))
    run_app(app)


def given(parse: Callable[[str, str], T], text: str | None, name: str) -> T | None:
    """What an optional word says, by ``parse``; None where it was left out."""
    return None if text is None else parse(text, name)


def share(text: str, name: str) -> Decimal:
    """0.2 from "20%": a share of a whole.

    Raises:
        UsageError: no percentage above 0 and at most 100.
    """
    from orderkit.utils import parse_decimal

    try:
        part = parse_decimal(text.strip().removesuffix("%"), name) / 100
    except ValidationError:
        part = Decimal(0)
    if not (text.strip().endswith("%") and 0 < part <= 1):
        raise UsageError(f"{name} {text!r} is not a share", hint="write a percentage such as 10%")
    return part


def percentage(text: str, name: str) -> Decimal:
    """25 from "25" or "25%".

    Raises:
        ValidationError: no positive number.
        UsageError: more than 100.
    """
    from orderkit.utils import parse_decimal

    part = parse_decimal(text.strip().removesuffix("%"), name)
    if part > 100:
        raise UsageError(f"{name} {text} is more than there is", hint="at most 100")
    return part


def one_of(kind: type[E], text: str, name: str) -> E:
    """The member of one of the exchange's vocabularies, in any case of letters.

    Raises:
        ValidationError: no such member; the hint lists them.
    """
    try:
        return kind(text.strip().upper())
    except ValueError:
        accepted = ", ".join(member.value for member in kind)
        rule = name.removeprefix("--").replace("-", "_").upper()
        raise ValidationError(
            f"{rule}: {text!r} is not known; accepted: {accepted}",
            rule=rule,
            hint=f"Write one of {accepted}.",
        ) from None


def waiting(run: RunOptions, on_exit: str) -> tuple[bool, int | None, bool]:
    """The checked --wait, --timeout (ms) and --on-exit (True: cancel) of one order that can rest.

    Raises:
        UsageError: they do not go together, or are not known.
    """
    from orderkit.console.durations import parse_duration_ms

    cancels = cancels_on_exit(on_exit)
    if run.timeout is not None and not run.wait:
        raise UsageError("--timeout needs --wait", hint="add --wait")
    timeout_ms = None if run.timeout is None else parse_duration_ms(run.timeout, "--timeout")
    return run.wait, timeout_ms, cancels


def cancels_on_exit(on_exit: str) -> bool:
    """The checked --on-exit of orders that rest.

    Raises:
        UsageError: neither cancel nor keep.
    """
    if on_exit not in ("cancel", "keep"):
        raise UsageError(f"--on-exit {on_exit!r} is not known", hint="one of cancel, keep")
    return on_exit == "cancel"


def held(run: RunOptions, dead_man: str | None, *, waits: bool) -> RunOptions:
    """``run`` with the checked --dead-man; ``waits``: this process, or the one it detaches, stays.

    Raises:
        UsageError: no duration, one that is too short, or nobody to hold the switch.
    """
    from orderkit.console.durations import parse_duration_ms

    if dead_man is None:
        return run
    duration_ms = parse_duration_ms(dead_man, "--dead-man")
    if duration_ms < SHORTEST_DEAD_MAN_MS:
        raise UsageError(
            f"--dead-man {dead_man} is too short", hint="at least 3s; it is renewed three times in it"
        )
    if not waits:
        raise UsageError("--dead-man needs --wait: it lasts as long as this process", hint="add --wait")
    return replace(run, dead_man_ms=duration_ms)
