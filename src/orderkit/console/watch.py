"""The commands that look at jobs: ps, show, attach, logs."""

from typing import Annotated

import typer

from orderkit.console import options

_LIST = "List"


def ps(
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Also jobs that are over.", rich_help_panel=_LIST)
    ] = False,
    limit: Annotated[
        int,
        typer.Option("--limit", "-n", metavar="N", min=1, help="The latest N.", rich_help_panel=_LIST),
    ] = 50,
    *,
    run: options.Looking,
) -> None:
    """List the jobs of the journal: state, progress, and how late they are.

    Examples:

      bot.py ps

      bot.py ps --all --json
    """
    from orderkit.console.job_views import list_jobs

    list_jobs(run, every=every, limit=limit)


def show(job: options.JobArgument, run: options.Looking) -> None:
    """Show a job's report from the journal, and what it said of itself.

    Examples:

      bot.py show twap-7k3m9q2x

      bot.py show daily-1 --json
    """
    from orderkit.console.job_views import show_report

    show_report(job, run)


def attach(job: options.JobArgument, run: options.Following) -> None:
    """Watch a job that another process runs until it ends; Ctrl-C leaves the job alone.

    Examples:

      bot.py attach twap-7k3m9q2x

      bot.py attach daily-1 --events
    """
    from orderkit.console.attach import attach as follow

    follow(job, run)


def logs(
    job: options.JobArgument,
    tail: Annotated[
        int | None,
        typer.Option("--tail", "-n", metavar="N", help="Only the last N.", rich_help_panel=_LIST),
    ] = None,
    *,
    run: options.Looking,
) -> None:
    """Show the lines of bot.log that name a job.

    Examples:

      bot.py logs twap-7k3m9q2x

      bot.py logs daily-1 --tail 20 --json
    """
    from orderkit.console.log_views import show_logs

    show_logs(job, tail, run)
