"""Commands on jobs of the journal: resume, reconcile, stop."""

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
All = Annotated[bool, typer.Option("--all", help="Every unfinished job of this environment.")]


def resume(
    jobs: JobsArgument = None,
    all_jobs: All = False,
    environment: options.EnvironmentOption = None,
    yes: options.Yes = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Go on with jobs that were killed, on what is left of them.

    Orders of the earlier run are asked after first; nothing is sent twice.

    Examples:

      bot.py resume twap-7k3m9q2x

      bot.py resume --all --json
    """
    from orderkit.console.recovery import resume_jobs

    if bool(jobs) == all_jobs:
        raise UsageError("resume needs the ids of jobs, or --all", hint="bot.py resume JOB, or resume --all")
    resume_jobs(jobs, options.RunOptions(environment, json, quiet, yes))


def reconcile(
    environment: options.EnvironmentOption = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn the truth about every order of the journal that is open or in doubt; send nothing.

    Examples:

      bot.py reconcile

      bot.py reconcile --json
    """
    from orderkit.console.recovery import reconcile_journal

    reconcile_journal(options.RunOptions(environment, json, quiet))


def stop(
    job: RunningJobArgument,
    environment: options.EnvironmentOption = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask a running job to end in order, from another terminal.

    Examples:

      bot.py stop twap-7k3m9q2x

      bot.py stop daily-1 --json
    """
    from orderkit.console.recovery import stop_job

    stop_job(job, options.RunOptions(environment, json, quiet), time.time_ns())
