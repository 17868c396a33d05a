"""Commands on jobs of the journal: resume, reconcile, stop, pause, amend, finish-now."""

import time
from typing import Annotated

import typer

from orderkit.console import completion, options
from orderkit.errors import UsageError

JobsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JOB]...", help="Ids of jobs.", autocompletion=completion.running_job_ids),
]
RunningJobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of a job.", autocompletion=completion.running_job_ids)
]
_CHANGE = "Change"
All = Annotated[
    bool, typer.Option("--all", help="Every unfinished job of this environment.", rich_help_panel="Jobs")
]


def resume(
    jobs: JobsArgument = None,
    all_jobs: All = False,
    *,
    run: options.Resuming,
) -> None:
    """Go on with jobs that were paused, or killed, on what is left of them.

    Orders of the earlier run are asked after first; nothing is sent twice.

    Examples:

      bot.py resume twap-7k3m9q2x

      bot.py resume --all --json
    """
    from orderkit.console.recovery import resume_jobs

    if bool(jobs) == all_jobs:
        raise UsageError("resume needs the ids of jobs, or --all", hint="bot.py resume JOB, or resume --all")
    resume_jobs(jobs, run)


def reconcile(run: options.Looking) -> None:
    """Learn the truth about every order of the journal that is open or in doubt; send nothing.

    Examples:

      bot.py reconcile

      bot.py reconcile --json
    """
    from orderkit.console.recovery import reconcile_journal

    reconcile_journal(run)


def stop(job: RunningJobArgument, run: options.Looking) -> None:
    """Ask a running job to end in order, from another terminal.

    Examples:

      bot.py stop twap-7k3m9q2x

      bot.py stop daily-1 --json
    """
    from orderkit.console.recovery import stop_job

    stop_job(job, run, time.time_ns())


def pause(job: RunningJobArgument, run: options.Looking) -> None:
    """Have a running job send nothing more until bot.py resume; its schedule waits with it.

    Examples:

      bot.py pause twap-7k3m9q2x

      bot.py pause daily-1 --json
    """
    from orderkit.console.controlling import control_job
    from orderkit.domain.job import ControlKind

    control_job(job, ControlKind.PAUSE, run)


def finish_now(job: RunningJobArgument, run: options.Acting) -> None:
    """Have a running job do at once what is left of it, instead of on its schedule.

    Examples:

      bot.py finish-now twap-7k3m9q2x

      bot.py finish-now daily-1 --json
    """
    from orderkit.console.controlling import control_job
    from orderkit.domain.job import ControlKind

    control_job(job, ControlKind.FINISH_NOW, run)


def amend(
    job: RunningJobArgument,
    quantity: Annotated[
        str | None,
        typer.Option(
            "--quantity", metavar="QUANTITY", help="The new whole quantity.", rich_help_panel=_CHANGE
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="DURATION",
            help="The new whole duration, from the start.",
            rich_help_panel=_CHANGE,
        ),
    ] = None,
    limit_price: Annotated[
        str | None,
        typer.Option(
            "--limit-price",
            metavar="PRICE",
            help='Wait while the market is worse than this; "none" lifts it.',
            rich_help_panel=_CHANGE,
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            "--style", metavar="STYLE", help="taking, tick-better or passive.", rich_help_panel=_CHANGE
        ),
    ] = None,
    *,
    run: options.Acting,
) -> None:
    """Change what a running job has still to do.

    Examples:

      bot.py amend twap-7k3m9q2x --quantity 0.8

      bot.py amend daily-1 --duration 4h --style passive --json
    """
    from orderkit.console.controlling import control_job
    from orderkit.console.durations import parse_duration_ms
    from orderkit.domain.job import ControlKind
    from orderkit.orders.pacing import read_style
    from orderkit.utils import parse_decimal

    changes: dict[str, str] = {}
    if quantity is not None:
        changes["quantity"] = str(parse_decimal(quantity, "quantity"))
    if duration is not None:
        changes["duration_ms"] = str(parse_duration_ms(duration, "--duration"))
    if limit_price is not None:
        lifted = limit_price.strip().lower() == "none"
        changes["limit_price"] = "none" if lifted else str(parse_decimal(limit_price, "limit price"))
    if style is not None:
        changes["style"] = read_style(style, "--style").value
    if not changes:
        raise UsageError("amend needs something to change", hint="such as --quantity or --duration")
    control_job(job, ControlKind.AMEND, run, changes)
